// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
/*
 * Unit tests of front/ over a socket: one process, the server in its own thread, with a fake GPU.
 * Every test without another comment ends with these checks: the return value of the server, the
 * client's memory is unmapped, and no file descriptor is left.
 *
 *  1. version: agreement, with and without JSON; without agreement the connection ends.
 *  2. header: every size below a header and beyond the largest message, every type but command
 *     ends the connection; every unknown flag and command is answered, and the next one works.
 *  3. truncation: each request cut off after each of its bytes, then the client hangs up; or it
 *     hangs up with a reply unread.
 *  4. fragments: each request byte by byte.
 *  5. posted writes: no reply, not even for errors; the next read sees the write.
 *  6. files: too many, too many for this process, with the wrong command, late in a message; an
 *     interrupt through a real eventfd.
 *  7. ids: the reply has the id of the request.
 *  8. stop: between messages, in the middle of one, and while the reply cannot be sent.
 *  9. fuzz: requests with random fields, sizes, files, and random flips of bits, with a seed that
 *     is printed. After each connection a fresh one works.
 * 10. listener: the name is created and removed, other files are not changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "front/listener.h"
#include "front/server.h"
#include "memory/guest_memory.h"
#include "tests/fake_gpu.h"
#include "tests/open_files.h"
#include "tests/random.h"

#define PAGE 0x1000ull
#define HEADER sizeof(struct vfio_user_header)
#define REPLY_DEADLINE_MS 5000
#define FUZZ_CONNECTIONS 1000
#define FUZZ_MESSAGES 30
#define MANY_FDS 20 /* more than a message may have, less than the kernel's 253 */

struct connection {
	struct guest_memory *mem;
	struct front_device device;
	struct fake_gpu gpu;
	struct link link;
	pthread_t thread;
	int client, stop;
	int result;
	unsigned int files;
};

/* A message as the client sends it. */
struct packet {
	struct vfio_user_header header;
	_Alignas(8) uint8_t payload[MESSAGE_MAX_PAYLOAD];
};

static void *serve(void *arg)
{
	struct connection *c = arg;

	c->result = server_run(&c->device, &c->link);
	front_device_disconnect(&c->device);
	shutdown(c->link.socket, SHUT_RDWR);
	return NULL;
}

static void open_connection(struct connection *c)
{
	int sockets[2];

	memset(c, 0, sizeof(*c));
	c->files = open_files();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	c->client = sockets[0];
	c->stop = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(fcntl(sockets[1], F_SETFL, O_NONBLOCK), 0);
	c->link = (struct link){ .socket = sockets[1], .stop = c->stop };
	c->mem = guest_memory_create();
	front_device_init(&c->device, c->mem);
	front_device_attach(&c->device, &fake_gpu_ops, &c->gpu);
	assert_int_equal(pthread_create(&c->thread, NULL, serve, c), 0);
}

/* Wait for the end of the server and check for leaks. Return: its return value. */
static int finish_connection_any(struct connection *c)
{
	uint8_t byte;

	pthread_join(c->thread, NULL);
	assert_int_equal(c->device.dma.count, 0);
	assert_int_equal(guest_memory_read(c->mem, 0, &byte, 1), -EFAULT);
	close(c->link.socket);
	if (c->client >= 0)
		close(c->client);
	close(c->stop);
	front_device_fini(&c->device);
	guest_memory_destroy(c->mem);
	assert_int_equal(open_files(), c->files);
	return c->result;
}

static void finish_connection(struct connection *c, int expected)
{
	assert_int_equal(finish_connection_any(c), expected);
}

/* Hang up. */
static void close_connection(struct connection *c)
{
	shutdown(c->client, SHUT_RDWR);
	finish_connection(c, 0);
}

static void make_packet(struct packet *packet, uint16_t command, const void *payload, size_t size)
{
	static uint16_t id;

	packet->header = (struct vfio_user_header){
		.id = ++id,
		.command = command,
		.size = (uint32_t)(HEADER + size),
	};
	memcpy(packet->payload, payload, size);
}

