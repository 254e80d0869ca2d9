/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_FRONT_DEVICE_H
#define VMALI_FRONT_DEVICE_H

#include "board.h"
#include "front/dma.h"
#include "front/irq.h"
#include "front/message.h"
#include "front/pci_config.h"

/*
 * The PCI device that clients see: it takes whole requests and fills in replies, and does not
 * know where they come from. The server thread alone calls front_device_handle(); the GPU raises
 * interrupts from any thread.
 *
 * Order of use: front_device_init(), make the GPU with front_device_irq_sink(), then
 * front_device_attach().
 */
struct guest_memory;

struct front_device {
	const struct board_gpu_ops *ops;
	void *gpu;
	struct dma_map dma;
	struct irq_table irqs;
	struct pci_config config;
};

/* @mem stays the caller's. */
void front_device_init(struct front_device *device, struct guest_memory *mem);
void front_device_attach(struct front_device *device, const struct board_gpu_ops *ops, void *gpu);
struct board_irq_sink front_device_irq_sink(struct front_device *device);

/* The client is gone: unmap its memory, close its eventfds. */
void front_device_disconnect(struct front_device *device);
void front_device_fini(struct front_device *device);

/**
 * front_device_handle() - Execute a request
 *
 * Any content of @request is safe, of any size up to MESSAGE_MAX_PAYLOAD; its files may be kept.
 * VFIO_USER_VERSION is the server's and not known here.
 *
 * Return: 0 and @reply's payload filled in, or a negative errno: -EOPNOTSUPP for an unknown
 * command, -EINVAL for a wrong size or unexpected files, else the command's own.
 */
int front_device_handle(struct front_device *device, struct message *request,
			struct message *reply);

#endif
