// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
/*
 * Unit tests of memory/: the guest memory map.
 *
 *  1. map rules: alignment, size 0, wrap, the file's end, overlap by one page, read-only files,
 *     the limit of regions. Hunts a region that reaches beyond its file (SIGBUS) or over another.
 *  2. unmap: only a whole region.
 *  3. edges: first and last byte, one before, one behind, wrap at the top of the address space.
 *  4. crossing: accesses over adjacent regions, over a hole, into a read-only region: all or
 *     nothing.
 *  5. words: alignment, byte order, last word, read-only.
 *  6. remap in pieces, as QEMU does for SeaBIOS: the contents stay, because they are in the file.
 *  7. random maps, unmaps and accesses against a shadow of one entry a page.
 *  8. accesses while another thread maps and unmaps: no fault of this process, no byte that is not
 *     in the file.
 *
 * The addresses are small or at the top of the 64 bits, where arithmetic wraps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory/guest_memory.h"
#include "tests/random.h"

#define PAGE 0x1000ull
#define TOP_PAGE (UINT64_MAX - PAGE + 1)
#define PLENTY 64 /* pages of the file of a test: more than any test maps */

struct fixture {
	struct guest_memory *mem;
	int fd;
};

/* Byte of the file at @offset, derived from its page number and its offset in the page. */
static uint8_t pattern(uint64_t offset)
{
	return (uint8_t)(offset / PAGE * 37 + offset);
}

static int make_file(uint64_t pages)
{
	uint8_t page[PAGE];
	int fd = memfd_create("guest", MFD_CLOEXEC);

	assert_true(fd >= 0);
	for (uint64_t at = 0; at < pages * PAGE; at += PAGE) {
		for (uint64_t i = 0; i < PAGE; i++)
			page[i] = pattern(at + i);
		assert_int_equal(write(fd, page, PAGE), PAGE);
	}
	return fd;
}

static int setup(void **state)
{
	static struct fixture fixture;

	fixture.mem = guest_memory_create();
	fixture.fd = make_file(PLENTY);
	*state = &fixture;
	return fixture.mem ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	guest_memory_destroy(fixture->mem);
	close(fixture->fd);
	return 0;
}

static void test_map_rules(void **state)
{
	static const struct {
		uint64_t offset, gpa, size;
		int expected;
	} rows[] = {
		{ 0, 0x10000, 2 * PAGE, 0 },
		{ 0, 0x20000, 0, -EINVAL },
		{ 0, 0x20001, PAGE, -EINVAL },
		{ 0, 0x20000, PAGE + 1, -EINVAL },
		{ 0, 0x20000, PAGE - 1, -EINVAL },
		{ 1, 0x20000, PAGE, -EINVAL },
		{ 0, TOP_PAGE, 2 * PAGE, -EINVAL },
		{ 0, PAGE, -PAGE, -EINVAL },
		{ 0, 0, -PAGE, -EINVAL },
		/* up to the end of the file, one page more, and beyond the maximum of an offset */
		{ (PLENTY - 1) * PAGE, 0x30000, PAGE, 0 },
		{ (PLENTY - 1) * PAGE, 0x40000, 2 * PAGE, -EINVAL },
		{ PLENTY * PAGE, 0x40000, PAGE, -EINVAL },
		{ TOP_PAGE, 0x40000, PAGE, -EINVAL },
		{ 1ull << 63, 0x40000, PAGE, -EINVAL },
		/* overlaps with [0x10000, 0x12000) */
		{ 0, 0x10000, 2 * PAGE, -EEXIST },
		{ 0, 0x11000, PAGE, -EEXIST },
		{ 0, 0xf000, 2 * PAGE, -EEXIST },
		{ 0, 0x11000, 2 * PAGE, -EEXIST },
		{ 0, 0xf000, 4 * PAGE, -EEXIST },
		/* its neighbours */
		{ 0, 0xf000, PAGE, 0 },
		{ 0, 0x12000, PAGE, 0 },
		/* the top page */
		{ 0, TOP_PAGE, PAGE, 0 },
		{ 0, TOP_PAGE, PAGE, -EEXIST },
		{ 0, TOP_PAGE - PAGE, 2 * PAGE, -EEXIST },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int ret = guest_memory_map(f->mem, f->fd, rows[i].offset, rows[i].gpa, rows[i].size,
					   true);

		if (ret != rows[i].expected)
			fail_msg("row %zu: %d", i, ret);
	}
}

