/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef PANTHOR_VMAS_H
#define PANTHOR_VMAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "igt_panthor_debugfs.h"

/*
 * The files of panthor_vmas:
 *
 *   panthor_vmas_input.c	debugfs files, logs of failed subtests, marks: text
 *   panthor_vmas_model.c	VMs, VMAs and marks of the text
 *   panthor_vmas_match.c	lines of gems for the objects of gpuvas
 *   panthor_vmas_words.c	sizes, places and names in words
 *   panthor_vmas_print.c	table and JSON
 *   panthor_vmas_draw.c	SVG and PNG
 *   panthor_vmas.c		command line
 *
 * gpuvas names a BO by its kernel address and gems by its label and its creator. No file has both.
 * For each BO of gpuvas, the lines of gems are found that can be it. Where several are left, all
 * are shown.
 */

/* The block of the page table, and the size of the dummy behind sparse ranges. */
#define VMAS_BLOCK (UINT64_C(2) << 20)

/* The smallest page. */
#define VMAS_PAGE UINT64_C(4096)

/* Length of a message about bad input, of a mark's text and of the name of a subtest. */
#define VMAS_ERROR_LEN 256
#define VMAS_TEXT_LEN 64
#define VMAS_NAME_LEN 128

#define VMAS_ERROR(error, ...) snprintf(error, VMAS_ERROR_LEN, __VA_ARGS__)

/* Marks of a picture. */
#define VMAS_MARKS_MAX 16

/**
 * vmas_mark_kind:
 * @VMAS_MARK_PLAIN: an address that the user asks about
 * @VMAS_MARK_FAULT: an access to the address faulted
 * @VMAS_MARK_ACCESS: a job accessed the range at rising addresses, up to the first fault
 */
enum vmas_mark_kind {
	VMAS_MARK_PLAIN,
	VMAS_MARK_FAULT,
	VMAS_MARK_ACCESS,
};

/**
 * vmas_mark:
 * @kind: what the mark says
 * @va: GPU virtual address
 * @size: bytes, 0 for an address alone
 * @text: a few words, may be empty
 */
struct vmas_mark {
	enum vmas_mark_kind kind;
	uint64_t va;
	uint64_t size;
	char text[VMAS_TEXT_LEN];
};

/**
 * vmas_input:
 * @gpuvas: text of gpuvas
 * @gems: text of gems, or NULL
 * @mark: marked addresses
 * @mark_count: number of @mark
 * @has_vm_va: @vm_va is known
 * @vm_va: an address that no VM maps but the one in question
 * @left_vmas: lines of gpuvas that a log leaves out
 * @left_gems: lines of gems that a log leaves out
 * @subtest: name of the failed subtest, or empty
 *
 * Texts and marks from which address spaces are shown.
 */
struct vmas_input {
	char *gpuvas;
	char *gems;
	struct vmas_mark mark[VMAS_MARKS_MAX];
	unsigned int mark_count;
	bool has_vm_va;
	uint64_t vm_va;
	uint64_t left_vmas;
	uint64_t left_gems;
	char subtest[VMAS_NAME_LEN];
};

int vmas_read_file(const char *path, char **text, char *error);
int vmas_parse_mark(const char *text, enum vmas_mark_kind kind, struct vmas_mark *mark);
int vmas_input_add_mark(struct vmas_input *input, const struct vmas_mark *mark);
int vmas_parse_log(const char *log, const char *subtest, struct vmas_input *input, char *error);
int vmas_find_device(const char *debugfs, const char *wanted, char *path, size_t size, char *error);
int vmas_read_device(const char *path, struct vmas_input *input, char *error);
void vmas_input_free(struct vmas_input *input);

/**
 * vmas_kind:
 * @VMAS_UNKNOWN: the dummy or a BO: not known from gems
 * @VMAS_SPARSE: a sparse range over the dummy
 * @VMAS_BO: a range of a BO
 */
enum vmas_kind {
	VMAS_UNKNOWN,
	VMAS_SPARSE,
	VMAS_BO,
};

/**
 * vmas_pages:
 * @VMAS_PAGES_UNKNOWN: not known from gems
 * @VMAS_PAGES_RESIDENT: the object has its pages
 * @VMAS_PAGES_EVICTED: the shrinker has evicted them
 * @VMAS_PAGES_NONE: it never had any
 */
