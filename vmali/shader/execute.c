// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "mmu/mmu.h"
#include "shader/descriptor.h"
#include "shader/internal.h"
#include "rules/rules.h"
#include "trace/trace.h"

#define DECODED_COUNT 256	/* cached decoded words, more than a kernel of the driver has */
#define FIRST_PRELOADED 48
#define REG_LOCAL_XY 55
#define REG_LOCAL_Z 56
#define REG_GROUP 57		/* and the next two */
#define REG_GLOBAL 60		/* and the next two */

/* Registers that a compute shader can have preloaded: 55 to 62 (bi_emit_intrinsic() in Mesa). */
#define PRELOAD_KNOWN FIELD(REG_GLOBAL + 2 - FIRST_PRELOADED, REG_LOCAL_XY - FIRST_PRELOADED)

enum shader_step shader_fault(struct shader_core *core, enum shader_exception exception,
			      uint64_t info)
{
	*core->fault = (struct shader_fault){ exception, info };
	return SHADER_STEP_FAULT;
}

enum shader_step shader_access_step(struct shader_core *core, int error, uint64_t va)
{
	if (error == -EAGAIN)
		return SHADER_STEP_STALLED;
	if (error == -EFAULT)
		return SHADER_STEP_PAGE_FAULT;
	/* -EINVAL: a word that is not aligned */
	return shader_fault(core, SHADER_EXC_ADDR_RANGE_FAULT, va);
}

static enum shader_step exec_nothing(struct shader_core *core, const struct shader_instr *instr)
{
	(void)core;
	(void)instr;
	return SHADER_STEP_NEXT;
}

/* Value that BRANCHZ compares with zero. */
static uint32_t branch_value(const struct shader_core *core, const struct shader_instr *instr)
{
	uint32_t value = shader_src(core, instr, SHADER_ARG_SRC0);

	switch (instr->arg[SHADER_ARG_COMBINE]) {
	case SHADER_COMBINE_H0:
		return field_get(value, FIELD(15, 0));
	case SHADER_COMBINE_H1:
		return field_get(value, FIELD(31, 16));
	default:
		return value;
	}
}

/* The offset counts instructions from the next one. */
static enum shader_step exec_branchz(struct shader_core *core, const struct shader_instr *instr)
{
	int64_t distance = (instr->arg[SHADER_ARG_OFFSET] + 1ll) * SHADER_INSTR_SIZE;

	if ((branch_value(core, instr) == 0) != instr->arg[SHADER_ARG_EQ])
		return SHADER_STEP_NEXT;
	core->job->pc += distance;
	return SHADER_STEP_MOVED;
}

static bool single_thread(const struct shader_job *job)
{
	return job->local_size[0] == 1 && job->local_size[1] == 1 && job->local_size[2] == 1;
}

/* Threads run one by one: a thread cannot wait for others of its workgroup. */
static enum shader_step exec_barrier(struct shader_core *core, const struct shader_instr *instr)
{
	if (single_thread(core->job))
		return SHADER_STEP_NEXT;
	rules_broken(RULE_JOB_NOT_MODELLED, core->as, core->job->pc, "a barrier: 0x%016llx",
		     (unsigned long long)instr->word);
	return shader_fault(core, SHADER_EXC_INSTR_BARRIER_FAULT, instr->word);
}

static const shader_exec_fn exec[SHADER_EXEC_COUNT] = {
	[SHADER_EXEC_NOTHING]		= exec_nothing,
	[SHADER_EXEC_BRANCHZ]		= exec_branchz,
	[SHADER_EXEC_BARRIER]		= exec_barrier,
	[SHADER_EXEC_IADD]		= shader_exec_elements,
	[SHADER_EXEC_ISUB]		= shader_exec_elements,
	[SHADER_EXEC_IMUL]		= shader_exec_elements,
	[SHADER_EXEC_IADD_IMM]		= shader_exec_elements,
	[SHADER_EXEC_SHIFT]		= shader_exec_elements,
	[SHADER_EXEC_ICMP]		= shader_exec_elements,
	[SHADER_EXEC_CSEL]		= shader_exec_elements,
	[SHADER_EXEC_MUX]		= shader_exec_elements,
	[SHADER_EXEC_IABS]		= shader_exec_elements,
	[SHADER_EXEC_MOV]		= shader_exec_word,
	[SHADER_EXEC_NOT]		= shader_exec_word,
	[SHADER_EXEC_CLZ]		= shader_exec_word,
	[SHADER_EXEC_POPCOUNT]		= shader_exec_word,
	[SHADER_EXEC_BITREV]		= shader_exec_word,
	[SHADER_EXEC_IMULD]		= shader_exec_word,
	[SHADER_EXEC_SHADDX]		= shader_exec_word,
	[SHADER_EXEC_MKVEC16]		= shader_exec_word,
	[SHADER_EXEC_MKVEC8]		= shader_exec_word,
	[SHADER_EXEC_CONVERT]		= shader_exec_word,
	[SHADER_EXEC_CONVERT_PAIR]	= shader_exec_word,
	[SHADER_EXEC_LOAD]		= shader_exec_load,
	[SHADER_EXEC_STORE]		= shader_exec_store,
	[SHADER_EXEC_LD_PKA]		= shader_exec_ld_pka,
	[SHADER_EXEC_LEA_PKA]		= shader_exec_lea_pka,
	[SHADER_EXEC_ATOM]		= shader_exec_atom,
	[SHADER_EXEC_ATOM1]		= shader_exec_atom,
};

