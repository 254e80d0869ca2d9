/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_FRONT_PROTOCOL_H
#define VMALI_FRONT_PROTOCOL_H

#include <stdint.h>

/*
 * The messages on the vfio-user socket, version 0.0 (QEMU, docs/interop/vfio-user.rst). All of it
 * is in the byte order of the host, on which client and server both run. Beside each field: the
 * rule by which a request is accepted, and what a reply holds.
 */

/* clang-format off: the rules stand in a column */

/* Commands that this server knows; the document's others are answered with ENOTSUP. */
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
	uint16_t id; /* any value; a reply repeats it */
	uint16_t command; /* a reply repeats it */
	uint32_t size; /* header and payload, bytes */
	uint32_t flags; /* request: TYPE_COMMAND, perhaps NO_REPLY, nothing else */
	uint32_t error; /* request: ignored; reply with ERROR: errno */
};
_Static_assert(sizeof(struct vfio_user_header) == 16, "vfio-user header");

/* The largest payload of a REGION_READ or REGION_WRITE, offered as max_data_xfer_size. */
#define VFIO_USER_MAX_TRANSFER 4096u

/* Files accepted with one message, offered as max_msg_fds. */
#define VFIO_USER_MAX_FDS 8u

struct vfio_user_version {
	uint16_t major; /* 0; a reply repeats it */
	uint16_t minor; /* any; reply: 0 */
	/* then, perhaps, a JSON object and a NUL; reply: always */
};
_Static_assert(sizeof(struct vfio_user_version) == 4, "vfio-user version");

#define VFIO_USER_DEVICE_FLAGS_RESET 0x1u
#define VFIO_USER_DEVICE_FLAGS_PCI 0x2u

struct vfio_user_device_info {
	uint32_t argsz; /* at least this structure; reply: its size */
	uint32_t flags; /* 0; reply: DEVICE_FLAGS_* */
	uint32_t num_regions; /* 0; reply: regions, also the empty ones */
	uint32_t num_irqs; /* 0; reply: interrupt indices, also the empty ones */
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
	uint32_t flags; /* 0; reply: REGION_FLAGS_*, 0: there is no such region */
	uint32_t index; /* below REGION_COUNT; a reply repeats it */
	uint32_t cap_offset; /* 0; reply: 0, there are no capabilities */
	uint64_t size; /* 0; reply: bytes */
	uint64_t offset; /* 0; reply: 0, nothing can be mapped by the client */
};
_Static_assert(sizeof(struct vfio_user_region_info) == 32, "vfio-user region info");

struct vfio_user_region_access {
	uint64_t offset; /* in the region, bytes; a reply repeats it */
	uint32_t region; /* a region with a size; a reply repeats it */
	uint32_t count; /* bytes, 1..MAX_TRANSFER; a reply repeats it */
	/* then @count bytes, in the request of a write and in the reply of a read */
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
	uint32_t index; /* below IRQ_COUNT; a reply repeats it */
	uint32_t count; /* 0; reply: interrupts of this index */
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
	uint32_t flags; /* one DATA_* and ACTION_TRIGGER: no index can be masked */
	uint32_t index; /* below IRQ_COUNT */
	uint32_t start; /* first interrupt */
	uint32_t count; /* start + count: at most the index's; 0: see front/irq.h */
	/* then, with DATA_BOOL, @count bytes */
};
_Static_assert(sizeof(struct vfio_user_irq_set) == 20, "vfio-user IRQ set");

#define VFIO_USER_DMA_READABLE 0x1u
#define VFIO_USER_DMA_WRITABLE 0x2u

struct vfio_user_dma_map {
	uint32_t argsz; /* at least this structure */
	uint32_t flags; /* DMA_READABLE, perhaps DMA_WRITABLE */
	uint64_t offset; /* in the file that comes with it, a multiple of 4 KiB */
	uint64_t address; /* guest physical, a multiple of 4 KiB */
	uint64_t size; /* bytes, a multiple of 4 KiB, not 0 */
};
_Static_assert(sizeof(struct vfio_user_dma_map) == 32, "vfio-user DMA map");

#define VFIO_USER_DMA_UNMAP_ALL 0x2u

struct vfio_user_dma_unmap {
	uint32_t argsz; /* at least this structure; the reply repeats the request */
	uint32_t flags; /* 0, or UNMAP_ALL */
	uint64_t address; /* exactly that of an earlier map; with UNMAP_ALL 0 */
	uint64_t size; /* likewise */
};
_Static_assert(sizeof(struct vfio_user_dma_unmap) == 24, "vfio-user DMA unmap");

/* clang-format on */

#endif
