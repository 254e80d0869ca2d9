// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/dma-buf.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_teardown.h"
#include "igt_udmabuf.h"
#include "ioctl_wrappers.h"

/**
 * TEST: CPU mappings of BOs beside sparse mappings of panthor
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: buffer objects, CPU mappings, eviction
 * Feature: cpu
 * Scenario: cpu-split
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs and swap for some
 * Failure mode: A CPU mapping that shows another page of a BO than the GPU has there, or that
 *	survives the eviction of its pages. A CPU mapping of a BO that forbids them.
 * Description: Compare what the GPU and the CPU find in each page of a BO, after the CPU mapping
 *	was split or moved, or its BO evicted.
 *
 * SUBTEST: cpu-unmap-head
 * Run type: BAT, FULL
 * Description: Unmap the head of a CPU mapping before the CPU touches it. The rest must show the
 *	pages of the BO that it covered before, for reads and writes.
 *
 * SUBTEST: cpu-unmap-middle
 * Description: Unmap the middle of a CPU mapping and then its head, before the CPU touches it. The
 *	tail must show the pages of the BO that it covered before, for reads and writes.
 *
 * SUBTEST: cpu-unmap-blocks
 * Description: Unmap the first 2 MiB of a CPU mapping of 8 MiB before the CPU touches it. The
 *	other blocks must show the pages of the BO that they covered before, for reads and writes.
 *
 * SUBTEST: cpu-move-tail
 * Description: Move the tail of a CPU mapping to another address by mremap(), before the CPU
 *	touches it. The tail must show the pages of the BO that it covered before, for reads
 *	and writes.
 *
 * SUBTEST: cpu-dmabuf-offset
 * Description: Map an exported dma-buf at an offset. The mapping must start with the page of the
 *	BO at that offset, for reads and writes.
 *
 * SUBTEST: cpu-protect-evict
 * Description: Split a CPU mapping in use by mprotect(), then evict its BO. The eviction must
 *	remove every page from the CPU's page table. The part that is writable must show the same
 *	pages of the BO afterwards, for reads and writes.
 *
 * SUBTEST: cpu-dmabuf-evict
 * Description: Map an exported dma-buf at an offset, read it, then evict its BO. The eviction must
 *	remove every page from the CPU's page table. The mapping must show the same pages of the BO
 *	afterwards, for reads and writes.
 *
 * SUBTEST: cpu-block-edges
 * Scenario: cpu-block
 * Failure mode: A CPU mapping by a block of the page table that reaches beyond the mapping.
 * Description: Map two blocks of a BO by the CPU, unmap the first and the last pages, and touch
 *	the rest. The rest must show the pages of the BO that it covered before, for reads and
 *	writes, and what was unmapped must stay inaccessible.
 *
 * SUBTEST: cpu-import
 * Scenario: cpu-import
 * Test requirement: panthor uAPI 1.9, udmabuf, debugfs
 * Failure mode: A CPU mapping of an imported BO that keeps the exporter's memory for ever.
 * Description: Import a udmabuf and map it through panthor. The CPU mapping must show what the GPU
 *	stored, and the GPU must load what the CPU stored. Once the mapping and the handle are gone,
 *	the dma-buf must be released.
 *
 * SUBTEST: cpu-no-mmap-offset
 * Scenario: cpu-no-mmap
 * Description: Create a BO with the flag NO_MMAP. BO_MMAP_OFFSET must fail with EPERM. If debugfs
 *	shows an offset all the same, mmap() there must fail.
 *
 * SUBTEST: cpu-no-mmap-dmabuf
 * Scenario: cpu-no-mmap
 * Description: Export a BO with the flag NO_MMAP that the GPU uses. mmap() of the dma-buf must
 *	fail, and the GPU must find the contents unchanged.
 */

/**
 * TEST: Opening panthor without free mmap offsets
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: buffer objects, CPU mappings, eviction
 * Feature: open
 * Scenario: open-no-offsets
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9
 * Failure mode: open() fails for all clients because one of them has used up a shared resource.
 * Description: Open the device while one client holds a resource that all clients share.
 *
 * SUBTEST: open-no-offsets
 * Run type: BAT, FULL
 * Description: Use up the mmap offsets of the device by BOs without pages, but for 1.5 MiB. Another
 *	file must open, every page of a sparse range in it must be readable and writable, and the
 *	pages beside the range must fault.
 */

/**
 * TEST: Restoring many mappings of panthor
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: buffer objects, CPU mappings, eviction
 * Feature: restore
 * Scenario: restore-linear
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, swap
 * Failure mode: A restore that takes quadratic time, or that leaves some VMAs unmapped.
 * Description: Submit a job to a VM whose many VMAs were evicted. The submission restores them.
 *
 * SUBTEST: restore-linear
 * Description: Restore 1024 evicted VMAs three times, then 8192 up to three times. The fastest
 *	submission with 8192 must take less than 14 times as long as the fastest with 1024, each job
 *	must reach all VMAs, and pages between them must fault.
 *
 * SUBTEST: restore-mixed
 * Scenario: restore-mixed
 * Run type: BAT, FULL
 * Description: Evict a VMA, bind a new one that follows it in the BO's list of VMAs, then split
 *	the evicted one by a partial unmap. The next job must reach every page of both parts and of
 *	the new VMA. Later jobs must reach these pages, and fault in the hole and beside the parts.
 *
 * SUBTEST: restore-signals
 * Scenario: restore-signals
 * Description: Interrupt the submission of a job that restores 4096 VMAs by signals until at least
 *	one submission ended with EINTR. The repeated submission must succeed, and the job must
 *	reach all VMAs.
 */

/**
 * TEST: The shrinker of panthor
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: buffer objects, CPU mappings, eviction
 * Feature: shrink
 * Scenario: shrink-busy
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, swap
 * Failure mode: A scan that waits for each BO in use, skips idle VMs, or scans nothing.
 * Description: Run the shrinker while jobs run. Compare how often it sleeps, and what it evicts.
 *
 * SUBTEST: shrink-busy-%s
 * Description: Run the shrinker while a job runs in a VM that maps one %arg[1], then while it maps
 *	nine. The second scan may add three sleeps at most. No BO may be evicted before the job
 *	ends. Afterwards all nine must be evicted, and keep their contents.
 *
 * arg[1]:
 *
 * @private:	BO that belongs to one VM
 * @shareable:	shareable BO
 * @shared:	BO that two VMs map
 *
 * SUBTEST: shrink-idle-beside-busy
 * Scenario: shrink-idle
 * Description: Run the shrinker while a job of one VM runs and another VM is idle. Four BOs of the
 *	idle VM must be evicted, and keep their contents.
 *
 * SUBTEST: shrink-wide
 * Scenario: shrink-wide
 * Run type: BAT, FULL
 * Description: Run the shrinker for 2^32 pages, a number whose lower 32 bits are zero. Four idle
 *	BOs must be evicted, and keep their contents.
 */