static void test_map_files(void **state)
{
	struct fixture *f = *state;
	int pipes[2], zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
	char path[64];
	int ro;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(guest_memory_map(f->mem, pipes[0], 0, 0, PAGE, false), -EINVAL);
	assert_int_equal(guest_memory_map(f->mem, zero, 0, 0, PAGE, false), -EINVAL);
	assert_int_equal(guest_memory_map(f->mem, -1, 0, 0, PAGE, false), -EBADF);
	close(pipes[0]);
	close(pipes[1]);
	close(zero);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->fd);
	ro = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(ro >= 0);
	assert_int_equal(guest_memory_map(f->mem, ro, 0, 0, PAGE, true), -EACCES);
	assert_int_equal(guest_memory_map(f->mem, ro, 0, 0, PAGE, false), 0);
	close(ro);
}

static void test_region_limit(void **state)
{
	struct fixture *f = *state;
	uint64_t gpa = 0;

	for (unsigned int i = 0; i < GUEST_MEMORY_MAX_REGIONS; i++, gpa += 2 * PAGE)
		assert_int_equal(guest_memory_map_private(f->mem, gpa, PAGE), 0);
	assert_int_equal(guest_memory_map_private(f->mem, gpa, PAGE), -ENOSPC);
	assert_int_equal(guest_memory_unmap(f->mem, 2 * PAGE, PAGE), 0);
	assert_int_equal(guest_memory_map_private(f->mem, gpa, PAGE), 0);
}

static void test_unmap_exact(void **state)
{
	struct fixture *f = *state;
	uint8_t byte;

	assert_int_equal(guest_memory_unmap(f->mem, 0, PAGE), -ENOENT);
	assert_int_equal(guest_memory_map(f->mem, f->fd, 0, 4 * PAGE, 4 * PAGE, true), 0);
	assert_int_equal(guest_memory_unmap(f->mem, 4 * PAGE, 3 * PAGE), -ENOENT);
	assert_int_equal(guest_memory_unmap(f->mem, 4 * PAGE, 5 * PAGE), -ENOENT);
	assert_int_equal(guest_memory_unmap(f->mem, 4 * PAGE, 0), -ENOENT);
	assert_int_equal(guest_memory_unmap(f->mem, 5 * PAGE, 3 * PAGE), -ENOENT);
	assert_int_equal(guest_memory_unmap(f->mem, 3 * PAGE, 5 * PAGE), -ENOENT);
	assert_int_equal(guest_memory_unmap(f->mem, 9 * PAGE, PAGE), -ENOENT);
	assert_int_equal(guest_memory_read(f->mem, 4 * PAGE, &byte, 1), 0);
	assert_int_equal(guest_memory_unmap(f->mem, 4 * PAGE, 4 * PAGE), 0);
	assert_int_equal(guest_memory_unmap(f->mem, 4 * PAGE, 4 * PAGE), -ENOENT);
	assert_int_equal(guest_memory_read(f->mem, 4 * PAGE, &byte, 1), -EFAULT);
}

static void check_pattern(const uint8_t *buf, uint64_t offset, size_t len)
{
	for (size_t i = 0; i < len; i++)
		assert_int_equal(buf[i], pattern(offset + i));
}

static void test_edges(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[2 * PAGE + 2];
	uint64_t end = 6 * PAGE;

	assert_int_equal(guest_memory_map(f->mem, f->fd, PAGE, 4 * PAGE, 2 * PAGE, true), 0);
	assert_int_equal(guest_memory_read(f->mem, 4 * PAGE, buf, 2 * PAGE), 0);
	check_pattern(buf, PAGE, 2 * PAGE);
	assert_int_equal(guest_memory_read(f->mem, end - 1, buf, 1), 0);
	check_pattern(buf, 3 * PAGE - 1, 1);

	assert_int_equal(guest_memory_read(f->mem, end - 1, buf, 2), -EFAULT);
	assert_int_equal(guest_memory_read(f->mem, end, buf, 1), -EFAULT);
	assert_int_equal(guest_memory_read(f->mem, 4 * PAGE - 1, buf, 1), -EFAULT);
	assert_int_equal(guest_memory_read(f->mem, 4 * PAGE - 1, buf, 2), -EFAULT);
	assert_int_equal(guest_memory_read(f->mem, 4 * PAGE, buf, 2 * PAGE + 1), -EFAULT);
	assert_int_equal(guest_memory_read(f->mem, 0, buf, 0), 0);
	assert_int_equal(guest_memory_read(f->mem, UINT64_MAX, buf, 0), 0);
}

