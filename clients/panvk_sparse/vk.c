// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "vk.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALIDATION_LAYER "VK_LAYER_KHRONOS_validation"
#define DEVICES_MAX 16

/*
 * The layer (1.4.363) reports overlaps of copies between buffers that are bound to one memory where there
 * are none: its two ranges of memory are disjoint by its own message. model_allows() lets no copy overlap.
 */
#define WRONG_CHECK "VUID-vkCmdCopyBuffer-pRegions-00117"

struct vk_functions vk;
unsigned int vk_validation_errors;

static void complain(const char *format, va_list args)
{
	char line[1024];

	vsnprintf(line, sizeof(line), format, args);
	fflush(stdout);
	fprintf(stderr, "CRITICAL: %s\n", line);
}

void vk_fatal(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
	exit(1);
}

void vk_complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
}

const char *vk_result_name(VkResult result)
{
	switch (result) {
	case VK_SUCCESS:
		return "VK_SUCCESS";
	case VK_TIMEOUT:
		return "VK_TIMEOUT";
	case VK_ERROR_OUT_OF_HOST_MEMORY:
		return "VK_ERROR_OUT_OF_HOST_MEMORY";
	case VK_ERROR_OUT_OF_DEVICE_MEMORY:
		return "VK_ERROR_OUT_OF_DEVICE_MEMORY";
	case VK_ERROR_DEVICE_LOST:
		return "VK_ERROR_DEVICE_LOST";
	case VK_ERROR_INITIALIZATION_FAILED:
		return "VK_ERROR_INITIALIZATION_FAILED";
	case VK_ERROR_FEATURE_NOT_PRESENT:
		return "VK_ERROR_FEATURE_NOT_PRESENT";
	case VK_ERROR_INCOMPATIBLE_DRIVER:
		return "VK_ERROR_INCOMPATIBLE_DRIVER";
	default:
		return "another VkResult";
	}
}

void vk_check(VkResult result, const char *what)
{
	if (result != VK_SUCCESS)
		vk_fatal("%s: %s (%d)", what, vk_result_name(result), result);
}

/* Loading */

#define FUNCTION(name) { "vk" #name, offsetof(struct vk_functions, name) }

/* The first ones need no instance. */
#define GLOBALS 2

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
	FUNCTION(CreateInstance),
	FUNCTION(EnumerateInstanceLayerProperties),
	FUNCTION(AllocateCommandBuffers),
	FUNCTION(AllocateDescriptorSets),
	FUNCTION(AllocateMemory),
	FUNCTION(BeginCommandBuffer),
	FUNCTION(BindBufferMemory),
	FUNCTION(CmdBindDescriptorSets),
	FUNCTION(CmdBindPipeline),
	FUNCTION(CmdCopyBuffer),
	FUNCTION(CmdCopyQueryPoolResults),
	FUNCTION(CmdDispatch),
	FUNCTION(CmdFillBuffer),
	FUNCTION(CmdPipelineBarrier),
	FUNCTION(CmdPushConstants),
	FUNCTION(CmdResetQueryPool),
	FUNCTION(CmdUpdateBuffer),
	FUNCTION(CreateBuffer),
	FUNCTION(CreateCommandPool),
	FUNCTION(CreateComputePipelines),
	FUNCTION(CreateDebugUtilsMessengerEXT),
	FUNCTION(CreateDescriptorPool),
	FUNCTION(CreateDescriptorSetLayout),
	FUNCTION(CreateDevice),
	FUNCTION(CreateFence),
	FUNCTION(CreatePipelineLayout),
	FUNCTION(CreateQueryPool),
	FUNCTION(CreateSemaphore),
	FUNCTION(CreateShaderModule),
	FUNCTION(DestroyBuffer),
	FUNCTION(DestroyCommandPool),
	FUNCTION(DestroyDebugUtilsMessengerEXT),
	FUNCTION(DestroyDescriptorPool),
	FUNCTION(DestroyDescriptorSetLayout),
	FUNCTION(DestroyDevice),
	FUNCTION(DestroyFence),
	FUNCTION(DestroyInstance),
	FUNCTION(DestroyPipeline),
	FUNCTION(DestroyPipelineLayout),
	FUNCTION(DestroyQueryPool),
	FUNCTION(DestroySemaphore),
	FUNCTION(DestroyShaderModule),
	FUNCTION(EndCommandBuffer),
	FUNCTION(EnumerateDeviceExtensionProperties),
	FUNCTION(EnumeratePhysicalDevices),
	FUNCTION(FreeMemory),
	FUNCTION(GetBufferMemoryRequirements),
	FUNCTION(GetDeviceQueue),
	FUNCTION(GetPhysicalDeviceFeatures2),
	FUNCTION(GetPhysicalDeviceMemoryProperties),
	FUNCTION(GetPhysicalDeviceProperties2),
	FUNCTION(GetPhysicalDeviceQueueFamilyProperties),
	FUNCTION(MapMemory),
	FUNCTION(QueueBindSparse),
	FUNCTION(QueueSubmit),
	FUNCTION(ResetCommandPool),
	FUNCTION(ResetFences),
	FUNCTION(UpdateDescriptorSets),
	FUNCTION(WaitForFences),
};

