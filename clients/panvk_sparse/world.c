// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "world.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gather.h"
#include "scatter.h"
#include "add.h"

/*
 * Deadline of a wait of the CPU: what takes longer is a hang. An operation takes less than a second on
 * an emulated GPU, and panthor ends a job after 5 s (JOB_TIMEOUT_MS in panthor_sched.c).
 */
#define WAIT_NS 60000000000ull
#define GROUP_SIZE 64		/* threads of a workgroup of the shaders */
#define BLOCK_2M_WORDS (2u << 18)

/*
 * For blocks of 4 KiB: a buffer of four 2 MiB blocks and a tail, one below 2 MiB and a small one;
 * memories of two 2 MiB blocks, of one and a tail, and a small one.
 */
const struct geometry geometry_small = {
	.buffer_blocks = { 4 * 512 + 37, 512 + 3, 29 },
	.memory_blocks = { 2 * 512, 512 + 11, 24 },
};

const struct geometry geometry_large = {
	.buffer_blocks = { 64 * 512, 8 * 512, 29 },
	.memory_blocks = { 4 * 512, 512 + 11, 24 },
};

static bool fail(struct world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool fail(struct world *world, const char *format, ...)
{
	va_list args;

	if (world->message[0])
		return false;
	va_start(args, format);
	vsnprintf(world->message, sizeof(world->message), format, args);
	va_end(args);
	return false;
}

static bool check(struct world *world, VkResult result, const char *what)
{
	if (result == VK_SUCCESS)
		return true;
	world->lost |= result == VK_ERROR_DEVICE_LOST;
	return fail(world, "%s: %s", what, vk_result_name(result));
}

/* Objects */

static void create_set_layout(struct world *world)
{
	const VkDescriptorSetLayoutBinding binding[2] = {
		{ 0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL },
		{ 1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL },
	};
	const VkDescriptorSetLayoutCreateInfo set_info = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
		.bindingCount = 2,
		.pBindings = binding,
	};
	const VkPushConstantRange range = { VK_SHADER_STAGE_COMPUTE_BIT, 0, 8 };
	const VkPipelineLayoutCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
		.setLayoutCount = 1,
		.pSetLayouts = &world->set_layout,
		.pushConstantRangeCount = 1,
		.pPushConstantRanges = &range,
	};
	VkDevice device = world->device.handle;

	vk_check(vk.CreateDescriptorSetLayout(device, &set_info, NULL, &world->set_layout),
		 "vkCreateDescriptorSetLayout");
	vk_check(vk.CreatePipelineLayout(device, &info, NULL, &world->layout),
		 "vkCreatePipelineLayout");
}

static VkPipeline create_pipeline(struct world *world, const uint32_t *code, size_t size)
{
	const VkShaderModuleCreateInfo module_info = {
		.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
		.codeSize = size,
		.pCode = code,
	};
	VkComputePipelineCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
		.stage = {
			.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
			.stage = VK_SHADER_STAGE_COMPUTE_BIT,
			.pName = "main",
		},
		.layout = world->layout,
	};
	VkDevice device = world->device.handle;
	VkPipeline pipeline;

	vk_check(vk.CreateShaderModule(device, &module_info, NULL, &info.stage.module),
		 "vkCreateShaderModule");
	vk_check(vk.CreateComputePipelines(device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline),
		 "vkCreateComputePipelines");
	vk.DestroyShaderModule(device, info.stage.module, NULL);
	return pipeline;
}

static void create_pipelines(struct world *world)
{
	create_set_layout(world);
	world->pipeline[SHADER_GATHER] = create_pipeline(world, gather_spirv, sizeof(gather_spirv));
	world->pipeline[SHADER_SCATTER] =
		create_pipeline(world, scatter_spirv, sizeof(scatter_spirv));
	world->pipeline[SHADER_ADD] = create_pipeline(world, add_spirv, sizeof(add_spirv));
}

static void write_set(struct world *world, unsigned int buffer)
{
	const VkDescriptorBufferInfo range[2] = {
		{ world->buffer[buffer], 0, VK_WHOLE_SIZE },
		{ world->ring_buffer, 0, VK_WHOLE_SIZE },
	};
	const VkWriteDescriptorSet write = {
		.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
		.dstSet = world->set[buffer],
		.descriptorCount = 2,
		.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
		.pBufferInfo = range,
	};

	vk.UpdateDescriptorSets(world->device.handle, 1, &write, 0, NULL);
}

