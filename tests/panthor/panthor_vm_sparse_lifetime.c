// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_debugfs.h"
#include "igt_kernel_memory.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_syncobj.h"
#include "igt_teardown.h"
#include "ioctl_wrappers.h"

/**
 * TEST: Mappings and BOs of panthor beyond the end of their VM or file
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings, eviction
 * Feature: lifetime
 * Scenario: lifetime-destroy-binding
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs
 * Failure mode: Mappings and BOs that outlive their VM or file, kernel warnings that a user can
 *	cause, and debugfs files that fail or hide a VM.
 * Description: Destroy VMs, mappings and files in use, and look for what is left of them.
 *
 * SUBTEST: lifetime-destroy-binding
 * Run type: BAT, FULL
 * Description: Destroy a VM in the middle of a synchronous VM_BIND of thousands of operations.
 *	The operations that are left must fail with EINVAL, and gpuvas must show none of their
 *	VMAs afterwards.
 *
 * SUBTEST: lifetime-unmap-awaited
 * Scenario: lifetime-unmap-awaited
 * Description: Unmap the word that a blocked queue waits for, while the group of the queue has no
 *	slot. The queue must fault, the VM must stay usable, and a store of its next group must
 *	succeed. Kernel warnings are left to igt_runner.
 *
 * SUBTEST: lifetime-vms-listed
 * Scenario: lifetime-vms-listed
 * Description: Read gpuvas while a child process creates and destroys VMs. Each read must succeed
 *	and show a VM that stays.
 *
 * SUBTEST: lifetime-dummy-label
 * Scenario: lifetime-dummy-label
 * Run type: BAT, FULL
 * Description: Open the device three times and bind a sparse range in each file. gems must show
 *	one BO for each file, with a label that names the dummy and the DRM client id of the
 *	file. The BO must get its pages with the bind of that file, and be gone after the file
 *	is closed.
 */

/**
 * TEST: The order in which panthor reclaims BOs
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings, eviction
 * Feature: reclaim
 * Scenario: reclaim-order
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, swap
 * Failure mode: A BO on the list of a VM that does not map it, a VM on no list, or VMs that are
 *	reclaimed in another order than that of their last use.
 * Description: Reclaim BOs of several VMs, one at a time, and compare the order with that of use.
 *
 * SUBTEST: reclaim-moved-bo
 * Scenario: reclaim-moved-bo
 * Run type: BAT, FULL
 * Description: Evict a BO that two VMs map, and restore it by a job of the first VM. A job of the
 *	second VM uses the BO while the first one unmaps it. From then on the shrinker must evict
 *	the BO in the order of the second VM: after a BO that was bound there before, and before one
 *	that was bound later.
 *
 * SUBTEST: reclaim-order-bound
 * Description: Bind a BO in each of two VMs that run no job. The shrinker must first evict the BO
 *	of the VM that was the first to map anything.
 *
 * SUBTEST: reclaim-order-restored
 * Description: Evict the BOs of two VMs and restore them by one job each. The shrinker must then
 *	first evict the BO of the VM whose job came first.
 *
 * SUBTEST: reclaim-order-used
 * Description: Run jobs in two VMs that hold slots of the GPU, the last job in the first VM. The
 *	shrinker must first evict the BO of the other VM.
 *
 * SUBTEST: reclaim-two-shrinkers
 * Scenario: reclaim-two-shrinkers
 * Description: Run a second shrinker while a first one waits for a busy VM, after another job of
 *	that VM. Both have to skip the BO of the running job. When the job has ended, repeated scans
 *	must evict that BO within 1.5 s.
 */

IGT_TEST_DESCRIPTION("Check what outlives VMs, files and mappings of panthor");

/*
 * The scenarios, and the failure mode that each one looks for:
 *
 * 1. lifetime-destroy-binding: operations that map into a VM after it was destroyed, when nothing
 *    unmaps them any more.
 * 2. lifetime-unmap-awaited: kernel warnings that any user can cause.
 * 3. lifetime-vms-listed: a VM that is being created or released, and hides the others.
 * 4. lifetime-dummy-label: a dummy that cannot be told from those of other files, in debugfs.
 * 5. reclaim-moved-bo: a BO that stays on the list of a VM that does not map it any more. A use
 *    after free if that VM is freed first, therefore the subtest keeps it until the BO is evicted.
 * 6. reclaim-order: VMs that lose the BOs of their next job while others are idle.
 * 7. reclaim-two-shrinkers: a VM that two shrinkers came across, and that is on no list
 *    afterwards.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE

/* 1 GiB-aligned, and free of what struct igt_panthor_exec maps. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND

/* How often a subtest tries to hit a short period of time before it skips. */
#define ATTEMPTS 5

/* Children end by themselves: their work is bounded, or their parent has told them to end. */
static void wait_children(void *data)
{
	(void)data;
	igt_waitchildren();
}

/**
 * child_bind:
 * @started: VM_BIND is about to be called
 * @done: VM_BIND has returned
 * @err: 0 or a negative errno
 * @applied: number of operations before the first refused one
 *
 * A synchronous VM_BIND by a child process, which shares the file.
 */
struct child_bind {
	volatile bool started;
	volatile bool done;
	volatile int err;
	volatile uint32_t applied;
};

/* Far more than the slowest VM_BIND of a child, some seconds with all of the kernel's checks. */
#define CHILD_DEADLINE_MS 30000

static struct child_bind *child_bind_start(int fd, uint32_t vm_id,
					   struct drm_panthor_vm_bind_op *ops, uint32_t count)
{
	struct child_bind *b = igt_map_shared(sizeof(*b));

