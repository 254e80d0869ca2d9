// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

/*
 * The parsers of panthor's debugfs files. They use libc alone, so that tools can be built with them.
 */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "igt_panthor_debugfs.h"

/* Columns of gems. gems_header has their names in the header line. */
enum gems_column {
	GEMS_CREATOR,
	GEMS_REFERENCES,
	GEMS_EVICTIONS,
	GEMS_SIZE,
	GEMS_RESIDENT,
	GEMS_FILE_OFFSET,
	GEMS_STATE,
	GEMS_USAGE,
	GEMS_LABEL,
	GEMS_COLUMNS,
};

static const char * const gems_header[GEMS_COLUMNS] = {
	[GEMS_CREATOR] = "created-by",
	[GEMS_REFERENCES] = "refcount",
	[GEMS_EVICTIONS] = "evictions",
	[GEMS_SIZE] = "size",
	[GEMS_RESIDENT] = "resident-size",
	[GEMS_FILE_OFFSET] = "file-offset",
	[GEMS_STATE] = "state",
	[GEMS_USAGE] = "usage",
	[GEMS_LABEL] = "label",
};

/* Numeric columns of gpuvas. gpuvas_header has their names in the header line. */
enum gpuvas_column {
	GPUVAS_START,
	GPUVAS_RANGE,
	GPUVAS_OBJECT,
	GPUVAS_OFFSET,
	GPUVAS_COLUMNS,
};

static const char * const gpuvas_header[GPUVAS_COLUMNS] = {
	[GPUVAS_START] = "start",
	[GPUVAS_RANGE] = "range",
	[GPUVAS_OBJECT] = "object",
	[GPUVAS_OFFSET] = "object offset",
};

#define MAX_COLUMNS 9
_Static_assert(GEMS_COLUMNS <= MAX_COLUMNS && GPUVAS_COLUMNS <= MAX_COLUMNS, "MAX_COLUMNS");

/* First character of each column, counted from the start of a line. */
struct columns {
	size_t start[MAX_COLUMNS];
	size_t count;
};

static bool at_word(const char *line, size_t start, size_t len)
{
	return (start == 0 || line[start - 1] == ' ') &&
	       (line[start + len] == '\0' || line[start + len] == '\n' ||
		!strncmp(line + start + len, "  ", 2) || !strncmp(line + start + len, " |", 2));
}

/* A header must match as a whole word: "size" is not in "resident-size". */
static bool find_column(const char *line, const char *name, size_t *start)
{
	const size_t len = strlen(name);
	const size_t length = igt_panthor_line_length(line);

	for (size_t i = 0; i + len <= length; i++) {
		if (!strncmp(line + i, name, len) && at_word(line, i, len)) {
			*start = i;
			return true;
		}
	}

	return false;
}

/* All columns, in the order of the driver. A line that ends in the last one has all of them. */
static bool find_columns(const char *line, const char * const *header, size_t count,
			 struct columns *columns)
{
	struct columns found = { .count = count };

	for (size_t i = 0; i < count; i++)
		if (!find_column(line, header[i], &found.start[i]) ||
		    (i > 0 && found.start[i] <= found.start[i - 1]))
			return false;

	*columns = found;
	return true;
}

static bool get_number(const char *line, const struct columns *columns, size_t column,
		       uint64_t *value)
{
	const size_t start = columns->start[column];
	char *end;

	if (igt_panthor_line_length(line) <= start || !isxdigit((unsigned char)line[start]))
		return false;

	*value = strtoull(line + start, &end, 0);
	return *end == ' ' || *end == '\n' || *end == '\0';
}

/* created-by is COMM/PID, padded; a comm may have spaces and slashes. */
static bool get_creator(const char *line, const struct columns *columns,
			struct igt_panthor_gem *gem)
{
	const char *slash = NULL;
	const char *creator = line + columns->start[GEMS_CREATOR];
	const size_t width = columns->start[GEMS_REFERENCES] - columns->start[GEMS_CREATOR];

	for (size_t i = 0; i < width && creator[i] && creator[i] != '\n'; i++)
		if (creator[i] == '/')
			slash = creator + i;

	if (!slash || !isdigit((unsigned char)slash[1]))
		return false;

	gem->pid = strtol(slash + 1, NULL, 10);
	snprintf(gem->comm, sizeof(gem->comm), "%.*s", (int)(slash - creator), creator);
	return true;
}

static void get_label(const char *line, const struct columns *columns, char *label, size_t size)
{
	const size_t length = igt_panthor_line_length(line);
	const size_t start = columns->start[GEMS_LABEL];

	label[0] = '\0';
	if (length > start)
		snprintf(label, size, "%.*s", (int)(length - start), line + start);
}

static bool parse_gem(const char *line, const struct columns *columns,
		      struct igt_panthor_gem *gem)
{
	uint64_t state, usage;

	if (igt_panthor_line_length(line) < columns->start[GEMS_USAGE] ||
	    !get_creator(line, columns, gem) ||
	    !get_number(line, columns, GEMS_REFERENCES, &gem->references) ||
	    !get_number(line, columns, GEMS_EVICTIONS, &gem->evictions) ||
	    !get_number(line, columns, GEMS_SIZE, &gem->size) ||
	    !get_number(line, columns, GEMS_RESIDENT, &gem->resident) ||
	    !get_number(line, columns, GEMS_FILE_OFFSET, &gem->file_offset) ||
	    !get_number(line, columns, GEMS_STATE, &state) ||
	    !get_number(line, columns, GEMS_USAGE, &usage))
		return false;