static void create_set(struct world *world, unsigned int buffer)
{
	const VkDescriptorSetAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
		.descriptorPool = world->descriptors,
		.descriptorSetCount = 1,
		.pSetLayouts = &world->set_layout,
	};

	vk_check(vk.AllocateDescriptorSets(world->device.handle, &info, &world->set[buffer]),
		 "vkAllocateDescriptorSets");
	write_set(world, buffer);
}

static void create_sets(struct world *world)
{
	const VkDescriptorPoolSize size = { VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 2 * BUFFERS };
	const VkDescriptorPoolCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
		.maxSets = BUFFERS,
		.poolSizeCount = 1,
		.pPoolSizes = &size,
	};

	vk_check(vk.CreateDescriptorPool(world->device.handle, &info, NULL, &world->descriptors),
		 "vkCreateDescriptorPool");
	for (unsigned int i = 0; i < BUFFERS; i++)
		create_set(world, i);
}

static VkSemaphore create_semaphore(struct world *world, VkSemaphoreType type)
{
	const VkSemaphoreTypeCreateInfo kind = {
		.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
		.semaphoreType = type,
	};
	const VkSemaphoreCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
		.pNext = &kind,
	};
	VkSemaphore semaphore;

	vk_check(vk.CreateSemaphore(world->device.handle, &info, NULL, &semaphore),
		 "vkCreateSemaphore");
	return semaphore;
}

static void create_commands(struct world *world)
{
	unsigned int queue = vk_queue_find(&world->device, VK_QUEUE_COMPUTE_BIT, 0);
	const VkCommandPoolCreateInfo pool = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
		.queueFamilyIndex = world->device.queue[queue].family,
	};
	VkCommandBufferAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
		.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
		.commandBufferCount = COMMANDS_MAX,
	};
	const VkQueryPoolCreateInfo queries = {
		.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
		.queryType = VK_QUERY_TYPE_OCCLUSION,
		.queryCount = QUERIES_MAX,
	};
	const VkFenceCreateInfo fence = { .sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO };
	VkDevice device = world->device.handle;

	vk_check(vk.CreateCommandPool(device, &pool, NULL, &world->pool), "vkCreateCommandPool");
	info.commandPool = world->pool;
	vk_check(vk.AllocateCommandBuffers(device, &info, world->command),
		 "vkAllocateCommandBuffers");
	for (unsigned int i = 0; i < COMMANDS_MAX; i++)
		world->binary[i] = create_semaphore(world, VK_SEMAPHORE_TYPE_BINARY);
	world->timeline = create_semaphore(world, VK_SEMAPHORE_TYPE_TIMELINE);
	vk_check(vk.CreateFence(device, &fence, NULL, &world->fence), "vkCreateFence");
	vk_check(vk.CreateQueryPool(device, &queries, NULL, &world->queries), "vkCreateQueryPool");
}

/* A buffer with memory of its own, all of it. */
static void create_plain(struct world *world, VkDeviceSize size, VkBuffer *buffer,
			 struct vk_memory *memory, bool visible, uint32_t types)
{
	VkMemoryRequirements needs;

	vk_check(vk_buffer_create(&world->device, size, 0, buffer, &needs), "vkCreateBuffer");
	vk_check(vk_memory_open(&world->device, memory, needs.size, needs.memoryTypeBits & types,
				visible), "vkAllocateMemory");
	vk_check(vk.BindBufferMemory(world->device.handle, *buffer, memory->handle, 0),
		 "vkBindBufferMemory");
}

static VkBufferCreateFlags sparse_flags(const struct vk_instance *instance)
{
	return VK_BUFFER_CREATE_SPARSE_BINDING_BIT | VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT |
	       (instance->aliased ? VK_BUFFER_CREATE_SPARSE_ALIASED_BIT : 0);
}

static void create_sparse(struct world *world, unsigned int buffer, VkDeviceSize size,
			  VkMemoryRequirements *needs)
{
	vk_check(vk_buffer_create(&world->device, size, sparse_flags(world->device.instance),
				  &world->buffer[buffer], needs), "vkCreateBuffer");
}