	igt_fork(child, 1) {
		struct drm_panthor_vm_bind bind = {
			.vm_id = vm_id,
			.ops = DRM_PANTHOR_OBJ_ARRAY(count, ops),
		};

		b->started = true;
		b->err = igt_ioctl(fd, DRM_IOCTL_PANTHOR_VM_BIND, &bind) ? -errno : 0;
		b->applied = bind.ops.count;
		b->done = true;
	}
	igt_teardown_add(wait_children, NULL);
	igt_assert_f(igt_wait(b->started, CHILD_DEADLINE_MS, 0), "a child did not start\n");

	return b;
}

static int child_bind_finish(struct child_bind *b)
{
	int err;

	igt_assert_f(igt_wait(b->done, CHILD_DEADLINE_MS, 1), "VM_BIND takes over %d ms\n",
		     CHILD_DEADLINE_MS);
	igt_waitchildren();
	igt_teardown_drop(wait_children, NULL);
	err = b->err;
	igt_unmap_shared(b, sizeof(*b));

	return err;
}

/* @count operations of one page each, on @pages pages in turn. */
static struct drm_panthor_vm_bind_op *page_ops(uint64_t va, uint32_t pages, uint32_t count,
					       uint32_t flags, uint32_t bo_handle)
{
	struct drm_panthor_vm_bind_op *ops = calloc(count, sizeof(*ops));

	igt_assert(ops);
	for (uint32_t i = 0; i < count; i++)
		ops[i] = (struct drm_panthor_vm_bind_op){
			.flags = flags,
			.bo_handle = bo_handle,
			.va = va + i % pages * PAGE,
			.size = PAGE,
		};

	return ops;
}

/*
 * gpuvas shows the VMAs of all processes: each process has its own place. The subtest keeps few
 * VMAs, since each read of gpuvas lists those that a defect leaves behind.
 */
#define BINDING_PAGES 16
#define BINDING_PLACES 4096
#define BINDING_VA (BASE_VA + UINT64_C(0x23400000))

/* Operations of the first VM_BIND: 10 ms and more. Doubled when that was too short. */
#define BINDING_COUNT 2048

/* The VM is destroyed that long after the start of the VM_BIND. */
#define BINDING_US 2000

static uint64_t binding_va(void)
{
	return BINDING_VA + getpid() % BINDING_PLACES * (2 * BINDING_PAGES * PAGE);
}

static unsigned int count_vmas(int fd, uint64_t va, uint64_t size)
{
	struct igt_panthor_vmas vmas;
	unsigned int count = 0;

	igt_panthor_read_gpuvas(fd, &vmas);
	for (size_t i = 0; i < vmas.count; i++)
		count += vmas.vma[i].va >= va && vmas.vma[i].va - va < size;
	igt_panthor_free_vmas(&vmas);

	return count;
}

/* Returns: false if the VM_BIND ended before the VM was destroyed. */
static bool destroy_binding(int fd, struct drm_panthor_vm_bind_op *ops, uint32_t count)
{
	const unsigned int before = count_vmas(fd, binding_va(), BINDING_PAGES * PAGE);
	struct child_bind *b;
	uint32_t vm_id;
	bool in_time, begun;
	int err;

	igt_panthor_vm_create(fd, &vm_id, 0);
	b = child_bind_start(fd, vm_id, ops, count);
	usleep(BINDING_US);
	igt_panthor_vm_destroy(fd, vm_id, 0);
	in_time = !b->done;
	igt_wait(b->done, CHILD_DEADLINE_MS, 1);
	begun = b->applied && b->applied < count;
	err = child_bind_finish(b);

	igt_assert_f(igt_wait(count_vmas(fd, binding_va(), BINDING_PAGES * PAGE) == before,
			      IGT_PANTHOR_RELEASE_DEADLINE_MS, 5),
		     "gpuvas still shows VMAs of a destroyed VM\n");
	/*
	 * The VM_BIND may end before this process runs again. A VM_BIND whose first operation was
	 * refused came too late to find the VM.
	 */
	if (in_time)
		igt_assert_eq(err, -EINVAL);

	return err == -EINVAL && begun;
}

static void lifetime_destroy_binding(int fd)
{
	uint32_t count = BINDING_COUNT;
	bool in_time = false;

	igt_panthor_require_debugfs(fd);
	for (unsigned int i = 0; i < ATTEMPTS && !in_time; i++, count *= 2) {
		struct drm_panthor_vm_bind_op *ops =
			page_ops(binding_va(), BINDING_PAGES, count, IGT_PANTHOR_SPARSE_FLAGS, 0);

		in_time = destroy_binding(fd, ops, count);
		free(ops);
	}
	igt_require_f(in_time, "VM_BIND ends before its VM is destroyed\n");
}

#define STREAM_VA BASE_VA
#define WORD_VA (BASE_VA + SZ_1M)

/* Each group has a stream of its own. */
#define STREAM_STRIDE 512
#define STREAMS_SIZE (IGT_PANTHOR_MAX_SLOTS * STREAM_STRIDE)

enum {
	REG_ADDRESS = 0,
	REG_VALUE = 2,
	REG_SCRATCH = 4,
};

/* Words at WORD_VA: what the queues wait for, and what each stream stores when it starts. */
enum {
	WORD_AWAITED,
	WORD_STARTED,
};

/**
 * waiting_vm:
 * @exec: VM
 * @streams: BO with the streams of its groups
 * @words: BO with the words, mapped at %WORD_VA
 * @stream_size: bytes of each stream
 *
 * A VM whose queues wait for a word.
 */
struct waiting_vm {
	struct igt_panthor_exec exec;
	struct panthor_bo streams;
	struct panthor_bo words;
	int stream_size;
};

static volatile uint32_t *word(const struct waiting_vm *w, unsigned int i)
{
	return (volatile uint32_t *)w->words.map + i;
}

