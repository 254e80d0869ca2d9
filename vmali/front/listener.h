/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_FRONT_LISTENER_H
#define VMALI_FRONT_LISTENER_H

#include <sys/types.h>

/**
 * struct listener - The Unix socket that the client connects to
 * @fd: listening socket, or -1.
 * @path: its name.
 * @device, @inode: identify its file, so that listener_close() removes no other file.
 */
struct listener {
	int fd;
	const char *path;
	dev_t device;
	ino_t inode;
};

/**
 * listener_open() - Listen at @path
 * @path: kept, not copied.
 *
 * The socket gets its name when it is ready for connections. Only its owner can connect. A socket
 * with this name is replaced, any other file is kept.
 *
 * Return: 0; -ENAMETOOLONG (107 bytes at most, including a temporary suffix); -EEXIST (a file that
 * is no socket); or a negative errno of the system.
 */
int listener_open(struct listener *listener, const char *path);

/**
 * listener_accept() - Wait for a client
 * @stop: file that ends the wait when it becomes readable, or -1.
 *
 * Return: a connected non-blocking socket, -ECANCELED (@stop), or another negative errno.
 */
int listener_accept(const struct listener *listener, int stop);

/* Stop listening, and remove the file if it is still this socket. */
void listener_close(struct listener *listener);

#endif
