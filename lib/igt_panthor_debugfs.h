/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_PANTHOR_DEBUGFS_H
#define IGT_PANTHOR_DEBUGFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/*
 * panthor's debugfs files: gems (every BO), gpuvas (every VMA of every VM) and shrink (runs the
 * driver's shrinker). Also the slab cache of its page tables and its messages in the kernel log.
 * The parsers take text as argument: their unit tests need no device.
 */

#define IGT_PANTHOR_GEM_LABEL_LEN 64

/* The kernel's TASK_COMM_LEN. */
#define IGT_PANTHOR_COMM_LEN 16

/*
 * Deadline for the eviction of a BO. A scan may skip the BO: the shrinker only tries the locks that
 * it needs, and does not wait long for jobs (panthor_gem_try_evict()). Some 70 scans fit into this
 * deadline.
 */
#define IGT_PANTHOR_EVICT_DEADLINE_MS 1500

/*
 * Deadline for the release of closed, destroyed or unmapped objects. Workers of the driver release
 * them after their groups are off the GPU and an RCU grace period is over: some 30 ms on an idle
 * machine, a hundred times that with all of the kernel's checks.
 */
#define IGT_PANTHOR_RELEASE_DEADLINE_MS 3000

/* Pause between the end of a scan and the start of the next. */
#define IGT_PANTHOR_EVICT_INTERVAL_MS 20

/**
 * igt_panthor_gem:
 * @pid: process that created the BO (its thread group)
 * @comm: name of the process at that time
 * @references: number of references to the BO: handles, mappings, exported dma-bufs
 * @size: size in bytes
 * @resident: resident bytes
 * @evictions: number of evictions by the shrinker
 * @file_offset: mmap offset of the BO in the device file, in pages; 0 if it cannot be mapped
 * @state: state flags of the gems file: imported 1, exported 2, evicted 4
 * @usage: usage flags of the gems file: kernel 1, fw-mapped 2
 * @label: label, cut to fit, empty if there is none
 *
 * A line of gems.
 */
struct igt_panthor_gem {
	pid_t pid;
	char comm[IGT_PANTHOR_COMM_LEN];
	uint64_t references;
	uint64_t size;
	uint64_t resident;
	uint64_t evictions;
	uint64_t file_offset;
	uint32_t state;
	uint32_t usage;
	char label[IGT_PANTHOR_GEM_LABEL_LEN];
};

/**
 * igt_panthor_gems:
 * @gem: lines
 * @count: number of lines
 * @size: total size in bytes, as the last line tells it
 * @resident: total of resident bytes
 * @reclaimable: total of bytes that the shrinker may evict
 *
 * gems. The totals are 0 if there is no such line.
 */
struct igt_panthor_gems {
	struct igt_panthor_gem *gem;
	size_t count;
	uint64_t size;
	uint64_t resident;
	uint64_t reclaimable;
};

/**
 * igt_panthor_vma:
 * @vm: index of the VM in gpuvas, from 0; gpuvas shows no id of a VM
 * @va: GPU virtual address
 * @size: size in bytes
 * @object: kernel address of the BO, useful for comparison only
 * @offset: offset of the VMA in the BO in bytes
 *
 * A line of gpuvas.
 */
struct igt_panthor_vma {
	unsigned int vm;
	uint64_t va;
	uint64_t size;
	uint64_t object;
	uint64_t offset;
};

/**
 * igt_panthor_vmas:
 * @vma: lines
 * @count: number of lines
 * @vms: number of VMs, some of which may have no lines
 *
 * gpuvas.
 */
struct igt_panthor_vmas {
	struct igt_panthor_vma *vma;
	size_t count;
	unsigned int vms;
};

/* Without the end of the line. */
static inline size_t igt_panthor_line_length(const char *line)
{
	return strcspn(line, "\n");
}

/* NULL behind the last line. */
static inline const char *igt_panthor_next_line(const char *line)
{
	const char *end = line + igt_panthor_line_length(line);

	return *end ? end + 1 : NULL;
}

int igt_panthor_parse_gems(const char *text, struct igt_panthor_gems *gems);
int igt_panthor_parse_gpuvas(const char *text, struct igt_panthor_vmas *vmas);

int igt_panthor_read_debugfs(int fd, const char *name, char **text);
pid_t igt_panthor_outer_pid(void);
bool igt_panthor_has_debugfs(int fd);
void igt_panthor_require_debugfs(int fd);
void igt_panthor_read_gems(int fd, struct igt_panthor_gems *gems);
void igt_panthor_read_gpuvas(int fd, struct igt_panthor_vmas *vmas);
void igt_panthor_free_gems(struct igt_panthor_gems *gems);
void igt_panthor_free_vmas(struct igt_panthor_vmas *vmas);

bool igt_panthor_find_gem(int fd, const char *label, struct igt_panthor_gem *gem);
unsigned int igt_panthor_count_own_gems(int fd);
bool igt_panthor_wait_own_gems(int fd, unsigned int count, unsigned int ms);
bool igt_panthor_gem_resident(int fd, const char *label);
bool igt_panthor_wait_gem_gone(int fd, const char *label, unsigned int ms);
void igt_panthor_require_alone(int fd);

