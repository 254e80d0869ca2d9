// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "front/listener.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Temporary name of the socket, in the folder of the final one. */
static int temporary_name(struct sockaddr_un *addr, const char *path)
{
	int len;

	addr->sun_family = AF_UNIX;
	len = snprintf(addr->sun_path, sizeof(addr->sun_path), "%s.%d", path, (int)getpid());
	return len < (int)sizeof(addr->sun_path) ? 0 : -ENAMETOOLONG;
}

static int check_replaceable(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : -errno;
	return S_ISSOCK(st.st_mode) ? 0 : -EEXIST;
}

/* Listen on the bound socket, then rename its file to the final name. */
static int publish(struct listener *listener, const char *temporary)
{
	struct stat st;

	if (listen(listener->fd, 1) || lstat(temporary, &st) || rename(temporary, listener->path))
		return -errno;
	listener->device = st.st_dev;
	listener->inode = st.st_ino;
	return 0;
}

static int bind_and_publish(struct listener *listener)
{
	struct sockaddr_un addr = { 0 };
	int ret = temporary_name(&addr, listener->path);

	if (!ret)
		ret = check_replaceable(listener->path);
	if (ret)
		return ret;
	/* on Linux, bind() creates the file with the mode of the socket */
	if (fchmod(listener->fd, 0600) ||
	    bind(listener->fd, (struct sockaddr *)&addr, sizeof(addr)))
		return -errno;
	ret = publish(listener, addr.sun_path);
	if (ret)
		unlink(addr.sun_path);
	return ret;
}

int listener_open(struct listener *listener, const char *path)
{
	int ret;

	*listener = (struct listener){ .path = path };
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0)
		return -errno;
	ret = bind_and_publish(listener);
	if (ret) {
		close(listener->fd);
		listener->fd = -1;
	}
	return ret;
}

/* True if accept() must be repeated: the client has disconnected, or a signal came. */
static int is_transient(int error)
{
	return error == EAGAIN || error == ECONNABORTED || error == EINTR;
}

int listener_accept(const struct listener *listener, int stop)
{
	struct pollfd fds[] = {
		{ .fd = listener->fd, .events = POLLIN },
		{ .fd = stop, .events = POLLIN },
	};

	for (;;) {
		int fd;

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents)
			return -ECANCELED;
		fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			return fd;
		if (!is_transient(errno))
			return -errno;
	}
}

void listener_close(struct listener *listener)
{
	struct stat st;

	if (listener->fd < 0)
		return;
	if (!lstat(listener->path, &st) && st.st_dev == listener->device &&
	    st.st_ino == listener->inode)
		unlink(listener->path);
	close(listener->fd);
	listener->fd = -1;
}