static int build_stream(const struct waiting_vm *w, unsigned int i,
			void (*build_wait)(struct igt_panthor_cs *cs))
{
	struct igt_panthor_cs cs;

	igt_panthor_cs_init(&cs, (char *)w->streams.map + i * STREAM_STRIDE, STREAM_STRIDE,
			    &w->exec.limits);
	igt_panthor_cs_mov48(&cs, REG_ADDRESS, WORD_VA);
	igt_panthor_cs_mov32(&cs, REG_VALUE, 1);
	igt_panthor_cs_store(&cs, REG_VALUE, 1, REG_ADDRESS,
			     (WORD_STARTED + i) * sizeof(uint32_t));
	build_wait(&cs);

	return igt_panthor_cs_end(&cs, REG_SCRATCH);
}

static void waiting_vm_init(struct waiting_vm *w, int fd,
			    void (*build_wait)(struct igt_panthor_cs *cs))
{
	igt_panthor_exec_init(&w->exec, fd);
	igt_panthor_exec_create_bo(&w->exec, &w->streams, STREAMS_SIZE);
	igt_panthor_exec_create_bo(&w->exec, &w->words, PAGE);
	igt_panthor_vm_bind(fd, w->exec.vm_id, w->streams.handle, STREAM_VA, w->streams.size,
			    DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_READONLY,
			    0);
	igt_panthor_vm_bind(fd, w->exec.vm_id, w->words.handle, WORD_VA, PAGE,
			    IGT_PANTHOR_BO_MAP_FLAGS | DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED, 0);

	for (unsigned int i = 0; i < IGT_PANTHOR_MAX_SLOTS; i++) {
		w->stream_size = build_stream(w, i, build_wait);
		igt_assert_lt(0, w->stream_size);
	}
	/* The streams have to leave the CPU's write-combining buffers. */
	__sync_synchronize();
}

static void waiting_vm_fini(struct waiting_vm *w)
{
	igt_panthor_exec_fini(&w->exec);
	igt_panthor_free_bo(w->exec.fd, &w->words);
	igt_panthor_free_bo(w->exec.fd, &w->streams);
}

/* Submits stream @i to @group. */
static void waiting_vm_submit(const struct waiting_vm *w, unsigned int i, uint32_t group,
			      uint32_t syncobj)
{
	igt_panthor_group_submit_simple(w->exec.fd, group, 0, STREAM_VA + i * STREAM_STRIDE,
					w->stream_size, syncobj, 0);
}

static void assert_started(const struct waiting_vm *w, unsigned int i)
{
	igt_assert_f(igt_wait(*word(w, WORD_STARTED + i), IGT_PANTHOR_JOB_DEADLINE_MS, 1),
		     "job %u did not start within %d ms\n", i, IGT_PANTHOR_JOB_DEADLINE_MS);
}

/* Blocks the queue until the word is greater than 0. */
static void build_blocked(struct igt_panthor_cs *cs)
{
	igt_panthor_cs_mov32(cs, REG_VALUE, 0);
	igt_panthor_cs_raw(cs, cs_sync_wait(CS_OPCODE_SYNC_WAIT32, REG_ADDRESS, REG_VALUE,
					    CS_CONDITION_GREATER, false));
}

/* Keeps the queue running until the word is not 0. */
static void build_spin(struct igt_panthor_cs *cs)
{
	igt_panthor_cs_spin_while(cs, CS_CONDITION_EQUAL, REG_VALUE, REG_ADDRESS, 0);
}

static uint32_t query_slots(int fd)
{
	struct drm_panthor_csif_info csif = {};

	igt_panthor_query(fd, DRM_PANTHOR_DEV_QUERY_CSIF_INFO, &csif, sizeof(csif), 0);
	igt_require_f(csif.csg_slot_count <= IGT_PANTHOR_MAX_SLOTS,
		      "the GPU has %u slots for groups\n", csif.csg_slot_count);

	return csif.csg_slot_count;
}

static void assert_ended(const struct waiting_vm *w, uint32_t group, uint32_t syncobj)
{
	const struct igt_panthor_job_result result =
		igt_panthor_job_wait(w->exec.fd, group, syncobj, IGT_PANTHOR_JOB_DEADLINE_MS);

	igt_panthor_job_assert_done(&result);
}

/* The states of a group are flags: a fault may come with a timeout or with a reset of the GPU. */
static void assert_faulted(const struct waiting_vm *w)
{
	const struct igt_panthor_job_result result = igt_panthor_job_wait(
		w->exec.fd, w->exec.group, w->exec.syncobj, IGT_PANTHOR_JOB_DEADLINE_MS);

	igt_info("the blocked queue ended: fence %d, group state %#x\n", result.fence,
		 result.group_state);
	igt_assert_f(result.fence < 0 && result.fence != -ETIME &&
			     result.group_state & DRM_PANTHOR_GROUP_STATE_FATAL_FAULT,
		     "the queue did not fault: fence %d, group state %#x\n", result.fence,
		     result.group_state);
}

/*
 * The driver evaluates the wait of a blocked queue itself while the group has no slot. A blocked
 * group loses its slot when as many others can run as there are slots; the end of their jobs has
 * the driver look at the word.
 */
static void lifetime_unmap_awaited(int fd)
{
	const uint32_t slots = query_slots(fd);
	uint32_t group[IGT_PANTHOR_MAX_SLOTS], syncobj[IGT_PANTHOR_MAX_SLOTS];
	struct waiting_vm blocked, running;

	waiting_vm_init(&blocked, fd, build_blocked);
	waiting_vm_init(&running, fd, build_spin);
	waiting_vm_submit(&blocked, 0, blocked.exec.group, blocked.exec.syncobj);
	assert_started(&blocked, 0);
	for (uint32_t i = 0; i < slots; i++) {
		group[i] = igt_panthor_group_create_simple(fd, running.exec.vm_id, 0);
		syncobj[i] = syncobj_create(fd, 0);
		waiting_vm_submit(&running, i, group[i], syncobj[i]);
	}
	for (uint32_t i = 0; i < slots; i++)
		assert_started(&running, i);

	igt_panthor_ignore_fault_messages();
	igt_panthor_exec_unbind(&blocked.exec, WORD_VA, PAGE);
	*word(&running, WORD_AWAITED) = 1;
	for (uint32_t i = 0; i < slots; i++) {
		assert_ended(&running, group[i], syncobj[i]);
		syncobj_destroy(fd, syncobj[i]);
		igt_panthor_group_destroy(fd, group[i], 0);
	}
	assert_faulted(&blocked);

	igt_panthor_exec_new_group(&blocked.exec);
	igt_panthor_exec_store_pages(&blocked.exec, blocked.exec.tag_va, PAGE, FIRST);
	igt_panthor_vm_assert_usable(fd, blocked.exec.vm_id);
	waiting_vm_fini(&running);
	waiting_vm_fini(&blocked);
}

