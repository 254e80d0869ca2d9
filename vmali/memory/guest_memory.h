/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_GUEST_MEMORY_H
#define VMALI_GUEST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The guest's RAM: a list of regions, mapped and unmapped by the transport while the guest's
 * firmware sets up its memory controller, read and written by guest physical address (GPA)
 * through accessors that check bounds, may cross regions and say little-endian. No pointer into
 * guest memory leaves this room, so an unmap can never race with an access: every function takes
 * the map's own lock and may be called from any thread.
 *
 * Assumption: the file behind a region does not shrink while mapped, which would
 * turn an access into a SIGBUS. The guest cannot do that, only the process that shares the file;
 * QEMU's memory-backend-memfd seals it against shrinking.
 */
struct guest_memory;

/* More than any machine's memory map: firmware set-up leaves a handful, hotplug some hundreds. */
#define GUEST_MEMORY_MAX_REGIONS 4096

struct guest_memory *guest_memory_create(void);
void guest_memory_destroy(struct guest_memory *mem);

/**
 * guest_memory_map() - Add a region
 * @fd: memory file that holds the region, mapped here and still owned by the caller.
 * @offset: byte offset of the region in @fd.
 * @gpa: first guest physical address, @size: bytes; both multiples of 4 KiB.
 * @writable: whether the GPU may write there.
 *
 * Return: 0; -EINVAL (alignment, size 0, wrap, beyond the file's end), -EEXIST (overlaps another
 * region), -ENOSPC (too many regions), or what mmap() says.
 */
int guest_memory_map(struct guest_memory *mem, int fd, uint64_t offset, uint64_t gpa, uint64_t size,
		     bool writable);

/**
 * guest_memory_map_private() - Add a region of anonymous, zeroed, writable memory (for tests)
 *
 * Return: as guest_memory_map().
 */
int guest_memory_map_private(struct guest_memory *mem, uint64_t gpa, uint64_t size);

/**
 * guest_memory_unmap() - Remove the region that is exactly [@gpa, @gpa + @size)
 *
 * Return: 0 or -ENOENT.
 */
int guest_memory_unmap(struct guest_memory *mem, uint64_t gpa, uint64_t size);

/* Remove all regions. */
void guest_memory_unmap_all(struct guest_memory *mem);

/**
 * guest_memory_read() - Copy @len bytes from @gpa to @buf
 *
 * Return: 0, or -EFAULT when any byte of the range is not RAM (@buf is then undefined).
 */
int guest_memory_read(struct guest_memory *mem, uint64_t gpa, void *buf, size_t len);

/**
 * guest_memory_write() - Copy @len bytes from @buf to @gpa
 *
 * Return: 0, or -EFAULT when any byte of the range is not writable RAM (nothing is written then).
 */
int guest_memory_write(struct guest_memory *mem, uint64_t gpa, const void *buf, size_t len);

/*
 * Single-copy-atomic little-endian accesses, naturally aligned: what a page-table walker and
 * sync objects need while the guest's CPUs write the same words. Return 0, -EFAULT as above, or
 * -EINVAL when @gpa is not aligned to the word's size.
 */
int guest_memory_read32(struct guest_memory *mem, uint64_t gpa, uint32_t *value);
int guest_memory_read64(struct guest_memory *mem, uint64_t gpa, uint64_t *value);
int guest_memory_write32(struct guest_memory *mem, uint64_t gpa, uint32_t value);
int guest_memory_write64(struct guest_memory *mem, uint64_t gpa, uint64_t value);

#endif