/* The bytes that a bind of a sparse buffer is aligned to, which need not be 4 KiB. */
static uint32_t block_bytes(struct world *world)
{
	VkMemoryRequirements needs;
	VkBuffer buffer;

	vk_check(vk_buffer_create(&world->device, 1 << 20, sparse_flags(world->device.instance),
				  &buffer, &needs), "vkCreateBuffer");
	vk.DestroyBuffer(world->device.handle, buffer, NULL);
	return needs.alignment;
}

/*
 * The geometry is for blocks of 4 KiB. With larger ones, buffers of several MiB keep their sizes and
 * the smallest ones their number of blocks.
 */
static uint32_t scaled(uint32_t blocks, uint32_t bytes)
{
	uint32_t large = blocks / 512 * (2u << 20) / bytes;

	return large + blocks % 512;
}

static void create_buffers(struct world *world, const struct geometry *geometry)
{
	uint32_t bytes = block_bytes(world), types = ~0u;
	uint32_t buffer_blocks[SPARSE_BUFFERS], memory_blocks[MEMORIES];
	VkMemoryRequirements needs;

	for (unsigned int i = 0; i < SPARSE_BUFFERS; i++) {
		buffer_blocks[i] = scaled(geometry->buffer_blocks[i], bytes);
		create_sparse(world, i, (VkDeviceSize)buffer_blocks[i] * bytes, &needs);
		types &= needs.memoryTypeBits;
	}
	for (unsigned int i = 0; i < MEMORIES; i++) {
		memory_blocks[i] = scaled(geometry->memory_blocks[i], bytes);
		create_plain(world, (VkDeviceSize)memory_blocks[i] * bytes,
			     &world->buffer[SPARSE_BUFFERS + i], &world->memory[i], false, types);
	}
	create_plain(world, RING_WORDS * sizeof(uint32_t), &world->ring_buffer, &world->ring, true,
		     ~0u);
	model_open(&world->model, bytes / sizeof(uint32_t), buffer_blocks, memory_blocks);
}

/* Submissions */

static bool submit_failed(const struct world *world)
{
	return world->message[0];
}

/* Waits for what signals the fence. */
static bool wait_fence(struct world *world)
{
	VkDevice device = world->device.handle;
	VkResult result = vk.WaitForFences(device, 1, &world->fence, VK_TRUE, WAIT_NS);

	world->device.instance->hangs |= result == VK_TIMEOUT;
	return check(world, result, "vkWaitForFences") &&
	       check(world, vk.ResetFences(device, 1, &world->fence), "vkResetFences");
}

/* vkQueueWaitIdle() has no deadline. */
static bool wait_queues(struct world *world)
{
	for (unsigned int i = 0; i < world->device.queues; i++) {
		VkQueue queue = world->device.queue[i].handle;

		if (!check(world, vk.QueueSubmit(queue, 0, NULL, world->fence), "vkQueueSubmit") ||
		    !wait_fence(world))
			return false;
	}
	return true;
}

bool world_wait(struct world *world)
{
	VkDevice device = world->device.handle;

	if (submit_failed(world) || !world->used)
		return !submit_failed(world);
	/* Nothing waits for the last submission but this. */
	if (!wait_queues(world))
		return false;
	vk_check(vk.ResetCommandPool(device, world->pool, 0), "vkResetCommandPool");
	world->used = 0;
	world->ring_used = 0;
	return true;
}

/* A binary semaphore that is signaled and that nothing waits for cannot be signaled again. */
struct link {
	VkSemaphore wait, signal;
	VkTimelineSemaphoreSubmitInfo values;
	uint64_t wait_value, signal_value;
	VkFence fence;
};

static void link_begin(struct world *world, struct link *link, enum op_order order)
{
	*link = (struct link){
		.wait = world->wait,
		.wait_value = world->timeline_value,
		.values = {
			.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
			.waitSemaphoreValueCount = world->wait != VK_NULL_HANDLE,
			.pWaitSemaphoreValues = &link->wait_value,
			.pSignalSemaphoreValues = &link->signal_value,
		},
	};
	if (order == ORDER_BINARY) {
		link->signal = world->binary[world->binary_next];
		world->binary_next = (world->binary_next + 1) % COMMANDS_MAX;
	} else if (order == ORDER_TIMELINE) {
		link->signal = world->timeline;
		link->signal_value = world->timeline_value + 1;
	} else {
		link->fence = world->fence;
	}
	link->values.signalSemaphoreValueCount = link->signal != VK_NULL_HANDLE;
}

