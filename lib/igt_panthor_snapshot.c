// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "igt_core.h"
#include "igt_panthor_debugfs.h"

/* Limits of the output: VMs, VMAs of each, BOs. The rest is counted. */
#define VMS_MAX 4
#define VMAS_MAX 40
#define GEMS_MAX 60

/*
 * The interrupt handler of the MMU may log a fault after the end of its job. The kernel log is read
 * that often after a failed job, with that pause.
 */
#define FAULT_TRIES 10
#define FAULT_PAUSE_MS 5

#define NAME_LEN 64

/* Characters of the first column of gems (panthor_gem_debugfs_bo_print()). */
#define CREATOR_WIDTH 32

struct known_fault {
	bool is_known;
	uint64_t va;
};

/**
 * log:
 * @fd: kernel log, negative if it is not open
 * @subtest: subtest that runs
 * @row: row that runs, or empty
 * @fault: last fault of the row or subtest, but for those that it has read itself
 * @row_failed: a row of the subtest has failed
 * @failed: subtest or SUBTEST@ROW that failed and has not been printed, or empty
 * @failed_fault: its last fault
 *
 * What the kernel log says of this process.
 */
static struct {
	int fd;
	char subtest[NAME_LEN];
	char row[NAME_LEN];
	struct known_fault fault;
	bool row_failed;
	char failed[2 * NAME_LEN];
	struct known_fault failed_fault;
} kmsg = { .fd = -1 };

/**
 * last:
 * @owner: process that opened the device first; its children do not print
 * @job: job that was waited for last
 * @mark: an assertion was about @mark_va
 * @fault_read: sequence number of the last fault in the kernel log that the subtest has read itself
 */
static struct {
	pid_t owner;
	struct igt_panthor_snapshot_job job;
	const char *mark;
	uint64_t mark_va;
	uint64_t fault_read;
} last;

/* ---------------------------------------------------------------------------------------------- */
/* What a subtest was about */

/**
 * igt_panthor_snapshot_job_begin:
 * @job: zeroed or of an earlier job
 * @vm_va: an address that only the job's VM maps
 *
 * A job is going to be written.
 */
void igt_panthor_snapshot_job_begin(struct igt_panthor_snapshot_job *job, uint64_t vm_va)
{
	job->vm_va = vm_va;
	job->count = 0;
}

/**
 * igt_panthor_snapshot_job_add:
 * @job: from igt_panthor_snapshot_job_begin()
 * @va: first address
 * @size: bytes
 * @is_store: stores, maybe with loads
 *
 * The job accesses a range. Ranges beyond %IGT_PANTHOR_SNAPSHOT_RANGES are not remembered.
 */
void igt_panthor_snapshot_job_add(struct igt_panthor_snapshot_job *job, uint64_t va, uint64_t size,
				  bool is_store)
{
	const unsigned int count = job->count;

	if (count >= IGT_PANTHOR_SNAPSHOT_RANGES)
		return;
	job->range[count] = (struct igt_panthor_snapshot_range){ va, size, is_store };
	job->count = count + 1;
}

/**
 * igt_panthor_snapshot_job_wait:
 * @job: job
 *
 * The subtest waits for the end of a job. What fails next is about this job.
 */
void igt_panthor_snapshot_job_wait(const struct igt_panthor_snapshot_job *job)
{
	last.job = *job;
	last.mark = NULL;
}

/**
 * igt_panthor_snapshot_mark:
 * @va: GPU virtual address
 * @words: what is wrong there; stays valid
 *
 * The assertions that follow are about an address, until igt_panthor_snapshot_mark_clear() or the
 * end of the next job.
 */
void igt_panthor_snapshot_mark(uint64_t va, const char *words)
{
	last.mark = words;
	last.mark_va = va;
}

/**
 * igt_panthor_snapshot_mark_clear:
 *
 * The assertions about the marked address have passed.
 */
void igt_panthor_snapshot_mark_clear(void)
{
	last.mark = NULL;
}

