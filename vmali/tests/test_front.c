// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
/*
 * Unit tests of front/ without a socket: whole requests to the PCI device.
 *
 *  1. device, region and interrupt information: every index, argsz too small.
 *  2. shape: every command number; for the known ones, every payload size from 0 to 8 bytes too
 *     many, and unexpected files. Hunts reads beyond a short payload.
 *  3. regions: offset, count and alignment at both edges, wrap of offset + count, empty regions; a
 *     rejected access has no effect.
 *  4. configuration space: contents as in lspci, and each bit written to one and to zero.
 *  5. SET_IRQS: every index, start, count, flags and number of files within small bounds and at
 *     the 32-bit limit, against a shadow of the eventfd of each interrupt. Hunts partial ranges
 *     that change a neighbour, and files that leak.
 *  6. an eventfd with a full counter, or a full pipe in its place, does not block the GPU.
 *  7. DMA maps: fields, overlap of RAM and other windows, exact unmap, unmap of all; the order
 *     in which SeaBIOS makes QEMU remap the memory below 1 MiB.
 *  8. reset: configuration space and GPU, not memory or eventfds.
 *  9. the in-process transport.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "front/device.h"
#include "front/in_process.h"
#include "memory/guest_memory.h"
#include "tests/fake_gpu.h"
#include "tests/open_files.h"

#define PAGE 0x1000ull

struct fixture {
	struct guest_memory *mem;
	struct front_device device;
	struct fake_gpu gpu;
	struct message request, reply;
	unsigned int files;
};

static struct fixture fixture;

static int setup(void **state)
{
	struct fixture *f = &fixture;

	memset(f, 0, sizeof(*f));
	f->files = open_files();
	f->mem = guest_memory_create();
	front_device_init(&f->device, f->mem);
	front_device_attach(&f->device, &fake_gpu_ops, &f->gpu);
	*state = f;
	return f->mem ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	front_device_fini(&f->device);
	guest_memory_destroy(f->mem);
	assert_int_equal(open_files(), f->files);
	return 0;
}

/* A request of @command with @size bytes of payload and no files. */
static void make_request(struct fixture *f, uint16_t command, const void *payload, size_t size)
{
	message_close_fds(&f->request);
	f->request.header = (struct vfio_user_header){
		.command = command,
		.size = (uint32_t)(sizeof(f->request.header) + size),
	};
	memcpy(f->request.payload, payload, size);
	f->request.size = size;
	f->request.surplus_fds = false;
}

