// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "igt_core.h"
#include "igt_knob.h"
#include "igt_teardown.h"

/**
 * SECTION:igt_knob
 * @short_description: Kernel settings that are put back
 * @title: Knobs
 * @include: igt_knob.h
 */

/**
 * knob:
 * @next: knob that was set before this one
 * @path: file
 * @before: contents before the first igt_knob_set()
 */
struct knob {
	struct knob *next;
	char *path;
	char before[256];
};

static struct knob *knobs;

/**
 * igt_knob_read:
 * @path: file
 * @text: filled, without a newline at its end
 * @size: bytes of @text
 *
 * Returns: true if the file was read and is not empty.
 */
bool igt_knob_read(const char *path, char *text, size_t size)
{
	const int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (file < 0)
		return false;

	length = read(file, text, size - 1);
	close(file);
	if (length <= 0)
		return false;

	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return true;
}

/**
 * igt_knob_write:
 * @path: file
 * @text: what to write
 *
 * Writes a file that igt_teardown() does not restore, such as a trigger.
 *
 * Returns: true if all of @text was written.
 */
bool igt_knob_write(const char *path, const char *text)
{
	const int file = open(path, O_WRONLY | O_CLOEXEC);
	bool written;

	if (file < 0)
		return false;

	written = write(file, text, strlen(text)) == (ssize_t)strlen(text);
	close(file);

	return written;
}

static struct knob **find(const char *path)
{
	struct knob **knob = &knobs;

	while (*knob && strcmp((*knob)->path, path))
		knob = &(*knob)->next;

	return knob;
}

/* The kernel marks the chosen word of some files by brackets: "always [madvise] never". */
static const char *chosen(char *text)
{
	char *start = strchr(text, '['), *end = start ? strchr(start, ']') : NULL;

	if (!end)
		return text;

	*end = '\0';
	return start + 1;
}

static void put_back(void *data)
{
	struct knob *knob = data;

	*find(knob->path) = knob->next;
	igt_knob_write(knob->path, chosen(knob->before));
	free(knob->path);
	free(knob);
}

/**
 * igt_knob_set:
 * @path: file
 * @text: what to write
 *
 * Changes a setting. igt_teardown() restores the contents before the first change.
 *
 * Returns: true if the file was read and written.
 */
bool igt_knob_set(const char *path, const char *text)
{
	struct knob *knob;

	if (*find(path))
		return igt_knob_write(path, text);

	knob = calloc(1, sizeof(*knob));
	igt_assert(knob);
	knob->path = strdup(path);
	igt_assert(knob->path);
	if (!igt_knob_read(path, knob->before, sizeof(knob->before)) ||
	    !igt_knob_write(path, text)) {
		free(knob->path);
		free(knob);
		return false;
	}

	knob->next = knobs;
	knobs = knob;
	igt_teardown_add(put_back, knob);
	return true;
}

/**
 * igt_knob_restore:
 * @path: file
 *
 * Undoes igt_knob_set() before the end of the subtest. Does nothing if the file was not set.
 */
void igt_knob_restore(const char *path)
{
	struct knob *knob = *find(path);

	if (!knob)
		return;

	igt_teardown_drop(put_back, knob);
	put_back(knob);
}