static bool link_end(struct world *world, const struct link *link)
{
	world->wait = link->signal;
	if (link->signal_value)
		world->timeline_value = link->signal_value;
	world->used++;
	return link->fence == VK_NULL_HANDLE || wait_fence(world);
}

/* Makes room for a submission and @words of the ring. */
static bool reserve(struct world *world, uint32_t words)
{
	if (world->used < COMMANDS_MAX - 2 && world->ring_used + words <= RING_WORDS)
		return !submit_failed(world);
	return world_wait(world);
}

static VkCommandBuffer begin_commands(struct world *world)
{
	static const VkCommandBufferBeginInfo begin = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
		.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
	};
	VkCommandBuffer command = world->command[world->used];

	vk_check(vk.BeginCommandBuffer(command, &begin), "vkBeginCommandBuffer");
	return command;
}

static void barrier(VkCommandBuffer command)
{
	static const VkMemoryBarrier all = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
		.srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
		.dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT,
	};

	vk.CmdPipelineBarrier(command, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
			      VK_PIPELINE_STAGE_ALL_COMMANDS_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
			      &all, 0, NULL, 0, NULL);
}

static bool submit_commands(struct world *world, VkCommandBuffer command, unsigned int from,
			    enum op_order order)
{
	static const VkPipelineStageFlags all = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
	unsigned int queue = vk_queue_find(&world->device, VK_QUEUE_COMPUTE_BIT, from);
	struct link link;
	VkSubmitInfo info = {
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
		.pNext = &link.values,
		.pWaitSemaphores = &link.wait,
		.pWaitDstStageMask = &all,
		.commandBufferCount = 1,
		.pCommandBuffers = &command,
		.pSignalSemaphores = &link.signal,
	};

	barrier(command);
	vk_check(vk.EndCommandBuffer(command), "vkEndCommandBuffer");
	link_begin(world, &link, order);
	info.waitSemaphoreCount = link.values.waitSemaphoreValueCount;
	info.signalSemaphoreCount = link.values.signalSemaphoreValueCount;
	return check(world, vk.QueueSubmit(world->device.queue[queue].handle, 1, &info, link.fence),
		     "vkQueueSubmit") && link_end(world, &link);
}

/* Binds */

static VkSparseMemoryBind memory_bind(const struct world *world, const struct piece *piece)
{
	VkDeviceSize bytes = world->model.block_words * sizeof(uint32_t);
	bool bound = piece->memory != NO_MEMORY;
	uint32_t block = piece->memory_first;

	if (world->device.instance->off_by_one && block)
		block--;

	return (VkSparseMemoryBind){
		.resourceOffset = piece->first * bytes,
		.size = piece->count * bytes,
		.memory = bound ? world->memory[piece->memory].handle : VK_NULL_HANDLE,
		.memoryOffset = bound ? block * bytes : 0,
	};
}

/* The pieces of @op from @first on that are for one buffer are one entry. */
static unsigned int buffer_binds(const struct world *world, const struct op *op,
				 const VkSparseMemoryBind *bind, VkSparseBufferMemoryBindInfo *info)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < op->pieces; i++) {
		VkBuffer buffer = world->buffer[op->piece[i].buffer];

		if (count && info[count - 1].buffer == buffer)
			info[count - 1].bindCount++;
		else
			info[count++] = (VkSparseBufferMemoryBindInfo){ buffer, 1, &bind[i] };
	}
	return count;
}

static VkQueue bind_queue(const struct world *world, const struct op *op)
{
	return world->device.queue[vk_queue_find(&world->device, VK_QUEUE_SPARSE_BINDING_BIT,
						 op->queue)].handle;
}

static bool do_bind(struct world *world, const struct op *op)
{
	VkSparseMemoryBind bind[PIECES_MAX];
	VkSparseBufferMemoryBindInfo buffers[PIECES_MAX];
	struct link link;
	VkBindSparseInfo info = {
		.sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
		.pNext = &link.values,
		.pWaitSemaphores = &link.wait,
		.pBufferBinds = buffers,
		.pSignalSemaphores = &link.signal,
	};

	for (unsigned int i = 0; i < op->pieces; i++)
		bind[i] = memory_bind(world, &op->piece[i]);
	info.bufferBindCount = buffer_binds(world, op, bind, buffers);
	link_begin(world, &link, op->order);
	info.waitSemaphoreCount = link.values.waitSemaphoreValueCount;
	info.signalSemaphoreCount = link.values.signalSemaphoreValueCount;
	return check(world, vk.QueueBindSparse(bind_queue(world, op), 1, &info, link.fence),
		     "vkQueueBindSparse") && link_end(world, &link);
}