static void load(PFN_vkGetInstanceProcAddr get, VkInstance instance, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		PFN_vkVoidFunction function = get(instance, functions[i].name);

		memcpy((char *)&vk + functions[i].offset, &function, sizeof(function));
	}
}

static const char *load_globals(PFN_vkGetInstanceProcAddr *get)
{
	void *loader = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);

	if (!loader)
		return "no libvulkan.so.1: the Vulkan loader is not installed";
	*get = (PFN_vkGetInstanceProcAddr)dlsym(loader, "vkGetInstanceProcAddr");
	if (!*get)
		return "libvulkan.so.1 lacks vkGetInstanceProcAddr";
	load(*get, VK_NULL_HANDLE, 0, GLOBALS);
	return vk.CreateInstance && vk.EnumerateInstanceLayerProperties ? NULL :
	       "libvulkan.so.1 is too old";
}

/* Instance */

static VkBool32 on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
			   VkDebugUtilsMessageTypeFlagsEXT types,
			   const VkDebugUtilsMessengerCallbackDataEXT *data, void *user)
{
	(void)types;
	(void)user;
	if (data->pMessageIdName && !strcmp(data->pMessageIdName, WRONG_CHECK))
		return VK_FALSE;
	if (severity & VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT)
		vk_validation_errors++;
	printf("validation layer: %s\n", data->pMessage);
	return VK_FALSE;
}

static const VkDebugUtilsMessengerCreateInfoEXT messenger_info = {
	.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
	.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT |
			   VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT,
	.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
	.pfnUserCallback = on_message,
};

static bool has_validation(void)
{
	VkLayerProperties layer[64];
	uint32_t count = 64;

	vk.EnumerateInstanceLayerProperties(&count, layer);
	for (uint32_t i = 0; i < count; i++) {
		if (!strcmp(layer[i].layerName, VALIDATION_LAYER))
			return true;
	}
	return false;
}

static const char *create_instance(struct vk_instance *instance, bool validation)
{
	static const char *const layer = VALIDATION_LAYER;
	static const char *const extension = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
	static const VkApplicationInfo application = {
		.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
		.pApplicationName = "panvk_sparse",
		.apiVersion = VK_API_VERSION_1_2,
	};
	const VkInstanceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
		.pNext = validation ? &messenger_info : NULL,
		.pApplicationInfo = &application,
		.enabledLayerCount = validation,
		.ppEnabledLayerNames = &layer,
		.enabledExtensionCount = validation,
		.ppEnabledExtensionNames = &extension,
	};

	if (validation && !has_validation())
		return "no " VALIDATION_LAYER ": install it, or give --no-validation";
	return vk.CreateInstance(&info, NULL, &instance->handle) == VK_SUCCESS ? NULL :
	       "no Vulkan instance: is a driver installed?";
}

static bool has_extension(VkPhysicalDevice physical, const char *name)
{
	VkExtensionProperties *extension;
	uint32_t count = 0;
	bool found = false;

	vk.EnumerateDeviceExtensionProperties(physical, NULL, &count, NULL);
	extension = calloc(count ? count : 1, sizeof(*extension));
	vk.EnumerateDeviceExtensionProperties(physical, NULL, &count, extension);
	for (uint32_t i = 0; i < count; i++)
		found |= !strcmp(extension[i].extensionName, name);
	free(extension);
	return found;
}