/* Set the registers of a new thread. Hardware leaves those that are not preloaded undefined. */
static void preload(struct shader_job *job)
{
	uint32_t value[SHADER_REG_COUNT] = {
		[REG_LOCAL_XY] = job->local[0] | (uint32_t)job->local[1] << 16,
		[REG_LOCAL_Z] = job->local[2],
	};

	for (unsigned int i = 0; i < SHADER_DIMENSIONS; i++) {
		value[REG_GROUP + i] = job->group[i];
		value[REG_GLOBAL + i] = job->group[i] * job->local_size[i] + job->local[i];
	}
	memset(job->reg, 0, sizeof(job->reg));
	for (unsigned int reg = FIRST_PRELOADED; reg < SHADER_REG_COUNT; reg++) {
		if (job->preload >> (reg - FIRST_PRELOADED) & 1)
			job->reg[reg] = value[reg];
	}
	job->pc = job->entry;
}

/* Go to the next thread of the workgroup. Return: false behind the last one. */
static bool next_local(struct shader_job *job)
{
	for (unsigned int i = 0; i < SHADER_DIMENSIONS; i++) {
		if (++job->local[i] < job->local_size[i])
			return true;
		job->local[i] = 0;
	}
	return false;
}

static bool next_group(struct shader_job *job)
{
	for (unsigned int i = 0; i < SHADER_DIMENSIONS; i++) {
		if (++job->group[i] < job->size[i])
			return true;
		job->group[i] = 0;
	}
	return false;
}

/* Return: false if all threads have ended. */
static bool next_thread(struct shader_job *job)
{
	if (!next_local(job) && !next_group(job))
		return false;
	preload(job);
	return true;
}

/* Start of a job */

static enum shader_outcome outcome_of(enum shader_step step)
{
	switch (step) {
	case SHADER_STEP_STALLED:
		return SHADER_STALLED;
	case SHADER_STEP_PAGE_FAULT:
		return SHADER_PAGE_FAULT;
	case SHADER_STEP_FAULT:
		return SHADER_FAULT;
	case SHADER_STEP_NEXT:
	case SHADER_STEP_MOVED:
		break;
	}
	return SHADER_SLICE_USED;
}

static bool get_workgroup(struct shader_job *job, uint32_t workgroup)
{
	const struct field fields[SHADER_DIMENSIONS] = { WORKGROUP_X, WORKGROUP_Y, WORKGROUP_Z };
	uint32_t threads = 1;

	for (unsigned int i = 0; i < SHADER_DIMENSIONS; i++) {
		job->local_size[i] = field_get(workgroup, fields[i]) + 1;
		threads *= job->local_size[i];
	}
	return threads <= SHADER_WORKGROUP_MAX;
}

static enum shader_step reject_job(struct shader_core *core, const char *reason, uint64_t info)
{
	rules_broken(RULE_JOB_NOT_MODELLED, core->as, core->job->pc, "a job with %s: 0x%llx", reason,
		     (unsigned long long)info);
	trace("shader", "AS%u job with %s: 0x%llx", core->as, reason, (unsigned long long)info);
	return shader_fault(core, SHADER_EXC_DATA_INVALID_FAULT, info);
}

static enum shader_step parse_program(struct shader_core *core, uint64_t va, const uint64_t *word)
{
	struct shader_job *job = core->job;

