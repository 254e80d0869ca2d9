/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_TESTS_OPEN_FILES_H
#define VMALI_TESTS_OPEN_FILES_H

#include <dirent.h>

/* Number of open files of this process. A test compares it to find leaked files. */
static inline unsigned int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;

	if (!dir)
		return 0;
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

#endif