/* The message owns a duplicate of @fd. */
static void add_file(struct fixture *f, int fd)
{
	f->request.fds[f->request.fd_count++] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static int handle(struct fixture *f)
{
	int ret = front_device_handle(&f->device, &f->request, &f->reply);

	message_close_fds(&f->request);
	return ret;
}

static int ask(struct fixture *f, uint16_t command, const void *payload, size_t size)
{
	make_request(f, command, payload, size);
	return handle(f);
}

static void test_device_info(void **state)
{
	struct fixture *f = *state;
	struct vfio_user_device_info info = { .argsz = sizeof(info) };

	assert_int_equal(ask(f, VFIO_USER_DEVICE_GET_INFO, &info, sizeof(info)), 0);
	assert_int_equal(f->reply.size, sizeof(info));
	memcpy(&info, f->reply.payload, sizeof(info));
	assert_int_equal(info.argsz, 16);
	assert_int_equal(info.flags, 3);
	assert_int_equal(info.num_regions, 9);
	assert_int_equal(info.num_irqs, 5);
	info.argsz = sizeof(info) - 1;
	assert_int_equal(ask(f, VFIO_USER_DEVICE_GET_INFO, &info, sizeof(info)), -EINVAL);
}

static void test_region_info(void **state)
{
	static const uint64_t sizes[9] = { [0] = 0x400000, [2] = 0x1000, [7] = 256 };
	struct fixture *f = *state;
	struct vfio_user_region_info info = { .argsz = sizeof(info) };
	struct vfio_user_region_info out;

	for (info.index = 0; info.index < 9; info.index++) {
		assert_int_equal(ask(f, VFIO_USER_DEVICE_GET_REGION_INFO, &info, sizeof(info)), 0);
		memcpy(&out, f->reply.payload, sizeof(out));
		assert_int_equal(f->reply.size, 32);
		assert_int_equal(out.argsz, 32);
		assert_int_equal(out.index, info.index);
		assert_int_equal(out.size, sizes[info.index]);
		assert_int_equal(out.flags, sizes[info.index] ? 3 : 0);
		assert_int_equal(out.cap_offset, 0);
		assert_int_equal(out.offset, 0);
	}
	assert_int_equal(ask(f, VFIO_USER_DEVICE_GET_REGION_INFO, &info, sizeof(info)), -EINVAL);
	info.index = UINT32_MAX;
	assert_int_equal(ask(f, VFIO_USER_DEVICE_GET_REGION_INFO, &info, sizeof(info)), -EINVAL);
	info = (struct vfio_user_region_info){ .argsz = sizeof(info) - 1 };
	assert_int_equal(ask(f, VFIO_USER_DEVICE_GET_REGION_INFO, &info, sizeof(info)), -EINVAL);
}

static void test_irq_info(void **state)
{
	static const uint32_t counts[5] = { 0, 0, 3, 1, 1 };
	struct fixture *f = *state;
	struct vfio_user_irq_info info = { .argsz = sizeof(info) };
	struct vfio_user_irq_info out;

	for (info.index = 0; info.index < 5; info.index++) {
		assert_int_equal(ask(f, VFIO_USER_DEVICE_GET_IRQ_INFO, &info, sizeof(info)), 0);
		memcpy(&out, f->reply.payload, sizeof(out));
		assert_int_equal(f->reply.size, 16);
		assert_int_equal(out.argsz, 16);
		assert_int_equal(out.index, info.index);
		assert_int_equal(out.count, counts[info.index]);
		assert_int_equal(out.flags, 1);
	}
	assert_int_equal(ask(f, VFIO_USER_DEVICE_GET_IRQ_INFO, &info, sizeof(info)), -EINVAL);
	info = (struct vfio_user_irq_info){ .argsz = sizeof(info) - 1 };
	assert_int_equal(ask(f, VFIO_USER_DEVICE_GET_IRQ_INFO, &info, sizeof(info)), -EINVAL);
}

/* One row for each command: size of its payload, more data allowed, files allowed. */
static const struct {
	uint16_t command;
	size_t payload;
	bool data, files;
} shapes[] = {
	{ VFIO_USER_DMA_MAP, 32, false, true },
	{ VFIO_USER_DMA_UNMAP, 24, false, false },
	{ VFIO_USER_DEVICE_GET_INFO, 16, false, false },
	{ VFIO_USER_DEVICE_GET_REGION_INFO, 32, false, false },
	{ VFIO_USER_DEVICE_GET_IRQ_INFO, 16, false, false },
	{ VFIO_USER_DEVICE_SET_IRQS, 20, true, true },
	{ VFIO_USER_REGION_READ, 16, false, false },
	{ VFIO_USER_REGION_WRITE, 16, true, false },
	{ VFIO_USER_DEVICE_RESET, 0, false, false },
};

#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

/* A payload that is valid for every command if its size is, except for the data of SET_IRQS. */
static void make_shape(struct fixture *f, size_t row, size_t size)
{
	uint8_t payload[64] = { 0 };
	struct vfio_user_dma_map map = { 32, VFIO_USER_DMA_READABLE, 0, PAGE, PAGE };
	struct vfio_user_dma_unmap unmap = { 24, VFIO_USER_DMA_UNMAP_ALL, 0, 0 };
	struct vfio_user_irq_set irqs = { 20, 0x21, VFIO_USER_IRQ_MSIX, 0, 0 };
	struct vfio_user_region_access access = { 0, VFIO_USER_REGION_CONFIG, 1 };
	uint32_t argsz = 32;

	switch (shapes[row].command) {
	case VFIO_USER_DMA_MAP:
		memcpy(payload, &map, sizeof(map));
		break;
	case VFIO_USER_DMA_UNMAP:
		memcpy(payload, &unmap, sizeof(unmap));
		break;
	case VFIO_USER_DEVICE_SET_IRQS:
		memcpy(payload, &irqs, sizeof(irqs));
		break;
	case VFIO_USER_REGION_READ:
	case VFIO_USER_REGION_WRITE:
		memcpy(payload, &access, sizeof(access));
		break;
	default:
		memcpy(payload, &argsz, sizeof(argsz));
	}
	make_request(f, shapes[row].command, payload, size);
}

static void test_shapes(void **state)
{
	struct fixture *f = *state;

	for (size_t row = 0; row < SHAPES; row++) {
		/* a write of one byte has one byte of data */
		size_t due = shapes[row].payload + (shapes[row].command == VFIO_USER_REGION_WRITE);

		for (size_t size = 0; size <= due + 8; size++) {
			make_shape(f, row, size);
			if (handle(f) != (size == due ? 0 : -EINVAL))
				fail_msg("command %u, %zu bytes", shapes[row].command, size);
			front_device_disconnect(&f->device);
		}
	}
}

static void test_unexpected_files(void **state)
{
	struct fixture *f = *state;
	int fd = eventfd(0, EFD_CLOEXEC);

	for (size_t row = 0; row < SHAPES; row++) {
		bool write = shapes[row].command == VFIO_USER_REGION_WRITE;

		make_shape(f, row, shapes[row].payload + write);
		add_file(f, fd);
		assert_int_equal(handle(f), -EINVAL);

		make_shape(f, row, shapes[row].payload + write);
		f->request.surplus_fds = true;
		assert_int_equal(handle(f), -EINVAL);
	}
	assert_int_equal(f->gpu.resets, 0);
	close(fd);
}

static bool is_known(unsigned int command)
{
	for (size_t row = 0; row < SHAPES; row++) {
		if (shapes[row].command == command)
			return true;
	}
	return false;
}

static void test_unknown_commands(void **state)
{
	struct fixture *f = *state;

	for (unsigned int command = 0; command <= UINT16_MAX; command++) {
		if (!is_known(command))
			assert_int_equal(ask(f, (uint16_t)command, "", 0), -EOPNOTSUPP);
	}
}

static int access_region(struct fixture *f, bool write, uint32_t region, uint64_t offset,
			 uint32_t count, const void *data)
{
	uint8_t payload[sizeof(struct vfio_user_region_access) + VFIO_USER_MAX_TRANSFER] = { 0 };
	struct vfio_user_region_access access = { offset, region, count };
	size_t bytes = count <= VFIO_USER_MAX_TRANSFER ? count : VFIO_USER_MAX_TRANSFER;

	memcpy(payload, &access, sizeof(access));
	if (write && data)
		memcpy(payload + sizeof(access), data, bytes);
	return ask(f, write ? VFIO_USER_REGION_WRITE : VFIO_USER_REGION_READ, payload,
		   sizeof(access) + (write ? bytes : 0));
}

static const uint8_t *read_data(const struct fixture *f)
{
	return f->reply.payload + sizeof(struct vfio_user_region_access);
}

static void test_region_corners(void **state)
{
	static const struct {
		uint32_t region;
		uint64_t offset;
		uint32_t count;
		int expected;
	} rows[] = {
		{ VFIO_USER_REGION_BAR0, 0, 4, 0 },
		{ VFIO_USER_REGION_BAR0, 0, 8, 0 },
		{ VFIO_USER_REGION_BAR0, 0, 4096, 0 },
		{ VFIO_USER_REGION_BAR0, 0x3ffffc, 4, 0 },
		{ VFIO_USER_REGION_BAR0, 0x3ffffc, 8, -EINVAL },
		{ VFIO_USER_REGION_BAR0, 0x400000, 4, -EINVAL },
		{ VFIO_USER_REGION_BAR0, 0x400000, 0, -EINVAL },
		{ VFIO_USER_REGION_BAR0, 0, 0, -EINVAL },
		{ VFIO_USER_REGION_BAR0, 0, 1, -EINVAL },
		{ VFIO_USER_REGION_BAR0, 0, 2, -EINVAL },
		{ VFIO_USER_REGION_BAR0, 0, 6, -EINVAL },
		{ VFIO_USER_REGION_BAR0, 1, 4, -EINVAL },
		{ VFIO_USER_REGION_BAR0, 2, 4, -EINVAL },
		{ VFIO_USER_REGION_BAR0, 0, 4100, -EINVAL },
		{ VFIO_USER_REGION_BAR0, 0, UINT32_MAX - 3, -EINVAL },
		{ VFIO_USER_REGION_BAR0, UINT64_MAX - 3, 4, -EINVAL },
		{ VFIO_USER_REGION_BAR0, UINT64_MAX - 3, 8, -EINVAL },
		{ VFIO_USER_REGION_BAR0, 1ull << 32, 4, -EINVAL },
		{ VFIO_USER_REGION_BAR1, 0, 4, -EINVAL },
		{ VFIO_USER_REGION_BAR2, 0, 4096, 0 },
		{ VFIO_USER_REGION_BAR2, 0xfff, 1, 0 },
		{ VFIO_USER_REGION_BAR2, 0xfff, 2, -EINVAL },
		{ VFIO_USER_REGION_BAR2, 0x1000, 1, -EINVAL },
		{ VFIO_USER_REGION_ROM, 0, 4, -EINVAL },
		{ VFIO_USER_REGION_CONFIG, 0, 256, 0 },
		{ VFIO_USER_REGION_CONFIG, 255, 1, 0 },
		{ VFIO_USER_REGION_CONFIG, 1, 3, 0 },
		{ VFIO_USER_REGION_CONFIG, 255, 2, -EINVAL },
		{ VFIO_USER_REGION_CONFIG, 256, 1, -EINVAL },
		{ VFIO_USER_REGION_CONFIG, UINT64_MAX, 2, -EINVAL },
		{ VFIO_USER_REGION_VGA, 0, 4, -EINVAL },
		{ VFIO_USER_REGION_COUNT, 0, 4, -EINVAL },
		{ UINT32_MAX, 0, 4, -EINVAL },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int write = 0; write < 2; write++) {
			unsigned int before = f->gpu.reads + f->gpu.writes;
			int ret = access_region(f, write, rows[i].region, rows[i].offset,
						rows[i].count, NULL);
			unsigned int done = f->gpu.reads + f->gpu.writes - before;
			bool regs = !ret && rows[i].region == VFIO_USER_REGION_BAR0;

			if (ret != rows[i].expected || done != (regs ? rows[i].count / 4 : 0))
				fail_msg("row %zu, %s: %d, %u words", i, write ? "write" : "read",
					 ret, done);
			if (!ret)
				assert_int_equal(f->reply.size, 16 + (write ? 0 : rows[i].count));
		}
	}
}

