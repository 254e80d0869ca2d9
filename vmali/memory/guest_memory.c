// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "memory/guest_memory.h"

#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define GUEST_PAGE_MASK 0xfffull

/* A region [gpa, last]. @last is inclusive, since a region may end at the top of the addresses. */
struct region {
	uint64_t gpa, last;
	uint8_t *host;
	bool writable;
};

/* Regions are sorted by address and never overlap. */
struct guest_memory {
	pthread_rwlock_t lock;
	struct region *regions;
	size_t count, capacity;
};

/*
 * Prefer writers: the engine thread reads guest memory all the time and, with glibc's default,
 * would starve the writers, map and unmap, on which the client waits.
 */
static int lock_init(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attr;
	int ret = pthread_rwlockattr_init(&attr);

	if (ret)
		return ret;
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	ret = pthread_rwlock_init(lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	return ret;
}

struct guest_memory *guest_memory_create(void)
{
	struct guest_memory *mem = calloc(1, sizeof(*mem));

	if (mem && lock_init(&mem->lock)) {
		free(mem);
		mem = NULL;
	}
	return mem;
}

void guest_memory_destroy(struct guest_memory *mem)
{
	if (!mem)
		return;
	guest_memory_unmap_all(mem);
	free(mem->regions);
	pthread_rwlock_destroy(&mem->lock);
	free(mem);
}

static uint64_t region_size(const struct region *region)
{
	return region->last - region->gpa + 1;
}

/* Index of the first region that ends at or after @gpa, or the number of regions. */
static size_t first_not_before(const struct guest_memory *mem, uint64_t gpa)
{
	size_t low = 0, high = mem->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (mem->regions[middle].last < gpa)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool range_valid(uint64_t gpa, uint64_t size)
{
	return size && !((gpa | size) & GUEST_PAGE_MASK) && size - 1 <= UINT64_MAX - gpa &&
	       size <= SIZE_MAX;
}

static int reserve_one(struct guest_memory *mem)
{
	size_t capacity = mem->capacity ? 2 * mem->capacity : 16;
	struct region *regions;

	if (mem->count == GUEST_MEMORY_MAX_REGIONS)
		return -ENOSPC;
	if (mem->count < mem->capacity)
		return 0;
	regions = realloc(mem->regions, capacity * sizeof(*regions));
	if (!regions)
		return -ENOMEM;
	mem->regions = regions;
	mem->capacity = capacity;
	return 0;
}

static int insert_locked(struct guest_memory *mem, const struct region *region)
{
	size_t at = first_not_before(mem, region->gpa);
	int ret;

	if (at < mem->count && mem->regions[at].gpa <= region->last)
		return -EEXIST;
	ret = reserve_one(mem);
	if (ret)
		return ret;
	memmove(&mem->regions[at + 1], &mem->regions[at],
		(mem->count - at) * sizeof(*mem->regions));
	mem->regions[at] = *region;
	mem->count++;
	return 0;
}

static int insert(struct guest_memory *mem, const struct region *region)
{
	int ret;

	pthread_rwlock_wrlock(&mem->lock);
	ret = insert_locked(mem, region);
	pthread_rwlock_unlock(&mem->lock);
	return ret;
}

/* Map @size bytes and insert the region. @fd is -1 for anonymous memory. */
static int map_and_insert(struct guest_memory *mem, int fd, uint64_t offset, uint64_t gpa,
			  uint64_t size, bool writable)
{
	int prot = PROT_READ | (writable ? PROT_WRITE : 0);
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED;
	struct region region = { .gpa = gpa, .last = gpa + (size - 1), .writable = writable };
	void *host = mmap(NULL, size, prot, flags, fd, (off_t)offset);
	int ret;

	if (host == MAP_FAILED)
		return -errno;
	region.host = host;
	ret = insert(mem, &region);
	if (ret)
		munmap(host, size);
	return ret;
}

/* Check that [@offset, @offset + @size) is in the file: accesses beyond its end get SIGBUS. */
static int check_file(int fd, uint64_t offset, uint64_t size)
{
	struct stat st;

	if (fd < 0)
		return -EBADF;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || offset & GUEST_PAGE_MASK || offset > (uint64_t)st.st_size ||
	    size > (uint64_t)st.st_size - offset)
		return -EINVAL;
	return 0;
}

int guest_memory_map(struct guest_memory *mem, int fd, uint64_t offset, uint64_t gpa, uint64_t size,
		     bool writable)
{
	int ret;

	if (!range_valid(gpa, size))
		return -EINVAL;
	ret = check_file(fd, offset, size);
	if (ret)
		return ret;
	return map_and_insert(mem, fd, offset, gpa, size, writable);
}

int guest_memory_map_private(struct guest_memory *mem, uint64_t gpa, uint64_t size)
{
	if (!range_valid(gpa, size))
		return -EINVAL;
	return map_and_insert(mem, -1, 0, gpa, size, true);
}

static int unmap_locked(struct guest_memory *mem, uint64_t gpa, uint64_t size)
{
	size_t at = first_not_before(mem, gpa);
	struct region *region = &mem->regions[at];

	if (at == mem->count || region->gpa != gpa || region_size(region) != size)
		return -ENOENT;
	munmap(region->host, size);
	mem->count--;
	memmove(region, region + 1, (mem->count - at) * sizeof(*region));
	return 0;
}

int guest_memory_unmap(struct guest_memory *mem, uint64_t gpa, uint64_t size)
{
	int ret;

	pthread_rwlock_wrlock(&mem->lock);
	ret = unmap_locked(mem, gpa, size);
	pthread_rwlock_unlock(&mem->lock);
	return ret;
}

void guest_memory_unmap_all(struct guest_memory *mem)
{
	pthread_rwlock_wrlock(&mem->lock);
	for (size_t i = 0; i < mem->count; i++)
		munmap(mem->regions[i].host, region_size(&mem->regions[i]));
	mem->count = 0;
	pthread_rwlock_unlock(&mem->lock);
}

enum direction {
	FROM_GUEST,
	TO_GUEST
};

/*
 * Find the region of @gpa. @part is set to the bytes of [@gpa, @gpa + @len) in it. Return: host
 * address of @gpa, or NULL if @gpa is not RAM, or, for TO_GUEST, not writable.
 */
static uint8_t *find_part(const struct guest_memory *mem, uint64_t gpa, size_t len,
			  enum direction direction, size_t *part)
{
	size_t at = first_not_before(mem, gpa);
	const struct region *region = &mem->regions[at];

	if (at == mem->count || region->gpa > gpa)
		return NULL;
	if (direction == TO_GUEST && !region->writable)
		return NULL;
	*part = len - 1 <= region->last - gpa ? len : region->last - gpa + 1;
	return region->host + (gpa - region->gpa);
}

static bool range_accessible(const struct guest_memory *mem, uint64_t gpa, size_t len,
			     enum direction direction)
{
	size_t part;

	if (len && len - 1 > UINT64_MAX - gpa)
		return false;
	for (; len; gpa += part, len -= part) {
		if (!find_part(mem, gpa, len, direction, &part))
			return false;
	}
	return true;
}

static void copy_part(uint8_t *host, uint8_t *buf, size_t len, enum direction direction)
{
	if (direction == TO_GUEST)
		memcpy(host, buf, len);
	else
		memcpy(buf, host, len);
}

static void copy_parts(const struct guest_memory *mem, uint64_t gpa, uint8_t *buf, size_t len,
		       enum direction direction)
{
	size_t part;

	for (; len; gpa += part, buf += part, len -= part) {
		uint8_t *host = find_part(mem, gpa, len, direction, &part);

		copy_part(host, buf, part, direction);
	}
}

static bool access_locked(struct guest_memory *mem, uint64_t gpa, void *buf, size_t len,
			  enum direction direction)
{
	size_t part = 0;
	uint8_t *host = len ? find_part(mem, gpa, len, direction, &part) : NULL;

	/* the usual case: a short access of a command stream in one region */
	if (host && part == len) {
		copy_part(host, buf, len, direction);
		return true;
	}
	if (!range_accessible(mem, gpa, len, direction))
		return false;
	copy_parts(mem, gpa, buf, len, direction);
	return true;
}

static int access_range(struct guest_memory *mem, uint64_t gpa, void *buf, size_t len,
			enum direction direction)
{
	bool done;

	pthread_rwlock_rdlock(&mem->lock);
	done = access_locked(mem, gpa, buf, len, direction);
	pthread_rwlock_unlock(&mem->lock);
	return done ? 0 : -EFAULT;
}

int guest_memory_read(struct guest_memory *mem, uint64_t gpa, void *buf, size_t len)
{
	return access_range(mem, gpa, buf, len, FROM_GUEST);
}

int guest_memory_write(struct guest_memory *mem, uint64_t gpa, const void *buf, size_t len)
{
	/* access_range() only reads @buf when it copies TO_GUEST */
	return access_range(mem, gpa, (void *)buf, len, TO_GUEST);
}

/*
 * An aligned word is in one region, because regions begin and end at page boundaries, and its host
 * address is aligned. A load is an acquire: it pairs with the release, or the write barrier, of the
 * guest CPU that stored the word. A store is a release: it pairs with the acquire of a guest CPU.
 */
#define DEFINE_WORD_ACCESSORS(bits, word_t) \
	int guest_memory_read##bits(struct guest_memory *mem, uint64_t gpa, word_t *value) \
	{ \
		const word_t *word; \
		size_t part; \
\
		if (gpa % sizeof(*word)) \
			return -EINVAL; \
		pthread_rwlock_rdlock(&mem->lock); \
		word = (const void *)find_part(mem, gpa, sizeof(*word), FROM_GUEST, &part); \
		if (word) \
			*value = le##bits##toh(__atomic_load_n(word, __ATOMIC_ACQUIRE)); \
		pthread_rwlock_unlock(&mem->lock); \
		return word ? 0 : -EFAULT; \
	} \
\
	int guest_memory_write##bits(struct guest_memory *mem, uint64_t gpa, word_t value) \
	{ \
		word_t *word; \
		size_t part; \
\
		if (gpa % sizeof(*word)) \
			return -EINVAL; \
		pthread_rwlock_rdlock(&mem->lock); \
		word = (void *)find_part(mem, gpa, sizeof(*word), TO_GUEST, &part); \
		if (word) \
			__atomic_store_n(word, htole##bits(value), __ATOMIC_RELEASE); \
		pthread_rwlock_unlock(&mem->lock); \
		return word ? 0 : -EFAULT; \
	}

DEFINE_WORD_ACCESSORS(32, uint32_t)
DEFINE_WORD_ACCESSORS(64, uint64_t)
