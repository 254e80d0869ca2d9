// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "panthor_vmas.h"

/* A larger file is none of the driver's. */
#define FILE_MAX (UINT64_C(64) << 20)

/* gpuvas fails with ENODEV while another process creates or destroys a VM. */
#define READ_DEADLINE_MS 2000

static int read_all(int file, const char *path, char **text, char *error)
{
	size_t size = 0, capacity = 0;
	ssize_t got;

	*text = NULL;
	do {
		if (capacity - size < 2) {
			char *grown = realloc(*text, capacity = capacity ? 2 * capacity : 1 << 16);

			if (!grown) {
				VMAS_ERROR(error, "%s: no memory for it", path);
				return -ENOMEM;
			}
			*text = grown;
		}
		got = read(file, *text + size, capacity - size - 1);
		size += got > 0 ? got : 0;
	} while (size <= FILE_MAX && (got > 0 || (got < 0 && errno == EINTR)));

	(*text)[size] = '\0';
	if (got < 0) {
		const int err = errno;

		VMAS_ERROR(error, "%s: %s", path, strerror(err));
		return -err;
	}
	if (size > FILE_MAX) {
		VMAS_ERROR(error, "%s: larger than 64 MiB: name a copy of the driver's file", path);
		return -EFBIG;
	}
	/* What follows a zero byte would not be read. */
	if (strlen(*text) != size) {
		VMAS_ERROR(error, "%s: has zero bytes: name a text file", path);
		return -EPROTO;
	}
	return 0;
}

/**
 * vmas_read_file:
 * @path: file, or "-" for standard input
 * @text: filled; to be freed by the caller
 * @error: %VMAS_ERROR_LEN bytes, filled on failure
 *
 * Returns: 0 or a negative errno.
 */
int vmas_read_file(const char *path, char **text, char *error)
{
	const bool is_stdin = !strcmp(path, "-");
	const int file = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	int err;

	*text = NULL;
	if (file < 0) {
		err = -errno;
		VMAS_ERROR(error, "%s: %s", path, strerror(errno));
		return err;
	}
	err = read_all(file, is_stdin ? "standard input" : path, text, error);
	if (!is_stdin)
		close(file);
	if (err) {
		free(*text);
		*text = NULL;
	}
	return err;
}

static bool parse_number(const char **text, uint64_t *value)
{
	char *end;

	if (!isxdigit((unsigned char)**text))
		return false;
	errno = 0;
	*value = strtoull(*text, &end, 0);
	*text = end;
	return !errno;
}

/* Printable characters only: the text is shown. */
static void copy_text(char *to, size_t size, const char *from, size_t length)
{
	size_t used = 0;

	for (size_t i = 0; i < length && used + 1 < size; i++)
		if (isprint((unsigned char)from[i]))
			to[used++] = from[i];
	to[used] = '\0';
}

/**
 * vmas_parse_mark:
 * @text: ADDRESS[+SIZE][:WORDS], hexadecimal with 0x, octal with 0, or decimal
 * @kind: kind of the mark
 * @mark: filled
 *
 * Returns: 0, or -EINVAL.
 */
int vmas_parse_mark(const char *text, enum vmas_mark_kind kind, struct vmas_mark *mark)
{
	*mark = (struct vmas_mark) { .kind = kind };

	if (!parse_number(&text, &mark->va))
		return -EINVAL;
	if (*text == '+') {
		text++;
		if (!parse_number(&text, &mark->size) || mark->va + mark->size < mark->va)
			return -EINVAL;
	}
	if (*text == ':' || *text == ' ')
		copy_text(mark->text, sizeof(mark->text), text + 1, strcspn(text + 1, "\n"));
	else if (*text && *text != '\n')
		return -EINVAL;

	return 0;
}

/**
 * vmas_input_add_mark:
 * @input: gets the mark
 * @mark: mark
 *
 * Returns: 0, or -ENOSPC if there are %VMAS_MARKS_MAX already.
 */
int vmas_input_add_mark(struct vmas_input *input, const struct vmas_mark *mark)
{
	if (input->mark_count == VMAS_MARKS_MAX)
		return -ENOSPC;
	input->mark[input->mark_count++] = *mark;
	return 0;
}

/* ---------------------------------------------------------------------------------------------- */
/* What a failed subtest has printed (lib/igt_panthor_snapshot.c) */

#define BEGIN "address spaces of "
#define BEGIN_END ": begin"
#define END_END ": end"

/* If the line begins with @word, the rest of it. */
static const char *after(const char *line, const char *word)
{
	const size_t length = strlen(word);

	return strncmp(line, word, length) ? NULL : line + length;
}

