/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_FIRMWARE_LAYOUT_H
#define VMALI_FIRMWARE_LAYOUT_H

/*
 * Shared by the firmware image and the MCU model: the one section of the image, in which
 * driver and firmware exchange control blocks, requests and acknowledgements.
 */

/* MCU virtual address of the section; CSF_MCU_SHARED_REGION_START in panthor_fw.c fixes it. */
#define FIRMWARE_SHARED_VA 0x04000000u

/*
 * Its size in bytes. Everything else that the driver maps for the MCU (queue interfaces, suspend
 * buffers) has to fit after it, within the 64 MiB of CSF_MCU_SHARED_REGION_SIZE.
 */
#define FIRMWARE_SHARED_SIZE 0x00080000u

#endif