/**
 * igt_panthor_snapshot_fault_read:
 * @sequence: sequence number in the kernel log
 *
 * The subtest has read a fault from the kernel log. It knows of that fault: a failure is about a
 * later one.
 */
void igt_panthor_snapshot_fault_read(uint64_t sequence)
{
	last.fault_read = sequence;
}

/* ---------------------------------------------------------------------------------------------- */
/* The kernel log */

static void copy_name(char *to, size_t size, const char *from, size_t length)
{
	snprintf(to, size, "%.*s", (int)length, from);
}

static void end_named(const char *name, bool is_row, const char *verdict)
{
	const bool failed = !strncmp(verdict, "FAIL", 4) || !strncmp(verdict, "CRASH", 5);

	if (is_row)
		kmsg.row[0] = '\0';
	/* A subtest fails if one of its rows did. */
	if (!failed || (!is_row && kmsg.row_failed))
		return;
	kmsg.row_failed |= is_row;
	snprintf(kmsg.failed, sizeof(kmsg.failed), "%s%s%s", is_row ? kmsg.subtest : "",
		 is_row ? "@" : "", name);
	kmsg.failed_fault = kmsg.fault;
}

static void begin_named(const char *name, bool is_row)
{
	kmsg.fault.is_known = false;
	copy_name(is_row ? kmsg.row : kmsg.subtest, NAME_LEN, name, strlen(name));
	if (is_row)
		return;
	kmsg.row[0] = '\0';
	kmsg.row_failed = false;
}

/* "starting subtest NAME", "finished subtest NAME, VERDICT", or "dynamic subtest" for rows. */
static void parse_igt(const char *text)
{
	char name[NAME_LEN], verdict[16] = "";

	if (sscanf(text, "starting subtest %63[^ ,\n]", name) == 1)
		begin_named(name, false);
	else if (sscanf(text, "starting dynamic subtest %63[^ ,\n]", name) == 1)
		begin_named(name, true);
	else if (sscanf(text, "finished subtest %63[^ ,\n], %15s", name, verdict) == 2)
		end_named(name, false, verdict);
	else if (sscanf(text, "finished dynamic subtest %63[^ ,\n], %15s", name, verdict) == 2)
		end_named(name, true, verdict);
}

/* Messages of this program, behind "[IGT] PROGRAM: ". */
static const char *of_this_program(const char *record)
{
	const char *text = strstr(record, "[IGT] ");
	const size_t length = strlen(program_invocation_short_name);

	if (!text)
		return NULL;
	text += strlen("[IGT] ");
	if (strncmp(text, program_invocation_short_name, length) || strncmp(text + length, ": ", 2))
		return NULL;
	return text + length + 2;
}

static void parse_record(const char *record)
{
	const char *text = of_this_program(record);
	struct igt_panthor_fault fault;

	if (text)
		parse_igt(text);
	else if (igt_panthor_parse_fault(record, &fault) && fault.sequence > last.fault_read)
		kmsg.fault = (struct known_fault){ true, fault.va };
}

