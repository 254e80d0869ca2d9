// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "panthor_vmas.h"

/* Flags of gems (panthor_gem.h: enum panthor_debugfs_gem_state_flags and _usage_flags). */
#define STATE_IMPORTED 1
#define STATE_EXPORTED 2
#define STATE_EVICTED 4
#define USAGE_KERNEL IGT_PANTHOR_GEM_USAGE_KERNEL
#define USAGE_FW 2

/*
 * Limits of the comparison: objects times lines of gems in a round, and rounds. Each round excludes
 * what is impossible after the lines and processes found in the last one. Beyond these limits, which
 * no driver reaches, less is known of an object.
 */
#define PAIRS_MAX (UINT64_C(1) << 24)
#define ROUNDS_MAX 16

/* Objects of a group, and objects among which groups are looked for. */
#define GROUP_MAX 16
#define OBJECTS_MAX 4096

/* Labels that are shown of an object that may be one of several lines. */
#define LABELS_MAX 4

/**
 * demand:
 * @end: largest offset that a VMA reaches
 * @vms: number of VMs that map the object
 * @vmas: number of its VMAs
 * @is_cyclic: each VMA has the offset that its address has in its block, as VMAs of the dummy have
 * @starts_at_zero: each VMA begins at offset 0
 * @vm: the VM that was looked at last
 * @only_vm: a VM that maps the object
 *
 * Requirements of an object of gpuvas on its line of gems, which follow from its VMAs.
 */
struct demand {
	uint64_t end;
	unsigned int vms;
	unsigned int vmas;
	bool is_cyclic;
	bool starts_at_zero;
	size_t vm;
	size_t only_vm;
};

/**
 * work:
 * @model: model to be completed
 * @demand: of each object
 * @taken: lines of gems that are an object's for certain
 * @set: of each object, a number for the set of lines that it can be
 * @group: of each object, the group that it is in, 0 for none
 * @kept: of each line, the group that it is kept for, 0 for none
 * @groups: number of groups
 * @process: of each line of gems, as an index of @pid
 * @pid: processes that created BOs, rising
 * @pid_count: number of @pid
 * @may_own: of each process, the number of objects of a VM that it may have created
 * @counted: of each process, the last @turn in which it was counted
 * @turn: number of objects whose possible creators have been counted
 *
 * Each object of gpuvas is one line of gems, and no line is two objects. A group is as many objects
 * as there are lines that they can be: no other object is one of these lines.
 */
struct work {
	struct vmas_model *model;
	struct demand *demand;
	bool *taken;
	uint64_t *set;
	unsigned int *group;
	unsigned int *kept;
	unsigned int groups;
	size_t *process;
	pid_t *pid;
	size_t pid_count;
	unsigned int *may_own;
	uint64_t *counted;
	uint64_t turn;
};

static void fill_demands(struct work *work)
{
	const struct vmas_model *model = work->model;

	for (size_t i = 0; i < model->object_count; i++)
		work->demand[i] = (struct demand) {
			.is_cyclic = true, .starts_at_zero = true, .vm = SIZE_MAX,
		};
	for (size_t i = 0; i < model->vm_count; i++) {
		const struct vmas_vm *vm = &model->vm[i];

		for (size_t k = vm->first; k < vm->first + vm->count; k++) {
			const struct vmas_vma *vma = &model->vma[k];
			struct demand *demand = &work->demand[vma->object];

			if (vma->offset + vma->size > demand->end)
				demand->end = vma->offset + vma->size;
			demand->is_cyclic &= vma->offset == vma->va % VMAS_BLOCK;
			demand->starts_at_zero &= !vma->offset;
			demand->vmas++;
			demand->vms += demand->vm != i;
			demand->vm = demand->only_vm = i;
		}
	}
}

static bool is_dummy_label(const char *label)
{
	return !label[0] || !strncmp(label, "sparse dummy", strlen("sparse dummy"));
}

/* The dummy: a BO of the driver's for each open file, of 2 MiB, with a label of its own or none. */
static bool may_be_dummy(const struct igt_panthor_gem *gem)
{
	return gem->size == IGT_PANTHOR_DUMMY_SIZE && !gem->usage && is_dummy_label(gem->label);
}

static bool is_labelled_dummy(const struct igt_panthor_gem *gem)
{
	return may_be_dummy(gem) && gem->label[0];
}

/* BOs of the driver are mapped once, whole. A BO is referred to by each VM that maps it. */
static bool fits_bo(const struct demand *demand, const struct igt_panthor_gem *gem)
{
	if (demand->end > gem->size || is_labelled_dummy(gem))
		return false;
	if (gem->usage & USAGE_KERNEL)
		return demand->vmas == 1 && demand->starts_at_zero && demand->end == gem->size;
	return true;
}

