/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_FRONT_DMA_H
#define VMALI_FRONT_DMA_H

#include <stddef.h>

#include "front/message.h"

/*
 * The address ranges mapped by VFIO_USER_DMA_MAP. Ranges with a file are RAM and become guest
 * memory. Ranges without a file (ROM, memory that is not shared) are not accessible to the GPU.
 * They are only recorded, since the client unmaps them like the others.
 */
struct guest_memory;
struct dma_range;

struct dma_map {
	struct guest_memory *mem;
	struct dma_range *ranges;
	size_t count, capacity;
};

void dma_map_init(struct dma_map *map, struct guest_memory *mem);
void dma_map_fini(struct dma_map *map);

/* Remove all ranges and unmap all guest memory. */
void dma_map_clear(struct dma_map *map);

/* Maximum number of ranges, sent to the client as max_dma_maps. */
#define DMA_MAP_MAX 4096

/*
 * VFIO_USER_DMA_MAP. Return: 0; -EINVAL (invalid field, file too short, more than one file),
 * -EEXIST (overlaps a range), -ENOSPC (too many ranges), -ENOMEM, or the error of mmap().
 */
int dma_map_add(struct dma_map *map, const struct message *request);

/* VFIO_USER_DMA_UNMAP. Return: 0, -EINVAL, -ENOENT (not exactly a mapped range). */
int dma_map_remove(struct dma_map *map, const struct message *request, struct message *reply);

#endif
