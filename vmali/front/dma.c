// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "front/dma.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memory/guest_memory.h"
#include "trace/trace.h"

#define DMA_PAGE_MASK 0xfffull

_Static_assert(DMA_MAP_MAX <= GUEST_MEMORY_MAX_REGIONS, "what is offered must be possible");

struct dma_range {
	uint64_t address, last; /* inclusive */
	bool is_ram;
};

void dma_map_init(struct dma_map *map, struct guest_memory *mem)
{
	*map = (struct dma_map){ .mem = mem };
}

void dma_map_fini(struct dma_map *map)
{
	dma_map_clear(map);
	free(map->ranges);
}

void dma_map_clear(struct dma_map *map)
{
	guest_memory_unmap_all(map->mem);
	map->count = 0;
}

static int check_range(uint64_t address, uint64_t size)
{
	if (!size || (address | size) & DMA_PAGE_MASK || size - 1 > UINT64_MAX - address)
		return -EINVAL;
	return 0;
}

static bool overlaps(const struct dma_map *map, const struct dma_range *new)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct dma_range *range = &map->ranges[i];

		if (range->address <= new->last && new->address <= range->last)
			return true;
	}
	return false;
}

static int reserve_one(struct dma_map *map)
{
	size_t capacity = map->capacity ? 2 * map->capacity : 16;
	struct dma_range *ranges;

	if (map->count == DMA_MAP_MAX)
		return -ENOSPC;
	if (map->count < map->capacity)
		return 0;
	ranges = realloc(map->ranges, capacity * sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	map->ranges = ranges;
	map->capacity = capacity;
	return 0;
}

static int check_map(const struct vfio_user_dma_map *in, const struct message *request)
{
	uint32_t known = VFIO_USER_DMA_READABLE | VFIO_USER_DMA_WRITABLE;

	if (in->argsz < sizeof(*in) || in->flags & ~known ||
	    !(in->flags & VFIO_USER_DMA_READABLE) || request->fd_count > 1)
		return -EINVAL;
	return check_range(in->address, in->size);
}

/* A range may overlap no other range, even if one of them is not RAM. */
static int add_range(struct dma_map *map, const struct vfio_user_dma_map *in, const int *fd)
{
	struct dma_range range = {
		.address = in->address,
		.last = in->address + (in->size - 1),
		.is_ram = fd,
	};
	int ret;

	if (overlaps(map, &range))
		return -EEXIST;
	ret = reserve_one(map);
	if (!ret && fd)
		ret = guest_memory_map(map->mem, *fd, in->offset, in->address, in->size,
				       in->flags & VFIO_USER_DMA_WRITABLE);
	if (!ret)
		map->ranges[map->count++] = range;
	return ret;
}

int dma_map_add(struct dma_map *map, const struct message *request)
{
	const struct vfio_user_dma_map *in = (const void *)request->payload;
	int ret = check_map(in, request);

	if (!ret)
		ret = add_range(map, in, request->fd_count ? &request->fds[0] : NULL);
	trace("dma", "map 0x%llx..0x%llx %s%s%s", (unsigned long long)in->address,
	      (unsigned long long)(in->address + in->size - 1),
	      request->fd_count ? "RAM" : "no RAM",
	      in->flags & VFIO_USER_DMA_WRITABLE ? "" : ", read-only", ret ? ": refused" : "");
	return ret;
}

static int remove_range(struct dma_map *map, uint64_t address, uint64_t size)
{
	for (size_t i = 0; i < map->count; i++) {
		struct dma_range *range = &map->ranges[i];

		if (range->address != address || range->last - range->address != size - 1)
			continue;
		if (range->is_ram)
			guest_memory_unmap(map->mem, address, size);
		*range = map->ranges[--map->count];
		return 0;
	}
	return -ENOENT;
}

int dma_map_remove(struct dma_map *map, const struct message *request, struct message *reply)
{
	const struct vfio_user_dma_unmap *in = (const void *)request->payload;
	int ret = 0;

	if (in->argsz < sizeof(*in) || in->flags & ~VFIO_USER_DMA_UNMAP_ALL)
		return -EINVAL;
	trace("dma", "unmap 0x%llx..0x%llx%s", (unsigned long long)in->address,
	      (unsigned long long)(in->address + in->size - 1), in->flags ? ", all" : "");
	if (!(in->flags & VFIO_USER_DMA_UNMAP_ALL))
		ret = remove_range(map, in->address, in->size);
	else if (in->address || in->size)
		ret = -EINVAL;
	else
		dma_map_clear(map);
	if (ret)
		return ret;
	memcpy(reply->payload, in, sizeof(*in));
	reply->size = sizeof(*in);
	return 0;
}