/* Send @len bytes and optional files. A server that has hung up is no failure. */
static void send_bytes(struct connection *c, const void *buf, size_t len, const int *fds,
		       unsigned int count)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(MANY_FDS * sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	if (count) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, count * sizeof(int));
	}
	if (sendmsg(c->client, &msg, MSG_NOSIGNAL) < 0)
		assert_true(errno == EPIPE || errno == ECONNRESET);
}

static void send_packet(struct connection *c, const struct packet *packet)
{
	send_bytes(c, packet, packet->header.size, NULL, 0);
}

/* Return: false at the end of the stream. */
static bool receive_bytes(struct connection *c, void *buf, size_t len)
{
	struct pollfd poll_fd = { .fd = c->client, .events = POLLIN };
	ssize_t received;

	for (size_t done = 0; done < len; done += (size_t)received) {
		assert_int_equal(poll(&poll_fd, 1, REPLY_DEADLINE_MS), 1);
		received = recv(c->client, (uint8_t *)buf + done, len - done, 0);
		if (received <= 0)
			return false;
	}
	return true;
}

static bool receive_packet(struct connection *c, struct packet *packet)
{
	if (!receive_bytes(c, &packet->header, HEADER))
		return false;
	assert_true(packet->header.size >= HEADER && packet->header.size <= sizeof(*packet));
	return receive_bytes(c, packet->payload, packet->header.size - HEADER);
}

/* Receive the reply to @request, and check its id, command and @error. */
static void expect_reply(struct connection *c, const struct packet *request, struct packet *reply,
			 int error)
{
	assert_true(receive_packet(c, reply));
	assert_int_equal(reply->header.id, request->header.id);
	assert_int_equal(reply->header.command, request->header.command);
	assert_int_equal(reply->header.flags, error ? 0x21 : 0x01);
	assert_int_equal(reply->header.error, error);
	if (error)
		assert_int_equal(reply->header.size, HEADER);
}

static void ask(struct connection *c, uint16_t command, const void *payload, size_t size,
		struct packet *reply, int error)
{
	struct packet request;

	make_packet(&request, command, payload, size);
	send_packet(c, &request);
	expect_reply(c, &request, reply, error);
}

static void agree(struct connection *c)
{
	struct vfio_user_version version = { 0, 1 };
	struct packet reply;

	ask(c, VFIO_USER_VERSION, &version, sizeof(version), &reply, 0);
}

/* The connection still works. */
static void check_alive(struct connection *c)
{
	struct vfio_user_device_info info = { .argsz = sizeof(info) };
	struct packet reply;

	ask(c, VFIO_USER_DEVICE_GET_INFO, &info, sizeof(info), &reply, 0);
	assert_int_equal(reply.header.size, HEADER + sizeof(info));
}

/* The server must end the connection because of a protocol violation. */
static void expect_hang_up(struct connection *c)
{
	struct packet reply;

	assert_false(receive_packet(c, &reply));
	finish_connection(c, -EPROTO);
}

static void test_version(void **state)
{
	static const char json[] = "\0\0\1\0{\"capabilities\":{\"max_msg_fds\":8}}";
	struct connection c;
	struct packet reply;
	const char *text = (const char *)reply.payload + 4;

	(void)state;
	open_connection(&c);
	ask(&c, VFIO_USER_VERSION, json, sizeof(json), &reply, 0);
	assert_memory_equal(reply.payload, "\0\0\0\0", 4);
	assert_int_equal(reply.payload[reply.header.size - HEADER - 1], 0);
	assert_int_equal(strlen(text) + 1, reply.header.size - HEADER - 4);
	assert_string_equal(text, "{\"capabilities\":{\"max_msg_fds\":8,"
				  "\"max_data_xfer_size\":4096,"
				  "\"max_dma_maps\":4096,\"pgsizes\":4096}}");
	check_alive(&c);
	/* a second VFIO_USER_VERSION is an error without effect */
	ask(&c, VFIO_USER_VERSION, json, sizeof(json), &reply, EOPNOTSUPP);
	check_alive(&c);
	close_connection(&c);
}

