/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_FRONT_SERVER_H
#define VMALI_FRONT_SERVER_H

#include "front/device.h"
#include "front/message.h"

/**
 * server_run() - Serve one connection until it ends
 *
 * A request that fails gets an error reply and has no effect. The client's memory and eventfds are
 * still in use when server_run() returns: the caller stops the GPU and then calls
 * front_device_disconnect().
 *
 * Return: 0 if the client disconnected; -EPROTO if it violated the protocol (the log has the
 * reason); -ECANCELED if @stop of the link became readable; another negative errno of the socket.
 */
int server_run(struct front_device *device, const struct link *link);

#endif
