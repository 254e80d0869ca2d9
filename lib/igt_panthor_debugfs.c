// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_debugfs.h"
#include "igt_kernel_memory.h"
#include "igt_os.h"
#include "igt_panthor_debugfs.h"
#include "igt_sysfs.h"
#include "igt_teardown.h"

/*
 * Deadline for reading a file. gpuvas fails with ENODEV while another process creates or destroys a
 * VM: for a moment, such a VM is on the device's list without a name (panthor_vm_create(),
 * drm_gpuvm_fini()).
 */
#define READ_DEADLINE_MS 2000

/* Polling interval. The driver suspends the device some 50 ms after its last job. */
#define SUSPEND_INTERVAL_MS 2

/* More pages than any machine has. Older drivers truncate the number to 32 bits. */
#define SHRINK_ALL INT32_MAX

static int open_debugfs(int fd, const char *name, int flags)
{
	int dir = igt_debugfs_dir(fd);
	int file;

	if (dir < 0)
		return -ENOENT;

	file = openat(dir, name, flags);
	if (file < 0)
		file = -errno;
	close(dir);

	return file;
}

static int read_all(int file, char **text)
{
	size_t size = 0, capacity = 0;
	ssize_t got;

	*text = NULL;
	do {
		if (capacity - size < 2) {
			capacity = capacity ? 2 * capacity : 64 * 1024;
			*text = realloc(*text, capacity);
			igt_assert(*text);
		}
		got = read(file, *text + size, capacity - size - 1);
		size += got > 0 ? got : 0;
	} while (got > 0 || (got < 0 && errno == EINTR));

	(*text)[size] = '\0';
	return got < 0 ? -errno : 0;
}

static int read_once(int fd, const char *name, char **text)
{
	int file = open_debugfs(fd, name, O_RDONLY);
	int err;

	if (file < 0)
		return file;

	err = read_all(file, text);
	close(file);
	if (err) {
		free(*text);
		*text = NULL;
	}

	return err;
}

/**
 * igt_panthor_read_debugfs:
 * @fd: device
 * @name: file of its debugfs folder
 * @text: filled; to be freed by the caller
 *
 * Returns: 0 or a negative errno.
 */
int igt_panthor_read_debugfs(int fd, const char *name, char **text)
{
	int err;

	igt_wait((err = read_once(fd, name, text)) != -ENODEV, READ_DEADLINE_MS, 1);
	return err;
}

static int check_readable(int fd, const char *name)
{
	int file = open_debugfs(fd, name, O_RDONLY);

	if (file < 0)
		return file;

	close(file);
	return 0;
}

/**
 * igt_panthor_has_debugfs:
 * @fd: device
 *
 * Returns: true if gems and gpuvas can be read.
 */
bool igt_panthor_has_debugfs(int fd)
{
	return geteuid() == 0 && !check_readable(fd, "gems") && !check_readable(fd, "gpuvas");
}

/**
 * igt_panthor_require_debugfs:
 * @fd: device
 *
 * Skips if gems and gpuvas cannot be read.
 */
void igt_panthor_require_debugfs(int fd)
{
	igt_require_f(geteuid() == 0, "reading debugfs needs root\n");
	igt_require_f(igt_panthor_has_debugfs(fd),
		      "debugfs has no gems and gpuvas for this device\n");
}

/**
 * igt_panthor_read_gems:
 * @fd: device
 * @gems: filled; to be freed by igt_panthor_free_gems()
 */
void igt_panthor_read_gems(int fd, struct igt_panthor_gems *gems)
{
	char *text;

	igt_assert_eq(igt_panthor_read_debugfs(fd, "gems", &text), 0);
	igt_assert_eq(igt_panthor_parse_gems(text, gems), 0);
	free(text);
}

/**
 * igt_panthor_read_gpuvas:
 * @fd: device
 * @vmas: filled; to be freed by igt_panthor_free_vmas()
 */
void igt_panthor_read_gpuvas(int fd, struct igt_panthor_vmas *vmas)
{
	char *text;

	igt_assert_eq(igt_panthor_read_debugfs(fd, "gpuvas", &text), 0);
	igt_assert_eq(igt_panthor_parse_gpuvas(text, vmas), 0);
	free(text);
}