/* How long, how many VMs and how many reads at least. */
#define LISTED_MS 250
#define LISTED_LEAST 50

/**
 * vm_churn:
 * @stop: set by the parent
 * @made: number of VMs that were created and destroyed
 *
 * A child process that creates and destroys VMs.
 */
struct vm_churn {
	volatile bool stop;
	volatile unsigned int made;
};

static void make_vms(int fd, struct vm_churn *churn, pid_t parent)
{
	while (!churn->stop && getppid() == parent) {
		uint32_t vm_id;

		igt_panthor_vm_create(fd, &vm_id, 0);
		igt_panthor_vm_destroy(fd, vm_id, 0);
		churn->made++;
	}
}

static void stop_churn(void *data)
{
	struct vm_churn *churn = data;

	churn->stop = true;
	igt_waitchildren();
}

static struct vm_churn *start_churn(int fd)
{
	struct vm_churn *churn = igt_map_shared(sizeof(*churn));
	const pid_t parent = getpid();

	igt_fork(child, 1)
		make_vms(fd, churn, parent);
	igt_teardown_add(stop_churn, churn);

	return churn;
}

/* Room for all VMAs of a device that others use a little. */
#define GPUVAS_SIZE SZ_1M

/* One attempt, where igt_panthor_read_gpuvas() repeats failed ones. */
static bool read_gpuvas_once(int fd, char *text)
{
	int dir = igt_debugfs_dir(fd);
	size_t size = 0;
	ssize_t got;
	int file;

	igt_assert_fd(dir);
	file = openat(dir, "gpuvas", O_RDONLY);
	close(dir);
	igt_assert_fd(file);
	while ((got = read(file, text + size, GPUVAS_SIZE - 1 - size)) > 0)
		size += got;
	close(file);
	text[size] = '\0';

	return !got;
}

static bool lists_vm(const struct igt_panthor_exec *exec, const char *text)
{
	struct igt_panthor_vmas vmas;
	bool found;

	igt_assert_eq(igt_panthor_parse_gpuvas(text, &vmas), 0);
	found = igt_panthor_find_vm(&vmas, exec->tag_va, exec->tag.size) >= 0;
	igt_panthor_free_vmas(&vmas);

	return found;
}

static void lifetime_vms_listed(int fd)
{
	static char text[GPUVAS_SIZE];
	unsigned int reads = 0, failed = 0, hidden = 0;
	struct timespec since = {};
	struct igt_panthor_exec exec;
	struct vm_churn *churn;

	igt_panthor_require_debugfs(fd);
	igt_panthor_exec_init(&exec, fd);
	churn = start_churn(fd);
	while (igt_nsec_elapsed(&since) / 1000000 < LISTED_MS || reads < LISTED_LEAST ||
	       churn->made < LISTED_LEAST) {
		igt_assert(igt_nsec_elapsed(&since) / 1000000 < CHILD_DEADLINE_MS);
		if (!read_gpuvas_once(fd, text))
			failed++;
		else if (!lists_vm(&exec, text))
			hidden++;
		reads++;
	}
	igt_teardown_drop(stop_churn, churn);
	stop_churn(churn);
	igt_info("%u VMs created and destroyed during %u reads\n", churn->made, reads);
	igt_unmap_shared(churn, sizeof(*churn));

	igt_assert_f(!failed && !hidden,
		     "of %u reads of gpuvas %u failed, and %u did not show a VM\n", reads, failed,
		     hidden);
	igt_panthor_exec_fini(&exec);
}

/* Files of lifetime-dummy-label, the first of which is that of the subtest. */
#define LABEL_FILES 3

/* What gems shows of the dummies of an open file: how many rows, and how many bytes have pages. */
static unsigned int count_dummies(int fd, uint64_t client, uint64_t *resident)
{
	char label[IGT_PANTHOR_GEM_LABEL_LEN];
	struct igt_panthor_gems gems;
	unsigned int count = 0;

	*resident = 0;
	snprintf(label, sizeof(label), "sparse dummy, client %" PRIu64, client);
	igt_panthor_read_gems(fd, &gems);
	for (size_t i = 0; i < gems.count; i++) {
		if (strcmp(gems.gem[i].label, label))
			continue;
		count++;
		*resident += gems.gem[i].resident;
	}
	igt_panthor_free_gems(&gems);

	return count;
}

static void assert_dummy(int fd, uint64_t client, uint64_t resident)
{
	uint64_t found;
	const unsigned int count = count_dummies(fd, client, &found);

	igt_assert_f(count == 1, "gems shows %u dummies of client %" PRIu64 "\n", count, client);
	igt_assert_eq_u64(found, resident);
}

static bool dummy_is_gone(int fd, uint64_t client)
{
	uint64_t resident;

	return !count_dummies(fd, client, &resident);
}

static void assert_dummy_goes(int fd, uint64_t client)
{
	igt_assert_f(igt_wait(dummy_is_gone(fd, client), IGT_PANTHOR_RELEASE_DEADLINE_MS, 5),
		     "gems shows the dummy of client %" PRIu64 " after its file was closed\n",
		     client);
}

