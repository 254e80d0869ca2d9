/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef PANVK_SPARSE_VK_H
#define PANVK_SPARSE_VK_H

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The Vulkan loader, and a device with sparse residency of buffers. libvulkan is loaded at run time:
 * nothing but Vulkan's headers is needed to build. Functions that return VkResult report nothing,
 * all others end the process with a message if something fails that no scene is about.
 */

struct vk_functions {
	PFN_vkCreateInstance CreateInstance;
	PFN_vkEnumerateInstanceLayerProperties EnumerateInstanceLayerProperties;
	PFN_vkAllocateCommandBuffers AllocateCommandBuffers;
	PFN_vkAllocateDescriptorSets AllocateDescriptorSets;
	PFN_vkAllocateMemory AllocateMemory;
	PFN_vkBeginCommandBuffer BeginCommandBuffer;
	PFN_vkBindBufferMemory BindBufferMemory;
	PFN_vkCmdBindDescriptorSets CmdBindDescriptorSets;
	PFN_vkCmdBindPipeline CmdBindPipeline;
	PFN_vkCmdCopyBuffer CmdCopyBuffer;
	PFN_vkCmdCopyQueryPoolResults CmdCopyQueryPoolResults;
	PFN_vkCmdDispatch CmdDispatch;
	PFN_vkCmdFillBuffer CmdFillBuffer;
	PFN_vkCmdPipelineBarrier CmdPipelineBarrier;
	PFN_vkCmdPushConstants CmdPushConstants;
	PFN_vkCmdResetQueryPool CmdResetQueryPool;
	PFN_vkCmdUpdateBuffer CmdUpdateBuffer;
	PFN_vkCreateBuffer CreateBuffer;
	PFN_vkCreateCommandPool CreateCommandPool;
	PFN_vkCreateComputePipelines CreateComputePipelines;
	PFN_vkCreateDebugUtilsMessengerEXT CreateDebugUtilsMessengerEXT;
	PFN_vkCreateDescriptorPool CreateDescriptorPool;
	PFN_vkCreateDescriptorSetLayout CreateDescriptorSetLayout;
	PFN_vkCreateDevice CreateDevice;
	PFN_vkCreateFence CreateFence;
	PFN_vkCreatePipelineLayout CreatePipelineLayout;
	PFN_vkCreateQueryPool CreateQueryPool;
	PFN_vkCreateSemaphore CreateSemaphore;
	PFN_vkCreateShaderModule CreateShaderModule;
	PFN_vkDestroyBuffer DestroyBuffer;
	PFN_vkDestroyCommandPool DestroyCommandPool;
	PFN_vkDestroyDebugUtilsMessengerEXT DestroyDebugUtilsMessengerEXT;
	PFN_vkDestroyDescriptorPool DestroyDescriptorPool;
	PFN_vkDestroyDescriptorSetLayout DestroyDescriptorSetLayout;
	PFN_vkDestroyDevice DestroyDevice;
	PFN_vkDestroyFence DestroyFence;
	PFN_vkDestroyInstance DestroyInstance;
	PFN_vkDestroyPipeline DestroyPipeline;
	PFN_vkDestroyPipelineLayout DestroyPipelineLayout;
	PFN_vkDestroyQueryPool DestroyQueryPool;
	PFN_vkDestroySemaphore DestroySemaphore;
	PFN_vkDestroyShaderModule DestroyShaderModule;
	PFN_vkEndCommandBuffer EndCommandBuffer;
	PFN_vkEnumerateDeviceExtensionProperties EnumerateDeviceExtensionProperties;
	PFN_vkEnumeratePhysicalDevices EnumeratePhysicalDevices;
	PFN_vkFreeMemory FreeMemory;
	PFN_vkGetBufferMemoryRequirements GetBufferMemoryRequirements;
	PFN_vkGetDeviceQueue GetDeviceQueue;
	PFN_vkGetPhysicalDeviceFeatures2 GetPhysicalDeviceFeatures2;
	PFN_vkGetPhysicalDeviceMemoryProperties GetPhysicalDeviceMemoryProperties;
	PFN_vkGetPhysicalDeviceProperties2 GetPhysicalDeviceProperties2;
	PFN_vkGetPhysicalDeviceQueueFamilyProperties GetPhysicalDeviceQueueFamilyProperties;
	PFN_vkMapMemory MapMemory;
	PFN_vkQueueBindSparse QueueBindSparse;
	PFN_vkQueueSubmit QueueSubmit;
	PFN_vkResetCommandPool ResetCommandPool;
	PFN_vkResetFences ResetFences;
	PFN_vkUpdateDescriptorSets UpdateDescriptorSets;
	PFN_vkWaitForFences WaitForFences;
};

