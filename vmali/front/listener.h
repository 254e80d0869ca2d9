/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_FRONT_LISTENER_H
#define VMALI_FRONT_LISTENER_H

#include <sys/types.h>

/**
 * struct listener - The Unix socket that the client connects to
 * @fd: listening socket, or -1.
 * @path: its name.
 * @device, @inode: which file it is, so that no other is ever removed.
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
 * The file appears under its name once it can be connected to, and only its owner can. A socket
 * of that name is replaced, any other file is not.
 *
 * Return: 0; -ENAMETOOLONG (a socket's name has 107 bytes, a temporary suffix takes some of
 * them); -EEXIST (a file that is no socket); or a negative errno of the system.
 */
int listener_open(struct listener *listener, const char *path);

/**
 * listener_accept() - Wait for a client
 * @stop: the wait ends when this becomes readable, or -1.
 *
 * Return: a connected socket that does not block, -ECANCELED, or another negative errno.
 */
int listener_accept(const struct listener *listener, int stop);

/* Stop listening, and remove the file if it is still this socket. */
void listener_close(struct listener *listener);

#endif