/**
 * files:
 * @open: number of files of the device that this process has open
 * @opened: it has opened one
 * @least: number of BOs of the process when it had opened its first file: the dummies of that file
 *	and of the one that libigt opens for its exit handler. BOs that a defect leaks are added.
 */
static struct {
	unsigned int open;
	bool opened;
	unsigned int least;
} files;

/*
 * Workers release the BOs of files that earlier subtests or rows of the process have closed. A
 * subtest that counts the BOs of its process waits for that.
 */
static void await_released(int fd)
{
	if (files.open || !igt_panthor_has_debugfs(fd))
		return;
	if (!files.opened ||
	    !igt_wait(igt_panthor_count_own_gems(fd) <= files.least,
		      IGT_PANTHOR_RELEASE_DEADLINE_MS, 2))
		files.least = igt_panthor_count_own_gems(fd);
	files.opened = true;
}

static void count_closed(void)
{
	if (files.open)
		files.open--;
}

/* The first file that a failed subtest has left: all of them are open still. */
static void close_file(void *data)
{
	const int fd = (intptr_t)data;

	igt_panthor_snapshot_left(fd);
	count_closed();
	close(fd);
}

/**
 * igt_panthor_open:
 *
 * Opens the render node of the device. igt_teardown() closes it if igt_panthor_close() did not.
 *
 * Returns: the file, to be closed with igt_panthor_close().
 */
int igt_panthor_open(void)
{
	const int fd = drm_open_driver_render(DRIVER_PANTHOR);

	igt_panthor_snapshot_begin(fd, files.open);
	await_released(fd);
	files.open++;
	igt_teardown_add(close_file, (void *)(intptr_t)fd);
	return fd;
}

/**
 * __igt_panthor_reopen:
 * @fd: device
 *
 * Opens the device of @fd once more. igt_teardown() closes the new file if igt_panthor_close() did
 * not.
 *
 * Returns: the file, to be closed with igt_panthor_close(), or a negative errno.
 */
int __igt_panthor_reopen(int fd)
{
	char path[64];
	int opened;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	opened = open(path, O_RDWR | O_CLOEXEC);
	if (opened < 0)
		return -errno;

	files.open++;
	igt_teardown_add(close_file, (void *)(intptr_t)opened);
	return opened;
}

/**
 * igt_panthor_close:
 * @fd: from igt_panthor_open() or __igt_panthor_reopen()
 */
void igt_panthor_close(int fd)
{
	igt_teardown_drop(close_file, (void *)(intptr_t)fd);
	count_closed();
	igt_assert_eq(close(fd), 0);
}

/*
 * The id of a dummy is the DRM client id in its label, with this bit set, or its unique mmap
 * offset. Depending on its version, the driver shows one of the two or none.
 */
#define DUMMY_OF_CLIENT (UINT64_C(1) << 63)

/**
 * igt_panthor_client_id:
 * @fd: device
 *
 * Returns: DRM client id of the open file (drm-client-id in fdinfo), 0 if fdinfo has none.
 */
uint64_t igt_panthor_client_id(int fd)
{
	uint64_t id = 0;
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "r");
	if (!file)
		return 0;

	while (!id && fgets(line, sizeof(line), file))
		if (sscanf(line, "drm-client-id: %" SCNu64, &id) != 1)
			id = 0;
	fclose(file);

	return id;
}

/**
 * igt_panthor_outer_pid:
 *
 * debugfs shows PIDs of the initial namespace.
 *
 * Returns: the PID of the caller in the outermost PID namespace that its procfs shows.
 */
pid_t igt_panthor_outer_pid(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	int pid = getpid();
	char line[256];

	if (!file)
		return pid;

	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "NSpid: %d", &pid) == 1)
			break;
	fclose(file);

	return pid;
}

static uint64_t labelled_dummy(const struct igt_panthor_gem *gem)
{
	uint64_t client;

	if (sscanf(gem->label, "sparse dummy, client %" SCNu64, &client) != 1)
		return 0;

	return DUMMY_OF_CLIENT | client;
}

/*
 * Id of a dummy (DUMMY_OF_CLIENT), or 0 if @gem is no dummy. Without a label, only BOs of process
 * @pid can be dummies.
 */
static uint64_t dummy_of(const struct igt_panthor_gem *gem, pid_t pid)
{
	if (gem->size != IGT_PANTHOR_DUMMY_SIZE || gem->usage)
		return 0;
	if (gem->label[0])
		return labelled_dummy(gem);

	return gem->pid == pid ? gem->file_offset : 0;
}