	gem->state = state;
	gem->usage = usage;
	get_label(line, columns, gem->label, sizeof(gem->label));
	return true;
}

static void *append(void *array, size_t *count, size_t size, const void *item)
{
	void *grown = realloc(array, (*count + 1) * size);

	if (grown)
		memcpy((char *)grown + (*count)++ * size, item, size);
	else
		free(array);

	return grown;
}

static void parse_totals(const char *line, struct igt_panthor_gems *gems)
{
	uint64_t size, resident, reclaimable;

	if (sscanf(line,
		   "Total size: %" SCNu64 ", Total resident: %" SCNu64
		   ", Total reclaimable: %" SCNu64,
		   &size, &resident, &reclaimable) != 3)
		return;

	gems->size = size;
	gems->resident = resident;
	gems->reclaimable = reclaimable;
}

/**
 * igt_panthor_parse_gems:
 * @text: content of gems
 * @gems: filled; to be freed by igt_panthor_free_gems()
 *
 * Ignores lines that are not rows of the table: labels of other processes may hold any text.
 *
 * Returns: 0, -EPROTO if a column is missing, -ENOMEM.
 */
int igt_panthor_parse_gems(const char *text, struct igt_panthor_gems *gems)
{
	struct columns columns = {};

	*gems = (struct igt_panthor_gems) {};

	for (const char *line = text; line; line = igt_panthor_next_line(line)) {
		struct igt_panthor_gem gem = {};

		if (!columns.count) {
			find_columns(line, gems_header, GEMS_COLUMNS, &columns);
			continue;
		}

		if (!parse_gem(line, &columns, &gem)) {
			parse_totals(line, gems);
			continue;
		}

		gems->gem = append(gems->gem, &gems->count, sizeof(gem), &gem);
		if (!gems->gem)
			return -ENOMEM;
	}

	return columns.count ? 0 : -EPROTO;
}

static bool parse_vma(const char *line, const struct columns *columns,
		      struct igt_panthor_vma *vma)
{
	return get_number(line, columns, GPUVAS_START, &vma->va) &&
	       get_number(line, columns, GPUVAS_RANGE, &vma->size) &&
	       get_number(line, columns, GPUVAS_OBJECT, &vma->object) &&
	       get_number(line, columns, GPUVAS_OFFSET, &vma->offset);
}

/**
 * igt_panthor_parse_gpuvas:
 * @text: content of gpuvas
 * @vmas: filled; to be freed by igt_panthor_free_vmas()
 *
 * The lines of each VM start with a header line.
 *
 * Returns: 0, -EPROTO if there is no VM or a column is missing, -ENOMEM.
 */
int igt_panthor_parse_gpuvas(const char *text, struct igt_panthor_vmas *vmas)
{
	struct columns columns = {};

	*vmas = (struct igt_panthor_vmas) {};

	for (const char *line = text; line; line = igt_panthor_next_line(line)) {
		struct igt_panthor_vma vma = {};

		if (find_columns(line, gpuvas_header, GPUVAS_COLUMNS, &columns)) {
			vmas->vms++;
			continue;
		}

		if (!vmas->vms || !parse_vma(line, &columns, &vma))
			continue;

		vma.vm = vmas->vms - 1;
		vmas->vma = append(vmas->vma, &vmas->count, sizeof(vma), &vma);
		if (!vmas->vma)
			return -ENOMEM;
	}

	return vmas->vms ? 0 : -EPROTO;
}

/**
 * igt_panthor_free_gems:
 * @gems: from a parser or reader
 */
void igt_panthor_free_gems(struct igt_panthor_gems *gems)
{
	free(gems->gem);
	*gems = (struct igt_panthor_gems) {};
}

/**
 * igt_panthor_free_vmas:
 * @vmas: from a parser or reader
 */
void igt_panthor_free_vmas(struct igt_panthor_vmas *vmas)
{
	free(vmas->vma);
	*vmas = (struct igt_panthor_vmas) {};
}

/**
 * igt_panthor_find_vma:
 * @vmas: from a parser or reader
 * @vm: VM, as in struct igt_panthor_vma
 * @va: GPU virtual address
 *
 * Returns: the VMA that holds @va, or NULL.
 */
const struct igt_panthor_vma *igt_panthor_find_vma(const struct igt_panthor_vmas *vmas,
						   unsigned int vm, uint64_t va)
{
	for (size_t i = 0; i < vmas->count; i++) {
		const struct igt_panthor_vma *vma = &vmas->vma[i];

		if (vma->vm == vm && va >= vma->va && va - vma->va < vma->size)
			return vma;
	}

	return NULL;
}

/**
 * igt_panthor_find_vm:
 * @vmas: from a parser or reader
 * @va: GPU virtual address
 * @size: size in bytes
 *
 * gpuvas shows no id of a VM. The caller identifies a VM by a mapping that no other VM has.
 *
 * Returns: the VM with a VMA of exactly [@va, @va + @size), -ENOENT if no VM has one, -ENOTUNIQ if
 * several have.
 */
int igt_panthor_find_vm(const struct igt_panthor_vmas *vmas, uint64_t va, uint64_t size)
{
	int vm = -ENOENT;

	for (size_t i = 0; i < vmas->count; i++) {
		if (vmas->vma[i].va != va || vmas->vma[i].size != size)
			continue;
		if (vm >= 0)
			return -ENOTUNIQ;
		vm = vmas->vma[i].vm;
	}

	return vm;
}