static void test_register_values(void **state)
{
	struct fixture *f = *state;
	uint32_t words[2], value = 0xcafe1234;

	assert_int_equal(access_region(f, false, VFIO_USER_REGION_BAR0, 0x2400, 8, NULL), 0);
	memcpy(words, read_data(f), sizeof(words));
	assert_int_equal(words[0], fake_gpu_value(0x2400));
	assert_int_equal(words[1], fake_gpu_value(0x2404));

	assert_int_equal(access_region(f, true, VFIO_USER_REGION_BAR0, 0x80000, 4, &value), 0);
	assert_int_equal(f->gpu.last_offset, 0x80000);
	assert_int_equal(f->gpu.last_value, value);

	/* the MSI-X window ignores writes */
	assert_int_equal(access_region(f, true, VFIO_USER_REGION_BAR2, 0x800, 4, &value), 0);
	assert_int_equal(access_region(f, false, VFIO_USER_REGION_BAR2, 0x800, 4, NULL), 0);
	memcpy(words, read_data(f), 4);
	assert_int_equal(words[0], 0);
}

/* Writes with less or more data than their count. */
static void test_write_data_size(void **state)
{
	struct fixture *f = *state;
	uint8_t payload[32] = { 0 };
	struct vfio_user_region_access access = { 0, VFIO_USER_REGION_BAR0, 8 };

	memcpy(payload, &access, sizeof(access));
	for (size_t size = sizeof(access); size <= sizeof(payload); size++)
		assert_int_equal(ask(f, VFIO_USER_REGION_WRITE, payload, size),
				 size == sizeof(access) + 8 ? 0 : -EINVAL);
	assert_int_equal(f->gpu.writes, 2);
}

static uint8_t config_byte(struct fixture *f, uint64_t offset)
{
	assert_int_equal(access_region(f, false, VFIO_USER_REGION_CONFIG, offset, 1, NULL), 0);
	return read_data(f)[0];
}