static void test_no_version(void **state)
{
	static const struct {
		uint16_t command;
		const char *payload;
		size_t size;
	} rows[] = {
		{ VFIO_USER_VERSION, "", 0 },
		{ VFIO_USER_VERSION, "\0\0\0", 3 },
		{ VFIO_USER_VERSION, "\1\0\0\0", 4 },
		{ VFIO_USER_VERSION, "\0\1\0\0", 4 },
		{ VFIO_USER_VERSION, "\0\0\1\0{}", 6 },
		{ VFIO_USER_DEVICE_RESET, "", 0 },
		{ 0, "", 0 },
	};
	struct connection c;
	struct packet reply;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		open_connection(&c);
		ask(&c, rows[i].command, rows[i].payload, rows[i].size, &reply, EINVAL);
		assert_int_equal(c.gpu.resets, 0);
		expect_hang_up(&c);
	}
}

/* One packet with this header ends the connection. */
static void try_bad_header(uint32_t size, uint32_t flags)
{
	struct packet packet = { 0 };
	struct connection c;

	open_connection(&c);
	agree(&c);
	packet.header = (struct vfio_user_header){ 7, VFIO_USER_DEVICE_GET_INFO, size, flags, 0 };
	send_bytes(&c, &packet, HEADER, NULL, 0);
	expect_hang_up(&c);
}

static void test_bad_sizes(void **state)
{
	(void)state;
	for (uint32_t size = 0; size < HEADER; size++)
		try_bad_header(size, 0);
	try_bad_header(HEADER + MESSAGE_MAX_PAYLOAD + 1, 0);
	try_bad_header(INT32_MAX, 0);
	try_bad_header((uint32_t)INT32_MAX + 1, 0);
	try_bad_header(UINT32_MAX, 0);
}

static void test_bad_types(void **state)
{
	(void)state;
	for (uint32_t type = 1; type < 16; type++) {
		try_bad_header(HEADER, type);
		try_bad_header(HEADER, type | VFIO_USER_NO_REPLY);
	}
}

static void test_bad_flags(void **state)
{
	struct vfio_user_device_info info = { .argsz = sizeof(info) };
	struct packet request, reply;
	struct connection c;

	(void)state;
	open_connection(&c);
	agree(&c);
	for (unsigned int bit = 5; bit < 32; bit++) {
		make_packet(&request, VFIO_USER_DEVICE_GET_INFO, &info, sizeof(info));
		request.header.flags = 1u << bit;
		send_packet(&c, &request);
		expect_reply(&c, &request, &reply, EINVAL);
	}
	/* the error field of a request is ignored */
	make_packet(&request, VFIO_USER_DEVICE_GET_INFO, &info, sizeof(info));
	request.header.error = 0xffffffff;
	send_packet(&c, &request);
	expect_reply(&c, &request, &reply, 0);
	close_connection(&c);
}

static void test_unknown_commands(void **state)
{
	static const uint16_t commands[] = { 0, 6, 11, 12, 14, 15, 16, 17, 18, 19, 0x7fff, 0xffff };
	static const uint8_t largest[MESSAGE_MAX_PAYLOAD];
	struct packet reply;
	struct connection c;

	(void)state;
	open_connection(&c);
	agree(&c);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		ask(&c, commands[i], "", 0, &reply, EOPNOTSUPP);
		ask(&c, commands[i], largest, sizeof(largest), &reply, EOPNOTSUPP);
	}
	check_alive(&c);
	close_connection(&c);
}

/* A valid request of every command, in an order in which each one succeeds. */
#define REQUESTS 10

