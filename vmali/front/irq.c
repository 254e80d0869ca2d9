// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "front/irq.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "trace/trace.h"

/* For each index: its first slot in the table, and the number of its interrupts. */
static const struct irq_index {
	unsigned int first, count;
} irq_indices[VFIO_USER_IRQ_COUNT] = {
	[VFIO_USER_IRQ_MSIX] = { 0, BOARD_VECTOR_COUNT },
	[VFIO_USER_IRQ_ERR] = { BOARD_VECTOR_COUNT, 1 },
	[VFIO_USER_IRQ_REQ] = { BOARD_VECTOR_COUNT + 1, 1 },
};

static const char *const vector_names[BOARD_VECTOR_COUNT] = {
	[BOARD_VECTOR_JOB] = "job",
	[BOARD_VECTOR_MMU] = "mmu",
	[BOARD_VECTOR_GPU] = "gpu",
};

void irq_table_init(struct irq_table *irqs)
{
	pthread_mutex_init(&irqs->lock, NULL);
	for (unsigned int i = 0; i < IRQ_SLOTS; i++)
		irqs->eventfd[i] = -1;
}

void irq_table_fini(struct irq_table *irqs)
{
	irq_table_clear(irqs);
	pthread_mutex_destroy(&irqs->lock);
}

/* Set the eventfd of a slot to @fd, or to -1 for none. Closes the old one. */
static void assign_locked(struct irq_table *irqs, unsigned int slot, int fd)
{
	if (irqs->eventfd[slot] >= 0)
		close(irqs->eventfd[slot]);
	irqs->eventfd[slot] = fd;
}

static void deassign_locked(struct irq_table *irqs, unsigned int first, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		assign_locked(irqs, first + i, -1);
}

void irq_table_clear(struct irq_table *irqs)
{
	pthread_mutex_lock(&irqs->lock);
	deassign_locked(irqs, 0, IRQ_SLOTS);
	pthread_mutex_unlock(&irqs->lock);
}

/*
 * The write cannot block, see set_nonblocking(). EAGAIN means that the counter of the eventfd is at
 * its maximum: the client has not read earlier edges, and this one can be dropped.
 */
static void raise_locked(struct irq_table *irqs, unsigned int slot)
{
	uint64_t one = 1;

	if (irqs->eventfd[slot] < 0)
		return;
	if (write(irqs->eventfd[slot], &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_once("eventfd of an interrupt: %s", strerror(errno));
}

static void raise_vector(void *ctx, enum board_vector vector)
{
	struct irq_table *irqs = ctx;

	trace("irq", "%s edge", vector_names[vector]);
	pthread_mutex_lock(&irqs->lock);
	raise_locked(irqs, irq_indices[VFIO_USER_IRQ_MSIX].first + vector);
	pthread_mutex_unlock(&irqs->lock);
}

struct board_irq_sink irq_table_sink(struct irq_table *irqs)
{
	return (struct board_irq_sink){ .raise = raise_vector, .ctx = irqs };
}

int irq_get_info(const struct message *request, struct message *reply)
{
	const struct vfio_user_irq_info *in = (const void *)request->payload;
	struct vfio_user_irq_info *out = (void *)reply->payload;

	if (in->argsz < sizeof(*in) || in->index >= VFIO_USER_IRQ_COUNT)
		return -EINVAL;
	*out = (struct vfio_user_irq_info){
		.argsz = sizeof(*out),
		.flags = VFIO_USER_IRQ_FLAGS_EVENTFD,
		.index = in->index,
		.count = irq_indices[in->index].count,
	};
	reply->size = sizeof(*out);
	return 0;
}

/*
 * A write to a file that the client sends as an eventfd must not block the GPU, even if it is no
 * eventfd. The flag changes the open file that client and server share. QEMU's event notifiers have
 * it set already.
 */
static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

static int set_eventfds(struct irq_table *irqs, const struct irq_index *index,
			const struct vfio_user_irq_set *set, struct message *request)
{
	unsigned int first = index->first + set->start;

	if (request->fd_count && request->fd_count != set->count)
		return -EINVAL;
	for (unsigned int i = 0; i < request->fd_count; i++) {
		if (set_nonblocking(request->fds[i]))
			return -EINVAL;
	}
	pthread_mutex_lock(&irqs->lock);
	deassign_locked(irqs, first, set->count);
	for (unsigned int i = 0; i < request->fd_count; i++) {
		assign_locked(irqs, first + i, request->fds[i]);
		request->fds[i] = -1;
	}
	pthread_mutex_unlock(&irqs->lock);
	return 0;
}

/* @chosen: a byte for each interrupt, not 0 to raise it; NULL: raise all. */
static void trigger(struct irq_table *irqs, const struct irq_index *index,
		    const struct vfio_user_irq_set *set, const uint8_t *chosen)
{
	pthread_mutex_lock(&irqs->lock);
	for (unsigned int i = 0; i < set->count; i++) {
		if (!chosen || chosen[i])
			raise_locked(irqs, index->first + set->start + i);
	}
	pthread_mutex_unlock(&irqs->lock);
}

static void disable_index(struct irq_table *irqs, const struct irq_index *index)
{
	pthread_mutex_lock(&irqs->lock);
	deassign_locked(irqs, index->first, index->count);
	pthread_mutex_unlock(&irqs->lock);
}

/* The range must be within the index. Start and count 0 with DATA_NONE mean the whole index. */
static int check_range(const struct vfio_user_irq_set *set)
{
	unsigned int available = irq_indices[set->index].count;

	if (!set->count)
		return set->flags & VFIO_USER_IRQ_DATA_NONE && !set->start ? 0 : -EINVAL;
	return set->start < available && set->count <= available - set->start ? 0 : -EINVAL;
}

/* Check the size of the payload. Files are allowed with DATA_EVENTFD only. */
static int check_data(const struct vfio_user_irq_set *set, const struct message *request)
{
	size_t data = set->flags & VFIO_USER_IRQ_DATA_BOOL ? set->count : 0;

	if (set->argsz != request->size || request->size != sizeof(*set) + data)
		return -EINVAL;
	if (request->fd_count && !(set->flags & VFIO_USER_IRQ_DATA_EVENTFD))
		return -EINVAL;
	return 0;
}

static int check_flags(uint32_t flags)
{
	uint32_t data = flags & VFIO_USER_IRQ_DATA_MASK;

	/* exactly one of the three bits */
	if (!data || data & (data - 1))
		return -EINVAL;
	return (flags & ~VFIO_USER_IRQ_DATA_MASK) == VFIO_USER_IRQ_ACTION_TRIGGER ? 0 : -EINVAL;
}

int irq_set(struct irq_table *irqs, struct message *request)
{
	const struct vfio_user_irq_set *set = (const void *)request->payload;
	const struct irq_index *index;

	if (set->index >= VFIO_USER_IRQ_COUNT || check_flags(set->flags) || check_range(set) ||
	    check_data(set, request))
		return -EINVAL;
	index = &irq_indices[set->index];
	if (set->flags & VFIO_USER_IRQ_DATA_EVENTFD)
		return set_eventfds(irqs, index, set, request);
	if (!set->count)
		disable_index(irqs, index);
	else if (set->flags & VFIO_USER_IRQ_DATA_NONE)
		trigger(irqs, index, set, NULL);
	else
		trigger(irqs, index, set, request->payload + sizeof(*set));
	return 0;
}