IGT_TEST_DESCRIPTION("Check buffer objects of panthor beside sparse mappings");

/*
 * The scenarios, and the failure mode that each one looks for:
 *
 * 1. cpu-split: a page fault of the CPU that is resolved from the start of the CPU's VMA instead
 *    of that of the BO, and an eviction that leaves the pages of a BO in the CPU's page table. The
 *    GPU stores to every page first, and loads what the CPU stores. Pages that were mapped before
 *    a split do not fault, therefore two subtests evict.
 * 2. cpu-no-mmap: a flag that only hides the mmap offset and does not refuse mmap().
 * 3. cpu-block: a block entry in the CPU's page table for a fault near the end of the CPU's VMA.
 *    The kernel leaves that check to the driver.
 * 4. cpu-import: a mapping by the exporter's driver, whose reference to the BO nobody puts. gems
 *    does not list imported BOs, but the kernel lists dma-bufs.
 * 5. open-no-offsets: an open() that needs what any client can use up.
 * 6. restore-linear: a search through all VMAs for each VMA that is restored.
 * 7. restore-mixed: a restore that stops at the first VMA that is mapped, and evicted VMAs behind
 *    it.
 * 8. restore-signals: an interrupted restore that is taken for complete.
 * 9. shrink-busy: a scan that waits ten jiffies for each BO of a busy VM. The number of sleeps
 *    tells, whatever a jiffy is and however slow the machine.
 * 10. shrink-idle: a scan that ends at the first busy VM.
 * 11. shrink-wide: a number of pages that is cut to 32 bits.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE

/* 1 GiB-aligned, and free of what struct igt_panthor_exec maps. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)
#define OTHER_VA (BASE_VA + IGT_PANTHOR_EXEC_VA_END)

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND
#define THIRD IGT_PANTHOR_THIRD

/**
 * view:
 * @map: CPU mapping
 * @first: offset in the BO of the first byte of @map
 * @size: bytes of @map
 * @before: bytes in front of @map that are mapped, too
 *
 * A CPU mapping of the end of a BO.
 */
struct view {
	char *map;
	uint64_t first;
	uint64_t size;
	uint64_t before;
};

/* CPU mappings are split at pages of the CPU. */
static uint64_t cpu_pages(unsigned int count)
{
	return count * igt_panthor_cpu_page_size();
}

/* The part of a BO that a view lacks. No power of two, so that no alignment hides it. */
#define HEAD_PAGES 3

#define VIEW_PAGES 16
#define VIEW_BLOCKS_SIZE ((uint64_t)SZ_8M)

static char *map_whole(int fd, const struct panthor_bo *bo)
{
	const uint64_t offset = igt_panthor_bo_mmap_offset(fd, bo->handle, 0);
	char *map = igt_panthor_mmap_bo(fd, bo->handle, bo->size, PROT_READ | PROT_WRITE, offset);

	igt_assert(map);
	return map;
}

/* Unmaps [@first, @first + @size) of a CPU mapping, then the part in front of it. */
static struct view unmap_until(int fd, const struct panthor_bo *bo, uint64_t first, uint64_t size)
{
	char *map = map_whole(fd, bo);
	const uint64_t end = first + size;

	igt_assert_eq(munmap(map + first, size), 0);
	if (first)
		igt_assert_eq(munmap(map, first), 0);

	return (struct view){ .map = map + end, .first = end, .size = bo->size - end };
}

static struct view view_without_head(int fd, const struct panthor_bo *bo)
{
	return unmap_until(fd, bo, 0, cpu_pages(HEAD_PAGES));
}

static struct view view_behind_hole(int fd, const struct panthor_bo *bo)
{
	return unmap_until(fd, bo, cpu_pages(HEAD_PAGES), cpu_pages(HEAD_PAGES));
}

static struct view view_without_block(int fd, const struct panthor_bo *bo)
{
	return unmap_until(fd, bo, 0, SZ_2M);
}

static struct view view_moved(int fd, const struct panthor_bo *bo)
{
	const uint64_t head = cpu_pages(HEAD_PAGES), size = bo->size - head;
	char *map = map_whole(fd, bo);
	char *moved = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	igt_assert(moved != MAP_FAILED);
	igt_assert(mremap(map + head, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, moved) == moved);
	igt_assert_eq(munmap(map, head), 0);

	return (struct view){ .map = moved, .first = head, .size = size };
}

static void read_pages(const char *map, uint64_t size)
{
	for (uint64_t offset = 0; offset < size; offset += PAGE)
		*(const volatile char *)(map + offset);
}

/* The head stays mapped, but in another VMA of the CPU. */
static struct view view_protected(int fd, const struct panthor_bo *bo)
{
	const uint64_t head = cpu_pages(HEAD_PAGES);
	char *map = map_whole(fd, bo);

	read_pages(map, bo->size);
	igt_assert_eq(mprotect(map, head, PROT_READ), 0);

	return (struct view){
		.map = map + head,
		.first = head,
		.size = bo->size - head,
		.before = head,
	};
}

static struct view view_dmabuf(int fd, const struct panthor_bo *bo)
{
	const uint64_t head = cpu_pages(HEAD_PAGES), size = bo->size - head;
	int dmabuf = igt_panthor_bo_export(fd, bo->handle);
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, head);

	igt_assert_eq(close(dmabuf), 0);
	igt_assert(map != MAP_FAILED);

	return (struct view){ .map = map, .first = head, .size = size };
}

static struct view view_dmabuf_read(int fd, const struct panthor_bo *bo)
{
	const struct view view = view_dmabuf(fd, bo);

	read_pages(view.map, view.size);
	return view;
}

/* The CPU mapping keeps its BO alive, therefore a failed subtest must not leave one. */
static void view_close(void *data)
{
	const struct view *view = data;

	munmap(view->map - view->before, view->before + view->size);
}

