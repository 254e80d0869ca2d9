/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_FRONT_MESSAGE_H
#define VMALI_FRONT_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "front/protocol.h"

/*
 * Messages as they come off the socket and go onto it: framing, sizes, file descriptors. What a
 * message means is decided elsewhere. One thread receives and sends.
 */

/* The largest request and the largest reply: a transfer and what stands before its data. */
#define MESSAGE_MAX_PAYLOAD (sizeof(struct vfio_user_region_access) + VFIO_USER_MAX_TRANSFER)

/**
 * struct link - A connection
 * @socket: connected stream socket, not blocking.
 * @stop: when this becomes readable (a signalfd), all waiting ends with -ECANCELED; or -1.
 */
struct link {
	int socket;
	int stop;
};

/**
 * struct message - A request, or a reply
 * @payload: aligned, so that it can be read as any of the protocol's structures.
 * @size: bytes of @payload in use.
 * @fds: files that came with a request, owned by the message. Who keeps one puts -1 in its place.
 * @surplus_fds: more files came than VFIO_USER_MAX_FDS; those are closed already.
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
 * Return: 1; 0 when the peer is gone, between messages or amidst one; -EPROTO when what came
 * can not be the beginning of a message (a size that no message has, a type other than command):
 * where the next one begins is unknown then; -ECANCELED; another negative errno of the socket.
 * Only after 1 has the caller something to give back, with message_close_fds().
 */
int message_receive(const struct link *link, struct message *request);

/* Close the files that no handler took over. */
void message_close_fds(struct message *request);

/**
 * message_reply() - Answer @request, unless it asked for no reply
 * @reply: its payload and size are sent.
 * @error: 0, or an errno, and then only the header is sent.
 *
 * Return: 0, -ECANCELED, or another negative errno of the socket.
 */
int message_reply(const struct link *link, const struct message *request, struct message *reply,
		  int error);

#endif