static void test_top_of_address_space(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[16] = { 0 };
	uint64_t value;

	/* RAM at both ends, so that an address that wraps would hit it */
	assert_int_equal(guest_memory_map_private(f->mem, 0, PAGE), 0);
	assert_int_equal(guest_memory_map_private(f->mem, TOP_PAGE, PAGE), 0);
	assert_int_equal(guest_memory_write(f->mem, UINT64_MAX, buf, 1), 0);
	assert_int_equal(guest_memory_write(f->mem, UINT64_MAX, buf, 2), -EFAULT);
	assert_int_equal(guest_memory_read(f->mem, UINT64_MAX - 7, buf, 9), -EFAULT);
	assert_int_equal(guest_memory_read(f->mem, TOP_PAGE, buf, SIZE_MAX), -EFAULT);
	assert_int_equal(guest_memory_read64(f->mem, UINT64_MAX - 7, &value), 0);
	assert_int_equal(guest_memory_read64(f->mem, UINT64_MAX - 3, &value), -EINVAL);
	assert_int_equal(guest_memory_unmap(f->mem, TOP_PAGE, PAGE), 0);
	assert_int_equal(guest_memory_write(f->mem, UINT64_MAX, buf, 1), -EFAULT);
}

static void test_crossing(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[3 * PAGE];

	/* in guest order pages 7, 3, 5 of the file, then a hole */
	assert_int_equal(guest_memory_map(f->mem, f->fd, 5 * PAGE, 2 * PAGE, PAGE, true), 0);
	assert_int_equal(guest_memory_map(f->mem, f->fd, 7 * PAGE, 0, PAGE, true), 0);
	assert_int_equal(guest_memory_map(f->mem, f->fd, 3 * PAGE, PAGE, PAGE, true), 0);

	assert_int_equal(guest_memory_read(f->mem, 0, buf, 3 * PAGE), 0);
	check_pattern(buf, 7 * PAGE, PAGE);
	check_pattern(buf + PAGE, 3 * PAGE, PAGE);
	check_pattern(buf + 2 * PAGE, 5 * PAGE, PAGE);

	memset(buf, 0xa5, sizeof(buf));
	assert_int_equal(guest_memory_write(f->mem, PAGE - 3, buf, 6), 0);
	assert_int_equal(guest_memory_read(f->mem, PAGE - 4, buf, 8), 0);
	assert_int_equal(buf[0], pattern(8 * PAGE - 4));
	for (unsigned int i = 1; i < 7; i++)
		assert_int_equal(buf[i], 0xa5);
	assert_int_equal(buf[7], pattern(3 * PAGE + 3));
}

static void test_all_or_nothing(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[2 * PAGE], before[PAGE];

	/* writable, read-only, hole, writable */
	assert_int_equal(guest_memory_map(f->mem, f->fd, 0, 0, PAGE, true), 0);
	assert_int_equal(guest_memory_map(f->mem, f->fd, PAGE, PAGE, PAGE, false), 0);
	assert_int_equal(guest_memory_map(f->mem, f->fd, 3 * PAGE, 3 * PAGE, PAGE, true), 0);
	memset(buf, 0x5a, sizeof(buf));

	assert_int_equal(guest_memory_write(f->mem, PAGE - 1, buf, 2), -EFAULT);
	assert_int_equal(guest_memory_write(f->mem, 0, buf, 2 * PAGE), -EFAULT);
	assert_int_equal(guest_memory_write(f->mem, PAGE, buf, 1), -EFAULT);
	assert_int_equal(guest_memory_write(f->mem, 3 * PAGE - 1, buf, 2), -EFAULT);
	assert_int_equal(guest_memory_write(f->mem, 4 * PAGE - 1, buf, 2), -EFAULT);
	for (uint64_t page = 0; page < 4; page++) {
		if (page == 2)
			continue;
		assert_int_equal(guest_memory_read(f->mem, page * PAGE, before, PAGE), 0);
		check_pattern(before, page * PAGE, PAGE);
	}
	assert_int_equal(guest_memory_read(f->mem, PAGE - 1, buf, 2), 0);
	assert_int_equal(guest_memory_read(f->mem, 2 * PAGE - 1, buf, 2), -EFAULT);
}