/* One batch a piece: each signals the value of the timeline that the next one waits for. */
static bool do_bind_chain(struct world *world, const struct op *op)
{
	VkSparseMemoryBind bind[PIECES_MAX];
	VkSparseBufferMemoryBindInfo buffers[PIECES_MAX];
	VkBindSparseInfo info[PIECES_MAX];
	struct link link[PIECES_MAX];

	for (unsigned int i = 0; i < op->pieces; i++) {
		bind[i] = memory_bind(world, &op->piece[i]);
		buffers[i] = (VkSparseBufferMemoryBindInfo){ world->buffer[op->piece[i].buffer], 1,
							     &bind[i] };
		link_begin(world, &link[i], ORDER_TIMELINE);
		info[i] = (VkBindSparseInfo){
			.sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
			.pNext = &link[i].values,
			.waitSemaphoreCount = link[i].values.waitSemaphoreValueCount,
			.pWaitSemaphores = &link[i].wait,
			.bufferBindCount = 1,
			.pBufferBinds = &buffers[i],
			.signalSemaphoreCount = 1,
			.pSignalSemaphores = &link[i].signal,
		};
		world->wait = link[i].signal;
		world->timeline_value = link[i].signal_value;
	}
	world->used++;
	return check(world, vk.QueueBindSparse(bind_queue(world, op), op->pieces, info,
					       VK_NULL_HANDLE), "vkQueueBindSparse");
}

/* Commands */

static void dispatch(struct world *world, VkCommandBuffer command, enum world_shader shader,
		     unsigned int buffer, uint32_t first, uint32_t count)
{
	const uint32_t job[2] = { first, count };

	vk.CmdBindPipeline(command, VK_PIPELINE_BIND_POINT_COMPUTE, world->pipeline[shader]);
	vk.CmdBindDescriptorSets(command, VK_PIPELINE_BIND_POINT_COMPUTE, world->layout, 0, 1,
				 &world->set[buffer], 0, NULL);
	vk.CmdPushConstants(command, world->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(job), job);
	vk.CmdDispatch(command, (count + GROUP_SIZE - 1) / GROUP_SIZE, 1, 1);
}

static void record_scatter(struct world *world, VkCommandBuffer command, const struct op *op)
{
	uint32_t first = world->ring_used, *list = world->ring.words + first;
	struct scatter scatter;

	model_scatter(&world->model, op, &scatter);
	for (unsigned int i = 0; i < scatter.count; i++) {
		list[2 * i] = scatter.word[i];
		list[2 * i + 1] = scatter.value[i];
	}
	world->ring_used += 2 * scatter.count;
	dispatch(world, command, op->kind == OP_ADD ? SHADER_ADD : SHADER_SCATTER, op->buffer, first,
		 scatter.count);
}

/* vkCmdUpdateBuffer() takes at most 64 KiB. */
static void record_update(struct world *world, VkCommandBuffer command, const struct op *op)
{
	static uint32_t data[0x4000];

	for (uint32_t at = 0; at < op->count;) {
		uint32_t left = op->count - at, part = left < 0x4000 ? left : 0x4000;

		for (uint32_t i = 0; i < part; i++)
			data[i] = model_update(op, at + i);
		vk.CmdUpdateBuffer(command, world->buffer[op->buffer], (VkDeviceSize)(op->first + at) * 4,
				   part * 4, data);
		at += part;
	}
}

/* Each query gives its value and its availability. */
static void record_queries(struct world *world, VkCommandBuffer command, const struct op *op)
{
	uint32_t count = op->count / 2;

	vk.CmdResetQueryPool(command, world->queries, 0, count);
	barrier(command);
	vk.CmdCopyQueryPoolResults(command, world->queries, 0, count, world->buffer[op->buffer],
				   (VkDeviceSize)op->first * 4, 8,
				   VK_QUERY_RESULT_WITH_AVAILABILITY_BIT |
				   VK_QUERY_RESULT_PARTIAL_BIT);
}

