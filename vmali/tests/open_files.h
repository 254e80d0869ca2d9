/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_TESTS_OPEN_FILES_H
#define VMALI_TESTS_OPEN_FILES_H

#include <dirent.h>

/* Files that this process has open: the same before and after, or one was leaked. */
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