static void test_words(void **state)
{
	static const uint8_t bytes[8] = { 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11 };
	struct fixture *f = *state;
	uint64_t last = 2 * PAGE - 8, value64;
	uint32_t value32;
	uint8_t buf[8];

	assert_int_equal(guest_memory_map(f->mem, f->fd, 0, PAGE, PAGE, true), 0);
	assert_int_equal(guest_memory_map(f->mem, f->fd, PAGE, 2 * PAGE, PAGE, false), 0);

	assert_int_equal(guest_memory_write64(f->mem, last, 0x1122334455667788ull), 0);
	assert_int_equal(guest_memory_read(f->mem, last, buf, 8), 0);
	assert_memory_equal(buf, bytes, 8);
	assert_int_equal(guest_memory_read32(f->mem, last + 4, &value32), 0);
	assert_int_equal(value32, 0x11223344);
	assert_int_equal(guest_memory_write32(f->mem, last, 0xdeadbeef), 0);
	assert_int_equal(guest_memory_read64(f->mem, last, &value64), 0);
	assert_true(value64 == 0x11223344deadbeefull);

	for (uint64_t i = 1; i < 8; i++) {
		assert_int_equal(guest_memory_read64(f->mem, PAGE + i, &value64), -EINVAL);
		assert_int_equal(guest_memory_write64(f->mem, PAGE + i, 0), -EINVAL);
		if (i == 4)
			continue;
		assert_int_equal(guest_memory_read32(f->mem, PAGE + i, &value32), -EINVAL);
		assert_int_equal(guest_memory_write32(f->mem, PAGE + i, 0), -EINVAL);
	}
	assert_int_equal(guest_memory_write32(f->mem, 2 * PAGE, 0), -EFAULT);
	assert_int_equal(guest_memory_write64(f->mem, 2 * PAGE, 0), -EFAULT);
	assert_int_equal(guest_memory_read64(f->mem, 2 * PAGE, &value64), 0);
	assert_int_equal(guest_memory_read64(f->mem, 3 * PAGE, &value64), -EFAULT);
	assert_int_equal(guest_memory_read32(f->mem, PAGE - 4, &value32), -EFAULT);
}

static void test_remap_in_pieces(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[PAGE];

	memset(buf, 0xc3, sizeof(buf));
	assert_int_equal(guest_memory_map(f->mem, f->fd, 0, 0, PLENTY * PAGE, true), 0);
	assert_int_equal(guest_memory_write(f->mem, 20 * PAGE + 100, buf, PAGE), 0);
	assert_int_equal(guest_memory_unmap(f->mem, 0, PLENTY * PAGE), 0);

	assert_int_equal(guest_memory_map(f->mem, f->fd, 0, 0, 16 * PAGE, true), 0);
	assert_int_equal(guest_memory_map(f->mem, f->fd, 16 * PAGE, 16 * PAGE, 5 * PAGE, false), 0);
	assert_int_equal(guest_memory_map(f->mem, f->fd, 21 * PAGE, 21 * PAGE, 43 * PAGE, true), 0);
	memset(buf, 0, sizeof(buf));
	assert_int_equal(guest_memory_read(f->mem, 20 * PAGE + 100, buf, PAGE), 0);
	for (size_t i = 0; i < PAGE; i++)
		assert_int_equal(buf[i], 0xc3);
	assert_int_equal(guest_memory_read(f->mem, 20 * PAGE + 99, buf, 1), 0);
	check_pattern(buf, 20 * PAGE + 99, 1);
	assert_int_equal(guest_memory_read(f->mem, 21 * PAGE + 100, buf, 1), 0);
	check_pattern(buf, 21 * PAGE + 100, 1);
}

/* The expected map: for each of SHADOW_PAGES guest pages the start of its region. */
#define SHADOW_PAGES 32

struct shadow {
	struct {
		bool mapped, writable;
		unsigned int first, count; /* region, in pages */
	} page[SHADOW_PAGES];
};

static bool shadow_free(const struct shadow *shadow, unsigned int first, unsigned int count)
{
	for (unsigned int i = first; i < first + count; i++) {
		if (shadow->page[i].mapped)
			return false;
	}
	return true;
}

static void shadow_set(struct shadow *shadow, unsigned int first, unsigned int count, bool mapped,
		       bool writable)
{
	for (unsigned int i = first; i < first + count; i++) {
		shadow->page[i].mapped = mapped;
		shadow->page[i].writable = writable;
		shadow->page[i].first = first;
		shadow->page[i].count = count;
	}
}

static void random_map(struct fixture *f, struct shadow *shadow, struct random *random,
		       unsigned int first, unsigned int count)
{
	bool writable = random_below(random, 2);
	int expected = shadow_free(shadow, first, count) ? 0 : -EEXIST;
	int ret;

	ret = guest_memory_map(f->mem, f->fd, first * PAGE, first * PAGE, count * PAGE, writable);
	assert_int_equal(ret, expected);
	if (!ret)
		shadow_set(shadow, first, count, true, writable);
}

