/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_FRONT_REGION_H
#define VMALI_FRONT_REGION_H

#include "front/message.h"

/*
 * The device's regions: the two BARs and the configuration space.
 *
 * BAR0 has the GPU's registers. Accesses must be whole, aligned 32-bit words; others are EINVAL.
 * The driver makes no other (a 64-bit register takes two accesses). BAR2 is for the MSI-X table and
 * the pending bits. It reads as zero and ignores writes: QEMU implements the table itself, and no
 * interrupt is ever pending, because it is delivered when it is raised.
 */
struct front_device;

/* VFIO_USER_DEVICE_GET_REGION_INFO. Return: 0 or -EINVAL. */
int region_get_info(const struct message *request, struct message *reply);

/* VFIO_USER_REGION_READ and _WRITE. Return: 0 or -EINVAL. A rejected access has no effect. */
int region_read(struct front_device *device, const struct message *request, struct message *reply);
int region_write(struct front_device *device, const struct message *request, struct message *reply);

#endif
