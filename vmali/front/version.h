/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_FRONT_VERSION_H
#define VMALI_FRONT_VERSION_H

#include "front/message.h"

/*
 * VFIO_USER_VERSION: accept version 0 and send the limits of this server. The client's capabilities
 * are not parsed, because the server sends no commands and no files.
 *
 * Return: 0, or -EINVAL for another major version, a payload that is too short, text without a NUL
 * at its end, or a request with files.
 */
int version_negotiate(const struct message *request, struct message *reply);

#endif