/* Takes what is to be known of a device. Returns false if it lacks a feature. */
static bool inspect(struct vk_instance *instance, VkPhysicalDevice physical)
{
	VkPhysicalDeviceTimelineSemaphoreFeatures timeline = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES,
	};
	VkPhysicalDeviceFeatures2 features = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
		.pNext = &timeline,
	};
	VkPhysicalDeviceDrmPropertiesEXT node = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRM_PROPERTIES_EXT,
	};
	VkPhysicalDeviceDriverProperties driver = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES,
	};
	VkPhysicalDeviceProperties2 properties = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
		.pNext = &driver,
	};

	if (has_extension(physical, VK_EXT_PHYSICAL_DEVICE_DRM_EXTENSION_NAME))
		driver.pNext = &node;
	vk.GetPhysicalDeviceProperties2(physical, &properties);
	instance->properties = properties.properties;
	if (properties.properties.apiVersion < VK_API_VERSION_1_2)
		return false;
	vk.GetPhysicalDeviceFeatures2(physical, &features);
	instance->physical = physical;
	instance->aliased = features.features.sparseResidencyAliased;
	instance->strict = properties.properties.sparseProperties.residencyNonResidentStrict;
	instance->has_node = node.hasRender;
	instance->node = node.renderMinor;
	snprintf(instance->driver, sizeof(instance->driver), "%s %s", driver.driverName,
		 driver.driverInfo);
	vk.GetPhysicalDeviceMemoryProperties(physical, &instance->memory);
	return features.features.sparseBinding && features.features.sparseResidencyBuffer &&
	       timeline.timelineSemaphore;
}

static const char *choose_device(struct vk_instance *instance, const char *name)
{
	VkPhysicalDevice physical[DEVICES_MAX];
	uint32_t count = DEVICES_MAX;

	/* VK_INCOMPLETE, more devices than the array holds, is no error. */
	if (vk.EnumeratePhysicalDevices(instance->handle, &count, physical) < 0)
		return "vkEnumeratePhysicalDevices() fails: no device that works";
	for (uint32_t i = 0; i < count; i++) {
		if (inspect(instance, physical[i]) &&
		    (!name || strstr(instance->properties.deviceName, name)))
			return NULL;
	}
	return "no device with Vulkan 1.2, sparse residency of buffers and timeline semaphores";
}

const char *vk_instance_open(struct vk_instance *instance, const struct vk_options *options)
{
	PFN_vkGetInstanceProcAddr get;
	const char *error;

	memset(instance, 0, sizeof(*instance));
	error = load_globals(&get);
	if (!error)
		error = create_instance(instance, options->validation);
	if (error)
		return error;
	load(get, instance->handle, GLOBALS, sizeof(functions) / sizeof(functions[0]));
	if (options->validation)
		vk.CreateDebugUtilsMessengerEXT(instance->handle, &messenger_info, NULL,
						&instance->messenger);
	error = choose_device(instance, options->device);
	instance->off_by_one = options->off_by_one;
	instance->aliases = instance->aliased || options->aliases;
	return error;
}

void vk_instance_close(struct vk_instance *instance)
{
	if (instance->hangs)
		return;
	if (instance->messenger)
		vk.DestroyDebugUtilsMessengerEXT(instance->handle, instance->messenger, NULL);
	vk.DestroyInstance(instance->handle, NULL);
}

/* Device */

/*
 * Asks for one or two queues of the first family that computes, and of those that bind. Returns the
 * number of families.
 */
static unsigned int plan_queues(struct vk_instance *instance, VkDeviceQueueCreateInfo *info,
				VkQueueFamilyProperties *family)
{
	static const float priority[2] = { 1, 1 };
	uint32_t families = VK_FAMILIES_MAX;
	unsigned int count = 0;
	bool computes = false;

	vk.GetPhysicalDeviceQueueFamilyProperties(instance->physical, &families, family);
	for (uint32_t i = 0; i < families && count < VK_QUEUES_MAX / 2; i++) {
		VkQueueFlags *flags = &family[i].queueFlags;

		*flags &= VK_QUEUE_SPARSE_BINDING_BIT | (computes ? 0 : VK_QUEUE_COMPUTE_BIT);
		computes |= *flags & VK_QUEUE_COMPUTE_BIT;
		if (!*flags)
			continue;
		info[count++] = (VkDeviceQueueCreateInfo){
			.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
			.queueFamilyIndex = i,
			.queueCount = family[i].queueCount > 1 ? 2 : 1,
			.pQueuePriorities = priority,
		};
	}
	return count;
}