static void lifetime_dummy_label(int fd)
{
	uint64_t client[LABEL_FILES];
	int file[LABEL_FILES] = { fd };

	igt_panthor_require_debugfs(fd);
	for (unsigned int i = 0; i < LABEL_FILES; i++) {
		if (i)
			file[i] = igt_panthor_open();
		client[i] = igt_panthor_client_id(file[i]);
		igt_require_f(client[i], "fdinfo shows no drm-client-id\n");
		for (unsigned int j = 0; j < i; j++)
			igt_assert_neq_u64(client[i], client[j]);
	}
	for (unsigned int i = 0; i < LABEL_FILES; i++)
		assert_dummy(fd, client[i], 0);

	for (unsigned int i = 0; i < LABEL_FILES; i++) {
		uint32_t vm_id;

		igt_panthor_vm_create(file[i], &vm_id, 0);
		igt_panthor_vm_bind_sparse(file[i], vm_id, BASE_VA, PAGE, 0);
		for (unsigned int j = 0; j < LABEL_FILES; j++)
			assert_dummy(fd, client[j], j <= i ? IGT_PANTHOR_DUMMY_SIZE : 0);
	}

	for (unsigned int i = 1; i < LABEL_FILES; i++) {
		igt_panthor_close(file[i]);
		assert_dummy_goes(fd, client[i]);
	}
	assert_dummy(fd, client[0], IGT_PANTHOR_DUMMY_SIZE);
}

/**
 * marked:
 * @bo: BO
 * @label: its label in gems, which shows when it is evicted
 */
struct marked {
	struct panthor_bo bo;
	const char *label;
};

#define MARKED_VA BASE_VA
#define MARKED_SIZE SZ_64K

/* Address of other BOs of the VM. */
#define BESIDES_VA (BASE_VA - SZ_1M)

static void marked_init(struct marked *m, int fd, const char *label)
{
	m->label = label;
	igt_panthor_bo_create(fd, &m->bo, MARKED_SIZE, 0, 0);
	igt_panthor_bo_set_label(fd, &m->bo, label);
}

/* The next attempt, or the next subtest, may use the label again. */
static void marked_fini(struct marked *m, int fd)
{
	igt_panthor_free_bo(fd, &m->bo);
	igt_assert_f(igt_panthor_wait_gem_gone(fd, m->label, IGT_PANTHOR_RELEASE_DEADLINE_MS),
		     "gems shows the BO \"%s\" after it was released\n", m->label);
}

static void marked_bind(const struct marked *m, struct igt_panthor_exec *exec, uint64_t va)
{
	igt_panthor_exec_bind_bo(exec, &m->bo, va);
}

static void marked_use(struct igt_panthor_exec *exec)
{
	igt_panthor_exec_store_pages(exec, MARKED_VA, MARKED_SIZE, FIRST);
}

static void marked_evict(int fd, const struct marked *m)
{
	igt_assert(igt_panthor_gem_resident(fd, m->label));
	igt_panthor_evict_gem(fd, m->label);
}

/*
 * A scan of one page evicts one BO, of any process. Twice as many scans as there are BOs, since a
 * scan may skip one.
 */
static unsigned int max_scans(int fd)
{
	struct igt_panthor_gems gems;
	unsigned int count;

	igt_panthor_read_gems(fd, &gems);
	count = gems.count;
	igt_panthor_free_gems(&gems);

	return 2 * count;
}

/*
 * Runs scans of one page until all of @marked are evicted, then asserts their order. An assertion
 * before that would leave a BO on a wrong list, which the end of the process would use after free.
 */
static void assert_evict_order(int fd, const struct marked *const *marked, unsigned int count)
{
	const unsigned int scans = max_scans(fd);
	unsigned int gone_at[3] = {};
	unsigned int left = count;

	igt_assert(count <= ARRAY_SIZE(gone_at));
	for (unsigned int scan = 1; scan <= scans && left; scan++) {
		igt_panthor_shrink_pages(fd, 1);
		for (unsigned int i = 0; i < count; i++) {
			if (gone_at[i] || igt_panthor_gem_resident(fd, marked[i]->label))
				continue;
			gone_at[i] = scan;
			left--;
		}
	}
	igt_assert_f(!left, "%u scans left %u BOs alone\n", scans, left);
	for (unsigned int i = 1; i < count; i++)
		igt_assert_f(gone_at[i - 1] < gone_at[i],
			     "the shrinker evicted \"%s\" before \"%s\"\n", marked[i]->label,
			     marked[i - 1]->label);
}

/*
 * VMAs of one page that are unmapped together with the BO, so that the unmap takes a time that can
 * be hit. They are bound for MORE_MS at first, several times as long as their unmap takes.
 */
#define MORE_VA (MARKED_VA + SZ_1M)
#define MORE_BATCH 1024
#define MORE_MS 120

static uint64_t bind_more(struct igt_panthor_exec *exec, const struct panthor_bo *bo,
			  unsigned int ms)
{
	struct timespec since = {};
	uint64_t end = MORE_VA;

	igt_nsec_elapsed(&since);
	while (igt_nsec_elapsed(&since) / 1000000 < ms) {
		struct drm_panthor_vm_bind_op *ops =
			page_ops(end, MORE_BATCH, MORE_BATCH, IGT_PANTHOR_BO_MAP_FLAGS, bo->handle);

		igt_panthor_vm_bind_ops(exec->fd, exec->vm_id, ops, MORE_BATCH, 0);
		free(ops);
		end += MORE_BATCH * PAGE;
	}

	return end;
}

/* The time that unmapping the VMAs of bind_more() takes. */
static unsigned int unbind_more_us(struct igt_panthor_exec *exec, const struct panthor_bo *bo,
				   unsigned int ms)
{
	const uint64_t end = bind_more(exec, bo, ms);
	struct timespec since = {};

	igt_nsec_elapsed(&since);
	igt_panthor_exec_unbind(exec, MORE_VA, end - MORE_VA);

	return igt_nsec_elapsed(&since) / 1000;
}

