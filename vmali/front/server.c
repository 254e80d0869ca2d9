// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "front/server.h"

#include <errno.h>
#include <string.h>

#include "front/version.h"
#include "trace/trace.h"

static int handle(struct front_device *device, struct message *request, struct message *reply)
{
	reply->size = 0;
	if (request->header.flags & ~(VFIO_USER_TYPE_MASK | VFIO_USER_NO_REPLY))
		return -EINVAL;
	return front_device_handle(device, request, reply);
}

/* The first request must be VFIO_USER_VERSION. */
static int handle_first(struct message *request, struct message *reply)
{
	reply->size = 0;
	if (request->header.command != VFIO_USER_VERSION)
		return -EINVAL;
	return version_negotiate(request, reply);
}

/* Send the reply and close the files of the request. Return: 1, or the result of server_run(). */
static int finish(const struct link *link, struct message *request, struct message *reply,
		  int result)
{
	int ret = message_reply(link, request, reply, -result);

	message_close_fds(request);
	if (ret == -EPIPE || ret == -ECONNRESET)
		return 0;
	return ret ? ret : 1;
}

static int serve_first(const struct link *link, struct message *request, struct message *reply)
{
	int ret = message_receive(link, request);
	int result;

	if (ret != 1)
		return ret;
	result = handle_first(request, reply);
	ret = finish(link, request, reply, result);
	if (result) {
		log_once("vfio-user: no agreement on the version");
		return -EPROTO;
	}
	return ret;
}

static int serve_one(struct front_device *device, const struct link *link, struct message *request,
		     struct message *reply)
{
	int ret = message_receive(link, request);
	int result;

	if (ret != 1)
		return ret;
	result = handle(device, request, reply);
	if (result)
		log_once("vfio-user: command %u: %s; more of this is not reported",
			 request->header.command, strerror(-result));
	return finish(link, request, reply, result);
}

int server_run(struct front_device *device, const struct link *link)
{
	struct message request, reply;
	int ret = serve_first(link, &request, &reply);

	while (ret == 1)
		ret = serve_one(device, link, &request, &reply);
	return ret;
}