/* The name in "address spaces of NAME: begin", where @ending is the part behind the name. */
static bool parse_limit(const char *line, const char *ending, char *name)
{
	const char *rest = after(line, BEGIN);
	const size_t length = igt_panthor_line_length(line);
	const size_t both = strlen(BEGIN) + strlen(ending);

	if (!rest || length <= both ||
	    strncmp(line + length - strlen(ending), ending, strlen(ending)))
		return false;
	copy_text(name, VMAS_NAME_LEN, rest, length - both);
	return true;
}

static void append_line(char *text, size_t *used, const char *line)
{
	const size_t length = igt_panthor_line_length(line);

	memcpy(text + *used, line, length);
	*used += length;
	text[(*used)++] = '\n';
	text[*used] = '\0';
}

static void parse_log_mark(const char *rest, enum vmas_mark_kind kind, struct vmas_input *input)
{
	struct vmas_mark mark;

	if (!vmas_parse_mark(rest, kind, &mark))
		vmas_input_add_mark(input, &mark);
}

enum log_word {
	LOG_GPUVAS,
	LOG_GEMS,
	LOG_LEFT_VMAS,
	LOG_LEFT_GEMS,
	LOG_FAULT,
	LOG_ACCESS,
	LOG_MARK,
	LOG_VM,
	LOG_WORDS,
};

static const char * const log_word[LOG_WORDS] = {
	[LOG_GPUVAS] = "gpuvas: ",
	[LOG_GEMS] = "gems: ",
	[LOG_LEFT_VMAS] = "gpuvas left out: ",
	[LOG_LEFT_GEMS] = "gems left out: ",
	[LOG_FAULT] = "fault: ",
	[LOG_ACCESS] = "access: ",
	[LOG_MARK] = "mark: ",
	[LOG_VM] = "vm: ",
};

/* Other lines are passed over: a thread may have printed them in between. */
static enum log_word first_word(const char *line, const char **rest)
{
	for (unsigned int i = 0; i < LOG_WORDS; i++) {
		*rest = after(line, log_word[i]);
		if (*rest)
			return i;
	}
	return LOG_WORDS;
}

static void parse_log_line(const char *line, struct vmas_input *input, size_t *gpuvas,
			   size_t *gems)
{
	const char *rest;

	switch (first_word(line, &rest)) {
	case LOG_GPUVAS:
		append_line(input->gpuvas, gpuvas, rest);
		break;
	case LOG_GEMS:
		append_line(input->gems, gems, rest);
		break;
	case LOG_LEFT_VMAS:
		parse_number(&rest, &input->left_vmas);
		break;
	case LOG_LEFT_GEMS:
		parse_number(&rest, &input->left_gems);
		break;
	case LOG_FAULT:
		parse_log_mark(rest, VMAS_MARK_FAULT, input);
		break;
	case LOG_ACCESS:
		parse_log_mark(rest, VMAS_MARK_ACCESS, input);
		break;
	case LOG_MARK:
		parse_log_mark(rest, VMAS_MARK_PLAIN, input);
		break;
	case LOG_VM:
		input->has_vm_va = parse_number(&rest, &input->vm_va);
		break;
	default:
		break;
	}
}

/* Whether the part is of the subtest, or of a row of it, or of any if @subtest is NULL. */
static bool is_wanted(const char *name, const char *subtest)
{
	const size_t length = subtest ? strlen(subtest) : 0;

	if (!subtest)
		return true;
	return !strncmp(name, subtest, length) && (!name[length] || name[length] == '@');
}

/* The last part of the log that has a beginning and is wanted. */
static const char *find_begin(const char *log, const char *subtest, char *name)
{
	const char *found = NULL;
	char here[VMAS_NAME_LEN];

	for (const char *line = log; line; line = igt_panthor_next_line(line)) {
		if (!parse_limit(line, BEGIN_END, here) || !is_wanted(here, subtest))
			continue;
		found = line;
		strcpy(name, here);
	}
	return found;
}

/**
 * vmas_parse_log:
 * @log: output of a test
 * @subtest: name of a failed subtest, or SUBTEST@ROW, or NULL for the last one that failed
 * @input: zeroed; filled; to be freed by vmas_input_free()
 * @error: %VMAS_ERROR_LEN bytes, filled on failure
 *
 * Returns: 0, -ENOENT if the log does not show the address spaces, -ENOMEM.
 */
int vmas_parse_log(const char *log, const char *subtest, struct vmas_input *input, char *error)
{
	const char *begin = find_begin(log, subtest, input->subtest);
	size_t gpuvas = 0, gems = 0;
	char end[VMAS_NAME_LEN];

	if (!begin) {
		VMAS_ERROR(error, "the log shows no address spaces of %.100s: name the output of a "
			   "subtest that failed as root, with debugfs", subtest ?: "a failed subtest");
		return -ENOENT;
	}
	input->gpuvas = calloc(1, strlen(begin) + 2);
	input->gems = calloc(1, strlen(begin) + 2);
	if (!input->gpuvas || !input->gems) {
		VMAS_ERROR(error, "no memory for the log");
		return -ENOMEM;
	}
	for (const char *line = igt_panthor_next_line(begin); line;
	     line = igt_panthor_next_line(line)) {
		if (parse_limit(line, END_END, end) || parse_limit(line, BEGIN_END, end))
			break;
		parse_log_line(line, input, &gpuvas, &gems);
	}
	if (!gems) {
		free(input->gems);
		input->gems = NULL;
	}
	return 0;
}