/* Its file or its VM refers to the dummy, besides each VM that maps it. */
static bool fits_dummy(const struct demand *demand, const struct igt_panthor_gem *gem)
{
	return demand->is_cyclic && may_be_dummy(gem) && gem->references > demand->vms;
}

static bool fits(const struct demand *demand, const struct igt_panthor_gem *gem)
{
	return gem->references >= demand->vms &&
	       (fits_bo(demand, gem) || fits_dummy(demand, gem));
}

/* Only one VM maps the object, and its process is known: the BO is of this process, or shared. */
static bool is_of_process(const struct work *work, size_t object, const struct igt_panthor_gem *gem)
{
	const struct demand *demand = &work->demand[object];
	const pid_t pid = demand->vms == 1 ? work->model->vm[demand->only_vm].pid : 0;

	return !pid || gem->pid == pid || gem->state & (STATE_IMPORTED | STATE_EXPORTED);
}

/* BOs of the firmware are mapped in its VM alone, which maps no others. */
static bool is_of_vm(const struct work *work, size_t object, const struct igt_panthor_gem *gem)
{
	const struct demand *demand = &work->demand[object];
	const bool in_firmware = demand->vms == 1 &&
				 work->model->vm[demand->only_vm].is_firmware;

	return !!(gem->usage & USAGE_FW) == in_firmware;
}

static bool is_candidate(const struct work *work, size_t object, size_t line)
{
	const struct igt_panthor_gem *gem = &work->model->gems.gem[line];

	if (work->model->object[object].gem)
		return work->model->object[object].gem == gem;
	if (work->kept[line] && work->kept[line] != work->group[object])
		return false;
	return !work->taken[line] && fits(&work->demand[object], gem) &&
	       is_of_vm(work, object, gem) && is_of_process(work, object, gem);
}

static bool may_be_of_firmware(const struct work *work, size_t object)
{
	const struct vmas_model *model = work->model;

	for (size_t k = 0; k < model->gems.count; k++)
		if (model->gems.gem[k].usage & USAGE_FW &&
		    fits(&work->demand[object], &model->gems.gem[k]))
			return true;
	return false;
}

/* The first VM whose objects may all be of the firmware: the driver creates that VM first. */
static void find_firmware(struct work *work)
{
	struct vmas_model *model = work->model;

	for (size_t i = 0; i < model->vm_count; i++) {
		struct vmas_vm *vm = &model->vm[i];
		size_t k = vm->first;

		while (k < vm->first + vm->count && may_be_of_firmware(work, model->vma[k].object))
			k++;
		if (!vm->count || k < vm->first + vm->count)
			continue;
		vm->is_firmware = true;
		strcpy(vm->comm, "firmware");
		return;
	}
}

/* Different sets of lines have equal sums by chance only. */
static uint64_t mix(uint64_t line)
{
	line = (line + 1) * UINT64_C(0x9e3779b97f4a7c15);
	line ^= line >> 29;
	return line * UINT64_C(0xbf58476d1ce4e5b9);
}

/* Takes the lines that are the only possible ones. Returns whether there was one. */
static bool take_lines(struct work *work)
{
	struct vmas_model *model = work->model;
	bool took = false;

	for (size_t i = 0; i < model->object_count; i++) {
		struct vmas_object *object = &model->object[i];
		size_t last = 0;

		if (object->gem)
			continue;
		object->candidates = 0;
		work->set[i] = 0;
		for (size_t k = 0; k < model->gems.count; k++) {
			if (!is_candidate(work, i, k))
				continue;
			object->candidates++;
			work->set[i] += mix(k);
			last = k;
		}
		if (object->candidates != 1)
			continue;
		object->gem = &model->gems.gem[last];
		work->taken[last] = true;
		took = true;
	}
	return took;
}

static bool can_be_grouped(const struct work *work, size_t object)
{
	const struct vmas_object *o = &work->model->object[object];

	return !o->gem && !work->group[object] && o->candidates > 1 && o->candidates <= GROUP_MAX;
}

static unsigned int count_alike(const struct work *work, size_t object)
{
	unsigned int count = 0;

	for (size_t i = object; i < work->model->object_count; i++)
		count += can_be_grouped(work, i) && work->set[i] == work->set[object];
	return count;
}

static void keep_lines(struct work *work, size_t object)
{
	const uint64_t set = work->set[object];

	work->groups++;
	for (size_t k = 0; k < work->model->gems.count; k++)
		if (is_candidate(work, object, k))
			work->kept[k] = work->groups;
	for (size_t i = object; i < work->model->object_count; i++)
		if (can_be_grouped(work, i) && work->set[i] == set)
			work->group[i] = work->groups;
}