/**
 * igt_panthor_fdinfo_bytes:
 * @fd: device
 * @key: name of a line, drm-total-memory for one
 *
 * Returns: its value in bytes, or 0 if there is no such line. DRM leaves drm-resident-memory out if
 * no BO is resident.
 */
uint64_t igt_panthor_fdinfo_bytes(int fd, const char *key)
{
	const size_t length = strlen(key);
	char path[64], line[256], unit[4] = "";
	uint64_t bytes = 0;
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "r");
	igt_assert(file);
	while (!found && fgets(line, sizeof(line), file))
		found = !strncmp(line, key, length) &&
			sscanf(line + length, ": %" SCNu64 " %3s", &bytes, unit) >= 1;
	fclose(file);

	if (!strcmp(unit, "KiB"))
		bytes <<= 10;
	else if (!strcmp(unit, "MiB"))
		bytes <<= 20;

	return bytes;
}

/**
 * igt_panthor_newest_dummy:
 * @fd: the file of the device that this process opened last
 *
 * panthor maps one BO of 2 MiB, the dummy, to all sparse ranges of an open file. The first sparse
 * bind allocates its pages. Some versions of the driver label the dummy with the DRM client id of
 * its file. Otherwise the dummy is the newest unlabelled BO of the process with this size: gems is
 * in the order of creation. The caller has to label its own BOs of this size.
 *
 * Returns: id of the dummy, or 0 if debugfs does not distinguish it from other BOs.
 */
uint64_t igt_panthor_newest_dummy(int fd)
{
	struct igt_panthor_gems gems;
	uint64_t labelled, newest = 0;
	pid_t pid;

	if (!igt_panthor_has_debugfs(fd))
		return 0;

	labelled = DUMMY_OF_CLIENT | igt_panthor_client_id(fd);
	pid = igt_panthor_outer_pid();
	igt_panthor_read_gems(fd, &gems);
	for (size_t i = 0; i < gems.count && newest != labelled; i++) {
		const uint64_t dummy = dummy_of(&gems.gem[i], pid);

		if (dummy == labelled || (dummy && !(dummy & DUMMY_OF_CLIENT)))
			newest = dummy;
	}
	igt_panthor_free_gems(&gems);

	return newest;
}

/**
 * igt_panthor_gem_is_dummy:
 * @gem: a line of gems
 * @dummy: from igt_panthor_newest_dummy()
 *
 * Returns: true if the line is that of the dummy.
 */
bool igt_panthor_gem_is_dummy(const struct igt_panthor_gem *gem, uint64_t dummy)
{
	return dummy && dummy_of(gem, gem->pid) == dummy;
}

/**
 * igt_panthor_read_dummy:
 * @fd: device
 * @dummy: from igt_panthor_newest_dummy()
 * @gem: filled
 *
 * Returns: true if gems shows the dummy.
 */
bool igt_panthor_read_dummy(int fd, uint64_t dummy, struct igt_panthor_gem *gem)
{
	struct igt_panthor_gems gems;
	bool found = false;

	igt_panthor_read_gems(fd, &gems);
	for (size_t i = gems.count; i-- > 0 && !found;) {
		*gem = gems.gem[i];
		found = igt_panthor_gem_is_dummy(gem, dummy);
	}
	igt_panthor_free_gems(&gems);

	return found;
}

/**
 * igt_panthor_dummy_resident:
 * @fd: device
 * @dummy: from igt_panthor_newest_dummy()
 *
 * Returns: resident bytes of the dummy.
 */
uint64_t igt_panthor_dummy_resident(int fd, uint64_t dummy)
{
	struct igt_panthor_gem gem;

	igt_assert(igt_panthor_read_dummy(fd, dummy, &gem));

	return gem.resident;
}

/**
 * igt_panthor_find_gem:
 * @fd: device
 * @label: label of a BO, below IGT_PANTHOR_GEM_LABEL_LEN characters
 * @gem: filled, if found
 *
 * Finds the oldest BO of this process with @label.
 *
 * Returns: true if gems shows one.
 */