/* ---------------------------------------------------------------------------------------------- */
/* The running driver */

static bool has_file(const char *folder, const char *name)
{
	char path[512];

	return snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path) &&
	       !access(path, R_OK);
}

/* Both of the driver's files: other drivers have a gpuvas, too. */
static bool is_panthor(const char *folder)
{
	return has_file(folder, "gpuvas") && has_file(folder, "gems");
}

/* debugfs has folders for each minor of a device and for its name. Those of render nodes count. */
static bool is_minor(const char *name)
{
	const int minor = atoi(name);

	return minor >= 128 && strspn(name, "0123456789") == strlen(name);
}

static int find_only_device(const char *debugfs, char *path, size_t size, char *error)
{
	DIR *dir = opendir(debugfs);
	unsigned int found = 0;
	struct dirent *entry;
	char folder[512];

	if (!dir) {
		VMAS_ERROR(error, "%s: %s: be root where debugfs is mounted, or name saved copies "
			   "by --gpuvas and --gems", debugfs, strerror(errno));
		return -ENOENT;
	}
	while ((entry = readdir(dir))) {
		if (!is_minor(entry->d_name) ||
		    snprintf(folder, sizeof(folder), "%s/%s", debugfs, entry->d_name) >=
			    (int)sizeof(folder) ||
		    !is_panthor(folder))
			continue;
		found++;
		snprintf(path, size, "%s", folder);
	}
	closedir(dir);
	if (found == 1)
		return 0;
	if (found)
		VMAS_ERROR(error, "several GPUs have gpuvas and gems: choose one by --device "
			   "/dev/dri/renderD…");
	else
		VMAS_ERROR(error, "%s: no GPU of panthor: name saved copies by --gpuvas and --gems",
			   debugfs);
	return -ENOENT;
}

/* "128" for the node /dev/dri/renderD128. */
static bool name_of_node(const char *path, char *name, size_t size)
{
	struct stat node;

	if (stat(path, &node) || !S_ISCHR(node.st_mode))
		return false;
	snprintf(name, size, "%u", minor(node.st_rdev));
	return true;
}

/**
 * vmas_find_device:
 * @debugfs: folder with a folder for each DRM device, /sys/kernel/debug/dri
 * @wanted: node of the device, or name of its folder, or NULL for the only GPU of panthor
 * @path: filled with the folder of the device
 * @size: bytes of @path
 * @error: %VMAS_ERROR_LEN bytes, filled on failure
 *
 * Returns: 0, or -ENOENT.
 */
int vmas_find_device(const char *debugfs, const char *wanted, char *path, size_t size, char *error)
{
	char name[128];

	if (!wanted)
		return find_only_device(debugfs, path, size, error);

	if (!name_of_node(wanted, name, sizeof(name)))
		snprintf(name, sizeof(name), "%s", wanted);
	if (!strchr(name, '/') && name[0] != '.' &&
	    snprintf(path, size, "%s/%s", debugfs, name) < (int)size && is_panthor(path))
		return 0;
	VMAS_ERROR(error, "--device %.100s: no GPU of panthor in %.60s: type /dev/dri/renderD128 "
		   "or another node, as root", wanted, debugfs);
	return -ENOENT;
}

static int read_retried(const char *path, char **text, char *error)
{
	const struct timespec pause = { .tv_nsec = 1000 * 1000 };
	int err;

	for (unsigned int ms = 0; ms < READ_DEADLINE_MS; ms++) {
		err = vmas_read_file(path, text, error);
		if (err != -ENODEV)
			break;
		nanosleep(&pause, NULL);
	}
	return err;
}

/**
 * vmas_read_device:
 * @path: from vmas_find_device()
 * @input: zeroed; filled; to be freed by vmas_input_free()
 * @error: %VMAS_ERROR_LEN bytes, filled on failure
 *
 * Returns: 0 or a negative errno.
 */
int vmas_read_device(const char *path, struct vmas_input *input, char *error)
{
	char file[512];
	int err;

	snprintf(file, sizeof(file), "%s/gpuvas", path);
	err = read_retried(file, &input->gpuvas, error);
	if (err)
		return err;
	snprintf(file, sizeof(file), "%s/gems", path);
	return read_retried(file, &input->gems, error);
}

/**
 * vmas_input_free:
 * @input: input
 *
 * Frees the texts.
 */
void vmas_input_free(struct vmas_input *input)
{
	free(input->gpuvas);
	free(input->gems);
	*input = (struct vmas_input) {};
}