/* Finds groups. Returns whether there was one. */
static bool find_groups(struct work *work)
{
	const unsigned int before = work->groups;
	const size_t count = work->model->object_count;

	for (size_t i = 0; count < OBJECTS_MAX && i < count; i++)
		if (can_be_grouped(work, i) &&
		    count_alike(work, i) == work->model->object[i].candidates)
			keep_lines(work, i);
	return work->groups != before;
}

/* Processes share BOs by exporting and importing them. */
static bool may_be_shared(const struct work *work, size_t object)
{
	const struct igt_panthor_gems *gems = &work->model->gems;

	for (size_t k = 0; k < gems->count; k++)
		if (gems->gem[k].state & (STATE_IMPORTED | STATE_EXPORTED) &&
		    is_candidate(work, object, k))
			return true;
	return false;
}

/* Counts the processes that may have created the object, each once. */
static void count_creators(struct work *work, size_t object)
{
	const struct vmas_model *model = work->model;

	work->turn++;
	for (size_t k = 0; k < model->gems.count; k++) {
		const size_t process = work->process[k];

		if (work->counted[process] == work->turn || !is_candidate(work, object, k))
			continue;
		work->counted[process] = work->turn;
		work->may_own[process]++;
	}
}

/*
 * The only process that may have created each object of the VM, as an index of work->pid. Objects
 * without a line are passed over.
 */
static bool common_process(struct work *work, const struct vmas_vm *vm, size_t *process)
{
	const struct vmas_model *model = work->model;
	unsigned int objects = 0, common = 0;

	memset(work->may_own, 0, work->pid_count * sizeof(*work->may_own));
	for (size_t i = vm->first; i < vm->first + vm->count; i++) {
		const size_t object = model->vma[i].object;

		if (work->demand[object].vm == vm->number || !model->object[object].candidates)
			continue;
		work->demand[object].vm = vm->number;
		if (may_be_shared(work, object))
			continue;
		count_creators(work, object);
		objects++;
	}
	for (size_t i = 0; i < work->pid_count; i++) {
		if (work->may_own[i] != objects)
			continue;
		common++;
		*process = i;
	}
	return objects && common == 1;
}

/* Names and labels may have any bytes. They are shown on terminals and pages. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (!isprint((unsigned char)*text))
			*text = '?';
}

static const char *comm_of(const struct vmas_model *model, pid_t pid)
{
	for (size_t i = 0; i < model->gems.count; i++)
		if (model->gems.gem[i].pid == pid)
			return model->gems.gem[i].comm;
	return "";
}

/* Returns whether the process of a VM has become known. */
static bool find_processes(struct work *work)
{
	struct vmas_model *model = work->model;
	bool found = false;
	size_t process = 0;

	for (size_t i = 0; i < model->object_count; i++)
		work->demand[i].vm = SIZE_MAX;
	for (size_t i = 0; i < model->vm_count; i++) {
		struct vmas_vm *vm = &model->vm[i];

		if (vm->pid || vm->is_firmware || !common_process(work, vm, &process))
			continue;
		vm->pid = work->pid[process];
		snprintf(vm->comm, sizeof(vm->comm), "%s", comm_of(model, vm->pid));
		make_printable(vm->comm);
		found = true;
	}
	return found;
}

static enum vmas_pages pages_of(const struct igt_panthor_gem *gem)
{
	if (gem->state & STATE_EVICTED)
		return VMAS_PAGES_EVICTED;
	return gem->resident ? VMAS_PAGES_RESIDENT : VMAS_PAGES_NONE;
}

/* Labels that were added to that of an object. */
struct labels {
	const char *label[LABELS_MAX];
	unsigned int count;
};

static void append_text(struct vmas_object *object, const char *between, const char *text)
{
	const size_t used = strlen(object->label);

	snprintf(object->label + used, sizeof(object->label) - used, "%s%s", between, text);
	make_printable(object->label + used);
}

static void add_label(struct vmas_object *object, const char *label, struct labels *labels)
{
	for (unsigned int i = 0; i < labels->count && i < LABELS_MAX; i++)
		if (!strcmp(labels->label[i], label))
			return;
	if (labels->count > LABELS_MAX)
		return;
	if (labels->count == LABELS_MAX) {
		append_text(object, " | ", "...");
	} else {
		append_text(object, labels->count ? " | " : "", label[0] ? label : "(no label)");
		labels->label[labels->count] = label;
	}
	labels->count++;
}

/* Without a line of gems. A VMA at another offset than its address has in the block is not sparse. */
static void conclude_alone(struct vmas_object *object, const struct demand *demand)
{
	object->evictions = -1;
	object->kind = demand->is_cyclic ? VMAS_UNKNOWN : VMAS_BO;
}