bool igt_panthor_find_gem(int fd, const char *label, struct igt_panthor_gem *gem)
{
	const pid_t pid = igt_panthor_outer_pid();
	struct igt_panthor_gems gems;
	bool found = false;

	igt_panthor_read_gems(fd, &gems);
	for (size_t i = 0; i < gems.count && !found; i++) {
		found = gems.gem[i].pid == pid && !strcmp(gems.gem[i].label, label);
		if (found)
			*gem = gems.gem[i];
	}
	igt_panthor_free_gems(&gems);

	return found;
}

/**
 * igt_panthor_count_own_gems:
 * @fd: device
 *
 * Returns: the number of BOs in gems that this process created.
 */
unsigned int igt_panthor_count_own_gems(int fd)
{
	const pid_t pid = igt_panthor_outer_pid();
	struct igt_panthor_gems gems;
	unsigned int count = 0;

	igt_panthor_read_gems(fd, &gems);
	for (size_t i = 0; i < gems.count; i++)
		count += gems.gem[i].pid == pid;
	igt_panthor_free_gems(&gems);

	return count;
}

/**
 * igt_panthor_wait_own_gems:
 * @fd: device
 * @count: number of BOs
 * @ms: deadline
 *
 * Workers release the BOs of closed files and destroyed groups.
 *
 * Returns: true if gems has @count BOs that this process created, false if the deadline is over.
 */
bool igt_panthor_wait_own_gems(int fd, unsigned int count, unsigned int ms)
{
	return igt_wait(igt_panthor_count_own_gems(fd) == count, ms, 2);
}

/**
 * igt_panthor_gem_resident:
 * @fd: device
 * @label: label of a BO that this process created
 *
 * Asserts that gems has the BO.
 *
 * Returns: true if the BO has resident pages.
 */
bool igt_panthor_gem_resident(int fd, const char *label)
{
	struct igt_panthor_gem gem;

	igt_assert_f(igt_panthor_find_gem(fd, label, &gem), "gems has no BO \"%s\"\n", label);

	return gem.resident;
}

static bool gem_is_gone(int fd, const char *label)
{
	struct igt_panthor_gem gem;

	return !igt_panthor_find_gem(fd, label, &gem);
}

/**
 * igt_panthor_wait_gem_gone:
 * @fd: device
 * @label: label of a BO that this process created
 * @ms: deadline in milliseconds
 *
 * Returns: true if the BO disappeared from gems before the deadline.
 */
bool igt_panthor_wait_gem_gone(int fd, const char *label, unsigned int ms)
{
	return igt_wait(gem_is_gone(fd, label), ms, 5);
}

/* Inside a PID namespace, other processes cannot be looked up, and count as running. */
static bool is_running(pid_t pid, pid_t own)
{
	return own != getpid() || !kill(pid, 0) || errno != ESRCH;
}

/**
 * igt_panthor_require_alone:
 * @fd: device
 *
 * Skips if another running process, including a child of the caller, has BOs on the device. Its
 * jobs could take the slot of a group or the address space of a VM. This flushes the TLB and would
 * hide a missing flush. Needs debugfs.
 */
void igt_panthor_require_alone(int fd)
{
	const pid_t pid = igt_panthor_outer_pid();
	struct igt_panthor_gem other = {};
	struct igt_panthor_gems gems;

	igt_panthor_require_debugfs(fd);
	igt_panthor_read_gems(fd, &gems);
	for (size_t i = 0; i < gems.count && !other.pid; i++)
		if (gems.gem[i].pid != pid && is_running(gems.gem[i].pid, pid) &&
		    !(gems.gem[i].usage & IGT_PANTHOR_GEM_USAGE_KERNEL))
			other = gems.gem[i];
	igt_panthor_free_gems(&gems);
	igt_require_f(!other.pid, "process %d (%s) uses the GPU, too: its jobs may hide the defect\n",
		      other.pid, other.comm);
}

/**
 * igt_panthor_require_shrink:
 * @fd: device
 *
 * Skips if the shrinker cannot be run, or would do nothing: without free swap it evicts no BO
 * (can_swap() in panthor_gem.c).
 */
void igt_panthor_require_shrink(int fd)
{
	int file;

	igt_panthor_require_debugfs(fd);

	file = open_debugfs(fd, "shrink", O_WRONLY);
	igt_require_f(file >= 0, "debugfs has no shrink for this device: %s\n", strerror(-file));
	close(file);

	igt_require_f(igt_get_total_swap_mb() > 0, "eviction needs free swap space\n");
}

