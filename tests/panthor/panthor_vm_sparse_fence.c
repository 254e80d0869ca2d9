// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <linux/dma-buf.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_syncobj.h"
#include "igt_teardown.h"
#include "ioctl_wrappers.h"
#include "sw_sync.h"

/**
 * TEST: Fences of BOs that panthor shares
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: synchronization
 * Feature: fence
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9
 * Failure mode: Jobs and binds that take part in implicit synchronization, although they are
 *	synchronized by syncobjs alone: other users of the dma-buf wait for them, or they wait for
 *	other users.
 * Scenario: fence-shown
 * Description: Poll the dma-buf of a BO and export its fences as sync files while jobs and binds
 *	are pending.
 *
 * SUBTEST: fence-job
 * Run type: BAT, FULL
 * Description: While a job stores to an exported BO, loads from it, or only has it mapped, poll()
 *	finds the dma-buf ready, EXPORT_SYNC_FILE returns signalled fences, and DMA_BUF_IOCTL_SYNC
 *	does not wait. The stores are in the BO afterwards.
 *
 * SUBTEST: fence-bind
 * Description: While a queued map or unmap of an exported BO waits, or a sparse bind that replaces
 *	it, poll() finds the dma-buf ready, EXPORT_SYNC_FILE returns signalled fences, and
 *	DMA_BUF_IOCTL_SYNC does not wait.
 *
 * SUBTEST: fence-import
 * Scenario: fence-evict
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap
 * Failure mode: An eviction that takes the pages of a shared BO while a user of its dma-buf is at
 *	work.
 * Description: Attach the fence of another VM's job to the dma-buf of a BO, first as that of a
 *	reader, then as that of a writer. Until the job ends, poll() and EXPORT_SYNC_FILE show the
 *	dma-buf busy to writers, in the second case to readers as well, and the BO is not evicted.
 *	Afterwards it can be evicted, and keeps its contents.
 *
 * SUBTEST: fence-ignored
 * Scenario: fence-ignored
 * Description: Attach the fence of a job that is running to a dma-buf as that of a writer. A job
 *	that stores to the BO, and queued binds that map it and unmap it, don't wait for the fence.
 *
 * SUBTEST: fence-round-trip
 * Scenario: fence-ignored
 * Description: A job waits for a fence that was attached to a dma-buf, through EXPORT_SYNC_FILE and
 *	a syncobj. It does not start before the fence is signalled.
 */

IGT_TEST_DESCRIPTION("Check which fences panthor attaches to shared BOs, and waits for");

/*
 * The scenarios, and the failures that each one finds:
 *
 * 1. fence-shown: fences of jobs and binds that other users of a dma-buf wait for.
 * 2. fence-ignored: jobs and binds that wait for fences of a BO, not for their syncs alone. That is
 *    a deadlock if the fence is theirs to signal.
 * 3. fence-evict: evictions that wait for the jobs of the VMs that map a BO, and not for the fences
 *    that others have attached to it. The VM that maps the BO is idle.
 */

/* A multiple of every CPU page size. */
#define PART_SIZE ((uint64_t)SZ_64K)
#define BO_VA (2 * IGT_PANTHOR_EXEC_VA_END)
#define SPARSE_VA (BO_VA + PART_SIZE)
#define FREE_VA (BO_VA + SZ_64M)

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND

#define LABEL "shared, fence"

#define MAP IGT_PANTHOR_BO_MAP_FLAGS
#define SPARSE IGT_PANTHOR_SPARSE_FLAGS
#define UNMAP DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP

/**
 * fence:
 * @exec: VM with @bo at %BO_VA and a sparse range at %SPARSE_VA
 * @bo: BO of %PART_SIZE
 * @dmabuf: its dma-buf
 */
struct fence {
	struct igt_panthor_exec exec;
	struct panthor_bo bo;
	int dmabuf;
};

static void close_fd(void *data)
{
	close((int)(intptr_t)data);
}

static void fence_init(struct fence *f, int fd)
{
	igt_panthor_exec_init(&f->exec, fd);
	igt_panthor_exec_create_bo(&f->exec, &f->bo, PART_SIZE);
	igt_panthor_exec_bind_bo(&f->exec, &f->bo, BO_VA);
	igt_panthor_exec_bind_sparse(&f->exec, SPARSE_VA, PART_SIZE);
	f->dmabuf = igt_panthor_bo_export(fd, f->bo.handle);
	igt_teardown_add(close_fd, (void *)(intptr_t)f->dmabuf);
}