/* If a region starts at @first, half of the calls use its size. */
static void random_unmap(struct fixture *f, struct shadow *shadow, struct random *random,
			 unsigned int first, unsigned int count)
{
	bool starts = shadow->page[first].mapped && shadow->page[first].first == first;
	bool exact;

	if (starts && random_below(random, 2))
		count = shadow->page[first].count;
	exact = starts && shadow->page[first].count == count;
	assert_int_equal(guest_memory_unmap(f->mem, first * PAGE, count * PAGE),
			 exact ? 0 : -ENOENT);
	if (exact)
		shadow_set(shadow, first, count, false, false);
}

/* Writes bytes with the same value, so that the pattern stays. */
static void random_access(struct fixture *f, const struct shadow *shadow, struct random *random)
{
	static uint8_t buf[SHADOW_PAGES * PAGE];
	uint64_t first = random_below(random, SHADOW_PAGES * PAGE);
	uint64_t len = 1 + random_below(random, SHADOW_PAGES * PAGE - first);
	bool readable = true, writable = true;

	for (uint64_t page = first / PAGE; page <= (first + len - 1) / PAGE; page++) {
		readable = readable && shadow->page[page].mapped;
		writable = writable && shadow->page[page].writable;
	}
	assert_int_equal(guest_memory_read(f->mem, first, buf, len), readable ? 0 : -EFAULT);
	if (readable)
		check_pattern(buf, first, len);
	for (uint64_t i = 0; i < len; i++)
		buf[i] = pattern(first + i);
	assert_int_equal(guest_memory_write(f->mem, first, buf, len), writable ? 0 : -EFAULT);
}

static void test_random(void **state)
{
	struct random random = random_start("memory");
	struct fixture *f = *state;
	struct shadow shadow = { 0 };

	for (unsigned int step = 0; step < 5000; step++) {
		unsigned int first = (unsigned int)random_below(&random, SHADOW_PAGES);
		unsigned int count = 1 + (unsigned int)random_below(&random, 4);

		if (count > SHADOW_PAGES - first)
			count = SHADOW_PAGES - first;
		if (random_below(&random, 2))
			random_map(f, &shadow, &random, first, count);
		else
			random_unmap(f, &shadow, &random, first, count);
		random_access(f, &shadow, &random);
	}
}

#define RACE_ROUNDS 3000

struct race {
	struct guest_memory *mem;
	bool stop;
};

/* Read the pattern of the file and write outside of it. Return: number of wrong bytes. */
static void *access_all_the_time(void *arg)
{
	struct race *race = arg;
	unsigned long wrong = 0;
	uint8_t buf[64];
	uint64_t word;

	while (!__atomic_load_n(&race->stop, __ATOMIC_RELAXED)) {
		if (!guest_memory_read(race->mem, 2 * PAGE - 32, buf, sizeof(buf))) {
			for (uint64_t i = 0; i < sizeof(buf); i++)
				wrong += buf[i] != pattern(PAGE - 32 + i);
		}
		if (!guest_memory_read64(race->mem, PAGE, &word))
			guest_memory_write64(race->mem, PAGE + 8, word);
	}
	return (void *)wrong;
}

static void test_race(void **state)
{
	struct fixture *f = *state;
	struct race race = { .mem = f->mem };
	pthread_t thread;
	void *wrong;

	assert_int_equal(pthread_create(&thread, NULL, access_all_the_time, &race), 0);
	for (unsigned int i = 0; i < RACE_ROUNDS; i++) {
		assert_int_equal(guest_memory_map(f->mem, f->fd, 0, PAGE, PAGE, true), 0);
		assert_int_equal(guest_memory_map(f->mem, f->fd, PAGE, 2 * PAGE, PAGE, true), 0);
		assert_int_equal(guest_memory_unmap(f->mem, PAGE, PAGE), 0);
		assert_int_equal(guest_memory_unmap(f->mem, 2 * PAGE, PAGE), 0);
	}
	__atomic_store_n(&race.stop, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(thread, &wrong), 0);
	assert_null(wrong);
}

#define MEMORY_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		MEMORY_TEST(test_map_rules),
		MEMORY_TEST(test_map_files),
		MEMORY_TEST(test_region_limit),
		MEMORY_TEST(test_unmap_exact),
		MEMORY_TEST(test_edges),
		MEMORY_TEST(test_top_of_address_space),
		MEMORY_TEST(test_crossing),
		MEMORY_TEST(test_all_or_nothing),
		MEMORY_TEST(test_words),
		MEMORY_TEST(test_remap_in_pieces),
		MEMORY_TEST(test_random),
		MEMORY_TEST(test_race),
	};
	/* clang-format on */

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