static long count_faults(void)
{
	struct rusage usage;

	igt_assert_eq(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_minflt + usage.ru_majflt;
}

/*
 * Each page of the machine must fault after the eviction. The contents do not tell: the evicted
 * pages may stay in the page cache of the BO. No other interface shows the pages of such a
 * mapping.
 */
static void view_evict(int fd, const struct view *view, const char *label)
{
	const char *start = view->map - view->before;
	const uint64_t size = view->before + view->size;
	const long pages = size / sysconf(_SC_PAGESIZE);
	long faults;

	igt_panthor_evict_gem(fd, label);
	faults = -count_faults();
	read_pages(start, size);
	faults += count_faults();
	igt_assert_f(faults >= pages, "%ld page faults of the CPU in %ld pages after the eviction\n",
		     faults, pages);
}

/* The CPU must find in each page what the GPU stored there with the first seed. */
static void view_check(const struct view *view)
{
	for (uint64_t offset = 0; offset < view->size; offset += PAGE) {
		const uint32_t found = *(volatile uint32_t *)(view->map + offset);
		const uint64_t va = BASE_VA + view->first + offset;

		igt_assert_f(found == igt_panthor_pattern(va, FIRST),
			     "CPU read %#x in page %" PRIu64 " of the BO, expected %#x\n", found,
			     (view->first + offset) / PAGE, igt_panthor_pattern(va, FIRST));
	}
}

static void view_store(const struct view *view)
{
	for (uint64_t offset = 0; offset < view->size; offset += PAGE)
		*(volatile uint32_t *)(view->map + offset) =
			igt_panthor_pattern(BASE_VA + view->first + offset, SECOND);
	/* The stores have to leave the CPU's write-combining buffers. */
	__sync_synchronize();
}

/* The GPU must find the second seed in the view, and the first one in front of it. */
static void view_assert_stored(struct igt_panthor_exec *exec, const struct view *view)
{
	const struct igt_panthor_walk head =
		igt_panthor_pages(IGT_PANTHOR_LOAD, BASE_VA, view->first, FIRST);
	const struct igt_panthor_walk rest =
		igt_panthor_pages(IGT_PANTHOR_LOAD, BASE_VA + view->first, view->size, SECOND);

	igt_panthor_exec_walk_verify(exec, &head);
	igt_panthor_exec_walk_verify(exec, &rest);
}

/**
 * view_case:
 * @name: name of the subtest, and label of the BO
 * @describe: description of the subtest
 * @size: bytes of the BO, 0 for %VIEW_PAGES pages of the CPU
 * @open: maps the end of the BO
 * @evict: evict the BO before the CPU uses the view
 */
struct view_case {
	const char *name;
	const char *describe;
	uint64_t size;
	struct view (*open)(int fd, const struct panthor_bo *bo);
	bool evict;
};

static const struct view_case view_cases[] = {
	{
		.name = "cpu-unmap-head",
		.describe = "Unmap the head of a CPU mapping before the CPU touches it. The rest "
			    "must show the pages of the BO that it covered before, for reads and "
			    "writes.",
		.open = view_without_head,
	},
	{
		.name = "cpu-unmap-middle",
		.describe = "Unmap the middle of a CPU mapping and then its head, before the CPU "
			    "touches it. The tail must show the pages of the BO that it covered "
			    "before, for reads and writes.",
		.open = view_behind_hole,
	},
	{
		.name = "cpu-unmap-blocks",
		.describe = "Unmap the first 2 MiB of a CPU mapping of 8 MiB before the CPU "
			    "touches it. The other blocks must show the pages of the BO that they "
			    "covered before, for reads and writes.",
		.size = VIEW_BLOCKS_SIZE,
		.open = view_without_block,
	},
	{
		.name = "cpu-move-tail",
		.describe = "Move the tail of a CPU mapping to another address by mremap(), "
			    "before the CPU touches it. The tail must show the pages of the BO "
			    "that it covered before, for reads and writes.",
		.open = view_moved,
	},
	{
		.name = "cpu-dmabuf-offset",
		.describe = "Map an exported dma-buf at an offset. The mapping must start with the "
			    "page of the BO at that offset, for reads and writes.",
		.open = view_dmabuf,
	},
	{
		.name = "cpu-protect-evict",
		.describe = "Split a CPU mapping in use by mprotect(), then evict its BO. The "
			    "eviction must remove every page from the CPU's page table. The part "
			    "that is writable must show the same pages of the BO afterwards, for "
			    "reads and writes.",
		.open = view_protected,
		.evict = true,
	},
	{
		.name = "cpu-dmabuf-evict",
		.describe = "Map an exported dma-buf at an offset, read it, then evict its BO. The "
			    "eviction must remove every page from the CPU's page table. The "
			    "mapping must show the same pages of the BO afterwards, for reads and "
			    "writes.",
		.open = view_dmabuf_read,
		.evict = true,
	},
};

static void cpu_view(int fd, const struct view_case *c)
{
	/* Outlives this function if an assertion leaves it. */
	static struct view view;
	struct igt_panthor_exec exec;
	struct panthor_bo bo;

	if (c->evict)
		igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&exec, fd);
	igt_panthor_bo_create(fd, &bo, c->size ?: cpu_pages(VIEW_PAGES), 0, 0);
	igt_panthor_bo_set_label(fd, &bo, c->name);
	igt_panthor_exec_bind_bo(&exec, &bo, BASE_VA);
	igt_panthor_exec_store_pages(&exec, BASE_VA, bo.size, FIRST);

	view = c->open(fd, &bo);
	igt_teardown_add(view_close, &view);
	if (c->evict)
		view_evict(fd, &view, c->name);
	view_check(&view);
	view_store(&view);
	view_assert_stored(&exec, &view);
	igt_teardown_drop(view_close, &view);
	view_close(&view);

	igt_panthor_exec_fini(&exec);
	igt_panthor_free_bo(fd, &bo);
}

#define NO_MMAP_LABEL "not to be mapped"
#define NO_MMAP_SIZE ((uint64_t)SZ_64K)

static void create_no_mmap(int fd, struct panthor_bo *bo)
{
	igt_panthor_bo_create(fd, bo, NO_MMAP_SIZE, DRM_PANTHOR_BO_NO_MMAP, 0);
	igt_panthor_bo_set_label(fd, bo, NO_MMAP_LABEL);
}