static void fence_fini(struct fence *f)
{
	igt_teardown_drop(close_fd, (void *)(intptr_t)f->dmabuf);
	close(f->dmabuf);
	igt_panthor_exec_fini(&f->exec);
	igt_panthor_free_bo(f->exec.fd, &f->bo);
}

static bool is_ready(const struct fence *f, short events)
{
	struct pollfd poll_fd = { .fd = f->dmabuf, .events = events };
	const int ready = poll(&poll_fd, 1, 0);

	igt_assert_lte(0, ready);
	return ready && poll_fd.revents == events;
}

/* Of all fences that an access has to wait for. */
static bool is_signalled(const struct fence *f, uint32_t access)
{
	struct dma_buf_export_sync_file export = { .flags = access };
	int status;

	do_ioctl(f->dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export);
	status = sync_fence_status(export.fd);
	close(export.fd);
	igt_assert_lte(0, status);

	return status;
}

static void attach(const struct fence *f, uint32_t access, uint32_t syncobj)
{
	struct dma_buf_import_sync_file import = { .flags = access };

	import.fd = syncobj_handle_to_fd(f->exec.fd, syncobj,
					 DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE);
	do_ioctl(f->dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import);
	close(import.fd);
}

/* Accesses the BO by the CPU, as a user of the dma-buf does. */
static void access_by_cpu(const struct fence *f)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW };

	do_ioctl(f->dmabuf, DMA_BUF_IOCTL_SYNC, &sync);
	sync.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW;
	do_ioctl(f->dmabuf, DMA_BUF_IOCTL_SYNC, &sync);
}

static void assert_readers(const struct fence *f, bool ready)
{
	igt_assert_eq(is_ready(f, POLLIN), ready);
	igt_assert_eq(is_signalled(f, DMA_BUF_SYNC_READ), ready);
}

static void assert_writers(const struct fence *f, bool ready)
{
	igt_assert_eq(is_ready(f, POLLOUT), ready);
	igt_assert_eq(is_signalled(f, DMA_BUF_SYNC_WRITE), ready);
	igt_assert_eq(is_signalled(f, DMA_BUF_SYNC_RW), ready);
}

static void assert_ready(const struct fence *f)
{
	assert_readers(f, true);
	assert_writers(f, true);
	access_by_cpu(f);
}

static const struct {
	const char *name;
	enum igt_panthor_access access;
	uint64_t va;
} fence_jobs[] = {
	{ "stores", IGT_PANTHOR_STORE, BO_VA },
	{ "loads", IGT_PANTHOR_LOAD, BO_VA },
	{ "elsewhere", IGT_PANTHOR_STORE, SPARSE_VA },
};

static void fence_job(int fd)
{
	struct fence f;

	fence_init(&f, fd);
	for (size_t i = 0; i < ARRAY_SIZE(fence_jobs); i++) {
		const struct igt_panthor_walk walk = igt_panthor_pages(
			fence_jobs[i].access, fence_jobs[i].va, PART_SIZE, FIRST);

		igt_debug("job: %s\n", fence_jobs[i].name);
		igt_panthor_exec_repeat(&f.exec, &walk);
		assert_ready(&f);
		igt_panthor_exec_repeat_end(&f.exec);
		assert_ready(&f);
	}
	igt_panthor_bo_assert_holds(&f.bo, BO_VA, FIRST);
	fence_fini(&f);
}

/* Queues an operation behind the job that is running, and a syncobj for its end. */
static uint32_t queue_behind_job(struct fence *f, uint32_t flags, uint64_t va)
{
	const uint32_t done = syncobj_create(f->exec.fd, 0);
	struct drm_panthor_sync_op syncs[] = {
		igt_panthor_sync_wait(f->exec.syncobj, 0),
		igt_panthor_sync_signal(done, 0),
	};
	struct drm_panthor_vm_bind_op op = {
		.flags = flags,
		.bo_handle = flags == MAP ? f->bo.handle : 0,
		.va = va,
		.size = PART_SIZE,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(ARRAY_SIZE(syncs), syncs),
	};

	igt_panthor_vm_bind_ops_async(f->exec.fd, f->exec.vm_id, &op, 1, 0);
	return done;
}

static bool is_done(int fd, uint32_t syncobj, unsigned int ms)
{
	return syncobj_wait(fd, &syncobj, 1, igt_panthor_deadline(ms), 0, NULL);
}

static void assert_bind_done(int fd, uint32_t syncobj)
{
	igt_assert_f(is_done(fd, syncobj, IGT_PANTHOR_JOB_DEADLINE_MS),
		     "VM_BIND was not done within %d ms\n", IGT_PANTHOR_JOB_DEADLINE_MS);
	syncobj_destroy(fd, syncobj);
}