/* clang-format off */
/* The first 0x4c bytes after reset; all others are zero. */
static const uint8_t config_after_reset[PCI_CONFIG_SIZE] = {
	0xb5, 0x13, 0x41, 0x4d, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x80, 0x03,
	[0x2c] = 0xb5, 0x13, 0x41, 0x4d,
	[0x34] = 0x40,
	[0x40] = 0x11, 0x00, 0x02, 0x00, 0x02, 0x00, 0x00, 0x00, 0x02, 0x08, 0x00, 0x00,
};

static const uint8_t config_writable[PCI_CONFIG_SIZE] = {
	[0x04] = 0x06, 0x04,
	[0x0c] = 0xff,
	[0x10] = 0x00, 0x00, 0xc0, 0xff,
	[0x18] = 0x00, 0xf0, 0xff, 0xff,
	[0x3c] = 0xff,
	[0x43] = 0xc0,
};
/* clang-format on */

static void test_config_bits(void **state)
{
	struct fixture *f = *state;

	for (uint64_t at = 0; at < PCI_CONFIG_SIZE; at++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			uint8_t one = (uint8_t)(1u << bit), zero = 0;
			uint8_t start = config_after_reset[at],
				fixed = start & ~config_writable[at];

			assert_int_equal(config_byte(f, at), start);
			access_region(f, true, VFIO_USER_REGION_CONFIG, at, 1, &one);
			assert_int_equal(config_byte(f, at), fixed | (one & config_writable[at]));
			access_region(f, true, VFIO_USER_REGION_CONFIG, at, 1, &zero);
			assert_int_equal(config_byte(f, at), fixed);
		}
	}
}

/* Write all bytes in one access, as some firmware does to size BARs; then reset. */
static void test_config_block(void **state)
{
	struct fixture *f = *state;
	uint8_t ones[PCI_CONFIG_SIZE];

	memset(ones, 0xff, sizeof(ones));
	access_region(f, true, VFIO_USER_REGION_CONFIG, 0, PCI_CONFIG_SIZE, ones);
	access_region(f, false, VFIO_USER_REGION_CONFIG, 0, PCI_CONFIG_SIZE, NULL);
	for (size_t at = 0; at < PCI_CONFIG_SIZE; at++)
		assert_int_equal(read_data(f)[at], config_after_reset[at] | config_writable[at]);
	assert_int_equal(ask(f, VFIO_USER_DEVICE_RESET, "", 0), 0);
	access_region(f, false, VFIO_USER_REGION_CONFIG, 0, PCI_CONFIG_SIZE, NULL);
	assert_memory_equal(read_data(f), config_after_reset, PCI_CONFIG_SIZE);
}

/*
 * The shadow of SET_IRQS. The device gets duplicates of eventfds in a pool. The counters of the
 * pool then show the eventfd of each interrupt.
 */
#define POOL 16
#define SLOTS 5 /* MSI-X 0..2, ERR, REQ */
#define NOTHING (-1)

struct irq_shadow {
	int pool[POOL];
	unsigned int next;
	int slot[SLOTS]; /* index into the pool, or NOTHING */
};

struct irq_case {
	uint32_t index, start, count, flags;
	unsigned int files;
	int data; /* number of bytes too many (or, negative, missing) */
};

static const struct {
	unsigned int first, count;
} shadow_index[5] = { { 0, 0 }, { 0, 0 }, { 0, 3 }, { 3, 1 }, { 4, 1 } };

static uint64_t take_count(int fd)
{
	uint64_t count = 0;

	if (read(fd, &count, sizeof(count)) < 0)
		assert_int_equal(errno, EAGAIN);
	return count;
}