static void assert_cannot_map(int file, uint64_t offset)
{
	void *map = mmap(NULL, NO_MMAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, offset);

	if (map != MAP_FAILED)
		munmap(map, NO_MMAP_SIZE);
	igt_assert_f(map == MAP_FAILED, "mmap() of a BO with NO_MMAP succeeds\n");
}

static void cpu_no_mmap_offset(int fd)
{
	struct igt_panthor_gem gem;
	struct panthor_bo bo;

	create_no_mmap(fd, &bo);
	igt_panthor_bo_mmap_offset(fd, bo.handle, EPERM);

	igt_panthor_require_debugfs(fd);
	igt_assert(igt_panthor_find_gem(fd, NO_MMAP_LABEL, &gem));
	/* The offset counts pages of the machine. */
	if (gem.file_offset)
		assert_cannot_map(fd, gem.file_offset * sysconf(_SC_PAGESIZE));
	igt_panthor_free_bo(fd, &bo);
}

static void cpu_no_mmap_dmabuf(int fd)
{
	const struct igt_panthor_walk load =
		igt_panthor_pages(IGT_PANTHOR_LOAD, BASE_VA, NO_MMAP_SIZE, FIRST);
	struct igt_panthor_exec exec;
	struct panthor_bo bo;
	int dmabuf;

	igt_panthor_exec_init(&exec, fd);
	create_no_mmap(fd, &bo);
	igt_panthor_exec_bind_bo(&exec, &bo, BASE_VA);
	igt_panthor_exec_store_pages(&exec, BASE_VA, bo.size, FIRST);

	dmabuf = igt_panthor_bo_export(fd, bo.handle);
	assert_cannot_map(dmabuf, 0);
	igt_assert_eq(close(dmabuf), 0);

	igt_panthor_exec_walk_verify(&exec, &load);
	igt_panthor_exec_fini(&exec);
	igt_panthor_free_bo(fd, &bo);
}

#define BLOCKS_SIZE ((uint64_t)SZ_4M)

/* Maps a BO at an address of the CPU that blocks of the page table can map. */
static char *map_aligned(int fd, const struct panthor_bo *bo)
{
	const uint64_t offset = igt_panthor_bo_mmap_offset(fd, bo->handle, 0);
	const size_t size = bo->size + SZ_2M;
	char *free = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *start = (char *)ALIGN((uintptr_t)free, SZ_2M);

	igt_assert(free != MAP_FAILED);
	igt_assert_eq(munmap(free, size), 0);
	igt_assert(mmap(start, bo->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE,
			fd, offset) == start);

	return start;
}

/* The kernel copies from whatever the page table maps. */
static void assert_inaccessible(const char *address)
{
	int ends[2], err = 0;

	igt_assert_eq(pipe(ends), 0);
	if (write(ends[1], address, 1) < 0)
		err = errno;
	close(ends[0]);
	close(ends[1]);
	igt_assert_f(err == EFAULT, "the CPU reads at %p, which is not mapped\n", address);
}

static void cpu_block_edges(int fd)
{
	/* Outlives this function if an assertion leaves it. */
	static struct view view;
	const uint64_t edge = cpu_pages(HEAD_PAGES), end = BLOCKS_SIZE - edge;
	const struct igt_panthor_walk tail =
		igt_panthor_pages(IGT_PANTHOR_LOAD, BASE_VA + end, edge, FIRST);
	struct igt_panthor_exec exec;
	struct panthor_bo bo;
	char *map;

	igt_panthor_exec_init(&exec, fd);
	igt_panthor_bo_create(fd, &bo, BLOCKS_SIZE, 0, 0);
	igt_panthor_exec_bind_bo(&exec, &bo, BASE_VA);
	igt_panthor_exec_store_pages(&exec, BASE_VA, bo.size, FIRST);

	map = map_aligned(fd, &bo);
	igt_assert_eq(munmap(map, edge), 0);
	igt_assert_eq(munmap(map + end, edge), 0);
	view = (struct view){ .map = map + edge, .first = edge, .size = end - edge };
	igt_teardown_add(view_close, &view);
	view_check(&view);
	view_store(&view);
	assert_inaccessible(map);
	assert_inaccessible(map + edge - 1);
	assert_inaccessible(map + end);
	assert_inaccessible(map + BLOCKS_SIZE - 1);
	view_assert_stored(&exec, &view);
	igt_panthor_exec_walk_verify(&exec, &tail);
	igt_teardown_drop(view_close, &view);
	view_close(&view);

	igt_panthor_exec_fini(&exec);
	igt_panthor_free_bo(fd, &bo);
}

#define IMPORT_LABEL "imported"
#define IMPORT_SIZE ((uint64_t)SZ_64K)
#define IMPORT_DEADLINE_MS 2000

#define BUFINFO_PATH "/sys/kernel/debug/dma_buf/bufinfo"

/* Returns: the number of dma-bufs in the system, -1 if debugfs does not tell. */
static int count_dmabufs(void)
{
	FILE *file = fopen(BUFINFO_PATH, "re");
	char line[256];
	int count = -1;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		sscanf(line, "Total %d objects", &count);
	fclose(file);

	return count;
}

/* The CPU and the GPU may have caches of their own. */
static void sync_dmabuf(int dmabuf, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_RW | flags };

	do_ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync);
}

static struct view view_whole(int fd, const struct panthor_bo *bo)
{
	return (struct view){ .map = map_whole(fd, bo), .size = bo->size };
}

static void cpu_import(int fd)
{
	/* Outlives this function if an assertion leaves it. */
	static struct view view;
	const struct igt_panthor_walk load =
		igt_panthor_pages(IGT_PANTHOR_LOAD, BASE_VA, IMPORT_SIZE, SECOND);
	struct igt_panthor_exec exec;
	struct panthor_bo bo;
	int before, dmabuf;

	igt_udmabuf_require();
	igt_require_f(count_dmabufs() >= 0, BUFINFO_PATH ": %s\n", strerror(errno));
	before = count_dmabufs();
	igt_panthor_exec_init(&exec, fd);
	dmabuf = igt_udmabuf_create(IMPORT_LABEL, IMPORT_SIZE);
	bo = (struct panthor_bo){
		.handle = igt_panthor_bo_import(fd, dmabuf),
		.size = IMPORT_SIZE,
	};
	igt_panthor_exec_bind_bo(&exec, &bo, BASE_VA);
	igt_panthor_exec_store_pages(&exec, BASE_VA, bo.size, FIRST);

	view = view_whole(fd, &bo);
	igt_teardown_add(view_close, &view);
	sync_dmabuf(dmabuf, DMA_BUF_SYNC_START);
	view_check(&view);
	view_store(&view);
	sync_dmabuf(dmabuf, DMA_BUF_SYNC_END);
	igt_panthor_exec_walk_verify(&exec, &load);
	igt_teardown_drop(view_close, &view);
	view_close(&view);

	igt_panthor_exec_fini(&exec);
	gem_close(fd, bo.handle);
	igt_assert_eq(close(dmabuf), 0);
	igt_assert_f(igt_wait(count_dmabufs() <= before, IMPORT_DEADLINE_MS, 5),
		     "the imported dma-buf was not released within %d ms\n", IMPORT_DEADLINE_MS);
}