/*
 * Submits a job of @to that uses the BO while a child unmaps it and more from @from: half way
 * through the unmap, when the BO is unmapped already. Returns: false if the unmap ended before.
 */
static bool move_bo(struct igt_panthor_exec *from, struct igt_panthor_exec *to,
		    const struct panthor_bo *more, unsigned int ms)
{
	const struct igt_panthor_walk use =
		igt_panthor_pages(IGT_PANTHOR_STORE, MARKED_VA, MARKED_SIZE, SECOND);
	struct drm_panthor_vm_bind_op unmap = {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
		.va = MARKED_VA,
	};
	const unsigned int us = unbind_more_us(from, more, ms);
	struct child_bind *b;
	bool in_time;

	unmap.size = bind_more(from, more, ms) - MARKED_VA;
	b = child_bind_start(from->fd, from->vm_id, &unmap, 1);
	usleep(us / 2);
	igt_panthor_exec_start(to, &use, NULL, 0);
	in_time = !b->done;
	igt_panthor_exec_finish(to);
	igt_assert_eq(child_bind_finish(b), 0);

	return in_time;
}

/**
 * moved:
 * @from: VM that maps the BO at first
 * @to: VM that maps it in the end
 * @before: BO that only @to maps, mapped before @bo moved
 * @bo: the BO that moves
 * @after: BO that only @to maps, mapped after @bo moved
 */
struct moved {
	struct igt_panthor_exec from;
	struct igt_panthor_exec to;
	struct marked before;
	struct marked bo;
	struct marked after;
};

static void moved_init(struct moved *m, int fd)
{
	igt_panthor_exec_init(&m->from, fd);
	igt_panthor_exec_init(&m->to, fd);
	marked_init(&m->before, fd, "before");
	marked_init(&m->bo, fd, "moved");
	marked_init(&m->after, fd, "after");

	marked_bind(&m->bo, &m->from, MARKED_VA);
	marked_bind(&m->bo, &m->to, MARKED_VA);
	marked_evict(fd, &m->bo);
	marked_use(&m->from);
}

static void moved_fini(struct moved *m, int fd)
{
	igt_panthor_exec_fini(&m->to);
	igt_panthor_exec_fini(&m->from);
	marked_fini(&m->after, fd);
	marked_fini(&m->bo, fd);
	marked_fini(&m->before, fd);
}

/*
 * The BOs of a VM are evicted in the order in which they joined its list. A BO on the list of
 * another VM is evicted before or behind all of them. Returns: false if the BO could not be moved
 * in time.
 */
static bool reclaim_moved(int fd, unsigned int ms)
{
	struct panthor_bo more;
	struct moved m;
	bool in_time;

	moved_init(&m, fd);
	igt_panthor_bo_create(fd, &more, PAGE, 0, 0);
	marked_bind(&m.before, &m.to, BESIDES_VA);
	in_time = move_bo(&m.from, &m.to, &more, ms);
	marked_bind(&m.after, &m.to, BESIDES_VA + MARKED_SIZE);
	if (in_time) {
		assert_evict_order(fd, (const struct marked *[]){ &m.before, &m.bo, &m.after }, 3);
		marked_use(&m.to);
	}
	moved_fini(&m, fd);
	igt_panthor_free_bo(fd, &more);

	return in_time;
}

static void reclaim_moved_bo(int fd)
{
	unsigned int ms = MORE_MS;
	bool in_time = false;

	igt_panthor_require_shrink(fd);
	for (unsigned int i = 0; i < ATTEMPTS && !in_time; i++, ms *= 2)
		in_time = reclaim_moved(fd, ms);
	igt_require_f(in_time, "the unmap ends before a job is submitted\n");
}

/**
 * pair:
 * @a: a VM
 * @b: another one
 * @of_a: BO that only @a maps
 * @of_b: BO that only @b maps
 */
struct pair {
	struct igt_panthor_exec a;
	struct igt_panthor_exec b;
	struct marked of_a;
	struct marked of_b;
};

static void pair_bind(struct pair *p, int fd)
{
	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&p->a, fd);
	igt_panthor_exec_init(&p->b, fd);
	marked_init(&p->of_a, fd, "of a");
	marked_init(&p->of_b, fd, "of b");
	marked_bind(&p->of_a, &p->a, MARKED_VA);
	marked_bind(&p->of_b, &p->b, MARKED_VA);
}

static void pair_init(struct pair *p, int fd)
{
	pair_bind(p, fd);
	marked_use(&p->a);
	marked_use(&p->b);
}

static void pair_fini(struct pair *p, int fd)
{
	igt_panthor_exec_fini(&p->b);
	igt_panthor_exec_fini(&p->a);
	marked_fini(&p->of_b, fd);
	marked_fini(&p->of_a, fd);
}

/* Every job moves its VM to the end of the order, wherever a bind has put it before. */
static void reclaim_order_bound(int fd)
{
	struct pair p;

	pair_bind(&p, fd);
	assert_evict_order(fd, (const struct marked *[]){ &p.of_a, &p.of_b }, 2);
	pair_fini(&p, fd);
}

static void reclaim_order_restored(int fd)
{
	struct pair p;

	pair_init(&p, fd);
	marked_evict(fd, &p.of_a);
	igt_panthor_evict_gem(fd, p.of_b.label);
	marked_use(&p.a);
	marked_use(&p.b);
	assert_evict_order(fd, (const struct marked *[]){ &p.of_a, &p.of_b }, 2);
	pair_fini(&p, fd);
}

static void reclaim_order_used(int fd)
{
	struct pair p;

	pair_init(&p, fd);
	marked_use(&p.a);
	assert_evict_order(fd, (const struct marked *[]){ &p.of_b, &p.of_a }, 2);
	pair_fini(&p, fd);
}