static void shadow_init(struct irq_shadow *shadow)
{
	for (unsigned int i = 0; i < POOL; i++)
		shadow->pool[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	shadow->next = 0;
	for (unsigned int i = 0; i < SLOTS; i++)
		shadow->slot[i] = NOTHING;
}

static void shadow_fini(struct irq_shadow *shadow)
{
	for (unsigned int i = 0; i < POOL; i++)
		close(shadow->pool[i]);
}

static bool is_valid_case(const struct irq_case *c)
{
	bool none = (c->flags & 7) == 1, eventfds = (c->flags & 7) == 4;
	uint64_t end = (uint64_t)c->start + c->count;

	if (c->index > 4 || c->data)
		return false;
	/* TRIGGER with exactly one kind of data */
	if (c->flags != 0x21 && c->flags != 0x22 && c->flags != 0x24)
		return false;
	if (!eventfds && c->files)
		return false;
	if (!c->count)
		return none && !c->start;
	if (end > shadow_index[c->index].count)
		return false;
	return !eventfds || !c->files || c->files == c->count;
}

/* The byte of an interrupt for DATA_BOOL: 0, 1, 0, 0x80, ... */
static uint8_t bool_byte(uint32_t interrupt)
{
	static const uint8_t bytes[4] = { 0, 1, 0, 0x80 };

	return bytes[interrupt % 4];
}

/* Apply a valid request to the shadow. @edges: its edges for each eventfd of the pool. */
static void shadow_apply(struct irq_shadow *shadow, const struct irq_case *c, const int *given,
			 uint64_t *edges)
{
	unsigned int first = shadow_index[c->index].first;

	if (!c->count) {
		for (unsigned int i = 0; i < shadow_index[c->index].count; i++)
			shadow->slot[first + i] = NOTHING;
		return;
	}
	for (uint32_t i = 0; i < c->count; i++) {
		int *slot = &shadow->slot[first + c->start + i];

		if (c->flags & 4)
			*slot = c->files ? given[i] : NOTHING;
		else if (*slot != NOTHING && (c->flags & 1 || bool_byte(i)))
			edges[*slot]++;
	}
}

static void check_edges(const struct irq_shadow *shadow, const uint64_t *edges,
			const struct irq_case *c)
{
	for (unsigned int i = 0; i < POOL; i++) {
		if (take_count(shadow->pool[i]) != edges[i])
			fail_msg("eventfd %u: index %u start %u count %u flags 0x%x files %u", i,
				 c->index, c->start, c->count, c->flags, c->files);
	}
}

static int send_irq_set(struct fixture *f, const struct irq_case *c)
{
	struct vfio_user_irq_set set = { 20, c->flags, c->index, c->start, c->count };
	uint8_t payload[64] = { 0 };
	uint32_t data = c->flags & 2 && c->count <= 8 ? c->count : 0;
	uint32_t size = (uint32_t)((int)(sizeof(set) + data) + c->data);

	set.argsz = size;
	memcpy(payload, &set, sizeof(set));
	for (uint32_t i = 0; i < data; i++)
		payload[sizeof(set) + i] = bool_byte(i);
	f->request.header.command = VFIO_USER_DEVICE_SET_IRQS;
	f->request.size = size;
	memcpy(f->request.payload, payload, size);
	return handle(f);
}

/* Raise each interrupt once, and check that its eventfd counts it. */
static void check_connections(struct fixture *f, const struct irq_shadow *shadow,
			      const struct irq_case *c)
{
	static const struct irq_case raise_others[] = {
		{ VFIO_USER_IRQ_ERR, 0, 1, 0x21, 0, 0 },
		{ VFIO_USER_IRQ_REQ, 0, 1, 0x21, 0, 0 },
	};
	struct board_irq_sink sink = front_device_irq_sink(&f->device);
	uint64_t edges[POOL] = { 0 };

	for (unsigned int i = 0; i < BOARD_VECTOR_COUNT; i++)
		sink.raise(sink.ctx, (enum board_vector)i);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(send_irq_set(f, &raise_others[i]), 0);
	for (unsigned int i = 0; i < SLOTS; i++) {
		if (shadow->slot[i] != NOTHING)
			edges[shadow->slot[i]]++;
	}
	check_edges(shadow, edges, c);
}

static bool is_connected(const struct irq_shadow *shadow, int place)
{
	for (unsigned int i = 0; i < SLOTS; i++) {
		if (shadow->slot[i] == place)
			return true;
	}
	return false;
}

/* An unused eventfd of the pool, so that a replaced eventfd is detected. */
static int take_from_pool(struct irq_shadow *shadow)
{
	do {
		shadow->next = (shadow->next + 1) % POOL;
	} while (is_connected(shadow, (int)shadow->next));
	return (int)shadow->next;
}

static void try_irq_case(struct fixture *f, struct irq_shadow *shadow, const struct irq_case *c)
{
	uint64_t edges[POOL] = { 0 };
	int given[8];
	int ret, expected = is_valid_case(c) ? 0 : -EINVAL;

	f->request.fd_count = 0;
	f->request.surplus_fds = false;
	for (unsigned int i = 0; i < c->files; i++) {
		given[i] = take_from_pool(shadow);
		add_file(f, shadow->pool[given[i]]);
	}
	ret = send_irq_set(f, c);
	if (ret != expected)
		fail_msg("%d: index %u start %u count %u flags 0x%x files %u data %d", ret,
			 c->index, c->start, c->count, c->flags, c->files, c->data);
	if (!ret)
		shadow_apply(shadow, c, given, edges);
	check_edges(shadow, edges, c);
	check_connections(f, shadow, c);
}

/* Connect all interrupts, so that a change outside of the range of a case is detected. */
static void connect_all(struct fixture *f, struct irq_shadow *shadow)
{
	static const struct irq_case all[] = {
		{ VFIO_USER_IRQ_MSIX, 0, 3, 0x24, 3, 0 },
		{ VFIO_USER_IRQ_ERR, 0, 1, 0x24, 1, 0 },
		{ VFIO_USER_IRQ_REQ, 0, 1, 0x24, 1, 0 },
	};

	for (unsigned int i = 0; i < 3; i++)
		try_irq_case(f, shadow, &all[i]);
}

/* Index up to 5, start and count up to 4 and at the 32-bit limit, up to four files. */
static void test_set_irqs(void **state)
{
	static const uint32_t values[] = { 0, 1, 2, 3, 4, UINT32_MAX - 1, UINT32_MAX };
	/* clang-format off */
	static const uint32_t flags[] = {
		0x21, 0x22, 0x24,			/* the right ones */
		0x20, 0x23, 0x25, 0x26, 0x27,		/* none or several kinds of data */
		0x01, 0x02, 0x04,			/* no action */
		0x09, 0x0c, 0x11, 0x14, 0x29, 0x31, 0x39,	/* mask, unmask, several actions */
		0x61, 0x80000021,			/* unknown bits */
	};
	/* clang-format on */
	struct fixture *f = *state;
	struct irq_shadow shadow;
	struct irq_case c = { 0 };

	shadow_init(&shadow);
	for (c.index = 0; c.index < 6; c.index++) {
		for (size_t s = 0; s < 7; s++) {
			for (size_t n = 0; n < 7; n++) {
				c.start = values[s];
				c.count = values[n];
				for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
					c.flags = flags[i];
					for (c.files = 0; c.files < 5; c.files++) {
						connect_all(f, &shadow);
						try_irq_case(f, &shadow, &c);
					}
				}
			}
		}
	}
	shadow_fini(&shadow);
}

