// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "panthor_vmas.h"

#define ERROR(error, ...) snprintf(error, VMAS_ERROR_LEN, __VA_ARGS__)

/* Flags of gems. */
#define STATE_IMPORTED 1
#define STATE_EXPORTED 2
#define STATE_EVICTED 4
#define USAGE_KERNEL IGT_PANTHOR_GEM_USAGE_KERNEL
#define USAGE_FW 2

/*
 * Objects times lines of gems that are compared in a round at most, and rounds. In each round, the
 * lines and processes that have become certain in the last one rule others out. Beyond these limits,
 * which no driver reaches, less is known of an object.
 */
#define PAIRS_MAX (UINT64_C(1) << 24)
#define ROUNDS_MAX 16

/* Objects of a group, and objects among which groups are looked for. */
#define GROUP_MAX 16
#define OBJECTS_MAX 4096

/* Labels that are shown of an object that may be one of several lines. */
#define LABELS_MAX 4

/*
 * What an object of gpuvas asks of its line of gems. @end is the largest offset that a VMA reaches.
 * All VMAs of the dummy are at the offset in the dummy that their address has in its block. @only_vm
 * is a VM that maps it, @vm the one that was looked at last.
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
 * @votes: of each process, the number of objects that may be its own
 * @voted: of each process, the last ballot in which it had a vote
 * @ballot: number of the ballot
 *
 * Each object of gpuvas is one line of gems, and no line is two objects. A group is as many objects as
 * there are lines that they can be: no other object is one of these lines.
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
	unsigned int *votes;
	uint64_t *voted;
	uint64_t ballot;
};

/* ---------------------------------------------------------------------------------------------- */
/* VMAs and VMs */

static int compare_vma(const void *a, const void *b)
{
	const struct igt_panthor_vma *left = a, *right = b;

	if (left->vm != right->vm)
		return left->vm < right->vm ? -1 : 1;
	if (left->va != right->va)
		return left->va < right->va ? -1 : 1;
	return 0;
}