static void take_queues(struct vk_device *device, const VkDeviceQueueCreateInfo *info,
			const VkQueueFamilyProperties *family)
{
	for (unsigned int i = 0; i < info->queueCount; i++) {
		struct vk_queue *queue = &device->queue[device->queues++];

		vk.GetDeviceQueue(device->handle, info->queueFamilyIndex, i, &queue->handle);
		queue->family = info->queueFamilyIndex;
		queue->flags = family[info->queueFamilyIndex].queueFlags;
	}
}

VkResult vk_device_open(struct vk_device *device, struct vk_instance *instance)
{
	VkPhysicalDeviceTimelineSemaphoreFeatures timeline = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES,
		.timelineSemaphore = VK_TRUE,
	};
	const VkPhysicalDeviceFeatures features = {
		.sparseBinding = VK_TRUE,
		.sparseResidencyBuffer = VK_TRUE,
		.sparseResidencyAliased = instance->aliased,
	};
	VkDeviceQueueCreateInfo queue[VK_FAMILIES_MAX];
	VkQueueFamilyProperties family[VK_FAMILIES_MAX];
	const VkDeviceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
		.pNext = &timeline,
		.queueCreateInfoCount = plan_queues(instance, queue, family),
		.pQueueCreateInfos = queue,
		.pEnabledFeatures = &features,
	};
	VkResult result;

	*device = (struct vk_device){ .instance = instance };
	result = vk.CreateDevice(instance->physical, &info, NULL, &device->handle);
	if (result != VK_SUCCESS)
		return result;
	for (unsigned int i = 0; i < info.queueCreateInfoCount; i++)
		take_queues(device, &queue[i], family);
	return VK_SUCCESS;
}

void vk_device_close(struct vk_device *device)
{
	vk.DestroyDevice(device->handle, NULL);
}

unsigned int vk_queue_find(const struct vk_device *device, VkQueueFlags flags, unsigned int from)
{
	for (unsigned int i = 0; i < device->queues; i++) {
		unsigned int at = (from + i) % device->queues;

		if ((device->queue[at].flags & flags) == flags)
			return at;
	}
	vk_fatal("no queue for what is to be done");
}

/* Memory */

static int find_type(const struct vk_instance *instance, uint32_t types, VkMemoryPropertyFlags flags)
{
	for (uint32_t i = 0; i < instance->memory.memoryTypeCount; i++) {
		VkMemoryPropertyFlags has = instance->memory.memoryTypes[i].propertyFlags;

		if (types >> i & 1 && (has & flags) == flags)
			return i;
	}
	return -1;
}

VkResult vk_memory_open(struct vk_device *device, struct vk_memory *memory, VkDeviceSize size,
			uint32_t types, bool visible)
{
	const VkMemoryPropertyFlags wanted = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
					     VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
	VkMemoryAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
		.allocationSize = size,
	};
	int type = find_type(device->instance, types, wanted);
	bool seen = type >= 0;
	VkResult result;

	if (!seen && !visible)
		type = find_type(device->instance, types, 0);
	if (type < 0)
		return VK_ERROR_FEATURE_NOT_PRESENT;
	info.memoryTypeIndex = type;
	*memory = (struct vk_memory){ .size = size };
	result = vk.AllocateMemory(device->handle, &info, NULL, &memory->handle);
	if (result == VK_SUCCESS && seen)
		result = vk.MapMemory(device->handle, memory->handle, 0, VK_WHOLE_SIZE, 0,
				      (void **)&memory->words);
	return result;
}

void vk_memory_close(struct vk_device *device, struct vk_memory *memory)
{
	vk.FreeMemory(device->handle, memory->handle, NULL);
}

VkResult vk_buffer_create(struct vk_device *device, VkDeviceSize size, VkBufferCreateFlags flags,
			  VkBuffer *buffer, VkMemoryRequirements *needs)
{
	const VkBufferCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
		.flags = flags,
		.size = size,
		.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
			 VK_BUFFER_USAGE_TRANSFER_DST_BIT,
		.sharingMode = VK_SHARING_MODE_EXCLUSIVE,
	};
	VkResult result = vk.CreateBuffer(device->handle, &info, NULL, buffer);

	if (result == VK_SUCCESS)
		vk.GetBufferMemoryRequirements(device->handle, *buffer, needs);
	return result;
}