/* Half of the 1 TiB of mmap offsets. A driver may refuse a BO that takes all of them. */
#define OFFSETS_MAX (UINT64_C(1) << 39)

/*
 * Enough for the BOs of struct igt_panthor_exec, whatever the CPU's page, and too little for an
 * object of IGT_PANTHOR_DUMMY_SIZE.
 */
#define ROOM_SIZE ((uint64_t)(SZ_1M + SZ_512K))

static bool take_offsets(int fd, uint64_t size)
{
	struct drm_panthor_bo_create create = { .size = size };
	const bool taken = !igt_ioctl(fd, DRM_IOCTL_PANTHOR_BO_CREATE, &create);

	igt_assert_f(taken || errno == ENOSPC, "BO_CREATE: %s, expected %s\n", strerror(errno),
		     strerror(ENOSPC));
	return taken;
}

/* Creates BOs without pages until no mmap offset is left but ROOM_SIZE; close() frees them. */
static void use_up_offsets(int fd)
{
	struct panthor_bo room;

	igt_panthor_bo_create(fd, &room, ROOM_SIZE, 0, 0);
	for (uint64_t size = OFFSETS_MAX; size >= igt_panthor_cpu_page_size(); size /= 2)
		while (take_offsets(fd, size))
			;
	igt_panthor_free_bo(fd, &room);
}

static void open_no_offsets(int fd)
{
	struct igt_panthor_exec exec;
	int other;

	use_up_offsets(fd);
	other = __igt_panthor_reopen(fd);
	igt_assert_f(other >= 0, "open() of the device fails: %s\n", strerror(-other));

	igt_panthor_exec_init(&exec, other);
	igt_panthor_exec_bind_sparse(&exec, BASE_VA, SZ_4M);
	igt_panthor_sparse_store_load(&exec, BASE_VA, SZ_4M, FIRST);
	igt_panthor_exec_neighbours_fault(&exec, BASE_VA, SZ_4M);
	igt_panthor_exec_fini(&exec);
	igt_panthor_close(other);
}

/* VMAs of one page, with a page between them. */
#define RESTORE_STRIDE (2 * PAGE)
#define RESTORE_FEW 1024
#define RESTORE_MANY (4 * RESTORE_FEW)

/*
 * With eight times as many VMAs, linear time is eight times as long and quadratic time 64 times.
 * The part of a submission that does not depend on their number makes both ratios smaller.
 */
#define RESTORE_MORE (8 * RESTORE_FEW)
#define RESTORE_RATIO_MAX 14

/* The smallest of some measurements is the one that other load disturbed least. */
#define RESTORE_ROUNDS 3

/* Four times the 50 ms of idleness after which the driver suspends the device. */
#define SUSPEND_DEADLINE_MS 200

static void bind_pages(struct igt_panthor_exec *exec, unsigned int from, unsigned int to)
{
	struct drm_panthor_vm_bind_op *ops = calloc(to - from, sizeof(*ops));

	igt_assert(ops);
	for (unsigned int i = from; i < to; i++)
		ops[i - from] = (struct drm_panthor_vm_bind_op){
			.flags = IGT_PANTHOR_SPARSE_FLAGS,
			.va = BASE_VA + i * RESTORE_STRIDE,
			.size = PAGE,
		};
	igt_panthor_vm_bind_ops(exec->fd, exec->vm_id, ops, to - from, 0);
	free(ops);
}

static struct igt_panthor_walk walk_ranges(unsigned int count)
{
	return (struct igt_panthor_walk){
		.access = IGT_PANTHOR_STORE_LOAD,
		.va = BASE_VA,
		.count = count,
		.stride = RESTORE_STRIDE,
		.seed = SECOND,
	};
}

/*
 * Evicts the dummy. Needs a suspended device for a short restore: an active one has caches, which
 * each VMA flushes.
 */
static void evict_ranges(struct igt_panthor_exec *exec)
{
	if (!igt_panthor_wait_suspended(exec->fd, SUSPEND_DEADLINE_MS))
		igt_info("the device does not suspend: each VMA takes a flush of its caches\n");
	igt_panthor_evict_dummy(exec->fd, exec->dummy);
}

static void assert_loaded(const uint32_t *loaded, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		igt_assert_eq_u32(loaded[i],
				  igt_panthor_pattern(BASE_VA + i * RESTORE_STRIDE, SECOND));
}

/* The time that a submission takes which restores @count VMAs. Its job must reach all of them. */
static uint64_t restore_ns(struct igt_panthor_exec *exec, unsigned int count)
{
	const struct igt_panthor_walk walk = walk_ranges(count);
	struct timespec since = {};
	uint64_t ns;

	evict_ranges(exec);
	igt_nsec_elapsed(&since);
	igt_panthor_exec_start(exec, &walk, NULL, 0);
	ns = igt_nsec_elapsed(&since);
	assert_loaded(igt_panthor_exec_finish(exec), count);

	return ns;
}

/* Ends with the first measurement below @enough. */
static uint64_t best_restore_ns(struct igt_panthor_exec *exec, unsigned int count, uint64_t enough)
{
	uint64_t best = UINT64_MAX;

	for (unsigned int i = 0; i < RESTORE_ROUNDS && best >= enough; i++)
		best = min(best, restore_ns(exec, count));

	igt_info("%u VMAs restored in %" PRIu64 " us\n", count, best / 1000);
	return best;
}