/**
 * igt_panthor_shrink_pages:
 * @fd: device
 * @pages: number of pages to reclaim at least, as far as there are reclaimable ones
 *
 * Runs the driver's shrinker once, over the BOs of all clients.
 */
void igt_panthor_shrink_pages(int fd, uint64_t pages)
{
	int dir = igt_debugfs_dir(fd);
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, pages);
	igt_assert_fd(dir);
	igt_assert(igt_sysfs_set(dir, "shrink", text));
	close(dir);
}

/**
 * igt_panthor_shrink:
 * @fd: device
 *
 * Runs the driver's shrinker once, over all reclaimable pages of all clients.
 */
void igt_panthor_shrink(int fd)
{
	igt_panthor_shrink_pages(fd, SHRINK_ALL);
}

/**
 * igt_panthor_shrink_result:
 * @fd: device
 *
 * Returns: the number of pages that the last run of the shrinker reclaimed.
 */
uint64_t igt_panthor_shrink_result(int fd)
{
	uint64_t pages;
	char *text;

	igt_assert_eq(igt_panthor_read_debugfs(fd, "shrink", &text), 0);
	igt_assert_eq(sscanf(text, "%" SCNx64, &pages), 1);
	free(text);

	return pages;
}

/* The slab cache of page tables (panthor_mmu_pt_cache_init() in panthor_mmu.c). */
#define TABLE_CACHE "panthor-mmu-pt"

/* Bytes of a page table: 512 entries of 64 bits. */
#define TABLE_SIZE 4096

/**
 * igt_panthor_page_tables_require:
 *
 * Skips if page tables cannot be counted. SUnreclaim of /proc/meminfo is no substitute: other
 * processes change it by more than a few tables.
 */
void igt_panthor_page_tables_require(void)
{
	int64_t tables;

	igt_require_f(igt_slab_objects(TABLE_CACHE, &tables),
		      "slabinfo does not show " TABLE_CACHE ": root is needed, and no merging "
		      "of slab caches (slab_nomerge)\n");
}

/**
 * igt_panthor_page_table_sample:
 *
 * Needs igt_panthor_page_tables_require().
 *
 * Returns: bytes of page tables of all VMs of all panthor devices, including recently freed tables.
 * Use it to measure the peak during a request.
 */
int64_t igt_panthor_page_table_sample(void)
{
	int64_t tables;

	igt_assert(igt_slab_objects(TABLE_CACHE, &tables));

	return tables * TABLE_SIZE;
}

/**
 * igt_panthor_page_table_bytes:
 *
 * Needs igt_panthor_page_tables_require().
 *
 * Returns: bytes of page tables of all VMs of all panthor devices.
 */
int64_t igt_panthor_page_table_bytes(void)
{
	igt_slab_shrink(TABLE_CACHE);

	return igt_panthor_page_table_sample();
}

static bool is_suspended(int fd)
{
	bool suspended = false;
	char path[64], state[16];
	struct stat node;
	FILE *file;

	igt_assert_eq(fstat(fd, &node), 0);
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/device/power/runtime_status",
		 major(node.st_rdev), minor(node.st_rdev));
	file = fopen(path, "r");
	if (!file)
		return false;

	if (fgets(state, sizeof(state), file))
		suspended = !strcmp(state, "suspended\n");
	fclose(file);

	return suspended;
}

/**
 * igt_panthor_wait_suspended:
 * @fd: device
 * @ms: how long to wait at most
 *
 * Waits until the device is suspended. If sysfs has no runtime_status of the device, waits for @ms
 * and returns false.
 *
 * Returns: true if the device is suspended.
 */
bool igt_panthor_wait_suspended(int fd, unsigned int ms)
{
	return igt_wait(is_suspended(fd), ms, SUSPEND_INTERVAL_MS);
}

static bool try_evict_dummy(int fd, uint64_t dummy)
{
	igt_panthor_shrink(fd);
	igt_debug("shrink took %" PRIu64 " pages\n", igt_panthor_shrink_result(fd));

	return igt_panthor_dummy_resident(fd, dummy) == 0;
}

/**
 * igt_panthor_evict_dummy:
 * @fd: device
 * @dummy: from igt_panthor_newest_dummy(); it has pages
 *
 * Runs the shrinker until the dummy is evicted. Asserts that gems then shows no resident bytes and
 * one more eviction.
 */