static void fence_bind(int fd)
{
	static const struct {
		uint32_t flags;
		uint64_t va;
	} binds[] = { { MAP, FREE_VA }, { MAP, BO_VA }, { UNMAP, FREE_VA }, { SPARSE, BO_VA } };
	struct fence f;

	fence_init(&f, fd);
	for (size_t i = 0; i < ARRAY_SIZE(binds); i++) {
		uint32_t done;

		igt_panthor_exec_pause(&f.exec, NULL, NULL);
		done = queue_behind_job(&f, binds[i].flags, binds[i].va);
		igt_assert(!is_done(fd, done, 0));
		assert_ready(&f);
		igt_panthor_exec_resume(&f.exec);
		assert_bind_done(fd, done);
		assert_ready(&f);
	}
	fence_fini(&f);
}

#define BUSY_SCANS 2

static void assert_stays(const struct fence *f)
{
	struct igt_panthor_gem before, during;

	igt_assert(igt_panthor_find_gem(f->exec.fd, LABEL, &before));
	for (unsigned int i = 0; i < BUSY_SCANS; i++) {
		igt_panthor_shrink(f->exec.fd);
		igt_assert(igt_panthor_find_gem(f->exec.fd, LABEL, &during));
		igt_assert_f(during.resident == PART_SIZE && during.evictions == before.evictions,
			     "the BO was evicted before its fence was signalled\n");
	}
}

/* @user has a fence of its job attached to the dma-buf, and does not map the BO. */
static void import_fence(struct fence *f, struct igt_panthor_exec *user, uint32_t access,
			 uint32_t seed)
{
	const struct igt_panthor_walk load =
		igt_panthor_pages(IGT_PANTHOR_LOAD, BO_VA, PART_SIZE, seed);

	igt_panthor_exec_store_pages(&f->exec, BO_VA, PART_SIZE, seed);
	igt_panthor_exec_pause(user, NULL, NULL);
	attach(f, access, user->syncobj);
	assert_readers(f, access == DMA_BUF_SYNC_READ);
	assert_writers(f, false);
	assert_stays(f);

	igt_panthor_exec_resume(user);
	assert_ready(f);
	igt_panthor_evict_gem(f->exec.fd, LABEL);
	igt_panthor_exec_walk_verify(&f->exec, &load);
}

static void fence_import(int fd)
{
	struct igt_panthor_exec user;
	struct fence f;

	igt_panthor_require_shrink(fd);
	fence_init(&f, fd);
	igt_panthor_bo_set_label(fd, &f.bo, LABEL);
	igt_panthor_exec_init(&user, fd);
	import_fence(&f, &user, DMA_BUF_SYNC_READ, FIRST);
	import_fence(&f, &user, DMA_BUF_SYNC_WRITE, SECOND);
	igt_panthor_exec_fini(&user);
	fence_fini(&f);
}

/* Binds and jobs in another VM: a job of the same group would wait for the end of the first. */
static void fence_ignored(int fd)
{
	struct igt_panthor_exec other;
	struct fence f;
	uint32_t done;

	fence_init(&f, fd);
	igt_panthor_exec_init(&other, fd);
	igt_panthor_exec_bind_bo(&other, &f.bo, BO_VA);
	igt_panthor_exec_pause(&f.exec, NULL, NULL);
	attach(&f, DMA_BUF_SYNC_WRITE, f.exec.syncobj);
	assert_readers(&f, false);

	igt_panthor_exec_store_pages(&other, BO_VA, PART_SIZE, SECOND);
	igt_panthor_bo_assert_holds(&f.bo, BO_VA, SECOND);
	for (unsigned int i = 0; i < 2; i++) {
		struct drm_panthor_sync_op signal;
		struct drm_panthor_vm_bind_op op = {
			.flags = i ? UNMAP : MAP,
			.bo_handle = i ? 0 : f.bo.handle,
			.va = FREE_VA,
			.size = PART_SIZE,
			.syncs = DRM_PANTHOR_OBJ_ARRAY(1, &signal),
		};

		done = syncobj_create(fd, 0);
		signal = igt_panthor_sync_signal(done, 0);
		igt_panthor_vm_bind_ops_async(fd, other.vm_id, &op, 1, 0);
		/* The paused job ends after 5 s. */
		igt_assert_f(is_done(fd, done, IGT_PANTHOR_RELEASE_DEADLINE_MS),
			     "a bind waits for a fence of its BO\n");
		syncobj_destroy(fd, done);
	}
	assert_readers(&f, false);

	igt_panthor_exec_resume(&f.exec);
	assert_ready(&f);
	igt_panthor_exec_fini(&other);
	fence_fini(&f);
}