static void make_request(struct packet *packet, unsigned int number)
{
	struct vfio_user_dma_map map = { 32, VFIO_USER_DMA_READABLE, 0, PAGE, PAGE };
	struct vfio_user_dma_unmap unmap = { 24, 0, PAGE, PAGE };
	struct vfio_user_region_info region = { .argsz = 32, .index = VFIO_USER_REGION_BAR0 };
	struct vfio_user_irq_info irq = { .argsz = 16, .index = VFIO_USER_IRQ_MSIX };
	struct vfio_user_irq_set irqs = { 23, 0x22, VFIO_USER_IRQ_MSIX, 0, 3 };
	struct vfio_user_device_info info = { .argsz = 16 };
	struct vfio_user_region_access read = { 0, VFIO_USER_REGION_BAR0, 4 };
	struct vfio_user_region_access config = { 0, VFIO_USER_REGION_CONFIG, 256 };
	uint8_t write[20] = { [8] = VFIO_USER_REGION_BAR0, [12] = 4 };
	uint8_t set[23] = { 0 };
	const struct {
		uint16_t command;
		const void *payload;
		size_t size;
	} rows[REQUESTS] = {
		{ VFIO_USER_DMA_MAP, &map, sizeof(map) },
		{ VFIO_USER_DMA_UNMAP, &unmap, sizeof(unmap) },
		{ VFIO_USER_DEVICE_GET_INFO, &info, sizeof(info) },
		{ VFIO_USER_DEVICE_GET_REGION_INFO, &region, sizeof(region) },
		{ VFIO_USER_DEVICE_GET_IRQ_INFO, &irq, sizeof(irq) },
		{ VFIO_USER_DEVICE_SET_IRQS, set, sizeof(set) },
		{ VFIO_USER_REGION_READ, &read, sizeof(read) },
		{ VFIO_USER_REGION_READ, &config, sizeof(config) },
		{ VFIO_USER_REGION_WRITE, write, sizeof(write) },
		{ VFIO_USER_DEVICE_RESET, "", 0 },
	};

	memcpy(set, &irqs, sizeof(irqs));
	make_packet(packet, rows[number].command, rows[number].payload, rows[number].size);
}

static void test_truncated(void **state)
{
	struct packet packet;
	struct connection c;

	(void)state;
	for (unsigned int number = 0; number < REQUESTS; number++) {
		make_request(&packet, number);
		for (size_t len = 0; len < packet.header.size; len++) {
			open_connection(&c);
			agree(&c);
			send_bytes(&c, &packet, len, NULL, 0);
			shutdown(c.client, SHUT_WR);
			finish_connection(&c, 0);
			assert_int_equal(c.gpu.reads + c.gpu.writes + c.gpu.resets, 0);
		}
	}
}

static void test_fragments(void **state)
{
	struct packet request, reply;
	struct connection c;

	(void)state;
	open_connection(&c);
	agree(&c);
	for (unsigned int number = 0; number < REQUESTS; number++) {
		make_request(&request, number);
		for (size_t i = 0; i < request.header.size; i++)
			send_bytes(&c, (uint8_t *)&request + i, 1, NULL, 0);
		expect_reply(&c, &request, &reply, 0);
	}
	close_connection(&c);
}

/* All requests in one write, like a client that pipelines. */
static void test_pipelined(void **state)
{
	static uint8_t stream[REQUESTS * sizeof(struct packet)];
	struct packet requests[REQUESTS], reply;
	struct connection c;
	size_t len = 0;

	(void)state;
	open_connection(&c);
	agree(&c);
	for (unsigned int number = 0; number < REQUESTS; number++) {
		make_request(&requests[number], number);
		memcpy(stream + len, &requests[number], requests[number].header.size);
		len += requests[number].header.size;
	}
	send_bytes(&c, stream, len, NULL, 0);
	for (unsigned int number = 0; number < REQUESTS; number++)
		expect_reply(&c, &requests[number], &reply, 0);
	close_connection(&c);
}