	if (field_get(word[0], DESCRIPTOR_TYPE) != DESCRIPTOR_SHADER ||
	    field_get(word[0], SHADER_PROGRAM_STAGE) != SHADER_STAGE_COMPUTE)
		return reject_job(core, "a program that is not a compute shader", va);
	job->preload = field_get(word[0], SHADER_PROGRAM_PRELOAD);
	if (job->preload & ~field_mask(PRELOAD_KNOWN))
		return reject_job(core, "unknown preloaded registers", job->preload);
	job->entry = word[1];
	if (job->entry % SHADER_INSTR_SIZE)
		return shader_fault(core, SHADER_EXC_INSTR_INVALID_PC, job->entry);
	return SHADER_STEP_NEXT;
}

static enum shader_step read_program(struct shader_core *core, uint64_t va)
{
	uint64_t word[2];
	int error = mmu_read(core->mmu, core->as, va, word, sizeof(word));

	if (error)
		return shader_access_step(core, error, va);
	word[0] = le64toh(word[0]);
	word[1] = le64toh(word[1]);
	return parse_program(core, va, word);
}

/* How hardware adds the offset to the IDs is not known, and the driver does not use it. */
static enum shader_step check_params(struct shader_core *core, const struct shader_params *params)
{
	if (!get_workgroup(core->job, params->workgroup))
		return reject_job(core, "too large workgroups", params->workgroup);
	for (unsigned int i = 0; i < SHADER_DIMENSIONS; i++) {
		if (params->offset[i])
			return reject_job(core, "an offset", params->offset[i]);
	}
	if (2 * field_get(params->fau, FAU_COUNT) > SHADER_UNIFORM_COUNT)
		return reject_job(core, "too many uniforms", params->fau);
	return SHADER_STEP_NEXT;
}

static bool is_empty(const struct shader_params *params)
{
	return !params->size[0] || !params->size[1] || !params->size[2];
}

static void trace_start(const struct shader_job *job, unsigned int as)
{
	trace("shader", "AS%u job at 0x%llx: %ux%ux%u workgroups of %ux%ux%u threads", as,
	      (unsigned long long)job->entry, job->size[0], job->size[1], job->size[2],
	      job->local_size[0], job->local_size[1], job->local_size[2]);
}

enum shader_outcome shader_job_start(struct shader_job *job, struct mmu *mmu, unsigned int as,
				     const struct shader_params *params,
				     struct shader_fault *fault)
{
	struct shader_core core = { .mmu = mmu, .as = as, .job = job, .fault = fault };
	enum shader_step step;

	*job = (struct shader_job){ .srt = params->srt, .fau = params->fau };
	if (is_empty(params))
		return SHADER_DONE;
	memcpy(job->size, params->size, sizeof(job->size));
	step = check_params(&core, params);
	if (step == SHADER_STEP_NEXT)
		step = read_program(&core, params->spd);
	if (step != SHADER_STEP_NEXT)
		return outcome_of(step);
	preload(job);
	job->active = true;
	trace_start(job, as);
	return SHADER_SLICE_USED;
}

/* Execution */

static enum shader_step fetch(struct shader_core *core, uint64_t *word)
{
	uint64_t pc = core->job->pc, va = pc - pc % SHADER_LINE_SIZE;
	struct shader_line *line = &core->line[va / SHADER_LINE_SIZE % SHADER_LINE_COUNT];
	int error;

	if (!line->valid || line->va != va) {
		line->valid = false;
		error = mmu_fetch(core->mmu, core->as, va, line->word, sizeof(line->word));
		if (error)
			return shader_access_step(core, error, pc);
		line->va = va;
		line->valid = true;
	}
	*word = le64toh(line->word[(pc - va) / SHADER_INSTR_SIZE]);
	return SHADER_STEP_NEXT;
}

/* Decode @word; recently decoded words are cached. Return: the instruction, or NULL. */
static const struct shader_instr *decode(uint64_t word)
{
	static _Thread_local struct shader_instr last[DECODED_COUNT];
	uint64_t hash = word ^ word >> 32;
	struct shader_instr *instr = &last[(hash ^ hash >> 8 ^ hash >> 16) % DECODED_COUNT];

	if (instr->op && instr->word == word)
		return instr;
	if (shader_decode(word, instr))
		return instr;
	instr->op = NULL;
	return NULL;
}

static enum shader_step reject_word(struct shader_core *core, uint64_t word)
{
	char text[256];

	shader_disassemble(word, text, sizeof(text));
	rules_broken(RULE_JOB_NOT_MODELLED, core->as, core->job->pc, "0x%016llx: %s",
		     (unsigned long long)word, text);
	trace("shader", "AS%u 0x%llx: 0x%016llx is not modelled: %s", core->as,
	      (unsigned long long)core->job->pc, (unsigned long long)word, text);
	return shader_fault(core, SHADER_EXC_INSTR_INVALID_ENC, word);
}

