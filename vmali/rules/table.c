// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "rules/rules.h"

/*
 * The rules. Their sources are the driver's headers and comments as of Linux 7.3, and the Arm
 * Architecture Reference Manual (DDI 0487). "Modelled" rules only say that the model knows nothing
 * of what was asked for.
 */
static const struct rule_text texts[RULE_COUNT] = {
	[RULE_LOCK_MOVED] = {
		"lock-moved",
		"A LOCK while a region is locked contains that region.",
		"panthor_mmu.c, panthor_vm_lock_region(): lock the union of both regions",
		false,
	},
	[RULE_LOCK_BELOW_MINIMUM] = {
		"lock-below-minimum",
		"A locked region has 32 KiB at least.",
		"panthor_mmu_regs.h, AS_LOCK_REGION_MIN_SIZE",
		false,
	},
	[RULE_UNLOCK_WITHOUT_LOCK] = {
		"unlock-without-lock",
		"UNLOCK of an address space that translates ends a locked region.",
		"panthor_mmu.c, panthor_mmu_as_disable(): unlock the region if there is a lock pending",
		false,
	},
	[RULE_UNLOCK_UNFLUSHED] = {
		"unlock-unflushed",
		"The caches are flushed between LOCK and UNLOCK.",
		"panthor_mmu.c, panthor_vm_unlock_region(): flush and invalidate before the unlock",
		false,
	},
	[RULE_UPDATE_WHILE_LOCKED] = {
		"update-while-locked",
		"No region is locked when an address space gets other registers.",
		"panthor_mmu.c, panthor_vm_active(): we do not expect any locked region here",
		false,
	},
	[RULE_AS_NOT_UPDATED] = {
		"as-not-updated",
		"TRANSTAB, MEMATTR and TRANSCFG are followed by UPDATE before the address space is used.",
		"panthor_mmu.c, panthor_mmu_as_enable()",
		false,
	},
	[RULE_AS_REUSED_UNFLUSHED] = {
		"as-reused-unflushed",
		"The caches are flushed before an address space gets other page tables.",
		"panthor_mmu.c, panthor_mmu_as_disable(): flush and invalidate caches",
		false,
	},
	[RULE_AS_COMMAND_UNKNOWN] = {
		"as-command-unknown",
		"Commands of address spaces are those of the driver's header.",
		"panthor_mmu_regs.h, AS_COMMAND_*",
		false,
	},
	[RULE_ADDRESS_MODE_UNKNOWN] = {
		"address-mode-unknown",
		"The address mode is UNMAPPED, IDENTITY or AARCH64_4K.",
		"modelled",
		false,
	},
	[RULE_CHANGED_BEFORE_LOCK] = {
		"changed-before-lock",
		"A translation in use does not change before its region is locked.",
		"panthor_mmu.c, panthor_vm_lock_region(): lock the region that needs to be updated; "
		"DDI 0487, D8.16.1 (using break-before-make when updating translation table entries)",
		false,
	},
	[RULE_CHANGED_OUTSIDE_LOCK] = {
		"changed-outside-lock",
		"A translation in use does not change outside of a locked region.",
		"panthor_mmu.c, panthor_vm_map_pages(): the range is in the locked region; "
		"DDI 0487, D8.16.1 (using break-before-make when updating translation table entries)",
		false,
	},
	[RULE_TABLE_MALFORMED] = {
		"table-malformed",
		"Valid descriptors of page tables are well formed.",
		"DDI 0487, D8.3 (translation table descriptor formats)",
		false,
	},
	[RULE_REGISTER_READ_ONLY] = {
		"register-read-only",
		"Read-only registers are not written.",
		"panthor_gpu_regs.h, panthor_mmu_regs.h: registers that the driver reads only",
		false,
	},
	[RULE_REGISTER_UNKNOWN] = {
		"register-unknown",
		"Registers that are written are in the driver's headers.",
		"panthor_gpu_regs.h, panthor_fw_regs.h, panthor_mmu_regs.h",
		false,
	},
	[RULE_GPU_COMMAND_UNKNOWN] = {
		"gpu-command-unknown",
		"Commands of the GPU are resets and cache flushes of the driver's header.",
		"panthor_gpu_regs.h, GPU_CMD_DEF()",
		false,
	},
	[RULE_L2_OFF_BUSY] = {
		"l2-off-busy",
		"The L2 stays powered while the microcontroller runs.",
		"panthor_device.c, panthor_device_suspend(): the firmware is stopped before the GPU",
		false,
	},
	[RULE_IRQ_CLEARED_UNREAD] = {
		"irq-cleared-unread",
		"An interrupt that is enabled is read before it is cleared.",
		"panthor_device.h, PANTHOR_IRQ_HANDLER(): handled bits are those that were read",
		false,
	},
	[RULE_MCU_CONTROL_UNKNOWN] = {
		"mcu-control-unknown",
		"MCU_CONTROL is DISABLE, ENABLE or AUTO.",
		"panthor_fw_regs.h, MCU_CONTROL_*",
		false,
	},
	[RULE_MCU_WITHOUT_L2] = {
		"mcu-without-l2",
		"The L2 is powered when the microcontroller starts.",
		"panthor_device.c, panthor_device_reset_work(): L2 on before the firmware",
		false,
	},
	[RULE_MCU_WITHOUT_TABLES] = {
		"mcu-without-tables",
		"The address space of the microcontroller is enabled, and maps the shared section, when it "
		"starts.",
		"panthor_fw.c, panthor_fw_post_reset(): make the MCU VM active",
		false,
	},
	[RULE_INTERFACE_UNREACHABLE] = {
		"interface-unreachable",
		"The shared section of the firmware stays mapped while the microcontroller runs.",
		"panthor_fw.c, panthor_fw_load_section_entry()",
		false,
	},
	[RULE_REQUEST_UNKNOWN] = {
		"request-unknown",
		"Requests to the firmware are those that its interface offers.",
		"panthor_fw.h, GLB_*, CSG_STATE_*, CS_STATE_*; modelled",
		false,
	},
	[RULE_REQUEST_CHANGED] = {
		"request-changed",
		"A state request stays until it is acknowledged.",
		"panthor_sched.c, csgs_upd_ctx_apply_locked(): waits for the acknowledgement",
		false,
	},
	[RULE_GROUP_AS_INVALID] = {
		"group-as-invalid",
		"A group runs in an address space that exists and is not that of the firmware.",
		"panthor_sched.c, csg_slot_prog_locked(): config is the AS of the group's VM; "
		"panthor_mmu.c, panthor_vm_active(): AS0 is that of the MCU",
		false,
	},
	[RULE_DOORBELL_WITHOUT_GROUP] = {
		"doorbell-without-group",
		"User doorbells are rung for streams of groups that have a slot.",
		"panthor_sched.c, queue_run_job(): a group without a slot is scheduled instead",
		false,
	},
	[RULE_RING_INVALID] = {
		"ring-invalid",
		"Indices of a ring are multiples of an instruction, in order, and at most a ring apart.",
		"panthor_sched.c, queue_run_job(): insert moves by whole instructions",
		false,
	},
	[RULE_SUSPEND_BUFFER_LOST] = {
		"suspend-buffer-lost",
		"The suspend buffer of a group stays mapped, with what the firmware wrote.",
		"panthor_fw.c, panthor_fw_alloc_suspend_buf_mem(): a BO of the driver, in the MCU's VM",
		false,
	},
	[RULE_STREAM_NOT_MODELLED] = {
		"stream-not-modelled",
		"Instructions of command streams are those that the model executes.",
		"modelled",
		true,
	},
	[RULE_STREAM_UNDEFINED_BITS] = {
		"stream-undefined-bits",
		"Undefined bits of instructions are zero.",
		"csf/decode.c",
		true,
	},
	[RULE_STREAM_WAIT_CONDITION] = {
		"stream-wait-condition",
		"A SYNC_WAIT blocks on a condition that the driver can evaluate.",
		"panthor_sched.c, panthor_queue_eval_syncwait()",
		true,
	},
	[RULE_JOB_NOT_MODELLED] = {
		"job-not-modelled",
		"Compute jobs use what the shader core has.",
		"modelled",
		true,
	},
	[RULE_JOB_RESOURCE] = {
		"job-resource",
		"Resources of compute jobs are valid.",
		"shader/descriptor.c",
		true,
	},
};

const struct rule_text *rule_text(enum rule rule)
{
	return &texts[rule];
}