enum vmas_pages {
	VMAS_PAGES_UNKNOWN,
	VMAS_PAGES_RESIDENT,
	VMAS_PAGES_EVICTED,
	VMAS_PAGES_NONE,
};

/**
 * vmas_object:
 * @address: kernel address, as gpuvas has it
 * @kind: what its mappings are
 * @pages: whether it has its pages
 * @gem: its line of gems, NULL unless only one is possible
 * @candidates: number of lines of gems that are possible
 * @evictions: number of its evictions, if all possible lines agree, or -1
 * @pid: its creator, if all possible lines agree, or 0
 * @label: its label, or the labels that are possible
 *
 * An object that VMAs map.
 */
struct vmas_object {
	uint64_t address;
	enum vmas_kind kind;
	enum vmas_pages pages;
	const struct igt_panthor_gem *gem;
	unsigned int candidates;
	int64_t evictions;
	pid_t pid;
	char label[VMAS_NAME_LEN];
};

/**
 * vmas_vma:
 * @va: GPU virtual address
 * @size: bytes
 * @offset: offset in the object
 * @object: index of the object
 *
 * A VMA. Its end, @va + @size, is a number of 64 bits.
 */
struct vmas_vma {
	uint64_t va;
	uint64_t size;
	uint64_t offset;
	size_t object;
};

/**
 * vmas_vm:
 * @number: position in gpuvas, from 0
 * @first: index of its first VMA
 * @count: number of its VMAs, in the order of their addresses
 * @pid: process whose objects it maps, 0 if that is not known
 * @comm: name of the process, or "firmware"
 * @is_firmware: the VM of the firmware
 * @is_marked: the VM that the marks are about, as far as is known
 */
struct vmas_vm {
	unsigned int number;
	size_t first;
	size_t count;
	pid_t pid;
	char comm[IGT_PANTHOR_COMM_LEN];
	bool is_firmware;
	bool is_marked;
};

/**
 * vmas_model:
 * @vma: VMAs of all VMs
 * @vma_count: number of @vma
 * @object: objects
 * @object_count: number of @object
 * @vm: VMs
 * @vm_count: number of @vm
 * @gems: lines of gems
 * @ignored: lines of gpuvas that no driver writes: empty, or beyond 64 bits
 */
struct vmas_model {
	struct vmas_vma *vma;
	size_t vma_count;
	struct vmas_object *object;
	size_t object_count;
	struct vmas_vm *vm;
	size_t vm_count;
	struct igt_panthor_gems gems;
	size_t ignored;
};

void *vmas_zeroed(size_t count, size_t size);
int vmas_match(struct vmas_model *model);
int vmas_model_init(struct vmas_model *model, const struct vmas_input *input, char *error);
int vmas_model_select(struct vmas_model *model, int64_t vm, pid_t pid, char *error);
void vmas_model_fini(struct vmas_model *model);

/**
 * vmas_blocks:
 * @head: bytes in front of the first block edge, or all of a VMA that reaches no edge
 * @whole: number of whole blocks
 * @tail: bytes behind the last block edge
 */
struct vmas_blocks {
	uint64_t head;
	uint64_t whole;
	uint64_t tail;
};

struct vmas_blocks vmas_split_blocks(uint64_t va, uint64_t size);
const struct vmas_vma *vmas_find(const struct vmas_model *model, const struct vmas_vm *vm,
				 uint64_t va);
bool vmas_has_marks(const struct vmas_model *model, const struct vmas_vm *vm);
uint64_t vmas_accessed_end(const struct vmas_input *input, const struct vmas_mark *access);
bool vmas_is_odd_sparse(const struct vmas_vma *vma, const struct vmas_object *object);
void vmas_describe_mark(const struct vmas_model *model, const struct vmas_vm *vm,
			const struct vmas_input *input, const struct vmas_mark *mark, char *text,
			size_t size);
void vmas_format_size(uint64_t size, char *text, size_t length);
const char *vmas_kind_name(enum vmas_kind kind);
const char *vmas_pages_name(enum vmas_pages pages);

void vmas_print_table(FILE *out, const struct vmas_model *model, const struct vmas_input *input);
void vmas_print_json(FILE *out, const struct vmas_model *model, const struct vmas_input *input);

enum vmas_picture {
	VMAS_SVG,
	VMAS_PNG,
};

int vmas_draw(FILE *out, enum vmas_picture form, const struct vmas_model *model,
	      const struct vmas_input *input, char *error);

#endif /* PANTHOR_VMAS_H */