/* The functions of the instance, once vk_instance_open() has returned. */
extern struct vk_functions vk;

#define VK_FAMILIES_MAX 8
#define VK_QUEUES_MAX 4

/* Options of the process. */
struct vk_options {
	bool validation;	/* with the Khronos validation layer */
	const char *device;	/* part of the device's name, or NULL: the first that fits */
	bool off_by_one;	/* bind the wrong block of each memory: all must notice it */
	bool aliases;		/* bind one piece of memory twice although the device promises nothing */
};

/* The instance and the physical device that the process uses. */
struct vk_instance {
	VkInstance handle;
	VkDebugUtilsMessengerEXT messenger;
	VkPhysicalDevice physical;
	VkPhysicalDeviceProperties properties;
	char driver[VK_MAX_DRIVER_NAME_SIZE + VK_MAX_DRIVER_INFO_SIZE];
	VkPhysicalDeviceMemoryProperties memory;
	bool aliased;		/* the device promises that one piece of memory may be bound twice */
	bool aliases;		/* that is done */
	bool off_by_one;	/* of the options */
	bool strict;		/* what has no memory reads 0 */
	bool hangs;		/* a wait passed its deadline: what the device uses must stay */
	bool has_node;
	int64_t node;		/* minor number of the render node */
};

struct vk_queue {
	VkQueue handle;
	VkQueueFlags flags;
	unsigned int family;
};

struct vk_device {
	struct vk_instance *instance;
	VkDevice handle;
	struct vk_queue queue[VK_QUEUES_MAX];
	unsigned int queues;
};

struct vk_memory {
	VkDeviceMemory handle;
	VkDeviceSize size;
	uint32_t *words;	/* the memory as the CPU sees it, NULL if it cannot */
};

/*
 * Errors of use that the validation layer found. They are printed as they come, and fail the
 * scene that runs.
 */
extern unsigned int vk_validation_errors;

/* Ends the process with status 1 and a message. */
void vk_fatal(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* A line of the reason of a failure, marked as IGT marks it, on stderr. */
void vk_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* vk_fatal() unless @result is VK_SUCCESS. */
void vk_check(VkResult result, const char *what);
const char *vk_result_name(VkResult result);

/*
 * Opens the loader and chooses a device. Returns NULL, or why there is none: no loader, no
 * validation layer, no device with sparse residency of buffers.
 */
const char *vk_instance_open(struct vk_instance *instance, const struct vk_options *options);
void vk_instance_close(struct vk_instance *instance);

VkResult vk_device_open(struct vk_device *device, struct vk_instance *instance);
void vk_device_close(struct vk_device *device);

/* A number of the first queue with all of @flags, from queue @from on; wraps around. */
unsigned int vk_queue_find(const struct vk_device *device, VkQueueFlags flags, unsigned int from);

/*
 * Memory of a type among @types, if possible one that the CPU sees, and then mapped. A buffer's
 * contents are never read through a cache that is not coherent.
 */
VkResult vk_memory_open(struct vk_device *device, struct vk_memory *memory, VkDeviceSize size,
			uint32_t types, bool visible);
void vk_memory_close(struct vk_device *device, struct vk_memory *memory);

VkResult vk_buffer_create(struct vk_device *device, VkDeviceSize size, VkBufferCreateFlags flags,
			  VkBuffer *buffer, VkMemoryRequirements *needs);

#endif
