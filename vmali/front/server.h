/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_FRONT_SERVER_H
#define VMALI_FRONT_SERVER_H

#include "front/device.h"
#include "front/message.h"

/**
 * server_run() - Serve one connection until it ends
 *
 * A request that cannot be done is answered with an error and changes nothing. The client's
 * memory and eventfds are still there when this returns: stop what uses them, then call
 * front_device_disconnect().
 *
 * Return: 0 when the client disconnected; -EPROTO when it does not speak the protocol (the
 * reason was logged); -ECANCELED when the link's stop became readable; another negative errno
 * of the socket.
 */
int server_run(struct front_device *device, const struct link *link);

#endif