/*
 * The VM of reclaim-two-shrinkers has two BOs. A running job uses one of them: the first shrinker
 * skips it and goes on to the other one. That is a page which is mapped at many addresses. Each
 * unmap flushes the GPU's caches, which leaves time for a second shrinker to come to the VM.
 */
#define BUSY_VA BASE_VA
#define BUSY_SIZE SZ_64K
#define SLOW_VA (BASE_VA + SZ_1G)
#define SLOW_STRIDE (2 * PAGE)
#define SLOW_COUNT 64

/* Contents of the busy BO: two streams, and the words of the first one. */
#define SPIN_OFFSET (0 * PAGE)
#define BRIEF_OFFSET (1 * PAGE)
#define WORDS_OFFSET (2 * PAGE)

enum busy_word {
	BUSY_STARTED,
	BUSY_END,
};

/*
 * Time between the start of the first shrinker and the job after it, another one in each round.
 * The shrinker waits ten jiffies for the busy VM, 10 to 100 ms.
 */
#define SCAN_US 3000
#define SCAN_ROUNDS 3

/**
 * scanned:
 * @fd: device
 * @vm_id: VM that two shrinkers scan
 * @busy: BO with the streams and words of the jobs
 * @slow: BO that takes long to unmap
 * @spinner: group of a job that runs until BUSY_END is set
 * @brief: group of a job that ends at once
 * @spun: signalled by the end of the job of @spinner
 * @spin_size: bytes of the stream of @spinner
 * @brief_size: bytes of the stream of @brief
 */
struct scanned {
	int fd;
	uint32_t vm_id;
	struct marked busy;
	struct marked slow;
	uint32_t spinner;
	uint32_t brief;
	uint32_t spun;
	int spin_size;
	int brief_size;
};

static volatile uint32_t *busy_words(const struct scanned *s)
{
	return (volatile uint32_t *)((char *)s->busy.bo.map + WORDS_OFFSET);
}

static void build_streams(struct scanned *s)
{
	struct igt_panthor_cs_limits limits;
	struct igt_panthor_cs cs;
	char *map = s->busy.bo.map;

	igt_panthor_cs_query_limits(s->fd, &limits);
	igt_panthor_cs_init(&cs, map + SPIN_OFFSET, PAGE, &limits);
	igt_panthor_cs_mov48(&cs, REG_ADDRESS, BUSY_VA + WORDS_OFFSET);
	igt_panthor_cs_mov32(&cs, REG_VALUE, 1);
	igt_panthor_cs_store(&cs, REG_VALUE, 1, REG_ADDRESS, BUSY_STARTED * sizeof(uint32_t));
	igt_panthor_cs_mov48(&cs, REG_ADDRESS,
			     BUSY_VA + WORDS_OFFSET + BUSY_END * sizeof(uint32_t));
	build_spin(&cs);
	s->spin_size = igt_panthor_cs_end(&cs, REG_SCRATCH);
	igt_assert_lt(0, s->spin_size);

	igt_panthor_cs_init(&cs, map + BRIEF_OFFSET, PAGE, &limits);
	igt_panthor_cs_mov32(&cs, REG_VALUE, 0);
	s->brief_size = igt_panthor_cs_end(&cs, REG_SCRATCH);
	igt_assert_lt(0, s->brief_size);
	__sync_synchronize();
}

static void scanned_init(struct scanned *s, int fd)
{
	s->fd = fd;
	s->busy.label = "busy";
	igt_panthor_vm_create(fd, &s->vm_id, 0);
	igt_panthor_bo_create_mapped(fd, &s->busy.bo, BUSY_SIZE, 0, 0);
	igt_panthor_bo_set_label(fd, &s->busy.bo, s->busy.label);
	marked_init(&s->slow, fd, "slow");
	igt_panthor_vm_bind(fd, s->vm_id, s->busy.bo.handle, BUSY_VA, BUSY_SIZE,
			    DRM_PANTHOR_VM_BIND_OP_TYPE_MAP |
				    DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED, 0);
	build_streams(s);
	s->spun = syncobj_create(fd, 0);
	s->spinner = igt_panthor_group_create_simple(fd, s->vm_id, 0);
	s->brief = igt_panthor_group_create_simple(fd, s->vm_id, 0);
}

static void scanned_fini(struct scanned *s)
{
	igt_panthor_group_destroy(s->fd, s->brief, 0);
	igt_panthor_group_destroy(s->fd, s->spinner, 0);
	syncobj_destroy(s->fd, s->spun);
	igt_panthor_vm_destroy(s->fd, s->vm_id, 0);
	marked_fini(&s->slow, s->fd);
	marked_fini(&s->busy, s->fd);
}

static void assert_scanned_job_done(const struct scanned *s, uint32_t group, uint32_t syncobj)
{
	const struct igt_panthor_job_result result =
		igt_panthor_job_wait(s->fd, group, syncobj, IGT_PANTHOR_JOB_DEADLINE_MS);

	igt_panthor_job_assert_done(&result);
}

static void spin_start(struct scanned *s)
{
	busy_words(s)[BUSY_STARTED] = 0;
	busy_words(s)[BUSY_END] = 0;
	__sync_synchronize();
	igt_panthor_group_submit_simple(s->fd, s->spinner, 0, BUSY_VA + SPIN_OFFSET, s->spin_size,
					s->spun, 0);
	igt_assert_f(igt_wait(busy_words(s)[BUSY_STARTED], IGT_PANTHOR_JOB_DEADLINE_MS, 1),
		     "a job did not start within %d ms\n", IGT_PANTHOR_JOB_DEADLINE_MS);
}

static void spin_finish(struct scanned *s)
{
	busy_words(s)[BUSY_END] = 1;
	__sync_synchronize();
	assert_scanned_job_done(s, s->spinner, s->spun);
}