const struct igt_panthor_vma *igt_panthor_find_vma(const struct igt_panthor_vmas *vmas,
						   unsigned int vm, uint64_t va);
int igt_panthor_find_vm(const struct igt_panthor_vmas *vmas, uint64_t va, uint64_t size);

/* Size of the dummy, the BO behind sparse ranges (panthor_dummy_bo_create()). */
#define IGT_PANTHOR_DUMMY_SIZE (UINT64_C(2) << 20)

/* Usage flags of the gems file: the BO belongs to the kernel; the firmware maps it. */
#define IGT_PANTHOR_GEM_USAGE_KERNEL 1
#define IGT_PANTHOR_GEM_USAGE_FW_MAPPED 2

int igt_panthor_open(void);
int __igt_panthor_reopen(int fd);
void igt_panthor_close(int fd);

/**
 * igt_panthor_with_device:
 * @fd: name of a variable, visible in the body
 *
 * Runs the statement behind it with an open device, and closes the device. If the statement fails
 * or skips, igt_teardown() closes it.
 */
#define igt_panthor_with_device(fd) \
	for (int fd = igt_panthor_open(); fd >= 0; igt_panthor_close(fd), fd = -1)

uint64_t igt_panthor_client_id(int fd);
uint64_t igt_panthor_fdinfo_bytes(int fd, const char *key);
uint64_t igt_panthor_newest_dummy(int fd);
bool igt_panthor_gem_is_dummy(const struct igt_panthor_gem *gem, uint64_t dummy);
bool igt_panthor_read_dummy(int fd, uint64_t dummy, struct igt_panthor_gem *gem);
uint64_t igt_panthor_dummy_resident(int fd, uint64_t dummy);

void igt_panthor_require_shrink(int fd);
void igt_panthor_page_tables_require(void);
int64_t igt_panthor_page_table_sample(void);
int64_t igt_panthor_page_table_bytes(void);

bool igt_panthor_wait_suspended(int fd, unsigned int ms);
void igt_panthor_shrink(int fd);
void igt_panthor_shrink_pages(int fd, uint64_t pages);
uint64_t igt_panthor_shrink_result(int fd);
void igt_panthor_evict_dummy(int fd, uint64_t dummy);
void igt_panthor_evict_gem(int fd, const char *label);

/**
 * igt_panthor_fault:
 * @as: address space of the access
 * @va: GPU virtual address of the access
 * @sequence: sequence number of the record, 0 if it has none
 *
 * An MMU fault, from the kernel log.
 */
struct igt_panthor_fault {
	unsigned int as;
	uint64_t va;
	uint64_t sequence;
};

bool igt_panthor_parse_fault(const char *record, struct igt_panthor_fault *fault);
int igt_panthor_fault_log_open(void);
bool igt_panthor_fault_log_next(int log, struct igt_panthor_fault *fault);
void igt_panthor_ignore_fault_messages(void);

/* Range of the tag pages: each VM has one, at an address that no other VM uses. */
#define IGT_PANTHOR_EXEC_TAG_VA (UINT64_C(1) << 37)
#define IGT_PANTHOR_EXEC_TAG_VA_END (UINT64_C(1) << 38)

/*
 * The address spaces of a failed subtest, printed for tools/panthor_vmas: gpuvas and gems right
 * after the failure, and the addresses in question.
 *
 * A subtest that fails leaves its body without closing its files. The address spaces are printed by
 * igt_teardown(), or when the next row opens the device. The verdict of the subtest and the address
 * of a fault are read from the kernel log. Needs root and debugfs; without debugfs, one message
 * tells why nothing is shown.
 */

/* Ranges that are remembered of a job. */
#define IGT_PANTHOR_SNAPSHOT_RANGES 4

/**
 * igt_panthor_snapshot_range:
 * @va: first address
 * @size: bytes
 * @is_store: stores, maybe with loads
 */
struct igt_panthor_snapshot_range {
	uint64_t va;
	uint64_t size;
	bool is_store;
};

/**
 * igt_panthor_snapshot_job:
 * @vm_va: an address that only the job's VM maps
 * @range: ranges that it accesses at rising addresses, one after the other
 * @count: number of @range
 */
struct igt_panthor_snapshot_job {
	uint64_t vm_va;
	struct igt_panthor_snapshot_range range[IGT_PANTHOR_SNAPSHOT_RANGES];
	unsigned int count;
};

void igt_panthor_snapshot_job_begin(struct igt_panthor_snapshot_job *job, uint64_t vm_va);
void igt_panthor_snapshot_job_add(struct igt_panthor_snapshot_job *job, uint64_t va, uint64_t size,
				  bool is_store);
void igt_panthor_snapshot_job_wait(const struct igt_panthor_snapshot_job *job);
void igt_panthor_snapshot_mark(uint64_t va, const char *words);
void igt_panthor_snapshot_mark_clear(void);
void igt_panthor_snapshot_fault_read(uint64_t sequence);

void igt_panthor_snapshot_begin(int fd, unsigned int left);
void igt_panthor_snapshot_left(int fd);

#endif /* IGT_PANTHOR_DEBUGFS_H */
