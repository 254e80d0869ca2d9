/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_FRONT_IRQ_H
#define VMALI_FRONT_IRQ_H

#include <pthread.h>
#include <stdint.h>

#include "board.h"
#include "front/message.h"

/*
 * Interrupts of the board as eventfds of the client. Index MSIX has the GPU's vectors. ERR and REQ
 * have one interrupt each: clients set them up, but the board never raises them.
 *
 * Effects of SET_IRQS, always with ACTION_TRIGGER, on [start, start + count):
 *
 *     DATA_EVENTFD, @count files   the files become the eventfds of the interrupts
 *     DATA_EVENTFD, no file        the interrupts are de-assigned
 *     DATA_NONE                    the interrupts are raised
 *     DATA_BOOL                    interrupts with a byte other than 0 are raised
 *     DATA_NONE, start and count 0 all interrupts of the index are de-assigned
 *
 * All other requests, including other empty ranges, are EINVAL and have no effect.
 */
#define IRQ_SLOTS (BOARD_VECTOR_COUNT + 2)

struct irq_table {
	pthread_mutex_t lock;
	int eventfd[IRQ_SLOTS]; /* or -1 */
};

void irq_table_init(struct irq_table *irqs);
void irq_table_fini(struct irq_table *irqs);

/* Close all eventfds. */
void irq_table_clear(struct irq_table *irqs);

/* Sink for the edges of the GPU. Edges on a vector without an eventfd are lost, as on hardware. */
struct board_irq_sink irq_table_sink(struct irq_table *irqs);

/* VFIO_USER_DEVICE_GET_IRQ_INFO. Return: 0 or -EINVAL. */
int irq_get_info(const struct message *request, struct message *reply);

/* VFIO_USER_DEVICE_SET_IRQS. Return: 0 or -EINVAL. */
int irq_set(struct irq_table *irqs, struct message *request);

#endif
