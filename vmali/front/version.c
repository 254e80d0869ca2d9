// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "front/version.h"

#include <errno.h>
#include <stdio.h>

#include "front/dma.h"

/* Left out on purpose: write_multiple, which would merge writes, and twin_socket. */
#define CAPABILITIES \
	"{\"capabilities\":{" \
	"\"max_msg_fds\":%u," \
	"\"max_data_xfer_size\":%u," \
	"\"max_dma_maps\":%u," \
	"\"pgsizes\":4096" \
	"}}"

static int check_request(const struct message *request)
{
	const struct vfio_user_version *in = (const void *)request->payload;

	if (request->size < sizeof(*in) || in->major || request->fd_count || request->surplus_fds)
		return -EINVAL;
	if (request->size > sizeof(*in) && request->payload[request->size - 1])
		return -EINVAL;
	return 0;
}

int version_negotiate(const struct message *request, struct message *reply)
{
	struct vfio_user_version *out = (void *)reply->payload;
	int ret = check_request(request);

	if (ret)
		return ret;
	*out = (struct vfio_user_version){ 0 };
	ret = snprintf((char *)reply->payload + sizeof(*out), MESSAGE_MAX_PAYLOAD - sizeof(*out),
		       CAPABILITIES, VFIO_USER_MAX_FDS, VFIO_USER_MAX_TRANSFER, DMA_MAP_MAX);
	reply->size = sizeof(*out) + (size_t)ret + 1;
	return 0;
}