/* The first of @count VMAs and the pages beside it, the page in front of the last. */
static void gaps_fault(struct igt_panthor_exec *exec, unsigned int count)
{
	igt_panthor_exec_must_fault(exec, BASE_VA - PAGE, IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(exec, BASE_VA + PAGE, IGT_PANTHOR_STORE);
	igt_panthor_exec_must_fault(exec, BASE_VA + count * RESTORE_STRIDE - PAGE,
				    IGT_PANTHOR_LOAD);
}

static void restore_linear(int fd)
{
	struct igt_panthor_exec exec;
	uint64_t few, many;

	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&exec, fd);

	bind_pages(&exec, 0, RESTORE_FEW);
	igt_panthor_sparse_require_dummy(&exec);
	few = best_restore_ns(&exec, RESTORE_FEW, 0);
	bind_pages(&exec, RESTORE_FEW, RESTORE_MORE);
	many = best_restore_ns(&exec, RESTORE_MORE, RESTORE_RATIO_MAX * few);

	gaps_fault(&exec, RESTORE_MORE);
	igt_assert_f(many < RESTORE_RATIO_MAX * few,
		     "restoring %u VMAs takes %" PRIu64 " times as long as %u\n", RESTORE_MORE,
		     many / few, RESTORE_FEW);
	igt_panthor_exec_fini(&exec);
}

/**
 * signal_state:
 * @interrupted: ioctls that ended with EINTR
 * @action: what SIGALRM did before
 * @ioctl: how libigt called ioctl() before
 *
 * What start_signals() changes. An ioctl that a signal interrupts without SA_RESTART ends with
 * EINTR, and is repeated by its caller.
 */
static struct signal_state {
	unsigned int interrupted;
	struct sigaction action;
	int (*ioctl)(int fd, unsigned long request, void *arg);
} signals;

static void ignore_signal(int signal)
{
	(void)signal;
}

static int counting_ioctl(int fd, unsigned long request, void *arg)
{
	while (ioctl(fd, request, arg)) {
		if (errno != EINTR && errno != EAGAIN)
			return -1;
		signals.interrupted += errno == EINTR;
	}

	return 0;
}

static void set_timer(suseconds_t interval_us)
{
	const struct itimerval timer = {
		.it_interval.tv_usec = interval_us,
		.it_value.tv_usec = interval_us,
	};

	setitimer(ITIMER_REAL, &timer, NULL);
}

static void stop_signals(void *data)
{
	(void)data;
	set_timer(0);
	sigaction(SIGALRM, &signals.action, NULL);
	igt_ioctl = signals.ioctl;
}

static void start_signals(suseconds_t interval_us)
{
	const struct sigaction action = { .sa_handler = ignore_signal };

	signals.interrupted = 0;
	signals.ioctl = igt_ioctl;
	igt_assert_eq(sigaction(SIGALRM, &action, &signals.action), 0);
	igt_teardown_add(stop_signals, NULL);
	igt_ioctl = counting_ioctl;
	set_timer(interval_us);
}

/* Submits a job that restores all VMAs, and is interrupted every @interval_us. */
static unsigned int restore_interrupted(struct igt_panthor_exec *exec, suseconds_t interval_us)
{
	const struct igt_panthor_walk walk = walk_ranges(RESTORE_MANY);

	evict_ranges(exec);
	start_signals(interval_us);
	igt_panthor_exec_start(exec, &walk, NULL, 0);
	igt_teardown_drop(stop_signals, NULL);
	stop_signals(NULL);
	assert_loaded(igt_panthor_exec_finish(exec), RESTORE_MANY);

	igt_info("a signal every %ld us: %u interrupted submissions\n", (long)interval_us,
		 signals.interrupted);
	return signals.interrupted;
}

/* Signals come some times during a restore, or more often if that interrupted none. */
#define SIGNALS_MIN 4
#define SIGNALS_MAX 64

static void restore_signals(int fd)
{
	struct igt_panthor_exec exec;
	unsigned int interrupted = 0;
	uint64_t us;

	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&exec, fd);
	bind_pages(&exec, 0, RESTORE_MANY);
	igt_panthor_sparse_require_dummy(&exec);

	us = restore_ns(&exec, RESTORE_MANY) / 1000;
	for (unsigned int count = SIGNALS_MIN; count <= SIGNALS_MAX && !interrupted; count *= 2)
		interrupted = restore_interrupted(&exec, us / count + 1);

	gaps_fault(&exec, RESTORE_MANY);
	igt_panthor_exec_fini(&exec);
	igt_require_f(interrupted, "no signal interrupted a submission\n");
}

