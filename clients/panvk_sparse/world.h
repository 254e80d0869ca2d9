/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef PANVK_SPARSE_WORLD_H
#define PANVK_SPARSE_WORLD_H

#include "model.h"
#include "vk.h"

/*
 * Buffers and memories on a device, with the model of what they must hold. Operations go to the GPU
 * and to the model. One operation waits for the one before it, on whichever queue.
 */
enum world_shader {
	SHADER_GATHER,
	SHADER_SCATTER,
	SHADER_ADD,
	SHADER_COUNT
};

#define COMMANDS_MAX 64		/* submissions without a wait of the CPU */
#define RING_WORDS (1u << 18)	/* memory of shaders' lists, and of what is read back */
#define MESSAGE_SIZE 512

/* Sizes of the buffers and memories, in blocks of 4 KiB. */
struct geometry {
	uint32_t buffer_blocks[SPARSE_BUFFERS];
	uint32_t memory_blocks[MEMORIES];
};

struct world {
	struct vk_device device;
	struct model model;
	const char *shrink;		/* the driver's file in debugfs, or NULL */
	VkBuffer buffer[BUFFERS];
	struct vk_memory memory[MEMORIES];
	VkBuffer ring_buffer;
	struct vk_memory ring;
	uint32_t ring_used;		/* words since the last wait of the CPU */
	VkDescriptorSetLayout set_layout;
	VkPipelineLayout layout;
	VkPipeline pipeline[SHADER_COUNT];
	VkDescriptorPool descriptors;
	VkDescriptorSet set[BUFFERS];
	VkCommandPool pool;
	VkCommandBuffer command[COMMANDS_MAX];
	VkSemaphore binary[COMMANDS_MAX];
	unsigned int used;		/* commands, since the last wait of the CPU */
	unsigned int binary_next;
	VkSemaphore timeline;
	uint64_t timeline_value;
	VkFence fence;
	VkQueryPool queries;
	VkSemaphore wait;		/* what the next submission waits for, or VK_NULL_HANDLE */
	bool lost;			/* the device: nothing has to be waited for */
	char message[MESSAGE_SIZE];	/* the first thing that went wrong, or empty */
};

extern const struct geometry geometry_small;	/* of the walks and of most scenes */
extern const struct geometry geometry_large;	/* with a buffer of 128 MiB, which any device has */

/*
 * Makes the device and all objects, and fills the memories. What fails is in @message: the return
 * value is false.
 */
bool world_open(struct world *world, struct vk_instance *instance, const struct geometry *geometry,
		const char *shrink);
void world_close(struct world *world);

/*
 * Does an operation that model_allows(). Returns false once something went wrong: then the message
 * is set, and nothing more is done.
 */
bool world_do(struct world *world, const struct op *op);

/* Whether the model allows @op on this device. */
bool world_allows(const struct world *world, const struct op *op);

/* Waits for all operations. */
bool world_wait(struct world *world);

/*
 * Compares words of all buffers, as shaders and copies read them, and of the memories, as the CPU
 * sees them, with the model: those at the edges of @op (may be NULL), at the edges of 2 MiB, and
 * some at random; with @whole the edges of all blocks.
 */
bool world_verify(struct world *world, const struct op *op, uint32_t seed, bool whole);

/* Runs the driver's shrinker for all that is idle. Does nothing without its file. */
void world_evict(struct world *world);

#endif