/* Start without eventfds, and follow the order of requests of QEMU. */
static void test_set_irqs_as_qemu(void **state)
{
	/* clang-format off */
	static const struct irq_case cases[] = {
		{ VFIO_USER_IRQ_ERR, 0, 1, 0x24, 1, 0 },
		{ VFIO_USER_IRQ_MSIX, 0, 1, 0x24, 0, 0 },
		{ VFIO_USER_IRQ_MSIX, 0, 0, 0x21, 0, 0 },
		{ VFIO_USER_IRQ_MSIX, 0, 2, 0x24, 0, 0 },
		{ VFIO_USER_IRQ_MSIX, 2, 1, 0x24, 1, 0 },
		{ VFIO_USER_IRQ_MSIX, 1, 1, 0x24, 1, 0 },
		{ VFIO_USER_IRQ_MSIX, 0, 1, 0x24, 1, 0 },
		{ VFIO_USER_IRQ_MSIX, 1, 1, 0x24, 1, 0 },
		{ VFIO_USER_IRQ_MSIX, 0, 3, 0x22, 0, 0 },
		{ VFIO_USER_IRQ_MSIX, 1, 1, 0x24, 0, 0 },
		{ VFIO_USER_IRQ_MSIX, 0, 0, 0x21, 0, 0 },
	};
	/* clang-format on */
	struct fixture *f = *state;
	struct irq_shadow shadow;

	shadow_init(&shadow);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		try_irq_case(f, &shadow, &cases[i]);
	shadow_fini(&shadow);
}

static void test_set_irqs_data_size(void **state)
{
	static const uint32_t flags[] = { 0x21, 0x22, 0x24 };
	struct fixture *f = *state;
	struct irq_shadow shadow;
	struct irq_case c = { VFIO_USER_IRQ_MSIX, 0, 3, 0, 0, 0 };
	struct vfio_user_irq_set set = { 19, 0x21, VFIO_USER_IRQ_MSIX, 0, 1 };

	shadow_init(&shadow);
	connect_all(f, &shadow);
	for (unsigned int i = 0; i < 3; i++) {
		c.flags = flags[i];
		for (c.data = -3; c.data <= 3; c.data++)
			try_irq_case(f, &shadow, &c);
		connect_all(f, &shadow);
	}
	/* an argsz that is not the payload's size */
	assert_int_equal(ask(f, VFIO_USER_DEVICE_SET_IRQS, &set, sizeof(set)), -EINVAL);
	set.argsz = 21;
	assert_int_equal(ask(f, VFIO_USER_DEVICE_SET_IRQS, &set, sizeof(set)), -EINVAL);
	shadow_fini(&shadow);
}

static void connect_vector0(struct fixture *f, int fd)
{
	struct vfio_user_irq_set set = { 20, 0x24, VFIO_USER_IRQ_MSIX, 0, 1 };

	make_request(f, VFIO_USER_DEVICE_SET_IRQS, &set, sizeof(set));
	add_file(f, fd);
	assert_int_equal(handle(f), 0);
}

/* Both files are in blocking mode when the client sends them. A raise must not block. */
static void test_raise_never_blocks(void **state)
{
	struct fixture *f = *state;
	struct board_irq_sink sink = front_device_irq_sink(&f->device);
	uint64_t almost_full = UINT64_MAX - 1;
	int fd = eventfd(0, EFD_CLOEXEC), pipes[2];

	assert_int_equal(write(fd, &almost_full, sizeof(almost_full)), sizeof(almost_full));
	connect_vector0(f, fd);
	sink.raise(sink.ctx, BOARD_VECTOR_JOB);

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	connect_vector0(f, pipes[1]);
	for (unsigned int i = 0; i < 65536 / 8 + 1; i++)
		sink.raise(sink.ctx, BOARD_VECTOR_JOB);
	close(fd);
	close(pipes[0]);
	close(pipes[1]);
}

static int dma_map(struct fixture *f, uint64_t offset, uint64_t address, uint64_t size,
		   uint32_t flags, int fd)
{
	struct vfio_user_dma_map map = { 32, flags, offset, address, size };

	make_request(f, VFIO_USER_DMA_MAP, &map, sizeof(map));
	if (fd >= 0)
		add_file(f, fd);
	return handle(f);
}

static int dma_unmap(struct fixture *f, uint64_t address, uint64_t size, uint32_t flags)
{
	struct vfio_user_dma_unmap unmap = { 24, flags, address, size };
	int ret = ask(f, VFIO_USER_DMA_UNMAP, &unmap, sizeof(unmap));

	if (!ret) {
		assert_int_equal(f->reply.size, sizeof(unmap));
		assert_memory_equal(f->reply.payload, &unmap, sizeof(unmap));
	}
	return ret;
}

static bool is_ram(struct fixture *f, uint64_t gpa)
{
	uint8_t byte;

	return !guest_memory_read(f->mem, gpa, &byte, 1);
}

static int make_ram(uint64_t size)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