static void import_sync_file(int fd, uint32_t syncobj, int sync_file)
{
	struct drm_syncobj_handle handle = {
		.handle = syncobj,
		.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE,
		.fd = sync_file,
	};

	do_ioctl(fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &handle);
	igt_assert_eq(close(sync_file), 0);
}

static void fence_round_trip(int fd)
{
	const struct igt_panthor_walk walk =
		igt_panthor_pages(IGT_PANTHOR_STORE, BO_VA, PART_SIZE, SECOND);
	struct dma_buf_export_sync_file export = { .flags = DMA_BUF_SYNC_RW };
	uint32_t earlier = syncobj_create(fd, 0);
	struct drm_panthor_sync_op wait = igt_panthor_sync_wait(earlier, 0);
	struct igt_panthor_exec other, later;
	struct fence f;

	fence_init(&f, fd);
	igt_panthor_exec_store_pages(&f.exec, BO_VA, PART_SIZE, FIRST);
	igt_panthor_exec_init(&other, fd);
	igt_panthor_exec_bind_bo(&other, &f.bo, BO_VA);
	igt_panthor_exec_init(&later, fd);
	igt_panthor_exec_bind_sparse(&later, BO_VA, PART_SIZE);

	igt_panthor_exec_pause(&f.exec, NULL, NULL);
	attach(&f, DMA_BUF_SYNC_WRITE, f.exec.syncobj);
	do_ioctl(f.dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export);
	import_sync_file(fd, earlier, export.fd);
	igt_panthor_exec_start(&other, &walk, &wait, 1);
	attach(&f, DMA_BUF_SYNC_WRITE, other.syncobj);
	/* A later job that waits for nothing shows how long it takes to start one. */
	igt_panthor_exec_store_pages(&later, BO_VA, PART_SIZE, FIRST);
	igt_assert(!is_done(fd, other.syncobj, 30));
	igt_panthor_bo_assert_holds(&f.bo, BO_VA, FIRST);

	igt_panthor_exec_resume(&f.exec);
	igt_panthor_exec_finish(&other);
	igt_panthor_bo_assert_holds(&f.bo, BO_VA, SECOND);
	assert_ready(&f);
	igt_panthor_exec_fini(&later);
	igt_panthor_exec_fini(&other);
	fence_fini(&f);
	syncobj_destroy(fd, earlier);
}

static const struct igt_panthor_case fence_cases[] = {
	{
		.name = "fence-job",
		.describe = "While a job stores to an exported BO, loads from it, or only has it "
			    "mapped, poll() finds the dma-buf ready, EXPORT_SYNC_FILE returns "
			    "signalled fences, and DMA_BUF_IOCTL_SYNC does not wait. The stores "
			    "are in the BO afterwards.",
		.run = fence_job,
	},
	{
		.name = "fence-bind",
		.describe = "While a queued map or unmap of an exported BO waits, or a sparse "
			    "bind that replaces it, poll() finds the dma-buf ready, "
			    "EXPORT_SYNC_FILE returns signalled fences, and DMA_BUF_IOCTL_SYNC "
			    "does not wait.",
		.run = fence_bind,
	},
	{
		.name = "fence-import",
		.describe = "Attach the fence of another VM's job to the dma-buf of a BO, first "
			    "as that of a reader, then as that of a writer. Until the job ends, "
			    "poll() and EXPORT_SYNC_FILE show the dma-buf busy to writers, in the "
			    "second case to readers as well, and the BO is not evicted. "
			    "Afterwards it can be evicted, and keeps its contents.",
		.run = fence_import,
	},
	{
		.name = "fence-ignored",
		.describe = "Attach the fence of a job that is running to a dma-buf as that of a "
			    "writer. A job that stores to the BO, and queued binds that map it and "
			    "unmap it, don't wait for the fence.",
		.run = fence_ignored,
	},
	{
		.name = "fence-round-trip",
		.describe = "A job waits for a fence that was attached to a dma-buf, through "
			    "EXPORT_SYNC_FILE and a syncobj. It does not start before the fence is "
			    "signalled.",
		.run = fence_round_trip,
	},
	{}
};

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();

	for (const struct igt_panthor_case *c = fence_cases; c->name; c++) {
		igt_describe(c->describe);
		igt_subtest(c->name)
			igt_panthor_with_device(fd)
				c->run(fd);
		igt_fixture()
			igt_teardown();
	}
}