static void read_kmsg(void)
{
	char record[8192];
	ssize_t got;

	if (kmsg.fd < 0)
		return;
	for (;;) {
		got = read(kmsg.fd, record, sizeof(record) - 1);
		if (got < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (got <= 0)
			return;
		record[got] = '\0';
		parse_record(record);
	}
}

/* ---------------------------------------------------------------------------------------------- */
/* Printing */

static void print_line(const char *file, const char *line)
{
	igt_info("%s: %.*s\n", file, (int)igt_panthor_line_length(line), line);
}

static bool parse_vma(const char *line, uint64_t *va, uint64_t *size)
{
	return sscanf(line, " | %" SCNx64 " | %" SCNx64, va, size) == 2;
}

/* The tag of a VM of igt_panthor_exec_init(): only subtests have VMs with one. */
static bool is_tag(uint64_t va)
{
	return va >= IGT_PANTHOR_EXEC_TAG_VA && va < IGT_PANTHOR_EXEC_TAG_VA_END;
}

/* The address in question. VMAs around it are printed, if not all are. */
static uint64_t focus(void)
{
	if (kmsg.failed_fault.is_known)
		return kmsg.failed_fault.va;
	if (last.mark)
		return last.mark_va;
	return last.job.count ? last.job.range[0].va : 0;
}

/**
 * section:
 * @start: first line, that with the name of the VM
 * @end: line behind the last one, or NULL
 * @vmas: number of lines with a VMA
 * @at: index of the last VMA that begins at or before focus(), from 0
 * @is_own: a subtest has made the VM
 * @is_last: the VM of the last job
 *
 * A VM in gpuvas.
 */
struct section {
	const char *start, *end;
	unsigned int vmas, at;
	bool is_own, is_last;
};

static bool is_head(const char *line)
{
	return !strncmp(line, "DRM GPU VA space", strlen("DRM GPU VA space"));
}

static struct section read_section(const char *start)
{
	struct section section = { .start = start };
	uint64_t va, size;
	const char *line;

	for (line = igt_panthor_next_line(start); line && !is_head(line);
	     line = igt_panthor_next_line(line)) {
		if (!parse_vma(line, &va, &size))
			continue;
		if (va <= focus())
			section.at = section.vmas;
		section.is_own |= is_tag(va);
		section.is_last |= last.job.vm_va && va == last.job.vm_va;
		section.vmas++;
	}
	section.end = line;
	return section;
}

/* The VMAs around the focus, and the tag, which names the VM. Returns how many were left out. */
static unsigned int print_section(const struct section *section)
{
	const unsigned int first = section->at > VMAS_MAX / 2 ? section->at - VMAS_MAX / 2 : 0;
	unsigned int number = 0, left = 0;
	uint64_t va, size;

	for (const char *line = section->start; line && line != section->end;
	     line = igt_panthor_next_line(line)) {
		if (!parse_vma(line, &va, &size)) {
			if (is_head(line) || !strncmp(line, " VAs ", strlen(" VAs ")))
				print_line("gpuvas", line);
			continue;
		}
		if ((number >= first && number < first + VMAS_MAX) || is_tag(va))
			print_line("gpuvas", line);
		else
			left++;
		number++;
	}
	return left;
}

static bool has_own(const char *text)
{
	for (const char *line = text; line && *line;) {
		const struct section section = read_section(line);

		if (section.is_own)
			return true;
		line = section.end;
	}
	return false;
}

/* The VMs of subtests if there is one, that of the last job above all; otherwise all. */
static void print_gpuvas(const char *text)
{
	const bool own_only = has_own(text);
	unsigned int printed = 0, left = 0;

	for (unsigned int turn = 0; turn < 2; turn++) {
		for (const char *line = text; line && *line;) {
			const struct section section = read_section(line);

			line = section.end;
			if (section.is_last != !turn || (own_only && !section.is_own))
				continue;
			if (printed++ < VMS_MAX)
				left += print_section(&section);
			else
				left += section.vmas;
		}
	}
	if (left)
		igt_info("gpuvas left out: %u\n", left);
}

/* Rows of this process are "COMM/PID  ...". Rows of others are not printed. */
static bool is_row_of(const char *line, pid_t pid)
{
	const size_t length = igt_panthor_line_length(line);
	char creator[24];

	snprintf(creator, sizeof(creator), "/%d ", pid);
	return memmem(line, length < CREATOR_WIDTH ? length : CREATOR_WIDTH, creator,
		      strlen(creator));
}

static unsigned int count_rows(const char *text, pid_t pid)
{
	unsigned int count = 0;

	for (const char *line = text; line; line = igt_panthor_next_line(line))
		count += is_row_of(line, pid);
	return count;
}

/* The first BOs of the process, among them the dummy and those of the VM, and the last ones. */
static void print_gems(const char *text)
{
	const pid_t pid = igt_panthor_outer_pid();
	const unsigned int count = count_rows(text, pid);
	unsigned int number = 0;

	for (const char *line = text; line; line = igt_panthor_next_line(line)) {
		if (!strncmp(line, "created-by", strlen("created-by")))
			print_line("gems", line);
		if (!is_row_of(line, pid))
			continue;
		if (number < GEMS_MAX / 2 || number + GEMS_MAX / 2 >= count)
			print_line("gems", line);
		number++;
	}
	if (count > GEMS_MAX)
		igt_info("gems left out: %u\n", count - GEMS_MAX);
}

static bool is_in(const struct igt_panthor_snapshot_range *range, uint64_t va)
{
	return va >= range->va && va - range->va < range->size;
}

/* Whether the fault is the job's. Without a fault, the job is that which was waited for last. */
static bool is_about_job(void)
{
	if (!kmsg.failed_fault.is_known)
		return last.job.count;
	for (unsigned int i = 0; i < last.job.count; i++)
		if (is_in(&last.job.range[i], kmsg.failed_fault.va))
			return true;
	return false;
}

static void print_marks(void)
{
	const bool about_job = is_about_job();

	if (last.job.vm_va && (about_job || !kmsg.failed_fault.is_known))
		igt_info("vm: %#" PRIx64 "\n", last.job.vm_va);
	if (kmsg.failed_fault.is_known)
		igt_info("fault: %#" PRIx64 "\n", kmsg.failed_fault.va);
	if (last.mark)
		igt_info("mark: %#" PRIx64 " %s\n", last.mark_va, last.mark);
	for (unsigned int i = 0; about_job && i < last.job.count; i++)
		igt_info("access: %#" PRIx64 "+%#" PRIx64 " %s\n", last.job.range[i].va,
			 last.job.range[i].size, last.job.range[i].is_store ? "stores" : "loads");
}

static void print_files(int fd)
{
	static bool told;
	char *gpuvas = NULL, *gems = NULL;
	const int err = igt_panthor_read_debugfs(fd, "gpuvas", &gpuvas) ?:
			igt_panthor_read_debugfs(fd, "gems", &gems);

	if (!err) {
		igt_info("address spaces of %s: begin\n", kmsg.failed);
		print_marks();
		print_gpuvas(gpuvas);
		print_gems(gems);
		igt_info("address spaces of %s: end\n", kmsg.failed);
	} else if (!told) {
		told = true;
		igt_info("address spaces are not shown: debugfs of the device: %s\n",
			 strerror(-err));
	}
	free(gpuvas);
	free(gems);
}

static bool is_owner(void)
{
	return last.owner == getpid();
}

static void forget(void)
{
	kmsg.failed[0] = '\0';
	last.mark = NULL;
	last.job.count = 0;
	last.job.vm_va = 0;
}

/**
 * igt_panthor_snapshot_left:
 * @fd: device
 *
 * Prints the address spaces if a subtest or row has failed since the last call. One of its files is
 * still open. Does not assert.
 */
void igt_panthor_snapshot_left(int fd)
{
	if (!is_owner())
		return;
	read_kmsg();
	if (!kmsg.failed[0])
		return;
	for (unsigned int i = 0; i < FAULT_TRIES && !kmsg.failed_fault.is_known && last.job.count &&
	     !last.mark; i++) {
		usleep(FAULT_PAUSE_MS * 1000);
		read_kmsg();
		kmsg.failed_fault = kmsg.fault;
	}
	print_files(fd);
	forget();
}

/**
 * igt_panthor_snapshot_begin:
 * @fd: device, just opened by a subtest or row
 * @left: number of files of the device that the process had open before
 *
 * If a failed row has left a file open, prints its address spaces.
 */
void igt_panthor_snapshot_begin(int fd, unsigned int left)
{
	if (!last.owner)
		last.owner = getpid();
	if (!is_owner())
		return;
	if (kmsg.fd < 0)
		kmsg.fd = igt_panthor_fault_log_open();
	if (left) {
		igt_panthor_snapshot_left(fd);
	} else {
		read_kmsg();
		forget();
	}
}
