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
 * The PCI device: executes whole requests and fills in their replies, independent of the transport
 * of the messages. Only the server thread calls front_device_handle(). The GPU raises interrupts
 * from any thread.
 *
 * Order of use: front_device_init(), create the GPU with front_device_irq_sink(), then
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

/* The caller keeps ownership of @mem. */
void front_device_init(struct front_device *device, struct guest_memory *mem);
void front_device_attach(struct front_device *device, const struct board_gpu_ops *ops, void *gpu);
struct board_irq_sink front_device_irq_sink(struct front_device *device);

/* After the client has disconnected: unmap its memory, close its eventfds. */
void front_device_disconnect(struct front_device *device);
void front_device_fini(struct front_device *device);

/**
 * front_device_handle() - Execute a request
 *
 * Any content of @request is safe, of any size up to MESSAGE_MAX_PAYLOAD. A command may take over
 * the files of @request. VFIO_USER_VERSION is executed by the server and unknown here.
 *
 * Return: 0 with the payload of @reply filled in, or a negative errno: -EOPNOTSUPP for an unknown
 * command, -EINVAL for a wrong size or unexpected files, else the error of the command.
 */
int front_device_handle(struct front_device *device, struct message *request,
			struct message *reply);

#endif
