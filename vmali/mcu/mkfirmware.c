// SPDX-License-Identifier: MIT
/* Copyright (C) 2026 The vmali authors */

/*
 * mkfirmware OUTPUT: writes the firmware image that panthor loads on the virtual board, as
 * arm/mali/arch10.8/mali_csffw.bin.
 *
 * A CSF firmware image is made of little-endian 32-bit words (source of all that follows:
 * panthor_fw.c in Linux 7.3, the structures panthor_fw_binary_* and the functions named here):
 *
 *	header		20 bytes: magic, version, hash, and the offset at which the entries end
 *	entries		each a word with type (7:0), size in bytes including that word (15:8) and
 *			flags (31:30), then a body; sizes are multiples of 4
 *	data		anywhere up to the end of the file; entries point at it by file offset
 *
 * The driver (panthor_fw_load()) requires major version 0, and one interface section at the start
 * of the shared region. A real image also has sections for code and data. The MCU of the board is
 * part of the model and executes no code, so this image only gives the size of the shared section.
 * Its ZERO flag makes the driver clear the section before a boot, so that the model starts from a
 * known state. A second, optional entry has the string that the driver logs as "Firmware git sha".
 *
 * The interface section is mapped readable, writable and not executable, and uncached, because
 * driver and firmware both poll its control blocks (panthor_fw_load_section_entry()).
 */

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "mcu/firmware_layout.h"

/* Defined by the build as the project's version. */
#ifndef VMALI_VERSION
#define VMALI_VERSION "unversioned"
#endif

/* CSF_FW_BINARY_HEADER_* */
#define FW_MAGIC 0xc3f13a6eu
#define FW_VERSION_MAJOR 0
#define FW_VERSION_MINOR 0

/* enum panthor_fw_binary_entry_type */
#define FW_ENTRY_INTERFACE 0u
#define FW_ENTRY_BUILD_INFO 6u
/* CSF_FW_BINARY_ENTRY_*: the driver may skip entries of unknown type. */
#define FW_ENTRY_OPTIONAL (1u << 31)
#define FW_ENTRY_SIZE_MAX 0xffu

/* CSF_FW_BINARY_IFACE_ENTRY_* */
#define FW_SECTION_READ (1u << 0)
#define FW_SECTION_WRITE (1u << 1)
#define FW_SECTION_UNCACHED_COHERENT (2u << 3)
#define FW_SECTION_SHARED (1u << 30)
#define FW_SECTION_ZERO (1u << 31)

/* Granule of the MMU, the alignment of sections. */
#define FW_PAGE_SIZE 0x1000u

struct fw_header {
	uint32_t magic;
	uint8_t minor;
	uint8_t major;
	uint16_t zero1;
	uint32_t version_hash;
	uint32_t zero2;
	uint32_t entries_end; /* file offset at which the entries end and the data begins */
};

struct fw_section {
	uint32_t entry;
	uint32_t flags;
	uint32_t va_start, va_end; /* MCU addresses, end exclusive */
	uint32_t data_start, data_end; /* file offsets of the initial content */
};

struct fw_build_info {
	uint32_t entry;
	uint32_t data_start; /* file offset */
	uint32_t data_size; /* in bytes, with the terminating NUL */
};

/* panthor_fw_read_build_info() expects this prefix. */
#define FW_BUILD_INFO "git_sha: vmali-" VMALI_VERSION

struct fw_image {
	struct fw_header header;
	struct fw_section shared;
	struct fw_build_info build_info;
	char build_info_data[sizeof(FW_BUILD_INFO)];
};

#define FW_ENTRIES_END offsetof(struct fw_image, build_info_data)

_Static_assert(sizeof(struct fw_header) == 20, "header as in the file");
_Static_assert(offsetof(struct fw_header, major) == 5, "header as in the file");
_Static_assert(offsetof(struct fw_header, entries_end) == 16, "header as in the file");
_Static_assert(sizeof(struct fw_section) == 24, "section entry as in the file");
_Static_assert(sizeof(struct fw_build_info) == 12, "build info entry as in the file");
_Static_assert(FW_ENTRIES_END == 20 + 24 + 12, "entries follow each other");
_Static_assert(sizeof(struct fw_section) <= FW_ENTRY_SIZE_MAX, "entry size has eight bits");
_Static_assert(FIRMWARE_SHARED_VA % FW_PAGE_SIZE == 0, "section is page aligned");
_Static_assert(FIRMWARE_SHARED_SIZE % FW_PAGE_SIZE == 0, "section is whole pages");

static uint32_t fw_entry(uint32_t type, size_t size)
{
	return htole32(type | (uint32_t)size << 8);
}

static const struct fw_image *fw_image_make(void)
{
	static struct fw_image image = { .build_info_data = FW_BUILD_INFO };

	image.header = (struct fw_header){
		.magic = htole32(FW_MAGIC),
		.major = FW_VERSION_MAJOR,
		.minor = FW_VERSION_MINOR,
		.entries_end = htole32(FW_ENTRIES_END),
	};
	image.shared = (struct fw_section){
		.entry = fw_entry(FW_ENTRY_INTERFACE, sizeof(image.shared)),
		.flags = htole32(FW_SECTION_READ | FW_SECTION_WRITE | FW_SECTION_UNCACHED_COHERENT |
				 FW_SECTION_SHARED | FW_SECTION_ZERO),
		.va_start = htole32(FIRMWARE_SHARED_VA),
		.va_end = htole32(FIRMWARE_SHARED_VA + FIRMWARE_SHARED_SIZE),
	};
	image.build_info = (struct fw_build_info){
		.entry =
			fw_entry(FW_ENTRY_BUILD_INFO | FW_ENTRY_OPTIONAL, sizeof(image.build_info)),
		.data_start = htole32(offsetof(struct fw_image, build_info_data)),
		.data_size = htole32(sizeof(image.build_info_data)),
	};
	return &image;
}

/* Returns 0 or a negative errno. */
static int fw_image_write(const char *path)
{
	FILE *file = fopen(path, "wb");
	int ret = 0;

	if (!file)
		return -errno;

	if (fwrite(fw_image_make(), sizeof(struct fw_image), 1, file) != 1)
		ret = -errno;
	if (fclose(file) && !ret)
		ret = -errno;
	return ret;
}

int main(int argc, char **argv)
{
	int ret;

	if (argc != 2) {
		fprintf(stderr, "usage: mkfirmware OUTPUT\n");
		return 2;
	}

	ret = fw_image_write(argv[1]);
	if (ret) {
		fprintf(stderr, "mkfirmware: %s: %s\n", argv[1], strerror(-ret));
		return 1;
	}
	return 0;
}
