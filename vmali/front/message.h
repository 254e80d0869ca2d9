/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_FRONT_MESSAGE_H
#define VMALI_FRONT_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "front/protocol.h"

/*
 * Messages on the socket: framing, sizes, file descriptors. Their meaning is in device.c and
 * version.c. One thread receives and sends.
 */

/* Size of the largest request or reply: a region access with its data. */
#define MESSAGE_MAX_PAYLOAD (sizeof(struct vfio_user_region_access) + VFIO_USER_MAX_TRANSFER)

/**
 * struct link - A connection
 * @socket: connected stream socket, not blocking.
 * @stop: file, such as a signalfd, that ends every wait with -ECANCELED when it is readable; or -1.
 */
struct link {
	int socket;
	int stop;
};

/**
 * struct message - A request, or a reply
 * @payload: aligned, so that it can be read as any of the protocol's structures.
 * @size: bytes of @payload in use.
 * @fds: files of a request, owned by the message. A handler that keeps a file replaces it by -1.
 * @surplus_fds: the request had more files than VFIO_USER_MAX_FDS; the surplus is closed already.
 */
struct message {
	struct vfio_user_header header;
	_Alignas(8) uint8_t payload[MESSAGE_MAX_PAYLOAD];
	size_t size;
	int fds[VFIO_USER_MAX_FDS];
	unsigned int fd_count;
	bool surplus_fds;
};

/**
 * message_receive() - Wait for a request
 *
 * Return: 1; 0 if the peer has disconnected, also in the middle of a message; -EPROTO for an
 * invalid header (size out of range, type other than command), after which the start of the next
 * message is unknown; -ECANCELED; another negative errno of the socket. After 1, the caller must
 * call message_close_fds().
 */
int message_receive(const struct link *link, struct message *request);

/* Close the files that no handler has taken over. */
void message_close_fds(struct message *request);

/**
 * message_reply() - Send the reply to @request, unless it has the flag NO_REPLY
 * @reply: payload and size of the reply.
 * @error: 0, or an errno: then only the header is sent.
 *
 * Return: 0, -ECANCELED, or another negative errno of the socket.
 */
int message_reply(const struct link *link, const struct message *request, struct message *reply,
		  int error);

#endif
