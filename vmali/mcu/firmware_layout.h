/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_FIRMWARE_LAYOUT_H
#define VMALI_FIRMWARE_LAYOUT_H

/*
 * Used by the firmware image and the MCU model: the only section of the image, in which driver and
 * firmware exchange control blocks, requests and acknowledgements.
 */

/* MCU virtual address of the section: CSF_MCU_SHARED_REGION_START in panthor_fw.c. */
#define FIRMWARE_SHARED_VA 0x04000000u

/*
 * Size of the section in bytes. All other mappings of the driver for the MCU (queue interfaces,
 * suspend buffers) must fit behind it, within the 64 MiB of CSF_MCU_SHARED_REGION_SIZE.
 */
#define FIRMWARE_SHARED_SIZE 0x00080000u

#endif
