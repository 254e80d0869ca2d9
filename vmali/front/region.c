// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "front/region.h"

#include <errno.h>
#include <string.h>

#include "front/device.h"
#include "trace/trace.h"

static void regs_read(struct front_device *device, size_t offset, uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i += sizeof(uint32_t)) {
		uint32_t value = device->ops->read32(device->gpu, (uint32_t)(offset + i));

		memcpy(buf + i, &value, sizeof(value));
	}
}

static void regs_write(struct front_device *device, size_t offset, const uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i += sizeof(uint32_t)) {
		uint32_t value;

		memcpy(&value, buf + i, sizeof(value));
		device->ops->write32(device->gpu, (uint32_t)(offset + i), value);
	}
}

static void msix_read(struct front_device *device, size_t offset, uint8_t *buf, size_t len)
{
	(void)device;
	(void)offset;
	memset(buf, 0, len);
}

static void msix_write(struct front_device *device, size_t offset, const uint8_t *buf, size_t len)
{
	(void)device;
	(void)offset;
	(void)buf;
	(void)len;
}

static void config_read(struct front_device *device, size_t offset, uint8_t *buf, size_t len)
{
	pci_config_read(&device->config, offset, buf, len);
}

static void config_write(struct front_device *device, size_t offset, const uint8_t *buf, size_t len)
{
	pci_config_write(&device->config, offset, buf, len);
}

/* @align: offset and length of an access must be multiples of it. */
static const struct region {
	uint32_t size, align;
	void (*read)(struct front_device *device, size_t offset, uint8_t *buf, size_t len);
	void (*write)(struct front_device *device, size_t offset, const uint8_t *buf, size_t len);
} regions[VFIO_USER_REGION_COUNT] = {
	[VFIO_USER_REGION_BAR0] = { PCI_CONFIG_BAR0_SIZE, 4, regs_read, regs_write },
	[VFIO_USER_REGION_BAR2] = { PCI_CONFIG_BAR2_SIZE, 1, msix_read, msix_write },
	[VFIO_USER_REGION_CONFIG] = { PCI_CONFIG_SIZE, 1, config_read, config_write },
};

int region_get_info(const struct message *request, struct message *reply)
{
	const struct vfio_user_region_info *in = (const void *)request->payload;
	struct vfio_user_region_info *out = (void *)reply->payload;
	uint32_t size;

	if (in->argsz < sizeof(*in) || in->index >= VFIO_USER_REGION_COUNT)
		return -EINVAL;
	size = regions[in->index].size;
	*out = (struct vfio_user_region_info){
		.argsz = sizeof(*out),
		.flags = size ? VFIO_USER_REGION_FLAGS_READ | VFIO_USER_REGION_FLAGS_WRITE : 0,
		.index = in->index,
		.size = size,
	};
	reply->size = sizeof(*out);
	return 0;
}

/* The region of an access, or NULL if the access is invalid or not wholly in its region. */
static const struct region *find_region(const struct vfio_user_region_access *access)
{
	const struct region *region;

	if (access->region >= VFIO_USER_REGION_COUNT || !access->count ||
	    access->count > VFIO_USER_MAX_TRANSFER)
		return NULL;
	region = &regions[access->region];
	if (access->offset > region->size || access->count > region->size - access->offset)
		return NULL;
	if (access->offset % region->align || access->count % region->align) {
		log_once("access of %u bytes at 0x%llx of region %u: not whole words",
			 access->count, (unsigned long long)access->offset, access->region);
		return NULL;
	}
	return region;
}

int region_read(struct front_device *device, const struct message *request, struct message *reply)
{
	const struct vfio_user_region_access *in = (const void *)request->payload;
	const struct region *region = find_region(in);

	if (!region)
		return -EINVAL;
	memcpy(reply->payload, in, sizeof(*in));
	region->read(device, (size_t)in->offset, reply->payload + sizeof(*in), in->count);
	reply->size = sizeof(*in) + in->count;
	return 0;
}

int region_write(struct front_device *device, const struct message *request, struct message *reply)
{
	const struct vfio_user_region_access *in = (const void *)request->payload;
	const struct region *region = find_region(in);

	if (!region || request->size != sizeof(*in) + in->count)
		return -EINVAL;
	region->write(device, (size_t)in->offset, request->payload + sizeof(*in), in->count);
	memcpy(reply->payload, in, sizeof(*in));
	reply->size = sizeof(*in);
	return 0;
}
