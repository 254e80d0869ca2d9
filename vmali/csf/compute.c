// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "csf/internal.h"
#include "mmu/mmu.h"

/*
 * Compute jobs. A job runs while the stream is at its RUN_COMPUTE: the stream goes on when all
 * threads have ended, so a WAIT for the scoreboard entry of the job has no effect. Its state is
 * part of the stream's, and is suspended and resumed with it.
 *
 * A fault of a job halts the stream. Hardware reports some of them as CS_FAULT and goes on to the
 * next ERROR_BARRIER, which is not modelled.
 */

/* Registers that describe a job: Mesa, src/panfrost/genxml/v10.xml, enum "COMPUTE SR". */
#define REG_SRT		0	/* four pairs of each, of which the instruction selects one */
#define REG_FAU		8
#define REG_SPD		16
#define REG_WORKGROUP	33
#define REG_OFFSET	34	/* three registers */
#define REG_SIZE	37	/* three registers */

static struct shader_params job_params(const struct csf_stream *cs, const struct csf_instr *instr)
{
	struct shader_params params = {
		.srt = csf_reg64(cs, REG_SRT + 2 * instr->arg[CSF_ARG_SRT]),
		.fau = csf_reg64(cs, REG_FAU + 2 * instr->arg[CSF_ARG_FAU]),
		.spd = csf_reg64(cs, REG_SPD + 2 * instr->arg[CSF_ARG_SPD]),
		.workgroup = cs->state.reg[REG_WORKGROUP],
	};

	for (unsigned int i = 0; i < SHADER_DIMENSIONS; i++) {
		params.offset[i] = cs->state.reg[REG_OFFSET + i];
		params.size[i] = cs->state.reg[REG_SIZE + i];
	}
	return params;
}

static enum shader_outcome start(struct csf_stream *cs, const struct csf_instr *instr,
				 struct shader_fault *fault)
{
	struct shader_params params = job_params(cs, instr);

	return shader_job_start(&cs->state.job, cs->mmu, cs->config.as, &params, fault);
}

/*
 * RUN_COMPUTE_INDIRECT differs in how the work is divided into tasks: the driver loads the size of
 * the job into the registers for both (cmd_dispatch_shader() of Mesa's panvk_vX_cmd_dispatch.c).
 */
enum csf_step csf_exec_run_compute(struct csf_stream *cs, const struct csf_instr *instr)
{
	enum shader_outcome outcome = SHADER_SLICE_USED;
	struct shader_fault fault = { 0 };

	if (!cs->state.job.active)
		outcome = start(cs, instr, &fault);
	if (outcome == SHADER_SLICE_USED)
		outcome = shader_job_run(&cs->state.job, cs->mmu, cs->config.as, &cs->job_budget,
					 &fault);
	cs->writes++;		/* the threads may have stored */
	switch (outcome) {
	case SHADER_DONE:
		break;
	case SHADER_SLICE_USED:
		return CSF_STEP_SLICE_USED;
	case SHADER_STALLED:
		return CSF_STEP_STALLED;
	case SHADER_PAGE_FAULT:
		return CSF_STEP_PAGE_FAULT;
	case SHADER_FAULT:
		return csf_fatal(cs, (enum csf_exception)fault.exception, fault.info);
	}
	return CSF_STEP_NEXT;
}