void igt_panthor_evict_dummy(int fd, uint64_t dummy)
{
	struct igt_panthor_gem before, after;

	igt_assert(igt_panthor_read_dummy(fd, dummy, &before));
	igt_assert_eq_u64(before.resident, IGT_PANTHOR_DUMMY_SIZE);

	igt_assert_f(igt_wait(try_evict_dummy(fd, dummy), IGT_PANTHOR_EVICT_DEADLINE_MS,
			      IGT_PANTHOR_EVICT_INTERVAL_MS),
		     "the shrinker left the sparse dummy alone for %d ms\n",
		     IGT_PANTHOR_EVICT_DEADLINE_MS);

	igt_assert(igt_panthor_read_dummy(fd, dummy, &after));
	igt_assert_eq_u64(after.resident, 0);
	igt_assert_eq_u64(after.evictions, before.evictions + 1);
}

static bool try_evict_gem(int fd, const char *label)
{
	igt_panthor_shrink(fd);

	return !igt_panthor_gem_resident(fd, label);
}

/**
 * igt_panthor_evict_gem:
 * @fd: device
 * @label: label of a BO that this process created
 *
 * Runs the shrinker until the BO is evicted. Asserts that gems shows no resident bytes before the
 * deadline.
 */
void igt_panthor_evict_gem(int fd, const char *label)
{
	igt_assert_f(igt_wait(try_evict_gem(fd, label), IGT_PANTHOR_EVICT_DEADLINE_MS,
			      IGT_PANTHOR_EVICT_INTERVAL_MS),
		     "the shrinker left the BO \"%s\" alone for %d ms\n", label,
		     IGT_PANTHOR_EVICT_DEADLINE_MS);
}

/**
 * igt_panthor_parse_fault:
 * @record: a record of /dev/kmsg
 * @fault: filled if @record reports an MMU fault; @sequence is set for every record
 *
 * panthor_mmu_irq_handler() in panthor_mmu.c prints the records of MMU faults.
 *
 * Returns: true if @record reports an MMU fault.
 */
bool igt_panthor_parse_fault(const char *record, struct igt_panthor_fault *fault)
{
	const char *text = strstr(record, "Unhandled Page fault in AS");

	if (sscanf(record, "%*u,%" SCNu64, &fault->sequence) != 1)
		fault->sequence = 0;
	return text && sscanf(text, "Unhandled Page fault in AS%u at VA 0x%" SCNx64,
			      &fault->as, &fault->va) == 2;
}

/**
 * igt_panthor_fault_log_open:
 *
 * Opens the kernel log at its end: igt_panthor_fault_log_next() reads only later messages.
 *
 * Returns: a file descriptor, or a negative errno.
 */
int igt_panthor_fault_log_open(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (log < 0)
		return -errno;

	igt_assert_eq(lseek(log, 0, SEEK_END), 0);
	return log;
}

/**
 * igt_panthor_fault_log_next:
 * @log: from igt_panthor_fault_log_open()
 * @fault: filled
 *
 * Returns: true if another MMU fault has been logged.
 */
bool igt_panthor_fault_log_next(int log, struct igt_panthor_fault *fault)
{
	char record[8192];
	ssize_t got;

	do {
		got = read(log, record, sizeof(record) - 1);
		if (got < 0 && errno != EPIPE)
			return false;
		record[max(got, (ssize_t)0)] = '\0';
	} while (!igt_panthor_parse_fault(record, fault));
	igt_panthor_snapshot_fault_read(fault->sequence);

	return true;
}

/**
 * igt_panthor_ignore_fault_messages:
 *
 * Call it before a GPU fault is provoked: igt_runner then ignores the driver's messages about
 * faults until the next subtest starts. These are the message of the MMU
 * (panthor_mmu_irq_handler()) and two messages of the faulted queue
 * (cs_slot_process_fatal_event_locked() or cs_slot_process_fault_event_locked()).
 */
void igt_panthor_ignore_fault_messages(void)
{
	igt_emit_ignore_dmesg_regex("Unhandled Page fault in AS[0-9]+ at VA 0x|"
				    "CS_(FATAL|FAULT): pid=[0-9]+, comm=|"
				    "CSG slot [0-9]+ CS slot: [0-9]+");
}