static void post_write(struct connection *c, uint32_t region, uint64_t offset, uint32_t value)
{
	struct vfio_user_region_access access = { offset, region, sizeof(value) };
	uint8_t payload[sizeof(access) + sizeof(value)];
	struct packet packet;

	memcpy(payload, &access, sizeof(access));
	memcpy(payload + sizeof(access), &value, sizeof(value));
	make_packet(&packet, VFIO_USER_REGION_WRITE, payload, sizeof(payload));
	packet.header.flags = VFIO_USER_NO_REPLY;
	send_packet(c, &packet);
}

static uint32_t read_register(struct connection *c, uint64_t offset)
{
	struct vfio_user_region_access access = { offset, VFIO_USER_REGION_BAR0, 4 };
	struct packet reply;
	uint32_t value;

	ask(c, VFIO_USER_REGION_READ, &access, sizeof(access), &reply, 0);
	assert_int_equal(reply.header.size, HEADER + sizeof(access) + 4);
	assert_memory_equal(reply.payload, &access, sizeof(access));
	memcpy(&value, reply.payload + sizeof(access), 4);
	return value;
}

static void test_posted_writes(void **state)
{
	struct connection c;

	(void)state;
	open_connection(&c);
	agree(&c);
	for (uint32_t i = 0; i < 100; i++) {
		post_write(&c, VFIO_USER_REGION_BAR0, 4 * i, ~i);
		/* errors without a reply */
		post_write(&c, VFIO_USER_REGION_BAR0, 4 * i + 1, 0);
		post_write(&c, VFIO_USER_REGION_ROM, 0, 0);
		assert_int_equal(read_register(&c, 4 * i), ~i);
	}
	assert_int_equal(c.gpu.writes, 100);
	close_connection(&c);
}

static int make_ram(void)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)PAGE), 0);
	return fd;
}

/* The client closes its end with an unread reply: the stream ends with ECONNRESET. */
static void test_unread_reply(void **state)
{
	struct pollfd readable;
	struct packet packet;
	struct connection c;

	(void)state;
	open_connection(&c);
	agree(&c);
	make_request(&packet, 2);
	send_packet(&c, &packet);
	readable = (struct pollfd){ .fd = c.client, .events = POLLIN };
	assert_int_equal(poll(&readable, 1, REPLY_DEADLINE_MS), 1);
	close(c.client);
	c.client = -1;
	finish_connection(&c, 0);
}

static void send_map(struct connection *c, unsigned int files, int error)
{
	struct vfio_user_dma_map map = { 32, 3, 0, 0, PAGE };
	struct packet request, reply;
	int fds[MANY_FDS] = { 0 };

	for (unsigned int i = 0; i < files; i++)
		fds[i] = make_ram();
	make_packet(&request, VFIO_USER_DMA_MAP, &map, sizeof(map));
	send_bytes(c, &request, request.header.size, fds, files);
	for (unsigned int i = 0; i < files; i++)
		close(fds[i]);
	expect_reply(c, &request, &reply, error);
}

static void test_files(void **state)
{
	struct connection c;

	(void)state;
	for (unsigned int files = 0; files <= MANY_FDS; files++) {
		uint8_t byte;

		open_connection(&c);
		agree(&c);
		send_map(&c, files, files > 1 ? EINVAL : 0);
		assert_int_equal(guest_memory_read(c.mem, 0, &byte, 1), files == 1 ? 0 : -EFAULT);
		check_alive(&c);
		close_connection(&c);
	}
}

/* At the limit of open files, the kernel drops the file of a message: it must not map RAM. */
static void test_no_room_for_file(void **state)
{
	struct vfio_user_dma_map map = { 32, 3, 0, 0, PAGE };
	struct packet request, reply;
	struct rlimit saved, limit;
	struct connection c;
	int fd = make_ram(), first_free;

	(void)state;
	open_connection(&c);
	agree(&c);
	first_free = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	close(first_free);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &saved), 0);
	limit = saved;
	limit.rlim_cur = (rlim_t)first_free;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	make_packet(&request, VFIO_USER_DMA_MAP, &map, sizeof(map));
	send_bytes(&c, &request, request.header.size, &fd, 1);
	expect_reply(&c, &request, &reply, EINVAL);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &saved), 0);
	send_map(&c, 1, 0);
	close_connection(&c);
	close(fd);
}

