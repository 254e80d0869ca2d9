/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_GUEST_MEMORY_H
#define VMALI_GUEST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The guest's RAM: a list of regions. The transport maps and unmaps them while the guest's firmware
 * sets up its memory controller. Accessors take a guest physical address (GPA), check bounds and
 * may cross regions. Words in guest memory are little-endian. Every function takes the lock of the
 * list and may be called from any thread. No function returns a pointer into guest memory, so an
 * unmap cannot race with an access.
 *
 * Assumption: the file behind a region does not shrink while it is mapped, which would turn an
 * access into a SIGBUS. The guest cannot shrink it, only the process that shares the file. QEMU's
 * memory-backend-memfd seals it against shrinking.
 */
struct guest_memory;

/* More regions than any machine has: a handful after boot, some hundreds with hotplug. */
#define GUEST_MEMORY_MAX_REGIONS 4096

struct guest_memory *guest_memory_create(void);
void guest_memory_destroy(struct guest_memory *mem);

/**
 * guest_memory_map() - Add a region
 * @fd: memory file that holds the region, mapped here and still owned by the caller.
 * @offset: byte offset of the region in @fd.
 * @gpa: first guest physical address, @size: bytes; both multiples of 4 KiB.
 * @writable: true if the GPU may write.
 *
 * Return: 0; -EINVAL (alignment, size 0, wrap, beyond the end of the file), -EEXIST (overlaps
 * another region), -ENOSPC (too many regions), or the error of mmap().
 */
int guest_memory_map(struct guest_memory *mem, int fd, uint64_t offset, uint64_t gpa, uint64_t size,
		     bool writable);

/**
 * guest_memory_map_private() - Add a region of anonymous, zeroed, writable memory (for tests)
 *
 * Return: 0 or an error of guest_memory_map().
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
 * Return: 0, or -EFAULT if any byte of the range is not RAM (@buf is then undefined).
 */
int guest_memory_read(struct guest_memory *mem, uint64_t gpa, void *buf, size_t len);

/**
 * guest_memory_write() - Copy @len bytes from @buf to @gpa
 *
 * Return: 0, or -EFAULT if any byte of the range is not writable RAM (nothing is then written).
 */
int guest_memory_write(struct guest_memory *mem, uint64_t gpa, const void *buf, size_t len);

/*
 * Single-copy-atomic accesses to naturally aligned little-endian words: for page tables and sync
 * objects, which the guest's CPUs write at the same time. Return 0, -EFAULT if the word is not RAM
 * (or not writable, for a write), or -EINVAL if @gpa is not aligned.
 */
int guest_memory_read32(struct guest_memory *mem, uint64_t gpa, uint32_t *value);
int guest_memory_read64(struct guest_memory *mem, uint64_t gpa, uint64_t *value);
int guest_memory_write32(struct guest_memory *mem, uint64_t gpa, uint32_t value);
int guest_memory_write64(struct guest_memory *mem, uint64_t gpa, uint64_t value);

#endif
