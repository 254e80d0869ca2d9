// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "shader/descriptor.h"

#include <endian.h>

#include "mmu/mmu.h"
#include "shader/internal.h"
#include "rules/rules.h"
#include "trace/trace.h"

/* A resource: a table of descriptors. */
struct resource {
	struct shader_buffer memory;
	bool descriptors;
};

static enum shader_step read_words(struct shader_core *core, uint64_t va, uint64_t *word,
				   unsigned int count)
{
	int error = mmu_read(core->mmu, core->as, va, word, count * sizeof(*word));

	if (error)
		return shader_access_step(core, error, va);
	for (unsigned int i = 0; i < count; i++)
		word[i] = le64toh(word[i]);
	return SHADER_STEP_NEXT;
}

static enum shader_step invalid(struct shader_core *core, uint32_t handle, const char *reason)
{
	rules_broken(RULE_JOB_RESOURCE, core->as, handle, "resource 0x%08x: %s", handle, reason);
	trace("shader", "AS%u resource 0x%08x: %s", core->as, handle, reason);
	return shader_fault(core, SHADER_EXC_DATA_INVALID_FAULT, handle);
}

static enum shader_step read_resource(struct shader_core *core, uint32_t handle, unsigned int index,
				      struct resource *resource)
{
	uint64_t tables = core->job->srt & ~field_mask(SRT_COUNT), word[2];
	enum shader_step step;

	if (index >= field_get(core->job->srt, SRT_COUNT))
		return invalid(core, handle, "no such table");
	step = read_words(core, tables + index * RESOURCE_SIZE, word, 2);
	if (step != SHADER_STEP_NEXT)
		return step;
	resource->memory.va = field_get(word[0], RESOURCE_ADDRESS);
	resource->memory.size = word[1];
	resource->descriptors = field_get(word[0], RESOURCE_DESCRIPTORS);
	return SHADER_STEP_NEXT;
}

/* A null descriptor is a buffer of size 0. */
static enum shader_step parse_buffer(struct shader_core *core, uint32_t handle,
				     const uint64_t *word, struct shader_buffer *buffer)
{
	switch (field_get(word[0], DESCRIPTOR_TYPE)) {
	case DESCRIPTOR_NULL:
		*buffer = (struct shader_buffer){ 0, 0 };
		return SHADER_STEP_NEXT;
	case DESCRIPTOR_BUFFER:
		if (field_get(word[0], BUFFER_TYPE) != BUFFER_TYPE_SIMPLE)
			return invalid(core, handle, "a buffer that is not simple");
		*buffer = (struct shader_buffer){ word[1], field_get(word[0], BUFFER_BYTES) };
		return SHADER_STEP_NEXT;
	default:
		return invalid(core, handle, "not a buffer");
	}
}

static enum shader_step read_buffer(struct shader_core *core, uint32_t handle,
				    const struct resource *table, struct shader_buffer *buffer)
{
	uint64_t offset = field_get(handle, HANDLE_INDEX) * BUFFER_SIZE, word[2];
	enum shader_step step;

	if (!table->descriptors)
		return invalid(core, handle, "not a table of descriptors");
	if (offset + BUFFER_SIZE > table->memory.size)
		return invalid(core, handle, "beyond the end of its table");
	step = read_words(core, table->memory.va + offset, word, 2);
	return step == SHADER_STEP_NEXT ? parse_buffer(core, handle, word, buffer) : step;
}

enum shader_step shader_find_buffer(struct shader_core *core, uint32_t handle,
				    struct shader_buffer *buffer)
{
	unsigned int table = field_get(handle, HANDLE_TABLE);
	bool is_resource = table == HANDLE_TABLE_RESOURCES;
	struct resource resource = { .descriptors = false }; /* silences gcc */
	enum shader_step step;

	step = read_resource(core, handle, is_resource ? field_get(handle, HANDLE_INDEX) : table,
			     &resource);
	if (step != SHADER_STEP_NEXT)
		return step;
	if (!is_resource)
		return read_buffer(core, handle, &resource, buffer);
	*buffer = resource.memory;
	return SHADER_STEP_NEXT;
}
