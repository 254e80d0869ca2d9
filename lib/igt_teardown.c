// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <stdlib.h>
#include <unistd.h>

#include "igt_core.h"
#include "igt_teardown.h"

/**
 * SECTION:igt_teardown
 * @short_description: Undo functions of subtests
 * @title: Teardown
 * @include: igt_teardown.h
 *
 * A list of undo functions, run in reverse order. Undo functions must not assert: an assertion in
 * a fixture fails every later subtest.
 */

/**
 * entry:
 * @undo: function to call, or NULL in an entry that was dropped
 * @data: its argument
 * @owner: process that added the entry
 */
struct entry {
	void (*undo)(void *data);
	void *data;
	pid_t owner;
};

static struct entry *entries;
static unsigned int count, capacity;

static void at_exit(int sig)
{
	(void)sig;
	igt_teardown();
}

/*
 * The handler is installed with the first entry. igt_fork() clears the exit handlers of a child:
 * entries of a child that is forked after the first entry are not undone at the exit of the child.
 */
static void install_exit_handler(void)
{
	static bool installed;

	if (!installed)
		igt_install_exit_handler(at_exit);
	installed = true;
}

/**
 * igt_teardown_add:
 * @undo: function that undoes something
 * @data: its argument
 *
 * Registers @undo for igt_teardown(). Not thread-safe: for the main thread of a process only.
 */
void igt_teardown_add(void (*undo)(void *data), void *data)
{
	install_exit_handler();
	if (count == capacity) {
		capacity = capacity ? 2 * capacity : 64;
		entries = realloc(entries, capacity * sizeof(*entries));
		igt_assert(entries);
	}
	entries[count++] = (struct entry){ .undo = undo, .data = data, .owner = getpid() };
}

/**
 * igt_teardown_drop:
 * @undo: as given to igt_teardown_add()
 * @data: as given to igt_teardown_add()
 *
 * Removes the newest entry with this @undo and @data, which the caller undoes itself. Does nothing
 * if there is none.
 */
void igt_teardown_drop(void (*undo)(void *data), void *data)
{
	for (unsigned int i = count; i-- > 0;) {
		if (entries[i].undo != undo || entries[i].data != data)
			continue;
		entries[i].undo = NULL;
		break;
	}
	while (count && !entries[count - 1].undo)
		count--;
}

/**
 * igt_teardown:
 *
 * Calls the undo functions that were added and not dropped, newest first. In a forked child, the
 * entries of the parent are skipped. Runs at the exit of the process as well.
 */
void igt_teardown(void)
{
	while (count) {
		const struct entry entry = entries[--count];

		if (entry.undo && entry.owner == getpid())
			entry.undo(entry.data);
	}
}