static void run_brief(const struct scanned *s)
{
	const uint32_t syncobj = syncobj_create(s->fd, 0);

	igt_panthor_group_submit_simple(s->fd, s->brief, 0, BUSY_VA + BRIEF_OFFSET, s->brief_size,
					syncobj, 0);
	assert_scanned_job_done(s, s->brief, syncobj);
	syncobj_destroy(s->fd, syncobj);
}

/* To be called when the spinning job was submitted, which then does not use this BO. */
static void bind_slow(const struct scanned *s)
{
	struct drm_panthor_vm_bind_op *ops = calloc(SLOW_COUNT, sizeof(*ops));

	igt_assert(ops);
	for (unsigned int i = 0; i < SLOW_COUNT; i++)
		ops[i] = (struct drm_panthor_vm_bind_op){
			.flags = IGT_PANTHOR_BO_MAP_FLAGS,
			.bo_handle = s->slow.bo.handle,
			.va = SLOW_VA + i * SLOW_STRIDE,
			.size = PAGE,
		};
	igt_panthor_vm_bind_ops(s->fd, s->vm_id, ops, SLOW_COUNT, 0);
	free(ops);
}

/**
 * first_shrinker:
 * @begun: the scan is about to start
 * @done: the scan has ended
 *
 * A scan by a child process.
 */
struct first_shrinker {
	bool begun;
	bool done;
};

/*
 * Runs a job of the VM during the first scan, which makes the VM known to a second one. Returns:
 * false if the first scan ended before the second one.
 */
static bool two_shrinkers(struct scanned *s, unsigned int us)
{
	volatile struct first_shrinker *first = igt_map_shared(sizeof(*first));
	bool in_time;

	spin_start(s);
	bind_slow(s);

	igt_fork(child, 1) {
		first->begun = true;
		igt_panthor_shrink(s->fd);
		first->done = true;
	}
	igt_teardown_add(wait_children, NULL);
	igt_assert_f(igt_wait(first->begun, CHILD_DEADLINE_MS, 0), "a child did not start\n");
	usleep(us);
	run_brief(s);
	igt_panthor_shrink(s->fd);
	in_time = !first->done;
	igt_waitchildren();
	igt_teardown_drop(wait_children, NULL);
	spin_finish(s);

	marked_evict(s->fd, &s->busy);
	igt_panthor_vm_unbind(s->fd, s->vm_id, SLOW_VA, SLOW_COUNT * SLOW_STRIDE, 0);
	igt_unmap_shared((void *)first, sizeof(*first));

	return in_time;
}

static void reclaim_two_shrinkers(int fd)
{
	unsigned int in_time = 0;
	struct scanned s;

	igt_panthor_require_shrink(fd);
	scanned_init(&s, fd);
	for (unsigned int i = 1; i <= SCAN_ROUNDS; i++)
		in_time += two_shrinkers(&s, i * SCAN_US);
	scanned_fini(&s);
	igt_require_f(in_time, "the first scan ends before the second one in each round\n");
}

static const struct igt_panthor_case cases[] = {
	{
		.name = "lifetime-destroy-binding",
		.describe = "Destroy a VM in the middle of a synchronous VM_BIND of thousands of "
			    "operations. The operations that are left must fail with EINVAL, and "
			    "gpuvas must show none of their VMAs afterwards.",
		.run = lifetime_destroy_binding,
	},
	{
		.name = "lifetime-unmap-awaited",
		.describe = "Unmap the word that a blocked queue waits for, while the group of the "
			    "queue has no slot. The queue must fault, the VM must stay usable, and "
			    "a store of its next group must succeed. Kernel warnings are left to "
			    "igt_runner.",
		.run = lifetime_unmap_awaited,
	},
	{
		.name = "lifetime-vms-listed",
		.describe = "Read gpuvas while a child process creates and destroys VMs. Each "
			    "read must succeed and show a VM that stays.",
		.run = lifetime_vms_listed,
	},
	{
		.name = "lifetime-dummy-label",
		.describe = "Open the device three times and bind a sparse range in each file. "
			    "gems must show one BO for each file, with a label that names the "
			    "dummy and the DRM client id of the file. The BO must get its pages "
			    "with the bind of that file, and be gone after the file is closed.",
		.run = lifetime_dummy_label,
	},
	{
		.name = "reclaim-moved-bo",
		.describe = "Evict a BO that two VMs map, and restore it by a job of the first VM. "
			    "A job of the second VM uses the BO while the first one unmaps it. "
			    "From then on the shrinker must evict the BO in the order of the "
			    "second VM: after a BO that was bound there before, and before one "
			    "that was bound later.",
		.run = reclaim_moved_bo,
	},
	{
		.name = "reclaim-order-bound",
		.describe = "Bind a BO in each of two VMs that run no job. The shrinker must first "
			    "evict the BO of the VM that was the first to map anything.",
		.run = reclaim_order_bound,
	},
	{
		.name = "reclaim-order-restored",
		.describe = "Evict the BOs of two VMs and restore them by one job each. The "
			    "shrinker must then first evict the BO of the VM whose job came first.",
		.run = reclaim_order_restored,
	},
	{
		.name = "reclaim-order-used",
		.describe = "Run jobs in two VMs that hold slots of the GPU, the last job in the "
			    "first VM. The shrinker must first evict the BO of the other VM.",
		.run = reclaim_order_used,
	},
	{
		.name = "reclaim-two-shrinkers",
		.describe = "Run a second shrinker while a first one waits for a busy VM, after "
			    "another job of that VM. Both have to skip the BO of the running job. "
			    "When the job has ended, repeated scans must evict that BO within 1.5 "
			    "s.",
		.run = reclaim_two_shrinkers,
	},
	{}
};

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();
	for (const struct igt_panthor_case *c = cases; c->name; c++) {
		igt_describe(c->describe);
		igt_subtest(c->name)
			igt_panthor_with_device(fd)
				c->run(fd);
		igt_fixture()
			igt_teardown();
	}
}
