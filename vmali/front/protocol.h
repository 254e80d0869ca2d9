/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_FRONT_PROTOCOL_H
#define VMALI_FRONT_PROTOCOL_H

#include <stdint.h>

/*
 * The messages on the vfio-user socket, version 0.0 (QEMU, docs/interop/vfio-user.rst). All fields
 * are in the byte order of the host, on which client and server both run. The comment of each field
 * has its valid values in a request and its value in a reply. In the *_info structures, requests
 * are checked for argsz and index only.
 */

/* clang-format off: keeps each comment on the line of its field */

/* Commands of this server. Other commands get the error EOPNOTSUPP. */
enum vfio_user_command {
	VFIO_USER_VERSION = 1,
	VFIO_USER_DMA_MAP = 2,
	VFIO_USER_DMA_UNMAP = 3,
	VFIO_USER_DEVICE_GET_INFO = 4,
	VFIO_USER_DEVICE_GET_REGION_INFO = 5,
	VFIO_USER_DEVICE_GET_IRQ_INFO = 7,
	VFIO_USER_DEVICE_SET_IRQS = 8,
	VFIO_USER_REGION_READ = 9,
	VFIO_USER_REGION_WRITE = 10,
	VFIO_USER_DEVICE_RESET = 13,
	VFIO_USER_COMMAND_COUNT
};

#define VFIO_USER_TYPE_MASK 0xfu
#define VFIO_USER_TYPE_COMMAND 0x0u
#define VFIO_USER_TYPE_REPLY 0x1u
#define VFIO_USER_NO_REPLY 0x10u
#define VFIO_USER_ERROR 0x20u

struct vfio_user_header {
	uint16_t id; /* any value; reply: that of the request */
	uint16_t command; /* reply: that of the request */
	uint32_t size; /* header and payload, bytes */
	uint32_t flags; /* request: TYPE_COMMAND, optionally NO_REPLY */
	uint32_t error; /* request: ignored; reply with ERROR: errno */
};
_Static_assert(sizeof(struct vfio_user_header) == 16, "vfio-user header");

/* Maximum count of a REGION_READ or REGION_WRITE, sent to the client as max_data_xfer_size. */
#define VFIO_USER_MAX_TRANSFER 4096u

/* Maximum number of files of a message, sent to the client as max_msg_fds. */
#define VFIO_USER_MAX_FDS 8u

struct vfio_user_version {
	uint16_t major; /* 0; reply: 0 */
	uint16_t minor; /* any; reply: 0 */
	/* followed by a JSON object and a NUL, optional in a request */
};
_Static_assert(sizeof(struct vfio_user_version) == 4, "vfio-user version");

#define VFIO_USER_DEVICE_FLAGS_RESET 0x1u
#define VFIO_USER_DEVICE_FLAGS_PCI 0x2u

struct vfio_user_device_info {
	uint32_t argsz; /* at least this structure; reply: its size */
	uint32_t flags; /* 0; reply: DEVICE_FLAGS_* */
	uint32_t num_regions; /* 0; reply: number of regions, including empty ones */
	uint32_t num_irqs; /* 0; reply: number of indices, including empty ones */
};
_Static_assert(sizeof(struct vfio_user_device_info) == 16, "vfio-user device info");

/* Regions of a PCI device, fixed by <linux/vfio.h>. */
enum vfio_user_region {
	VFIO_USER_REGION_BAR0,
	VFIO_USER_REGION_BAR1,
	VFIO_USER_REGION_BAR2,
	VFIO_USER_REGION_BAR3,
	VFIO_USER_REGION_BAR4,
	VFIO_USER_REGION_BAR5,
	VFIO_USER_REGION_ROM,
	VFIO_USER_REGION_CONFIG,
	VFIO_USER_REGION_VGA,
	VFIO_USER_REGION_COUNT
};

#define VFIO_USER_REGION_FLAGS_READ 0x1u
#define VFIO_USER_REGION_FLAGS_WRITE 0x2u

