// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "front/device.h"

#include <errno.h>

#include "front/region.h"
#include "trace/trace.h"

void front_device_init(struct front_device *device, struct guest_memory *mem)
{
	*device = (struct front_device){ 0 };
	dma_map_init(&device->dma, mem);
	irq_table_init(&device->irqs);
	pci_config_reset(&device->config);
}

void front_device_attach(struct front_device *device, const struct board_gpu_ops *ops, void *gpu)
{
	device->ops = ops;
	device->gpu = gpu;
}

struct board_irq_sink front_device_irq_sink(struct front_device *device)
{
	return irq_table_sink(&device->irqs);
}

void front_device_disconnect(struct front_device *device)
{
	irq_table_clear(&device->irqs);
	dma_map_clear(&device->dma);
}

void front_device_fini(struct front_device *device)
{
	irq_table_fini(&device->irqs);
	dma_map_fini(&device->dma);
}

static int handle_dma_map(struct front_device *device, struct message *request,
			  struct message *reply)
{
	(void)reply;
	return dma_map_add(&device->dma, request);
}

static int handle_dma_unmap(struct front_device *device, struct message *request,
			    struct message *reply)
{
	return dma_map_remove(&device->dma, request, reply);
}

static int handle_get_info(struct front_device *device, struct message *request,
			   struct message *reply)
{
	const struct vfio_user_device_info *in = (const void *)request->payload;
	struct vfio_user_device_info *out = (void *)reply->payload;

	(void)device;
	if (in->argsz < sizeof(*in))
		return -EINVAL;
	*out = (struct vfio_user_device_info){
		.argsz = sizeof(*out),
		.flags = VFIO_USER_DEVICE_FLAGS_RESET | VFIO_USER_DEVICE_FLAGS_PCI,
		.num_regions = VFIO_USER_REGION_COUNT,
		.num_irqs = VFIO_USER_IRQ_COUNT,
	};
	reply->size = sizeof(*out);
	return 0;
}

static int handle_get_region_info(struct front_device *device, struct message *request,
				  struct message *reply)
{
	(void)device;
	return region_get_info(request, reply);
}

static int handle_get_irq_info(struct front_device *device, struct message *request,
			       struct message *reply)
{
	(void)device;
	return irq_get_info(request, reply);
}

static int handle_set_irqs(struct front_device *device, struct message *request,
			   struct message *reply)
{
	(void)reply;
	return irq_set(&device->irqs, request);
}

static int handle_region_read(struct front_device *device, struct message *request,
			      struct message *reply)
{
	return region_read(device, request, reply);
}

static int handle_region_write(struct front_device *device, struct message *request,
			       struct message *reply)
{
	return region_write(device, request, reply);
}

/* A reset keeps the memory and the eventfds that the client has set up. */
static int handle_reset(struct front_device *device, struct message *request, struct message *reply)
{
	(void)request;
	(void)reply;
	trace("pci", "function reset");
	pci_config_reset(&device->config);
	device->ops->reset(device->gpu);
	return 0;
}

/*
 * The payload of a request has @payload bytes. Flags in @allowed: MORE_DATA, the payload may be
 * longer; FILES, the request may have files.
 */
enum {
	MORE_DATA = 1,
	FILES = 2
};

/* clang-format off */
static const struct command {
	int (*handle)(struct front_device *device, struct message *request,
		      struct message *reply);
	size_t payload;
	unsigned int allowed;
} commands[VFIO_USER_COMMAND_COUNT] = {
	[VFIO_USER_DMA_MAP] = {
		handle_dma_map, sizeof(struct vfio_user_dma_map), FILES },
	[VFIO_USER_DMA_UNMAP] = {
		handle_dma_unmap, sizeof(struct vfio_user_dma_unmap), 0 },
	[VFIO_USER_DEVICE_GET_INFO] = {
		handle_get_info, sizeof(struct vfio_user_device_info), 0 },
	[VFIO_USER_DEVICE_GET_REGION_INFO] = {
		handle_get_region_info, sizeof(struct vfio_user_region_info), 0 },
	[VFIO_USER_DEVICE_GET_IRQ_INFO] = {
		handle_get_irq_info, sizeof(struct vfio_user_irq_info), 0 },
	[VFIO_USER_DEVICE_SET_IRQS] = {
		handle_set_irqs, sizeof(struct vfio_user_irq_set), MORE_DATA | FILES },
	[VFIO_USER_REGION_READ] = {
		handle_region_read, sizeof(struct vfio_user_region_access), 0 },
	[VFIO_USER_REGION_WRITE] = {
		handle_region_write, sizeof(struct vfio_user_region_access), MORE_DATA },
	[VFIO_USER_DEVICE_RESET] = { handle_reset, 0, 0 },
};
/* clang-format on */

static int check_shape(const struct command *command, const struct message *request)
{
	if (request->size < command->payload ||
	    (request->size > command->payload && !(command->allowed & MORE_DATA)))
		return -EINVAL;
	if (request->surplus_fds || (request->fd_count && !(command->allowed & FILES)))
		return -EINVAL;
	return 0;
}

int front_device_handle(struct front_device *device, struct message *request, struct message *reply)
{
	uint16_t number = request->header.command;
	int ret;

	reply->size = 0;
	if (number >= VFIO_USER_COMMAND_COUNT || !commands[number].handle)
		return -EOPNOTSUPP;
	ret = check_shape(&commands[number], request);
	return ret ? ret : commands[number].handle(device, request, reply);
}