static void restore_mixed(int fd)
{
	const uint64_t hole = 5 * SZ_1M, behind = hole + SZ_64K;
	const struct igt_panthor_walk walks[] = {
		igt_panthor_pages(IGT_PANTHOR_STORE_LOAD, OTHER_VA, SZ_4M, FIRST),
		igt_panthor_pages(IGT_PANTHOR_STORE_LOAD, BASE_VA, hole, FIRST),
		igt_panthor_pages(IGT_PANTHOR_STORE_LOAD, BASE_VA + behind, SZ_8M - behind, FIRST),
	};
	struct igt_panthor_exec exec;

	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_bind_sparse(&exec, BASE_VA, SZ_8M);
	igt_panthor_sparse_require_dummy(&exec);
	igt_panthor_sparse_store_load(&exec, BASE_VA, SZ_8M, FIRST);

	igt_panthor_evict_dummy(fd, exec.dummy);
	igt_panthor_exec_bind_sparse(&exec, OTHER_VA, SZ_4M);
	igt_panthor_exec_unbind(&exec, BASE_VA + hole, SZ_64K);

	/* Both parts must be there at once: each submission restores. */
	igt_panthor_exec_walks(&exec, walks, ARRAY_SIZE(walks));
	igt_panthor_sparse_store_load(&exec, OTHER_VA, SZ_4M, SECOND);
	igt_panthor_sparse_store_load(&exec, BASE_VA, hole, SECOND);
	igt_panthor_sparse_store_load(&exec, BASE_VA + behind, SZ_8M - behind, THIRD);
	igt_panthor_exec_must_fault(&exec, BASE_VA + hole, IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(&exec, BASE_VA + behind - PAGE, IGT_PANTHOR_STORE);
	igt_panthor_exec_neighbours_fault(&exec, BASE_VA, SZ_8M);
	igt_panthor_exec_fini(&exec);
}

#define SHRINK_FEW 1
#define SHRINK_MANY 9

/* BOs of a subtest where their number does not matter. */
#define SHRINK_SOME 4

/* From one BO to the next: a page of the CPU and a gap, whatever the page size. */
#define SHRINK_STRIDE (2 * SZ_64K)

/* The scan with the fewest sleeps of some is the one that other load disturbed least. */
#define SHRINK_ROUNDS 3

/**
 * shrink_case:
 * @name: name of the subtest, and start of the labels of its BOs
 * @describe: description of the subtest
 * @exclusive: the BOs belong to the VM alone, and share its reservation object
 * @two_vms: another VM maps them, too
 */
struct shrink_case {
	const char *name;
	const char *describe;
	bool exclusive;
	bool two_vms;
};

#define SHRINK_BUSY(what) \
	"Run the shrinker while a job runs in a VM that maps one " what ", then while it maps " \
	"nine. The second scan may add three sleeps at most. No BO may be evicted before the " \
	"job ends. Afterwards all nine must be evicted, and keep their contents."

static const struct shrink_case shrink_cases[] = {
	{
		.name = "shrink-busy-private",
		.describe = SHRINK_BUSY("BO that belongs to one VM"),
		.exclusive = true,
	},
	{
		.name = "shrink-busy-shareable",
		.describe = SHRINK_BUSY("shareable BO"),
	},
	{
		.name = "shrink-busy-shared",
		.describe = SHRINK_BUSY("BO that two VMs map"),
		.two_vms = true,
	},
};

static uint64_t shrink_va(unsigned int i)
{
	return BASE_VA + (uint64_t)i * SHRINK_STRIDE;
}

static const char *shrink_label(const struct shrink_case *c, unsigned int i)
{
	static char label[IGT_PANTHOR_GEM_LABEL_LEN];

	snprintf(label, sizeof(label), "%s %u", c->name, i);
	return label;
}

/* Creates BOs [@from, @to) of one page; maps them in @exec, and in @other unless it is NULL. */
static void create_bos(struct igt_panthor_exec *exec, const struct shrink_case *c,
		       struct igt_panthor_exec *other, unsigned int from, unsigned int to)
{
	for (unsigned int i = from; i < to; i++) {
		struct drm_panthor_bo_create create = {
			.size = PAGE,
			.exclusive_vm_id = c->exclusive ? exec->vm_id : 0,
		};
		struct panthor_bo bo;

		do_ioctl(exec->fd, DRM_IOCTL_PANTHOR_BO_CREATE, &create);
		bo = (struct panthor_bo){ .handle = create.handle, .size = create.size };
		igt_assert_lte_u64(bo.size, SHRINK_STRIDE / 2);
		igt_panthor_bo_set_label(exec->fd, &bo, shrink_label(c, i));
		igt_panthor_exec_bind_bo(exec, &bo, shrink_va(i));
		if (other)
			igt_panthor_exec_bind_bo(other, &bo, shrink_va(i));
	}
}

/* How many of the first @count BOs were evicted and have no pages. */
static unsigned int count_evicted(int fd, const struct shrink_case *c, unsigned int count)
{
	unsigned int evicted = 0;

	for (unsigned int i = 0; i < count; i++) {
		struct igt_panthor_gem gem;

		igt_assert(igt_panthor_find_gem(fd, shrink_label(c, i), &gem));
		evicted += gem.evictions && !gem.resident;
	}

	return evicted;
}

static bool scan_evicts(int fd, const struct shrink_case *c, unsigned int count, uint64_t pages)
{
	igt_panthor_shrink_pages(fd, pages);

	return count_evicted(fd, c, count) == count;
}

/* Runs scans of @pages until all of the first @count BOs are evicted. */
static void assert_evicts(int fd, const struct shrink_case *c, unsigned int count, uint64_t pages)
{
	igt_assert_f(igt_wait(scan_evicts(fd, c, count, pages), IGT_PANTHOR_EVICT_DEADLINE_MS,
			      IGT_PANTHOR_EVICT_INTERVAL_MS),
		     "the shrinker left %u of %u BOs alone for %d ms\n",
		     count - count_evicted(fd, c, count), count, IGT_PANTHOR_EVICT_DEADLINE_MS);
}

/* More pages than all BOs have. */
#define ALL_PAGES UINT32_MAX

static long count_sleeps(void)
{
	struct rusage usage;

	igt_assert_eq(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_nvcsw;
}

/* How often a scan gives up the processor while a job of @exec uses its @count BOs. */
static long busy_scan(struct igt_panthor_exec *exec, const struct shrink_case *c,
		      unsigned int count)
{
	long sleeps;

	igt_panthor_exec_pause(exec, NULL, NULL);
	sleeps = -count_sleeps();
	igt_panthor_shrink(exec->fd);
	sleeps += count_sleeps();
	igt_assert_eq(count_evicted(exec->fd, c, count), 0);
	igt_panthor_exec_resume(exec);

	return sleeps;
}

static long fewest_sleeps(struct igt_panthor_exec *exec, const struct shrink_case *c,
			  unsigned int count)
{
	long fewest = LONG_MAX;

	for (unsigned int i = 0; i < SHRINK_ROUNDS; i++)
		fewest = min(fewest, busy_scan(exec, c, count));
	igt_info("%u BOs in use: a scan sleeps %ld times\n", count, fewest);

	return fewest;
}

/* One access to each of the first @count BOs. */
static struct igt_panthor_walk walk_bos(enum igt_panthor_access access, unsigned int count)
{
	return (struct igt_panthor_walk){
		.access = access,
		.va = shrink_va(0),
		.count = count,
		.stride = SHRINK_STRIDE,
		.seed = FIRST,
	};
}

static void shrink_busy(int fd, const struct shrink_case *c)
{
	const struct igt_panthor_walk store = walk_bos(IGT_PANTHOR_STORE, SHRINK_MANY);
	const struct igt_panthor_walk load = walk_bos(IGT_PANTHOR_LOAD, SHRINK_MANY);
	struct igt_panthor_exec exec, other;
	long few, many;

	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_init(&other, fd);

	create_bos(&exec, c, c->two_vms ? &other : NULL, 0, SHRINK_FEW);
	few = fewest_sleeps(&exec, c, SHRINK_FEW);
	create_bos(&exec, c, c->two_vms ? &other : NULL, SHRINK_FEW, SHRINK_MANY);
	igt_panthor_exec_walk(&exec, &store);
	many = fewest_sleeps(&exec, c, SHRINK_MANY);
	/* Half way between no more sleeps and one more for each BO. */
	igt_assert_f(2 * (many - few) < SHRINK_MANY - SHRINK_FEW,
		     "a scan sleeps %ld times with %d BOs in use, %ld times with %d\n", many,
		     SHRINK_MANY, few, SHRINK_FEW);

	assert_evicts(fd, c, SHRINK_MANY, ALL_PAGES);
	igt_panthor_exec_walk_verify(&exec, &load);
	if (c->two_vms)
		igt_panthor_exec_walk_verify(&other, &load);

	igt_panthor_exec_fini(&other);
	igt_panthor_exec_fini(&exec);
}

static void shrink_idle_beside_busy(int fd)
{
	const struct igt_panthor_walk store = walk_bos(IGT_PANTHOR_STORE, SHRINK_SOME);
	const struct igt_panthor_walk load = walk_bos(IGT_PANTHOR_LOAD, SHRINK_SOME);
	const struct shrink_case c = { .name = "shrink-idle-beside-busy", .exclusive = true };
	struct igt_panthor_exec busy, idle;

	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&idle, fd);
	igt_panthor_exec_init(&busy, fd);
	create_bos(&idle, &c, NULL, 0, SHRINK_SOME);

	/* The VM that had the first job is the first one that a scan comes to. */
	igt_panthor_exec_pause(&busy, NULL, NULL);
	igt_panthor_exec_walk(&idle, &store);
	assert_evicts(fd, &c, SHRINK_SOME, ALL_PAGES);
	igt_panthor_exec_resume(&busy);

	igt_panthor_exec_walk_verify(&idle, &load);
	igt_panthor_exec_fini(&busy);
	igt_panthor_exec_fini(&idle);
}

/* The lower 32 bits are zero. */
#define WIDE_PAGES (UINT64_C(1) << 32)

static void shrink_wide(int fd)
{
	const struct igt_panthor_walk store = walk_bos(IGT_PANTHOR_STORE, SHRINK_SOME);
	const struct igt_panthor_walk load = walk_bos(IGT_PANTHOR_LOAD, SHRINK_SOME);
	const struct shrink_case c = { .name = "shrink-wide" };
	struct igt_panthor_exec exec;

	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&exec, fd);
	create_bos(&exec, &c, NULL, 0, SHRINK_SOME);
	igt_panthor_exec_walk(&exec, &store);

	assert_evicts(fd, &c, SHRINK_SOME, WIDE_PAGES);

	igt_panthor_exec_walk_verify(&exec, &load);
	igt_panthor_exec_fini(&exec);
}