static void record(struct world *world, VkCommandBuffer command, const struct op *op)
{
	const VkBufferCopy copy = { (VkDeviceSize)op->source_first * 4, (VkDeviceSize)op->first * 4,
				    (VkDeviceSize)op->count * 4 };

	switch (op->kind) {
	case OP_FILL:
		vk.CmdFillBuffer(command, world->buffer[op->buffer], copy.dstOffset, copy.size,
				 op->seed);
		break;
	case OP_UPDATE:
		record_update(world, command, op);
		break;
	case OP_QUERIES:
		record_queries(world, command, op);
		break;
	case OP_COPY:
		vk.CmdCopyBuffer(command, world->buffer[op->source], world->buffer[op->buffer], 1,
				 &copy);
		break;
	default:
		record_scatter(world, command, op);
		break;
	}
}

static bool do_commands(struct world *world, const struct op *op)
{
	VkCommandBuffer command = begin_commands(world);

	record(world, command, op);
	return submit_commands(world, command, op->queue, op->order);
}

bool world_allows(const struct world *world, const struct op *op)
{
	const struct vk_instance *instance = world->device.instance;

	return model_allows(&world->model, op, instance->aliases, instance->strict);
}

void world_evict(struct world *world)
{
	static const char all[] = "0xffffffff";
	int fd;

	if (!world->shrink)
		return;
	fd = open(world->shrink, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, all, sizeof(all) - 1) < 0)
		fail(world, "%s: cannot be written", world->shrink);
	if (fd >= 0)
		close(fd);
}

/* The new buffer may get the address of the old one. */
static bool do_recreate(struct world *world, const struct op *op)
{
	VkDeviceSize words = (VkDeviceSize)world->model.buffer_blocks[op->buffer] *
			     world->model.block_words;
	VkMemoryRequirements needs;

	if (!world_wait(world))
		return false;
	vk.DestroyBuffer(world->device.handle, world->buffer[op->buffer], NULL);
	create_sparse(world, op->buffer, words * sizeof(uint32_t), &needs);
	write_set(world, op->buffer);
	return true;
}

bool world_do(struct world *world, const struct op *op)
{
	bool done;

	if (!reserve(world, 2 * SCATTER_MAX))
		return false;
	if (op->evict)
		world_evict(world);
	if (op->kind == OP_BIND)
		done = do_bind(world, op);
	else if (op->kind == OP_BIND_CHAIN)
		done = do_bind_chain(world, op);
	else if (op->kind == OP_RECREATE)
		done = do_recreate(world, op);
	else
		done = do_commands(world, op);
	model_apply(&world->model, op);
	return done;
}

/* Verification */

/* All of them, twice, and the sample fit into the ring. */
#define PROBES_MAX 16384

/* Words of a buffer to read. */
struct probes {
	unsigned int buffer;
	uint32_t count, word[PROBES_MAX];
	uint32_t first;		/* of the ring */
};

static void probe(const struct world *world, struct probes *probes, uint32_t word)
{
	const struct model *model = &world->model;

	if (word >= model->buffer_blocks[probes->buffer] * model->block_words ||
	    probes->count == PROBES_MAX)
		return;
	probes->word[probes->count++] = word;
}

/* The words on both sides of an edge, and the nearest edges of blocks. */
static void probe_edge(const struct world *world, struct probes *probes, uint32_t word)
{
	uint32_t size = world->model.block_words, block = word / size * size;

	probe(world, probes, word - 1);
	probe(world, probes, word);
	probe(world, probes, block - 1);
	probe(world, probes, block + size - 1);
	probe(world, probes, block + size);
}

static void probe_op(const struct world *world, struct probes *probes, const struct op *op)
{
	uint32_t size = world->model.block_words;

	for (unsigned int i = 0; i < op->pieces; i++) {
		const struct piece *piece = &op->piece[i];

		if (piece->buffer != probes->buffer)
			continue;
		probe_edge(world, probes, piece->first * size);
		probe_edge(world, probes, (piece->first + piece->count) * size);
		probe_edge(world, probes, (piece->first + piece->count / 2) * size);
	}
	if (!op->pieces && op->buffer == probes->buffer) {
		probe_edge(world, probes, op->first);
		probe_edge(world, probes, op->first + op->count);
		probe_edge(world, probes, op->first + op->count / 2);
	}
}