/* A file that comes with the last byte of a message belongs to that message. */
static void test_late_file(void **state)
{
	struct vfio_user_dma_map map = { 32, 3, 0, 0, PAGE };
	struct packet request, reply;
	struct connection c;
	int fd = make_ram();
	uint8_t byte;

	(void)state;
	open_connection(&c);
	agree(&c);
	make_packet(&request, VFIO_USER_DMA_MAP, &map, sizeof(map));
	send_bytes(&c, &request, request.header.size - 1, NULL, 0);
	send_bytes(&c, (uint8_t *)&request + request.header.size - 1, 1, &fd, 1);
	expect_reply(&c, &request, &reply, 0);
	assert_int_equal(guest_memory_read(c.mem, 0, &byte, 1), 0);

	/* a file with the header of a command that allows no files */
	make_packet(&request, VFIO_USER_DEVICE_RESET, "", 0);
	send_bytes(&c, &request, HEADER, &fd, 1);
	expect_reply(&c, &request, &reply, EINVAL);
	assert_int_equal(c.gpu.resets, 0);
	close_connection(&c);
	close(fd);
}

static void test_interrupt(void **state)
{
	struct vfio_user_irq_set set = { 20, 0x24, VFIO_USER_IRQ_MSIX, 1, 2 };
	struct board_irq_sink sink;
	struct packet request, reply;
	struct connection c;
	uint64_t count;
	int fds[2];

	(void)state;
	fds[0] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	fds[1] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	open_connection(&c);
	agree(&c);
	make_packet(&request, VFIO_USER_DEVICE_SET_IRQS, &set, sizeof(set));
	send_bytes(&c, &request, request.header.size, fds, 2);
	expect_reply(&c, &request, &reply, 0);
	sink = front_device_irq_sink(&c.device);
	sink.raise(sink.ctx, BOARD_VECTOR_JOB);
	sink.raise(sink.ctx, BOARD_VECTOR_GPU);
	assert_int_equal(read(fds[0], &count, 8), -1);
	assert_int_equal(read(fds[1], &count, 8), 8);
	assert_int_equal(count, 1);
	close_connection(&c);
	close(fds[0]);
	close(fds[1]);
}

static void test_ids(void **state)
{
	static const uint16_t ids[] = { 0, 1, 1, 0x8000, 0xffff, 0 };
	struct packet request, reply;
	struct connection c;

	(void)state;
	open_connection(&c);
	agree(&c);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		make_request(&request, 2);
		request.header.id = ids[i];
		send_packet(&c, &request);
		expect_reply(&c, &request, &reply, 0);
	}
	close_connection(&c);
}

static void stop_server(struct connection *c)
{
	uint64_t one = 1;

	assert_int_equal(write(c->stop, &one, sizeof(one)), sizeof(one));
	finish_connection(c, -ECANCELED);
}

static void test_stop(void **state)
{
	struct packet packet;
	struct connection c;

	(void)state;
	open_connection(&c);
	stop_server(&c);

	open_connection(&c);
	agree(&c);
	stop_server(&c);

	open_connection(&c);
	agree(&c);
	make_request(&packet, 2);
	send_bytes(&c, &packet, HEADER + 3, NULL, 0);
	stop_server(&c);
}

/* The client sends requests and reads no replies, until neither side can send. */
static void test_stop_blocked(void **state)
{
	struct packet packet;
	struct connection c;

	(void)state;
	open_connection(&c);
	agree(&c);
	make_request(&packet, 7);
	assert_int_equal(fcntl(c.client, F_SETFL, O_NONBLOCK), 0);
	for (;;) {
		struct pollfd writable = { .fd = c.client, .events = POLLOUT };

		if (poll(&writable, 1, 200) == 0)
			break;
		if (send(c.client, &packet, packet.header.size, MSG_NOSIGNAL) < 0)
			assert_int_equal(errno, EAGAIN);
	}
	stop_server(&c);
}