static const struct igt_panthor_case plain_cases[] = {
	{
		.name = "cpu-block-edges",
		.describe = "Map two blocks of a BO by the CPU, unmap the first and the last "
			    "pages, and touch the rest. The rest must show the pages of the BO "
			    "that it covered before, for reads and writes, and what was unmapped "
			    "must stay inaccessible.",
		.run = cpu_block_edges,
	},
	{
		.name = "cpu-import",
		.describe = "Import a udmabuf and map it through panthor. The CPU mapping must "
			    "show what the GPU stored, and the GPU must load what the CPU stored. "
			    "Once the mapping and the handle are gone, the dma-buf must be "
			    "released.",
		.run = cpu_import,
	},
	{
		.name = "cpu-no-mmap-offset",
		.describe = "Create a BO with the flag NO_MMAP. BO_MMAP_OFFSET must fail with "
			    "EPERM. If debugfs shows an offset all the same, mmap() there must "
			    "fail.",
		.run = cpu_no_mmap_offset,
	},
	{
		.name = "cpu-no-mmap-dmabuf",
		.describe = "Export a BO with the flag NO_MMAP that the GPU uses. mmap() of the "
			    "dma-buf must fail, and the GPU must find the contents unchanged.",
		.run = cpu_no_mmap_dmabuf,
	},
	{
		.name = "open-no-offsets",
		.describe = "Use up the mmap offsets of the device by BOs without pages, but for "
			    "1.5 MiB. Another file must open, every page of a sparse range in it "
			    "must be readable and writable, and the pages beside the range must "
			    "fault.",
		.run = open_no_offsets,
	},
	{
		.name = "restore-linear",
		.describe = "Restore 1024 evicted VMAs three times, then 8192 up to three times. "
			    "The fastest submission with 8192 must take less than 14 times as "
			    "long as the fastest with 1024, each job must reach all VMAs, and "
			    "pages between them must fault.",
		.run = restore_linear,
	},
	{
		.name = "restore-mixed",
		.describe = "Evict a VMA, bind a new one that follows it in the BO's list of "
			    "VMAs, then split the evicted one by a partial unmap. The next job "
			    "must reach every page of both parts and of the new VMA. Later jobs "
			    "must reach these pages, and fault in the hole and beside the parts.",
		.run = restore_mixed,
	},
	{
		.name = "restore-signals",
		.describe = "Interrupt the submission of a job that restores 4096 VMAs by signals "
			    "until at least one submission ended with EINTR. The repeated "
			    "submission must succeed, and the job must reach all VMAs.",
		.run = restore_signals,
	},
	{
		.name = "shrink-idle-beside-busy",
		.describe = "Run the shrinker while a job of one VM runs and another VM is idle. "
			    "Four BOs of the idle VM must be evicted, and keep their contents.",
		.run = shrink_idle_beside_busy,
	},
	{
		.name = "shrink-wide",
		.describe = "Run the shrinker for 2^32 pages, a number whose lower 32 bits are "
			    "zero. Four idle BOs must be evicted, and keep their contents.",
		.run = shrink_wide,
	},
	{}
};

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();

	for (unsigned int i = 0; i < ARRAY_SIZE(view_cases); i++) {
		igt_describe(view_cases[i].describe);
		igt_subtest(view_cases[i].name)
			igt_panthor_with_device(fd)
				cpu_view(fd, &view_cases[i]);
		igt_fixture()
			igt_teardown();
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(shrink_cases); i++) {
		igt_describe(shrink_cases[i].describe);
		igt_subtest(shrink_cases[i].name)
			igt_panthor_with_device(fd)
				shrink_busy(fd, &shrink_cases[i]);
		igt_fixture()
			igt_teardown();
	}

	for (const struct igt_panthor_case *c = plain_cases; c->name; c++) {
		igt_describe(c->describe);
		igt_subtest(c->name)
			igt_panthor_with_device(fd)
				c->run(fd);
		igt_fixture()
			igt_teardown();
	}
}