static void choose_probes(const struct world *world, struct probes *probes, const struct op *op,
			  uint32_t seed, bool whole)
{
	uint32_t size = world->model.block_words, blocks = world->model.buffer_blocks[probes->buffer];
	uint32_t step = whole ? size : BLOCK_2M_WORDS > size ? BLOCK_2M_WORDS : size;

	if (op)
		probe_op(world, probes, op);
	for (uint32_t at = 0; at <= blocks * size; at += step) {
		probe(world, probes, at - 1);
		probe(world, probes, at);
	}
	probe(world, probes, blocks * size - 1);
	for (uint32_t i = 0; i < 8; i++)
		probe(world, probes, model_hash(seed + i) % (blocks * size));
}

static bool compare_word(struct world *world, unsigned int buffer, uint32_t word, uint32_t value,
			 const char *reader)
{
	const uint32_t *expected = model_word(&world->model, buffer, word);

	/* What has no memory may read anything on a device that is not strict. */
	if (value == (expected ? *expected : 0) ||
	    (!expected && !world->device.instance->strict))
		return true;
	return fail(world, "%s: buffer %u word 0x%x (block %u): 0x%08x instead of 0x%08x%s", reader,
		    buffer, word, word / world->model.block_words, value, expected ? *expected : 0,
		    expected ? "" : ", no memory is bound");
}

/* Records a load of each word, into the ring behind the list of words. */
static void gather(struct world *world, VkCommandBuffer command, struct probes *probes)
{
	probes->first = world->ring_used;
	world->ring_used += 2 * probes->count;
	memcpy(world->ring.words + probes->first, probes->word, probes->count * sizeof(uint32_t));
	dispatch(world, command, SHADER_GATHER, probes->buffer, probes->first, probes->count);
}

static bool compare_probes(struct world *world, const struct probes *probes)
{
	const uint32_t *got = world->ring.words + probes->first + probes->count;
	bool good = true;

	for (uint32_t i = 0; i < probes->count; i++)
		good &= compare_word(world, probes->buffer, probes->word[i], got[i], "shader");
	return good;
}

#define COPY_WORDS 300

/* Words that vkCmdCopyBuffer() copies, over the edge of a block at random. */
struct sample {
	unsigned int buffer;
	uint32_t first, count;
	uint32_t ring;		/* where the copy is */
};

static void copy_sample(struct world *world, VkCommandBuffer command, struct sample *sample,
			uint32_t seed)
{
	const struct model *model = &world->model;
	uint32_t words = model->buffer_blocks[sample->buffer] * model->block_words;
	uint32_t block = model_hash(seed) % model->buffer_blocks[sample->buffer];
	VkBufferCopy copy;

	sample->first = (block + 1) * model->block_words - COPY_WORDS / 2;
	sample->count = words - sample->first < COPY_WORDS ? words - sample->first : COPY_WORDS;
	sample->ring = world->ring_used;
	world->ring_used += sample->count;
	copy = (VkBufferCopy){ (VkDeviceSize)sample->first * 4, (VkDeviceSize)sample->ring * 4,
			       (VkDeviceSize)sample->count * 4 };
	vk.CmdCopyBuffer(command, world->buffer[sample->buffer], world->ring_buffer, 1, &copy);
}

static bool compare_sample(struct world *world, const struct sample *sample)
{
	const uint32_t *got = world->ring.words + sample->ring;
	bool good = true;

	for (uint32_t i = 0; i < sample->count; i++)
		good &= compare_word(world, sample->buffer, sample->first + i, got[i], "copy");
	return good;
}

/* The CPU's view. */
static bool verify_memory(struct world *world, unsigned int memory)
{
	const uint32_t *words = world->memory[memory].words;
	uint32_t count = world->model.memory_blocks[memory] * world->model.block_words, i;

	if (!words || !memcmp(words, world->model.content[memory], (size_t)count * 4))
		return true;
	for (i = 0; i < count - 1 && words[i] == world->model.content[memory][i];)
		i++;
	return compare_word(world, SPARSE_BUFFERS + memory, i, words[i], "CPU");
}

