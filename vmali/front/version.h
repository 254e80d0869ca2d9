/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_FRONT_VERSION_H
#define VMALI_FRONT_VERSION_H

#include "front/message.h"

/*
 * VFIO_USER_VERSION: agree on 0.0 and tell the limits of this server. What the client can do is
 * of no interest, for the server sends it neither commands nor files; so its JSON is not parsed.
 *
 * Return: 0, or -EINVAL: another major version, a payload too short, text that does not end with
 * a NUL.
 */
int version_negotiate(const struct message *request, struct message *reply);

#endif
