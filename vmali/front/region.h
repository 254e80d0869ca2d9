/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_FRONT_REGION_H
#define VMALI_FRONT_REGION_H

#include "front/message.h"

/*
 * The device's regions: the two BARs and the configuration space.
 *
 * BAR0, the GPU's registers, takes accesses of whole, aligned 32-bit words; others are EINVAL.
 * The driver makes no other (64-bit registers are two accesses). BAR2 would hold the MSI-X table
 * and the pending bits: QEMU has the table itself, and nothing is ever pending here, because an
 * interrupt is delivered when it is raised; so it reads as zero and ignores writes.
 */
struct front_device;

/* VFIO_USER_DEVICE_GET_REGION_INFO. Return: 0 or -EINVAL. */
int region_get_info(const struct message *request, struct message *reply);

/* VFIO_USER_REGION_READ and _WRITE. Return: 0 or -EINVAL, and then nothing was read or written. */
int region_read(struct front_device *device, const struct message *request, struct message *reply);
int region_write(struct front_device *device, const struct message *request, struct message *reply);

#endif