/* The plain buffers are looked at less often. */
static bool is_looked_at(const struct world *world, unsigned int buffer, uint32_t seed, bool whole)
{
	if (buffer >= SPARSE_BUFFERS && !world->device.instance->aliases)
		return false;
	return whole || buffer < SPARSE_BUFFERS || (seed + buffer) % 4 == 0;
}

bool world_verify(struct world *world, const struct op *op, uint32_t seed, bool whole)
{
	static struct probes probes[BUFFERS];
	struct sample sample = { .buffer = seed % SPARSE_BUFFERS };
	VkCommandBuffer command;
	bool good = true;

	if (!world_wait(world))
		return false;
	command = begin_commands(world);
	for (unsigned int i = 0; i < BUFFERS; i++) {
		probes[i].buffer = i;
		probes[i].count = 0;
		if (is_looked_at(world, i, seed, whole))
			choose_probes(world, &probes[i], op, seed + i, whole);
		if (probes[i].count)
			gather(world, command, &probes[i]);
	}
	copy_sample(world, command, &sample, seed);
	if (!submit_commands(world, command, 0, ORDER_CPU))
		return false;
	for (unsigned int i = 0; i < BUFFERS; i++)
		good &= compare_probes(world, &probes[i]);
	good &= compare_sample(world, &sample);
	for (unsigned int i = 0; whole && i < MEMORIES; i++)
		good &= verify_memory(world, i);
	return good && world_wait(world);
}

/* Begin and end */

/* By the CPU where it sees the memory, by vkCmdUpdateBuffer() otherwise. */
static void fill_memory(struct world *world, unsigned int memory)
{
	uint32_t count = world->model.memory_blocks[memory] * world->model.block_words;
	VkCommandBuffer command;

	if (world->memory[memory].words) {
		memcpy(world->memory[memory].words, world->model.content[memory], (size_t)count * 4);
		return;
	}
	for (uint32_t at = 0; at < count; at += 0x4000) {
		uint32_t part = count - at < 0x4000 ? count - at : 0x4000;

		command = begin_commands(world);
		vk.CmdUpdateBuffer(command, world->buffer[SPARSE_BUFFERS + memory],
				   (VkDeviceSize)at * 4, part * 4, world->model.content[memory] + at);
		submit_commands(world, command, 0, ORDER_CPU);
		world_wait(world);
	}
}

bool world_open(struct world *world, struct vk_instance *instance, const struct geometry *geometry,
		const char *shrink)
{
	VkResult result;

	memset(world, 0, sizeof(*world));
	world->shrink = shrink;
	result = vk_device_open(&world->device, instance);
	vk_check(result, "vkCreateDevice");
	create_commands(world);
	create_buffers(world, geometry);
	create_pipelines(world);
	create_sets(world);
	for (unsigned int i = 0; i < MEMORIES; i++)
		fill_memory(world, i);
	return !submit_failed(world);
}

void world_close(struct world *world)
{
	VkDevice device = world->device.handle;

	/* What the GPU still uses cannot be destroyed; the end of the process does. */
	if (!world->lost && !world->device.instance->hangs)
		wait_queues(world);
	if (world->device.instance->hangs)
		return;
	for (unsigned int i = 0; i < BUFFERS; i++)
		vk.DestroyBuffer(device, world->buffer[i], NULL);
	vk.DestroyBuffer(device, world->ring_buffer, NULL);
	for (unsigned int i = 0; i < MEMORIES; i++)
		vk_memory_close(&world->device, &world->memory[i]);
	vk_memory_close(&world->device, &world->ring);
	for (unsigned int i = 0; i < SHADER_COUNT; i++)
		vk.DestroyPipeline(device, world->pipeline[i], NULL);
	vk.DestroyPipelineLayout(device, world->layout, NULL);
	vk.DestroyDescriptorPool(device, world->descriptors, NULL);
	vk.DestroyDescriptorSetLayout(device, world->set_layout, NULL);
	vk.DestroyCommandPool(device, world->pool, NULL);
	for (unsigned int i = 0; i < COMMANDS_MAX; i++)
		vk.DestroySemaphore(device, world->binary[i], NULL);
	vk.DestroySemaphore(device, world->timeline, NULL);
	vk.DestroyFence(device, world->fence, NULL);
	vk.DestroyQueryPool(device, world->queries, NULL);
	vk_device_close(&world->device);
	model_close(&world->model);
}