static void test_dma_rules(void **state)
{
	struct fixture *f = *state;
	int fd = make_ram(16 * PAGE);
	struct vfio_user_dma_map map = { 31, 3, 0, 0, PAGE };
	struct vfio_user_dma_unmap unmap = { 23, 0, 0, PAGE };

	assert_int_equal(ask(f, VFIO_USER_DMA_MAP, &map, sizeof(map)), -EINVAL);
	assert_int_equal(ask(f, VFIO_USER_DMA_UNMAP, &unmap, sizeof(unmap)), -EINVAL);
	assert_int_equal(dma_map(f, 0, 0, PAGE, 0, fd), -EINVAL);
	assert_int_equal(dma_map(f, 0, 0, PAGE, 2, fd), -EINVAL);
	assert_int_equal(dma_map(f, 0, 0, PAGE, 7, fd), -EINVAL);
	assert_int_equal(dma_map(f, 0, 1, PAGE, 3, fd), -EINVAL);
	assert_int_equal(dma_map(f, 0, 1, PAGE, 3, -1), -EINVAL);
	assert_int_equal(dma_map(f, 0, 0, 0, 3, -1), -EINVAL);
	assert_int_equal(dma_map(f, 0, 2 * PAGE, UINT64_MAX - PAGE + 1, 3, -1), -EINVAL);
	assert_int_equal(dma_map(f, 1, 0, PAGE, 3, fd), -EINVAL);
	assert_int_equal(dma_map(f, 0, 0, 17 * PAGE, 3, fd), -EINVAL);
	make_request(f, VFIO_USER_DMA_MAP, &(struct vfio_user_dma_map){ 32, 3, 0, 0, PAGE }, 32);
	add_file(f, fd);
	add_file(f, fd);
	assert_int_equal(handle(f), -EINVAL);
	assert_false(is_ram(f, 0));
	close(fd);
}

static void test_dma_overlap(void **state)
{
	struct fixture *f = *state;
	int fd = make_ram(16 * PAGE);

	assert_int_equal(dma_map(f, 0, 4 * PAGE, 4 * PAGE, 3, fd), 0);
	assert_int_equal(dma_map(f, 0, 10 * PAGE, 2 * PAGE, 1, -1), 0);
	/* RAM over RAM, RAM over a window, a window over RAM, a window over a window */
	assert_int_equal(dma_map(f, 0, 7 * PAGE, PAGE, 3, fd), -EEXIST);
	assert_int_equal(dma_map(f, 0, 9 * PAGE, 2 * PAGE, 3, fd), -EEXIST);
	assert_int_equal(dma_map(f, 0, 3 * PAGE, 2 * PAGE, 1, -1), -EEXIST);
	assert_int_equal(dma_map(f, 0, 11 * PAGE, PAGE, 1, -1), -EEXIST);
	assert_int_equal(dma_map(f, 0, 8 * PAGE, 2 * PAGE, 3, fd), 0);
	assert_false(is_ram(f, 10 * PAGE));

	assert_int_equal(dma_unmap(f, 4 * PAGE, 6 * PAGE, 0), -ENOENT);
	assert_int_equal(dma_unmap(f, 4 * PAGE, 0, 0), -ENOENT);
	assert_int_equal(dma_unmap(f, 5 * PAGE, 3 * PAGE, 0), -ENOENT);
	assert_int_equal(dma_unmap(f, 4 * PAGE, 4 * PAGE, 1), -EINVAL);
	assert_int_equal(dma_unmap(f, 4 * PAGE, 4 * PAGE, 2), -EINVAL);
	assert_true(is_ram(f, 4 * PAGE));
	assert_int_equal(dma_unmap(f, 10 * PAGE, 2 * PAGE, 0), 0);
	assert_int_equal(dma_unmap(f, 10 * PAGE, 2 * PAGE, 0), -ENOENT);
	assert_int_equal(dma_unmap(f, 4 * PAGE, 4 * PAGE, 0), 0);
	assert_false(is_ram(f, 4 * PAGE));
	assert_true(is_ram(f, 9 * PAGE));
	assert_int_equal(dma_unmap(f, 0, 0, 2), 0);
	assert_false(is_ram(f, 9 * PAGE));
	assert_int_equal(dma_map(f, 0, 0, 16 * PAGE, 3, fd), 0);
	close(fd);
}

static void test_dma_limit(void **state)
{
	struct fixture *f = *state;
	int fd = make_ram(PAGE);

	for (uint64_t i = 0; i < DMA_MAP_MAX; i++)
		assert_int_equal(dma_map(f, 0, i * PAGE, PAGE, 3, i % 2 ? fd : -1), 0);
	assert_int_equal(dma_map(f, 0, DMA_MAP_MAX * PAGE, PAGE, 3, fd), -ENOSPC);
	assert_int_equal(dma_unmap(f, PAGE, PAGE, 0), 0);
	assert_int_equal(dma_map(f, 0, DMA_MAP_MAX * PAGE, PAGE, 3, fd), 0);
	close(fd);
}

/*
 * Messages of QEMU for a q35 machine while SeaBIOS opens and closes the windows below 1 MiB: kind,
 * address of the first and the last byte. 'm': RAM, 'r': read-only RAM, 'w': a window (not RAM).
 */
/* clang-format off */
static const struct {
	char kind;
	uint64_t first, last;
} seabios[] = {
	{ 'm', 0, 0x3ffffff }, { 'w', 0xfffc0000, 0xffffffff },
	{ 'u', 0, 0x3ffffff }, { 'm', 0, 0xbffff }, { 'w', 0xc0000, 0xdffff },
	{ 'w', 0xe0000, 0xfffff }, { 'm', 0x100000, 0x3ffffff },
	{ 'u', 0, 0xbffff }, { 'u', 0xc0000, 0xdffff }, { 'u', 0xe0000, 0xfffff },
	{ 'u', 0x100000, 0x3ffffff }, { 'm', 0, 0xd7fff }, { 'w', 0xd8000, 0xdffff },
	{ 'w', 0xe0000, 0xeffff }, { 'm', 0xf0000, 0x3ffffff },
	{ 'u', 0, 0xd7fff }, { 'u', 0xd8000, 0xdffff }, { 'u', 0xe0000, 0xeffff },
	{ 'u', 0xf0000, 0x3ffffff }, { 'm', 0, 0x3ffffff },
	{ 'u', 0, 0x3ffffff }, { 'm', 0, 0xc2fff }, { 'r', 0xc3000, 0xd7fff },
	{ 'm', 0xd8000, 0xeffff }, { 'r', 0xf0000, 0xfffff }, { 'm', 0x100000, 0x3ffffff },
	{ 'u', 0xc3000, 0xd7fff }, { 'u', 0xd8000, 0xeffff }, { 'r', 0xc3000, 0xe7fff },
	{ 'm', 0xe8000, 0xeffff },
};
/* clang-format on */