/* A random value, often at or near a limit. */
static uint64_t fuzz_value(struct random *random)
{
	/* clang-format off */
	static const uint64_t edges[] = {
		0, 1, 2, 3, 4, 7, 8, 16, 20, 24, 32, 255, 256, 0x1000, 0x400000, INT32_MAX,
		UINT32_MAX, 1ull << 32, INT64_MAX, UINT64_MAX - 0xfff, UINT64_MAX,
	};
	/* clang-format on */

	if (random_below(random, 4))
		return edges[random_below(random, sizeof(edges) / sizeof(edges[0]))];
	return random_next(random) >> random_below(random, 64);
}

static void fuzz_packet(struct random *random, struct packet *packet)
{
	size_t payload;

	make_request(packet, (unsigned int)random_below(random, REQUESTS));
	payload = packet->header.size - HEADER;
	/* change some fields, mostly aligned, sometimes any word */
	for (uint64_t n = random_below(random, 4); n && payload >= 4; n--) {
		uint64_t value = fuzz_value(random);
		size_t at = 4 * random_below(random, payload / 4);

		memcpy(packet->payload + at, &value, payload - at >= 8 && at % 8 == 0 ? 8 : 4);
	}
	if (!random_below(random, 8))
		packet->header.flags = (uint32_t)fuzz_value(random);
	if (!random_below(random, 8))
		packet->header.command = (uint16_t)random_below(random, 20);
	if (!random_below(random, 8))
		packet->header.size = (uint32_t)fuzz_value(random);
	if (!random_below(random, 8))
		((uint8_t *)packet)[random_below(random, HEADER + payload)] ^=
			(uint8_t)(1u << random_below(random, 8));
}

static void fuzz_send(struct random *random, struct connection *c, int ram, int irq)
{
	static const size_t most = HEADER + MESSAGE_MAX_PAYLOAD;
	struct packet packet;
	int fds[MANY_FDS];
	unsigned int files = 0;
	size_t len;

	memset(&packet, 0, sizeof(packet));
	fuzz_packet(random, &packet);
	if (!random_below(random, 3))
		files = (unsigned int)random_below(random, random_below(random, 2) ? 4 : MANY_FDS);
	for (unsigned int i = 0; i < files; i++)
		fds[i] = random_below(random, 2) ? ram : irq;
	len = packet.header.size;
	if (len < HEADER || len > most)
		len = HEADER;
	send_bytes(c, &packet, len, fds, files);
}

