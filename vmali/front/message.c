// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "front/message.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "trace/trace.h"

/* Wait until the socket is ready for @events. */
static int wait_for(const struct link *link, short events)
{
	struct pollfd fds[] = {
		{ .fd = link->socket, .events = events },
		{ .fd = link->stop, .events = POLLIN },
	};

	if (poll(fds, 2, -1) < 0)
		return errno == EINTR ? 0 : -errno;
	return fds[1].revents ? -ECANCELED : 0;
}

static void take_fd(struct message *message, int fd)
{
	if (message->fd_count < VFIO_USER_MAX_FDS) {
		message->fds[message->fd_count++] = fd;
		return;
	}
	message->surplus_fds = true;
	close(fd);
}

static void take_fds(struct message *message, struct msghdr *msg)
{
	struct cmsghdr *cmsg;

	/* the kernel has dropped the files that did not fit */
	if (msg->msg_flags & MSG_CTRUNC)
		message->surplus_fds = true;
	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd), sizeof(fd));
			take_fd(message, fd);
		}
	}
}

/* Receive up to @len bytes. Return: their number, 0 at the end of the stream, or an error. */
static ssize_t receive_some(const struct link *link, struct message *message, void *buf, size_t len)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(VFIO_USER_MAX_FDS * sizeof(int))];
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t received = recvmsg(link->socket, &msg, MSG_CMSG_CLOEXEC);

	if (received < 0)
		return -errno;
	take_fds(message, &msg);
	return received;
}

static bool would_block(ssize_t error)
{
	return error == -EAGAIN || error == -EINTR;
}

/* Receive exactly @len bytes. Return: 1, 0 at the end of the stream, or a negative errno. */
static int receive_all(const struct link *link, struct message *message, void *buf, size_t len)
{
	uint8_t *at = buf;

	while (len) {
		ssize_t received = receive_some(link, message, at, len);
		int ret;

		if (received > 0) {
			at += received;
			len -= (size_t)received;
			continue;
		}
		if (!would_block(received))
			return (int)received;
		ret = wait_for(link, POLLIN);
		if (ret)
			return ret;
	}
	return 1;
}

static int check_header(const struct vfio_user_header *header)
{
	if (header->size < sizeof(*header) ||
	    header->size - sizeof(*header) > MESSAGE_MAX_PAYLOAD) {
		log_once("vfio-user: a message of %u bytes", header->size);
		return -EPROTO;
	}
	if ((header->flags & VFIO_USER_TYPE_MASK) != VFIO_USER_TYPE_COMMAND) {
		log_once("vfio-user: a message of type %u, where only commands are due",
			 header->flags & VFIO_USER_TYPE_MASK);
		return -EPROTO;
	}
	return 1;
}

static int receive_message(const struct link *link, struct message *request)
{
	/* check for a stop before every message, even if the client sends without a pause */
	int ret = wait_for(link, POLLIN);

	if (ret)
		return ret;
	ret = receive_all(link, request, &request->header, sizeof(request->header));
	if (ret == 1)
		ret = check_header(&request->header);
	if (ret != 1)
		return ret;
	request->size = request->header.size - sizeof(request->header);
	return receive_all(link, request, request->payload, request->size);
}

int message_receive(const struct link *link, struct message *request)
{
	int ret;

	request->size = 0;
	request->fd_count = 0;
	request->surplus_fds = false;
	ret = receive_message(link, request);
	if (ret != 1)
		message_close_fds(request);
	/* the stream ends with ECONNRESET if the peer has closed it with unread replies */
	return ret == -ECONNRESET ? 0 : ret;
}

void message_close_fds(struct message *request)
{
	for (unsigned int i = 0; i < request->fd_count; i++) {
		if (request->fds[i] >= 0)
			close(request->fds[i]);
	}
	request->fd_count = 0;
}

static int send_all(const struct link *link, const void *buf, size_t len)
{
	const uint8_t *at = buf;

	while (len) {
		ssize_t sent = send(link->socket, at, len, MSG_NOSIGNAL);
		int ret;

		if (sent >= 0) {
			at += sent;
			len -= (size_t)sent;
			continue;
		}
		if (!would_block(-errno))
			return -errno;
		ret = wait_for(link, POLLOUT);
		if (ret)
			return ret;
	}
	return 0;
}

int message_reply(const struct link *link, const struct message *request, struct message *reply,
		  int error)
{
	_Static_assert(offsetof(struct message, payload) == sizeof(struct vfio_user_header),
		       "a message's header and payload are sent as one");
	size_t size = sizeof(reply->header) + (error ? 0 : reply->size);

	if (request->header.flags & VFIO_USER_NO_REPLY)
		return 0;
	reply->header = (struct vfio_user_header){
		.id = request->header.id,
		.command = request->header.command,
		.size = (uint32_t)size,
		.flags = VFIO_USER_TYPE_REPLY | (error ? VFIO_USER_ERROR : 0),
		.error = (uint32_t)error,
	};
	return send_all(link, reply, size);
}