/* What all possible lines have in common. */
static void conclude(struct work *work, size_t index)
{
	struct vmas_model *model = work->model;
	struct vmas_object *object = &model->object[index];
	const struct demand *demand = &work->demand[index];
	bool dummy = false, bo = false;
	struct labels labels = {};
	unsigned int count = 0;

	object->evictions = -1;
	for (size_t k = 0; k < model->gems.count; k++) {
		const struct igt_panthor_gem *gem = &model->gems.gem[k];

		if (!is_candidate(work, index, k))
			continue;
		dummy |= fits_dummy(demand, gem);
		bo |= fits_bo(demand, gem);
		if (!count++) {
			object->pages = pages_of(gem);
			object->evictions = gem->evictions;
			object->pid = gem->pid;
		}
		if (object->pages != pages_of(gem))
			object->pages = VMAS_PAGES_UNKNOWN;
		if (object->evictions != (int64_t)gem->evictions)
			object->evictions = -1;
		if (object->pid != gem->pid)
			object->pid = 0;
		add_label(object, gem->label, &labels);
	}
	object->candidates = count;
	if (labels.count == 1 && !labels.label[0][0])
		object->label[0] = '\0';
	if (!count)
		conclude_alone(object, demand);
	else if (dummy != bo)
		object->kind = dummy ? VMAS_SPARSE : VMAS_BO;
}

static int compare_pid(const void *a, const void *b)
{
	const pid_t left = *(const pid_t *)a, right = *(const pid_t *)b;

	return left < right ? -1 : left > right;
}

static void fill_processes(struct work *work)
{
	const struct igt_panthor_gems *gems = &work->model->gems;

	for (size_t k = 0; k < gems->count; k++)
		work->pid[k] = gems->gem[k].pid;
	qsort(work->pid, gems->count, sizeof(*work->pid), compare_pid);
	for (size_t k = 0; k < gems->count; k++)
		if (!k || work->pid[k] != work->pid[work->pid_count - 1])
			work->pid[work->pid_count++] = work->pid[k];
	for (size_t k = 0; k < gems->count; k++) {
		const pid_t *found = bsearch(&gems->gem[k].pid, work->pid, work->pid_count,
					     sizeof(*work->pid), compare_pid);

		work->process[k] = found - work->pid;
	}
}

static bool work_init(struct work *work, struct vmas_model *model)
{
	const size_t lines = model->gems.count;

	*work = (struct work) { .model = model };
	work->demand = vmas_zeroed(model->object_count, sizeof(*work->demand));
	work->taken = vmas_zeroed(lines, sizeof(*work->taken));
	work->set = vmas_zeroed(model->object_count, sizeof(*work->set));
	work->group = vmas_zeroed(model->object_count, sizeof(*work->group));
	work->kept = vmas_zeroed(lines, sizeof(*work->kept));
	work->process = vmas_zeroed(lines, sizeof(*work->process));
	work->pid = vmas_zeroed(lines, sizeof(*work->pid));
	work->may_own = vmas_zeroed(lines, sizeof(*work->may_own));
	work->counted = vmas_zeroed(lines, sizeof(*work->counted));
	return work->demand && work->taken && work->set && work->group && work->kept &&
	       work->process && work->pid && work->may_own && work->counted;
}

static void work_fini(struct work *work)
{
	free(work->demand);
	free(work->taken);
	free(work->set);
	free(work->group);
	free(work->kept);
	free(work->process);
	free(work->pid);
	free(work->may_own);
	free(work->counted);
}

static bool is_too_much(const struct work *work)
{
	uint64_t pairs = 0;

	for (size_t i = 0; i < work->model->object_count; i++)
		pairs += work->demand[i].vms;
	return pairs > PAIRS_MAX / (work->model->gems.count + 1);
}

static void match_lines(struct work *work)
{
	struct vmas_model *model = work->model;
	bool changed = true;

	find_firmware(work);
	for (unsigned int i = 0; changed && i < ROUNDS_MAX; i++) {
		changed = take_lines(work);
		changed |= find_processes(work);
		changed = changed || find_groups(work);
	}
	for (size_t i = 0; i < model->object_count; i++)
		conclude(work, i);
}

/**
 * vmas_match:
 * @model: VMAs, VMs and lines of gems, with objects of which only the address is known
 *
 * Completes objects and VMs from the lines of gems.
 *
 * Returns: 0 or -ENOMEM.
 */
int vmas_match(struct vmas_model *model)
{
	struct work work;
	bool ready = work_init(&work, model);

	if (ready) {
		fill_demands(&work);
		fill_processes(&work);
		if (model->gems.count && !is_too_much(&work))
			match_lines(&work);
		else
			for (size_t i = 0; i < model->object_count; i++)
				conclude_alone(&model->object[i], &work.demand[i]);
	}
	work_fini(&work);
	return ready ? 0 : -ENOMEM;
}