struct vfio_user_region_info {
	uint32_t argsz; /* at least this structure; reply: its size */
	uint32_t flags; /* 0; reply: REGION_FLAGS_*, 0 for an empty region */
	uint32_t index; /* below REGION_COUNT; reply: that of the request */
	uint32_t cap_offset; /* 0; reply: 0, no capabilities */
	uint64_t size; /* 0; reply: bytes of the region */
	uint64_t offset; /* 0; reply: 0, the client can map no region */
};
_Static_assert(sizeof(struct vfio_user_region_info) == 32, "vfio-user region info");

struct vfio_user_region_access {
	uint64_t offset; /* bytes from the start of the region; reply: that of the request */
	uint32_t region; /* a region that is not empty; reply: that of the request */
	uint32_t count; /* bytes, 1..MAX_TRANSFER; reply: that of the request */
	/* followed by @count bytes in the request of a write and in the reply of a read */
};
_Static_assert(sizeof(struct vfio_user_region_access) == 16, "vfio-user region access");

/* Interrupt indices of a PCI device, fixed by <linux/vfio.h>. */
enum vfio_user_irq {
	VFIO_USER_IRQ_INTX,
	VFIO_USER_IRQ_MSI,
	VFIO_USER_IRQ_MSIX,
	VFIO_USER_IRQ_ERR,
	VFIO_USER_IRQ_REQ,
	VFIO_USER_IRQ_COUNT
};

#define VFIO_USER_IRQ_FLAGS_EVENTFD 0x1u

struct vfio_user_irq_info {
	uint32_t argsz; /* at least this structure; reply: its size */
	uint32_t flags; /* 0; reply: IRQ_FLAGS_* */
	uint32_t index; /* below IRQ_COUNT; reply: that of the request */
	uint32_t count; /* 0; reply: number of interrupts of the index */
};
_Static_assert(sizeof(struct vfio_user_irq_info) == 16, "vfio-user IRQ info");

#define VFIO_USER_IRQ_DATA_NONE 0x01u
#define VFIO_USER_IRQ_DATA_BOOL 0x02u
#define VFIO_USER_IRQ_DATA_EVENTFD 0x04u
#define VFIO_USER_IRQ_DATA_MASK 0x07u
#define VFIO_USER_IRQ_ACTION_MASK 0x08u
#define VFIO_USER_IRQ_ACTION_UNMASK 0x10u
#define VFIO_USER_IRQ_ACTION_TRIGGER 0x20u

struct vfio_user_irq_set {
	uint32_t argsz; /* size of the payload: this structure and its data */
	uint32_t flags; /* one DATA_* and ACTION_TRIGGER: masking is not supported */
	uint32_t index; /* below IRQ_COUNT */
	uint32_t start; /* first interrupt */
	uint32_t count; /* start + count: within the index; 0: see front/irq.h */
	/* followed by @count bytes with DATA_BOOL */
};
_Static_assert(sizeof(struct vfio_user_irq_set) == 20, "vfio-user IRQ set");

#define VFIO_USER_DMA_READABLE 0x1u
#define VFIO_USER_DMA_WRITABLE 0x2u

struct vfio_user_dma_map {
	uint32_t argsz; /* at least this structure */
	uint32_t flags; /* DMA_READABLE, optionally DMA_WRITABLE */
	uint64_t offset; /* in the file of the message, a multiple of 4 KiB */
	uint64_t address; /* guest physical, a multiple of 4 KiB */
	uint64_t size; /* bytes, a multiple of 4 KiB, not 0 */
};
_Static_assert(sizeof(struct vfio_user_dma_map) == 32, "vfio-user DMA map");

#define VFIO_USER_DMA_UNMAP_ALL 0x2u

struct vfio_user_dma_unmap {
	uint32_t argsz; /* at least this structure; reply: a copy of the request */
	uint32_t flags; /* 0, or UNMAP_ALL */
	uint64_t address; /* address of a mapped range; 0 with UNMAP_ALL */
	uint64_t size; /* size of that range; 0 with UNMAP_ALL */
};
_Static_assert(sizeof(struct vfio_user_dma_unmap) == 24, "vfio-user DMA unmap");

/* clang-format on */

#endif