static void test_dma_as_seabios(void **state)
{
	static const uint8_t mark[4] = { 1, 2, 3, 4 };
	struct fixture *f = *state;
	int fd = make_ram(0x4000000);
	uint8_t buf[4];

	for (size_t i = 0; i < sizeof(seabios) / sizeof(seabios[0]); i++) {
		uint64_t first = seabios[i].first, size = seabios[i].last - first + 1;
		char kind = seabios[i].kind;

		if (kind == 'u')
			assert_int_equal(dma_unmap(f, first, size, 0), 0);
		else
			assert_int_equal(dma_map(f, first, first, size, kind == 'm' ? 3 : 1,
						 kind == 'w' ? -1 : fd),
					 0);
		if (!i)
			assert_int_equal(guest_memory_write(f->mem, 0xe7ffe, mark, 4), 0);
	}
	/* the mark crosses the last two pieces, of which only one is writable */
	assert_int_equal(guest_memory_read(f->mem, 0xe7ffe, buf, 4), 0);
	assert_memory_equal(buf, mark, 4);
	assert_int_equal(guest_memory_write(f->mem, 0xe7ffe, mark, 4), -EFAULT);
	assert_int_equal(guest_memory_write(f->mem, 0xe8000, mark, 4), 0);
	close(fd);
}

static void test_reset(void **state)
{
	struct fixture *f = *state;
	struct board_irq_sink sink = front_device_irq_sink(&f->device);
	int ram = make_ram(PAGE), fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	uint8_t command = 0x06;

	assert_int_equal(dma_map(f, 0, 0, PAGE, 3, ram), 0);
	connect_vector0(f, fd);
	access_region(f, true, VFIO_USER_REGION_CONFIG, 4, 1, &command);
	assert_int_equal(ask(f, VFIO_USER_DEVICE_RESET, "", 0), 0);
	assert_int_equal(f->gpu.resets, 1);
	assert_int_equal(config_byte(f, 4), 0);
	assert_true(is_ram(f, 0));
	sink.raise(sink.ctx, BOARD_VECTOR_JOB);
	assert_int_equal(take_count(fd), 1);

	front_device_disconnect(&f->device);
	assert_false(is_ram(f, 0));
	sink.raise(sink.ctx, BOARD_VECTOR_JOB);
	assert_int_equal(take_count(fd), 0);
	close(ram);
	close(fd);
}

static void test_in_process(void **state)
{
	struct in_process front;
	struct fake_gpu gpu = { 0 };
	struct board_irq_sink sink;

	(void)state;
	assert_int_equal(in_process_init(&front), 0);
	in_process_attach(&front, &fake_gpu_ops, &gpu);
	sink = in_process_sink(&front);
	assert_int_equal(in_process_read32(&front, 0x98), fake_gpu_value(0x98));
	assert_true(in_process_read64(&front, 0x98) ==
		    (fake_gpu_value(0x98) | (uint64_t)fake_gpu_value(0x9c) << 32));
	in_process_write64(&front, 0x2400, 0x1122334455667788ull);
	assert_int_equal(gpu.writes, 2);
	assert_int_equal(gpu.last_offset, 0x2404);
	assert_int_equal(gpu.last_value, 0x11223344);
	sink.raise(sink.ctx, BOARD_VECTOR_MMU);
	sink.raise(sink.ctx, BOARD_VECTOR_MMU);
	assert_int_equal(in_process_take_edges(&front, BOARD_VECTOR_MMU), 2);
	assert_int_equal(in_process_take_edges(&front, BOARD_VECTOR_MMU), 0);
	assert_int_equal(in_process_take_edges(&front, BOARD_VECTOR_JOB), 0);
	in_process_reset(&front);
	assert_int_equal(gpu.resets, 1);
	in_process_fini(&front);
}

#define FRONT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		FRONT_TEST(test_device_info),
		FRONT_TEST(test_region_info),
		FRONT_TEST(test_irq_info),
		FRONT_TEST(test_shapes),
		FRONT_TEST(test_unexpected_files),
		FRONT_TEST(test_unknown_commands),
		FRONT_TEST(test_region_corners),
		FRONT_TEST(test_register_values),
		FRONT_TEST(test_write_data_size),
		FRONT_TEST(test_config_bits),
		FRONT_TEST(test_config_block),
		FRONT_TEST(test_set_irqs),
		FRONT_TEST(test_set_irqs_as_qemu),
		FRONT_TEST(test_set_irqs_data_size),
		FRONT_TEST(test_raise_never_blocks),
		FRONT_TEST(test_dma_rules),
		FRONT_TEST(test_dma_overlap),
		FRONT_TEST(test_dma_limit),
		FRONT_TEST(test_dma_as_seabios),
		FRONT_TEST(test_reset),
		FRONT_TEST(test_in_process),
	};
	/* clang-format on */

	return cmocka_run_group_tests_name("front", tests, NULL, NULL);
}
