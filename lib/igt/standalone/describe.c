// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include "standalone.h"

/* libigt's limits: characters of a description, with the NUL, and columns of a line. */
#define DESCRIPTION_BYTES 512
#define COLUMNS 100

/* Groups in groups. */
#define LEVELS 8

static const char indent[] = "  ";

/* For the subtest that comes next in the group that is open, and for the groups around it. */
static struct {
	char text[LEVELS][DESCRIPTION_BYTES];
	unsigned int level;
} descriptions;

void standalone_describe_group_begin(void)
{
	descriptions.level++;
	igt_assert_lt(descriptions.level, LEVELS);
	standalone_describe_forget();
}

/* The description of a group is that of nothing else. */
void standalone_describe_group_end(void)
{
	descriptions.level--;
	standalone_describe_forget();
}

void standalone_describe_forget(void)
{
	descriptions.text[descriptions.level][0] = '\0';
}

/**
 * igt_describe_f:
 * @fmt: description, shorter than 512 characters
 *
 * Describes the subtest or group that comes next, for --describe.
 */
void igt_describe_f(const char *fmt, ...)
{
	va_list args;
	int size;

	if (standalone_options.mode != STANDALONE_DESCRIBE)
		return;
	va_start(args, fmt);
	size = vsnprintf(descriptions.text[descriptions.level], DESCRIPTION_BYTES, fmt, args);
	va_end(args);
	igt_assert_lt(size, DESCRIPTION_BYTES);
}

/* Prints the words of @text, as many a line as fit. */
static void print_wrapped(const char *text)
{
	unsigned int column = 0;

	for (size_t size; *text; text += size) {
		size = strcspn(text, " ");
		if (column && column + 1 + size > COLUMNS) {
			putchar('\n');
			column = 0;
		}
		column += printf("%s%.*s", column ? " " : indent, (int)size, text);
		size += strspn(text + size, " ");
	}
	printf("\n\n");
}

void standalone_describe(const char *name, const char *file, int line)
{
	bool is_described = false;

	if (!name) {
		if (&__igt_test_description && __igt_test_description)
			printf("%s\n%s", __igt_test_description,
			       standalone_options.mode == STANDALONE_DESCRIBE ? "\n" : "");
		return;
	}
	printf("SUB %s %s:%d:\n", name, file, line);
	for (unsigned int i = 0; i <= descriptions.level; i++) {
		if (!descriptions.text[i][0])
			continue;
		print_wrapped(descriptions.text[i]);
		is_described = true;
	}
	if (!is_described)
		print_wrapped("NO DOCUMENTATION!");
}