static int compare_u64(const void *a, const void *b)
{
	const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

/* The driver has no empty VMA, and none whose end or last offset needs more than 64 bits. */
static bool is_sane(const struct igt_panthor_vma *vma)
{
	return vma->size && vma->va <= UINT64_MAX - vma->size &&
	       vma->offset <= UINT64_MAX - vma->size;
}

static void drop_insane(struct igt_panthor_vmas *vmas, struct vmas_model *model)
{
	size_t kept = 0;

	for (size_t i = 0; i < vmas->count; i++)
		if (is_sane(&vmas->vma[i]))
			vmas->vma[kept++] = vmas->vma[i];
	model->ignored = vmas->count - kept;
	vmas->count = kept;
}

/* An array that is never NULL. */
static void *zeroed(size_t count, size_t size)
{
	return calloc(count + 1, size);
}

static int fill_objects(struct vmas_model *model, const struct igt_panthor_vmas *vmas)
{
	uint64_t *address = zeroed(vmas->count, sizeof(*address));

	if (!address)
		return -ENOMEM;
	for (size_t i = 0; i < vmas->count; i++)
		address[i] = vmas->vma[i].object;
	qsort(address, vmas->count, sizeof(*address), compare_u64);
	for (size_t i = 0; i < vmas->count; i++)
		if (!i || address[i] != address[i - 1])
			model->object[model->object_count++].address = address[i];
	free(address);
	return 0;
}

static size_t object_index(const struct vmas_model *model, uint64_t address)
{
	const struct vmas_object *found = bsearch(&address, model->object, model->object_count,
						  sizeof(*model->object), compare_u64);

	return found - model->object;
}

_Static_assert(offsetof(struct vmas_object, address) == 0, "compare_u64() compares objects");

/* VMs without VMAs have a place of their own, too. @vmas is sorted. */
static void fill_vmas(struct vmas_model *model, const struct igt_panthor_vmas *vmas)
{
	for (size_t i = 0; i < model->vm_count; i++)
		model->vm[i].number = i;
	for (size_t i = 0; i < vmas->count; i++) {
		const struct igt_panthor_vma *from = &vmas->vma[i];
		struct vmas_vm *vm = &model->vm[from->vm];

		if (!vm->count++)
			vm->first = i;
		model->vma[i] = (struct vmas_vma) {
			.va = from->va,
			.size = from->size,
			.offset = from->offset,
			.object = object_index(model, from->object),
		};
	}
	model->vma_count = vmas->count;
}

static int build(struct vmas_model *model, struct igt_panthor_vmas *vmas)
{
	drop_insane(vmas, model);
	if (vmas->count)
		qsort(vmas->vma, vmas->count, sizeof(*vmas->vma), compare_vma);
	model->vma = zeroed(vmas->count, sizeof(*model->vma));
	model->object = zeroed(vmas->count, sizeof(*model->object));
	model->vm = zeroed(vmas->vms, sizeof(*model->vm));
	model->vm_count = vmas->vms;
	if (!model->vma || !model->object || !model->vm || fill_objects(model, vmas))
		return -ENOMEM;
	fill_vmas(model, vmas);
	return 0;
}

/* ---------------------------------------------------------------------------------------------- */
/* Objects of gpuvas, lines of gems */

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
	return gem->size == VMAS_BLOCK && !gem->usage && is_dummy_label(gem->label);
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

/* An object that is in one VM alone, whose process is known, is that process's, or a shared one. */
static bool is_of_process(const struct work *work, size_t object, const struct igt_panthor_gem *gem)
{
	const struct demand *demand = &work->demand[object];
	const pid_t pid = demand->vms == 1 ? work->model->vm[demand->only_vm].pid : 0;

	return !pid || gem->pid == pid || gem->state & (STATE_IMPORTED | STATE_EXPORTED);
}

/* What the firmware maps is in its VM alone, and nothing else is there. */
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

/* The first VM that maps nothing but what the firmware may: the driver has created it first. */
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

/* Sets of lines have the same number by chance only. */
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
static void vote(struct work *work, size_t object)
{
	const struct vmas_model *model = work->model;

	work->ballot++;
	for (size_t k = 0; k < model->gems.count; k++) {
		const size_t process = work->process[k];

		if (work->voted[process] == work->ballot || !is_candidate(work, object, k))
			continue;
		work->voted[process] = work->ballot;
		work->votes[process]++;
	}
}

/*
 * The only process that may have created each object of the VM, as an index of work->pid. Objects
 * without a line say nothing.
 */
static bool common_process(struct work *work, const struct vmas_vm *vm, size_t *process)
{
	const struct vmas_model *model = work->model;
	unsigned int voters = 0, common = 0;

	memset(work->votes, 0, work->pid_count * sizeof(*work->votes));
	for (size_t i = vm->first; i < vm->first + vm->count; i++) {
		const size_t object = model->vma[i].object;

		if (work->demand[object].vm == vm->number || !model->object[object].candidates)
			continue;
		work->demand[object].vm = vm->number;
		if (may_be_shared(work, object))
			continue;
		vote(work, object);
		voters++;
	}
	for (size_t i = 0; i < work->pid_count; i++) {
		if (work->votes[i] != voters)
			continue;
		common++;
		*process = i;
	}
	return voters && common == 1;
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

/* Without a line of gems. What is at another offset than its address asks for is no sparse range. */
static void conclude_alone(struct vmas_object *object, const struct demand *demand)
{
	object->evictions = -1;
	object->kind = demand->is_cyclic ? VMAS_UNKNOWN : VMAS_BO;
}

/* What all lines agree in that are possible. */
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
	work->demand = zeroed(model->object_count, sizeof(*work->demand));
	work->taken = zeroed(lines, sizeof(*work->taken));
	work->set = zeroed(model->object_count, sizeof(*work->set));
	work->group = zeroed(model->object_count, sizeof(*work->group));
	work->kept = zeroed(lines, sizeof(*work->kept));
	work->process = zeroed(lines, sizeof(*work->process));
	work->pid = zeroed(lines, sizeof(*work->pid));
	work->votes = zeroed(lines, sizeof(*work->votes));
	work->voted = zeroed(lines, sizeof(*work->voted));
	return work->demand && work->taken && work->set && work->group && work->kept &&
	       work->process && work->pid && work->votes && work->voted;
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
	free(work->votes);
	free(work->voted);
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

static int match(struct vmas_model *model)
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

/* ---------------------------------------------------------------------------------------------- */
/* The model */

/* The VM that maps @vm_va; without that, the only one that maps a marked address. */
static void find_marked(struct vmas_model *model, const struct vmas_input *input)
{
	struct vmas_vm *found = NULL;
	unsigned int count = 0;

	for (size_t i = 0; i < model->vm_count; i++) {
		struct vmas_vm *vm = &model->vm[i];
		bool maps = input->has_vm_va && vmas_find(model, vm, input->vm_va);

		for (unsigned int k = 0; !input->has_vm_va && k < input->mark_count; k++)
			maps |= vmas_find(model, vm, input->mark[k].va) != NULL;
		if (maps && !count++)
			found = vm;
	}
	if (!input->has_vm_va && !count && model->vm_count == 1 && input->mark_count)
		found = model->vm;
	if (found && count <= 1)
		found->is_marked = true;
}

/**
 * vmas_model_init:
 * @model: filled; to be freed by vmas_model_fini()
 * @input: text and marks
 * @error: %VMAS_ERROR_LEN bytes, filled on failure
 *
 * Returns: 0, -EPROTO if a text is none of the driver's, -ENOMEM.
 */
int vmas_model_init(struct vmas_model *model, const struct vmas_input *input, char *error)
{
	struct igt_panthor_vmas vmas;
	int err;

	*model = (struct vmas_model) {};
	err = igt_panthor_parse_gpuvas(input->gpuvas, &vmas);
	if (err == -EPROTO) {
		ERROR(error, "gpuvas has no table of VMAs: name a copy of the driver's file");
	} else if (!err && input->gems) {
		err = igt_panthor_parse_gems(input->gems, &model->gems);
		if (err == -EPROTO)
			ERROR(error, "gems has no table of BOs: name a copy of the driver's file");
	}
	if (!err)
		err = build(model, &vmas);
	igt_panthor_free_vmas(&vmas);
	if (!err)
		err = match(model);
	if (err == -ENOMEM)
		ERROR(error, "no memory for the address spaces");
	if (err)
		vmas_model_fini(model);
	else
		find_marked(model, input);
	return err;
}

/**
 * vmas_model_select:
 * @model: model
 * @vm: number of the only VM to keep, or -1
 * @pid: process whose VMs are kept, or 0
 * @error: %VMAS_ERROR_LEN bytes, filled on failure
 *
 * Returns: 0, or -ENOENT if no VM is left.
 */
int vmas_model_select(struct vmas_model *model, int64_t vm, pid_t pid, char *error)
{
	const size_t all = model->vm_count;
	size_t kept = 0;

	for (size_t i = 0; i < all; i++)
		if ((vm < 0 || model->vm[i].number == vm) && (!pid || model->vm[i].pid == pid))
			model->vm[kept++] = model->vm[i];
	model->vm_count = kept;
	if (kept || (vm < 0 && !pid))
		return 0;
	if (vm >= 0 && !pid)
		ERROR(error, "--vm %" PRId64 ": gpuvas has the VMs 0 to %zu", vm, all - 1);
	else
		ERROR(error, "--pid %d: no VM is known to be of this process: leave --pid out to see "
		      "all of them", pid);
	return -ENOENT;
}

/**
 * vmas_model_fini:
 * @model: from vmas_model_init()
 */
void vmas_model_fini(struct vmas_model *model)
{
	free(model->vma);
	free(model->object);
	free(model->vm);
	igt_panthor_free_gems(&model->gems);
	*model = (struct vmas_model) {};
}

/**
 * vmas_split_blocks:
 * @va: start of a range
 * @size: its bytes, not beyond 64 bits
 *
 * Returns: how the edges of blocks divide it.
 */
struct vmas_blocks vmas_split_blocks(uint64_t va, uint64_t size)
{
	const uint64_t to_edge = (VMAS_BLOCK - va % VMAS_BLOCK) % VMAS_BLOCK;
	struct vmas_blocks blocks = {};

	if (size < to_edge) {
		blocks.head = size;
		return blocks;
	}
	blocks.head = to_edge;
	blocks.whole = (size - to_edge) / VMAS_BLOCK;
	blocks.tail = (size - to_edge) % VMAS_BLOCK;
	return blocks;
}

/**
 * vmas_find:
 * @model: model
 * @vm: VM of it
 * @va: GPU virtual address
 *
 * Returns: the VMA that holds @va, or NULL.
 */
const struct vmas_vma *vmas_find(const struct vmas_model *model, const struct vmas_vm *vm,
				 uint64_t va)
{
	for (size_t i = vm->first; i < vm->first + vm->count; i++)
		if (va >= model->vma[i].va && va - model->vma[i].va < model->vma[i].size)
			return &model->vma[i];
	return NULL;
}

/**
 * vmas_has_marks:
 * @model: model
 * @vm: VM of it
 *
 * Returns: false if the marks are known to be about another VM.
 */
bool vmas_has_marks(const struct vmas_model *model, const struct vmas_vm *vm)
{
	for (size_t i = 0; i < model->vm_count; i++)
		if (model->vm[i].is_marked)
			return vm->is_marked;
	return true;
}

/**
 * vmas_accessed_end:
 * @input: marks
 * @access: one of them, a range of accesses
 *
 * A job accesses the range at rising addresses and ends at its first fault.
 *
 * Returns: the address behind the last access that is known to have worked.
 */
uint64_t vmas_accessed_end(const struct vmas_input *input, const struct vmas_mark *access)
{
	uint64_t end = access->va + access->size;

	for (unsigned int i = 0; i < input->mark_count; i++) {
		const struct vmas_mark *mark = &input->mark[i];

		if (mark->kind == VMAS_MARK_FAULT && mark->va >= access->va && mark->va < end)
			end = mark->va;
	}
	return end;
}

/**
 * vmas_is_odd_sparse:
 * @vma: VMA
 * @object: its object
 *
 * Returns: true if the VMA is sparse and at another offset in the dummy than its address asks for.
 */
bool vmas_is_odd_sparse(const struct vmas_vma *vma, const struct vmas_object *object)
{
	return object->kind == VMAS_SPARSE && vma->offset != vma->va % VMAS_BLOCK;
}

/* The place in the VMA: its block, counted from 1, and how far behind the edge. */
static void describe_place(const struct vmas_vma *vma, uint64_t va, char *text, size_t size)
{
	const uint64_t first = vma->va / VMAS_BLOCK, last = (vma->va + vma->size - 1) / VMAS_BLOCK;
	char behind[32];

	vmas_format_size(va % VMAS_BLOCK, behind, sizeof(behind));
	if (va % VMAS_BLOCK)
		snprintf(text, size, "block %" PRIu64 " of %" PRIu64 ", %s behind its edge",
			 va / VMAS_BLOCK - first + 1, last - first + 1, behind);
	else
		snprintf(text, size, "block %" PRIu64 " of %" PRIu64 ", at its edge",
			 va / VMAS_BLOCK - first + 1, last - first + 1);
}

static void describe_hole(const struct vmas_model *model, const struct vmas_vm *vm, uint64_t va,
			  char *text, size_t size)
{
	const struct vmas_vma *before = NULL, *behind = NULL;
	char distance[2][32] = { "", "" };

	for (size_t i = vm->first; i < vm->first + vm->count; i++) {
		const struct vmas_vma *vma = &model->vma[i];

		if (vma->va <= va)
			before = vma;
		else if (!behind)
			behind = vma;
	}
	if (before)
		vmas_format_size(va - (before->va + before->size), distance[0],
				 sizeof(distance[0]));
	if (behind)
		vmas_format_size(behind->va - va, distance[1], sizeof(distance[1]));
	snprintf(text, size, "no VMA%s%s%s%s%s%s", before ? ", " : "", distance[0],
		 before ? " behind one" : "", behind ? ", " : "", distance[1],
		 behind ? " in front of the next" : "");
}

static void describe_access(const struct vmas_input *input, const struct vmas_mark *access,
			    char *text, size_t size)
{
	const uint64_t done = vmas_accessed_end(input, access) - access->va;
	char all[32], worked[32];

	vmas_format_size(access->size, all, sizeof(all));
	vmas_format_size(done, worked, sizeof(worked));
	snprintf(text, size, "accesses 0x%" PRIx64 " to 0x%" PRIx64 ", %s%s%s: %s%s", access->va,
		 access->va + access->size, all, access->text[0] ? ", " : "", access->text,
		 done < access->size ? worked : "no fault in them",
		 done < access->size ? " of it worked" : "");
}

/**
 * vmas_describe_mark:
 * @model: model
 * @vm: VM
 * @input: marks
 * @mark: one of them
 * @text: filled
 * @size: bytes of @text
 *
 * What is at the mark, in words.
 */
void vmas_describe_mark(const struct vmas_model *model, const struct vmas_vm *vm,
			const struct vmas_input *input, const struct vmas_mark *mark, char *text,
			size_t size)
{
	const char *word = mark->kind == VMAS_MARK_FAULT ? "fault" : "mark";
	const struct vmas_vma *vma = vmas_find(model, vm, mark->va);
	char place[128];

	if (mark->kind == VMAS_MARK_ACCESS) {
		describe_access(input, mark, text, size);
		return;
	}
	if (!vma) {
		describe_hole(model, vm, mark->va, place, sizeof(place));
		snprintf(text, size, "%s 0x%" PRIx64 "%s%s: %s", word, mark->va,
			 mark->text[0] ? " " : "", mark->text, place);
		return;
	}
	describe_place(vma, mark->va, place, sizeof(place));
	snprintf(text, size, "%s 0x%" PRIx64 "%s%s: in the %s VMA of 0x%" PRIx64 ", %s; object %s",
		 word, mark->va, mark->text[0] ? " " : "", mark->text,
		 vmas_kind_name(model->object[vma->object].kind), vma->va, place,
		 vmas_pages_name(model->object[vma->object].pages));
}

/**
 * vmas_format_size:
 * @size: bytes
 * @text: filled
 * @length: bytes of @text
 *
 * Writes the size in the largest unit that needs no more than two decimals: sizes are exact.
 */
void vmas_format_size(uint64_t size, char *text, size_t length)
{
	static const char * const name[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	unsigned int unit = sizeof(name) / sizeof(name[0]) - 1;
	uint64_t rest;

	while (unit && (size < UINT64_C(1) << 10 * unit ||
			size % (UINT64_C(1) << 10 * unit) * 100 % (UINT64_C(1) << 10 * unit)))
		unit--;
	rest = size % (UINT64_C(1) << 10 * unit) * 100 / (UINT64_C(1) << 10 * unit);
	if (rest)
		snprintf(text, length, "%" PRIu64 ".%02" PRIu64 " %s", size >> 10 * unit, rest,
			 name[unit]);
	else
		snprintf(text, length, "%" PRIu64 " %s", size >> 10 * unit, name[unit]);
}

/**
 * vmas_kind_name:
 * @kind: kind
 *
 * Returns: its name.
 */
const char *vmas_kind_name(enum vmas_kind kind)
{
	static const char * const name[] = {
		[VMAS_UNKNOWN] = "unknown", [VMAS_SPARSE] = "sparse", [VMAS_BO] = "BO",
	};

	return name[kind];
}

/**
 * vmas_pages_name:
 * @pages: state of an object's pages
 *
 * Returns: its name.
 */
const char *vmas_pages_name(enum vmas_pages pages)
{
	static const char * const name[] = {
		[VMAS_PAGES_UNKNOWN] = "unknown", [VMAS_PAGES_RESIDENT] = "resident",
		[VMAS_PAGES_EVICTED] = "evicted", [VMAS_PAGES_NONE] = "no pages",
	};

	return name[pages];
}