/* Receive and drop the replies that have arrived. */
static void drop_replies(struct connection *c)
{
	uint8_t buf[4096];

	while (recv(c->client, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}

static void fuzz_connection(struct random *random, int ram, int irq)
{
	uint64_t messages = random_below(random, FUZZ_MESSAGES);
	struct connection c;
	int result;

	open_connection(&c);
	if (random_below(random, 16))
		agree(&c);
	for (uint64_t i = 0; i < messages; i++) {
		fuzz_send(random, &c, ram, irq);
		drop_replies(&c);
	}
	shutdown(c.client, SHUT_RDWR);
	result = finish_connection_any(&c);
	assert_true(result == 0 || result == -EPROTO);
}

static void test_fuzz(void **state)
{
	struct random random = random_start("protocol");
	int ram = make_ram(), irq = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct connection c;

	(void)state;
	for (unsigned int i = 0; i < FUZZ_CONNECTIONS; i++) {
		fuzz_connection(&random, ram, irq);
		open_connection(&c);
		agree(&c);
		check_alive(&c);
		close_connection(&c);
	}
	close(ram);
	close(irq);
}

static char folder[] = "/tmp/vmali-front.XXXXXX";

static void path_in_folder(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/%s", folder, name);
}

static int connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(addr.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		int ret = -errno;

		close(fd);
		return ret;
	}
	return fd;
}

/* Names in the folder, "." and ".." not counted. */
static unsigned int names_in_folder(void)
{
	DIR *dir = opendir(folder);
	unsigned int names = 0;

	assert_non_null(dir);
	while (readdir(dir))
		names++;
	closedir(dir);
	return names - 2;
}

static int setup_folder(void **state)
{
	(void)state;
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static void test_listener(void **state)
{
	unsigned int files = open_files();
	struct listener listener;
	char path[100];
	struct stat st;
	int client, server;

	(void)state;
	path_in_folder(path, sizeof(path), "s");
	assert_int_equal(listener_open(&listener, path), 0);
	assert_int_equal(names_in_folder(), 1);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);

	client = connect_to(path);
	assert_true(client >= 0);
	server = listener_accept(&listener, -1);
	assert_true(server >= 0);
	assert_true(fcntl(server, F_GETFL) & O_NONBLOCK);
	listener_close(&listener);
	assert_int_equal(names_in_folder(), 0);
	assert_int_equal(connect_to(path), -ENOENT);
	close(client);
	close(server);
	assert_int_equal(open_files(), files);
}

static void test_listener_stop(void **state)
{
	int stop_fd = eventfd(1, EFD_CLOEXEC);
	struct listener listener;
	char path[100];

	(void)state;
	path_in_folder(path, sizeof(path), "s");
	assert_int_equal(listener_open(&listener, path), 0);
	assert_int_equal(listener_accept(&listener, stop_fd), -ECANCELED);
	listener_close(&listener);
	listener_close(&listener);
	assert_int_equal(names_in_folder(), 0);
	close(stop_fd);
}

/* A second server replaces the socket. The first server must not remove the new file. */
static void test_listener_replaced(void **state)
{
	struct listener first, second;
	char path[100];

	(void)state;
	path_in_folder(path, sizeof(path), "s");
	assert_int_equal(listener_open(&first, path), 0);
	assert_int_equal(listener_open(&second, path), 0);
	listener_close(&first);
	assert_int_equal(names_in_folder(), 1);
	listener_close(&second);
	assert_int_equal(names_in_folder(), 0);
}

static void test_listener_refused(void **state)
{
	unsigned int files = open_files();
	struct listener listener;
	char path[200];
	int fd;

	(void)state;
	path_in_folder(path, sizeof(path), "file");
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(listener_open(&listener, path), -EEXIST);
	assert_int_equal(names_in_folder(), 1);
	unlink(path);

	path_in_folder(path, sizeof(path), "missing/s");
	assert_int_equal(listener_open(&listener, path), -ENOENT);
	memset(path, 'x', 108);
	path[108] = '\0';
	assert_int_equal(listener_open(&listener, path), -ENAMETOOLONG);
	assert_int_equal(names_in_folder(), 0);
	assert_int_equal(open_files(), files);
}

#define LISTENER_TEST(name) cmocka_unit_test_setup_teardown(name, setup_folder, teardown_folder)

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_no_version),
		cmocka_unit_test(test_bad_sizes),
		cmocka_unit_test(test_bad_types),
		cmocka_unit_test(test_bad_flags),
		cmocka_unit_test(test_unknown_commands),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_unread_reply),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_posted_writes),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_no_room_for_file),
		cmocka_unit_test(test_late_file),
		cmocka_unit_test(test_interrupt),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_stop_blocked),
		cmocka_unit_test(test_fuzz),
		LISTENER_TEST(test_listener),
		LISTENER_TEST(test_listener_stop),
		LISTENER_TEST(test_listener_replaced),
		LISTENER_TEST(test_listener_refused),
	};
	/* clang-format on */

	return cmocka_run_group_tests_name("protocol", tests, NULL, NULL);
}
