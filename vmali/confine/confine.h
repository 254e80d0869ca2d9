/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_CONFINE_CONFINE_H
#define VMALI_CONFINE_CONFINE_H

/**
 * confine() - Give up all system calls but those of serving a client
 *
 * The client is hostile: its messages and its memory must not lead to more than wrong answers. After
 * this call no thread can open a file, make a socket or a process, or map memory as executable. What is
 * open stays usable, and the client can still send files. Any other call ends the process with status 1
 * and a line on standard error.
 *
 * All threads must exist: a later one cannot be created. In a build with sanitizers nothing is given up,
 * since their runtime opens files and makes processes.
 *
 * Return: 0, or a negative errno.
 */
int confine(void);

#endif