/* Load the uniforms, before the first instruction that reads one. */
static enum shader_step load_uniforms(struct shader_core *core)
{
	unsigned int count = 2 * field_get(core->job->fau, FAU_COUNT);
	uint64_t va = field_get(core->job->fau, FAU_ADDRESS);
	int error = mmu_read(core->mmu, core->as, va, core->uniform, count * sizeof(uint32_t));

	if (error)
		return shader_access_step(core, error, va);
	for (unsigned int i = 0; i < count; i++)
		core->uniform[i] = le32toh(core->uniform[i]);
	core->uniforms_loaded = true;
	return SHADER_STEP_NEXT;
}

static enum shader_step prepare_uniforms(struct shader_core *core, const struct shader_instr *instr)
{
	if (instr->uniforms > 2 * field_get(core->job->fau, FAU_COUNT)) {
		rules_broken(RULE_JOB_RESOURCE, core->as, core->job->pc,
			     "0x%016llx reads a uniform that the job does not have",
			     (unsigned long long)instr->word);
		return shader_fault(core, SHADER_EXC_DATA_INVALID_FAULT, instr->word);
	}
	return core->uniforms_loaded ? SHADER_STEP_NEXT : load_uniforms(core);
}

/* Set @ends if the instruction is the last one of its thread. */
static enum shader_step execute(struct shader_core *core, uint64_t word, bool *ends)
{
	const struct shader_instr *instr = decode(word);
	enum shader_step step = SHADER_STEP_NEXT;

	if (!instr)
		return reject_word(core, word);
	if (instr->uniforms)
		step = prepare_uniforms(core, instr);
	if (step == SHADER_STEP_NEXT)
		step = exec[instr->op->exec](core, instr);
	if (step == SHADER_STEP_NEXT)
		core->job->pc += SHADER_INSTR_SIZE;
	*ends = instr->flow == SHADER_FLOW_END;
	return step;
}

static void trace_stop(const struct shader_core *core, enum shader_step step)
{
	uint64_t pc = core->job->pc;

	if (step == SHADER_STEP_PAGE_FAULT)
		trace("shader", "AS%u 0x%llx: page fault", core->as, (unsigned long long)pc);
	if (step == SHADER_STEP_FAULT)
		trace("shader", "AS%u 0x%llx: exception 0x%02x, info 0x%llx", core->as,
		      (unsigned long long)pc, core->fault->exception,
		      (unsigned long long)core->fault->info);
}

enum shader_outcome shader_job_run(struct shader_job *job, struct mmu *mmu, unsigned int as,
				   unsigned int *budget, struct shader_fault *fault)
{
	struct shader_core core;
	uint64_t word = 0; /* silences gcc: fetch() sets it if it returns NEXT */

	core.mmu = mmu;
	core.as = as;
	core.job = job;
	core.fault = fault;
	core.uniforms_loaded = false;
	for (unsigned int i = 0; i < SHADER_LINE_COUNT; i++)
		core.line[i].valid = false;
	for (; *budget; --*budget) {
		enum shader_step step = fetch(&core, &word);
		bool ends = false;

		if (step == SHADER_STEP_NEXT)
			step = execute(&core, word, &ends);
		if (step > SHADER_STEP_MOVED) {
			trace_stop(&core, step);
			return outcome_of(step);
		}
		if (ends && !next_thread(job)) {
			--*budget;
			job->active = false;
			trace("shader", "AS%u job done", as);
			return SHADER_DONE;
		}
	}
	return SHADER_SLICE_USED;
}

static bool position_valid(const struct shader_job *job)
{
	for (unsigned int i = 0; i < SHADER_DIMENSIONS; i++) {
		if (job->local[i] >= job->local_size[i] || job->group[i] >= job->size[i])
			return false;
	}
	return true;
}

bool shader_job_valid(const struct shader_job *job)
{
	uint64_t threads = (uint64_t)job->local_size[0] * job->local_size[1] * job->local_size[2];

	if (!job->active)
		return true;
	return job->active == 1 && position_valid(job) && threads <= SHADER_WORKGROUP_MAX &&
	       2 * field_get(job->fau, FAU_COUNT) <= SHADER_UNIFORM_COUNT &&
	       job->pc % SHADER_INSTR_SIZE == 0 && job->entry % SHADER_INSTR_SIZE == 0;
}
