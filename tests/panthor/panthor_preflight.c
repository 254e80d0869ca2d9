// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

/*
 * Says what this machine has and lacks for the tests of sparse mappings, and which subtests each lack
 * makes skip. Needs neither root nor libigt nor libdrm, and changes nothing. What only root can see is
 * said to be unknown.
 *
 * --root DIR reads /proc, /sys and /dev below DIR: for tests.
 */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "panthor_drm.h"

/* Version of the uAPI that has DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE. */
#define SPARSE_MAJOR 1
#define SPARSE_MINOR 9

/* Minors of render nodes (drm_minor_alloc()). */
#define RENDER_FIRST 128
#define RENDER_LAST 191

/* What the pressure-* subtests take at most. */
#define PRESSURE_MAX_MIB 2048

enum verdict { HAS, LACKS, UNKNOWN };

static const char * const verdict_words[] = {
	[HAS] = "ok",
	[LACKS] = "lacks",
	[UNKNOWN] = "?",
};

static const char *root = "";
static unsigned int lacks;

/* Prints a line: a verdict, what it is about, and a text. */
__attribute__((format(printf, 3, 4))) static void say(enum verdict verdict, const char *what,
						      const char *format, ...)
{
	va_list args;

	lacks += verdict == LACKS;
	printf("%-6s %-16s ", verdict_words[verdict], what);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

static void full_path(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s%s", root, name);
}

static bool exists(const char *name)
{
	char path[512];

	full_path(path, sizeof(path), name);
	return !access(path, F_OK);
}

/* The beginning of a file, without the end of its last line; empty if it cannot be read. */
static bool read_text(const char *name, char *text, size_t size)
{
	char path[512];
	size_t length;
	FILE *file;

	full_path(path, sizeof(path), name);
	text[0] = '\0';
	file = fopen(path, "re");
	if (!file)
		return false;

	length = fread(text, 1, size - 1, file);
	fclose(file);
	while (length && isspace((unsigned char)text[length - 1]))
		length--;
	text[length] = '\0';

	return true;
}

/* Whether a text has a word between blanks, tabs and ends of lines. */
static bool has_word(const char *text, const char *word)
{
	const size_t length = strlen(word);

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
		const char after = at[length];

		if ((at == text || isspace((unsigned char)at[-1])) &&
		    (!after || isspace((unsigned char)after)))
			return true;
	}

	return false;
}

static uint64_t meminfo_mib(const char *field)
{
	char text[8192];
	const char *at;

	read_text("/proc/meminfo", text, sizeof(text));
	at = strstr(text, field);

	return at ? strtoull(at + strlen(field), NULL, 10) / 1024 : 0;
}

/*
 * The device. The names are those of panthor_hw.c, for the GPUs whose name does not depend on the
 * number of their cores.
 */

struct device {
	int fd;
	int minor;
	int denied;
	int major_version, minor_version;
};

static const char *model_name(uint32_t gpu_id)
{
	static const struct {
		unsigned int arch, product;
		const char *name;
	} models[] = {
		{ 10, 2, "Mali-G710" }, { 10, 3, "Mali-G510" }, { 10, 4, "Mali-G310" },
		{ 10, 7, "Mali-G610" }, { 11, 2, "Mali-G715 or G615" }, { 11, 3, "Mali-G615" },
		{ 12, 0, "Mali-G720 or G620" }, { 12, 1, "Mali-G620" },
		{ 13, 0, "Mali-G925, G725 or G625" }, { 13, 1, "Mali-G625" },
		{ 14, 0, "Mali-G1-Ultra" }, { 14, 1, "Mali-G1-Premium" },
		{ 14, 3, "Mali-G1-Pro" },
	};

	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		if (models[i].arch == DRM_PANTHOR_ARCH_MAJOR(gpu_id) &&
		    models[i].product == DRM_PANTHOR_PRODUCT_MAJOR(gpu_id))
			return models[i].name;
	}

	return "a Mali of a model that this program does not know";
}

static bool is_panthor(struct device *device)
{
	char name[32] = "";
	struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };

	if (ioctl(device->fd, DRM_IOCTL_VERSION, &version) || strcmp(name, "panthor"))
		return false;

	device->major_version = version.version_major;
	device->minor_version = version.version_minor;

	return true;
}

static struct device open_device(void)
{
	struct device device = { .fd = -1, .denied = -1 };
	char name[32], path[512];

	for (int minor = RENDER_FIRST; minor <= RENDER_LAST; minor++) {
		snprintf(name, sizeof(name), "/dev/dri/renderD%d", minor);
		full_path(path, sizeof(path), name);
		device.minor = minor;
		device.fd = open(path, O_RDWR | O_CLOEXEC);
		if (device.fd >= 0 && is_panthor(&device))
			return device;
		if (device.fd < 0 && errno == EACCES)
			device.denied = minor;
		if (device.fd >= 0)
			close(device.fd);
	}
	device.fd = -1;

	return device;
}

/* Returns: false if nothing can run. */
static bool check_device(const struct device *device)
{
	struct drm_panthor_gpu_info gpu = {};
	struct drm_panthor_dev_query query = {
		.type = DRM_PANTHOR_DEV_QUERY_GPU_INFO,
		.size = sizeof(gpu),
		.pointer = (uintptr_t)&gpu,
	};

	if (device->fd < 0) {
		if (device->denied >= 0)
			say(LACKS, "GPU", "/dev/dri/renderD%d: permission denied: be root, or in its "
			    "group (render)", device->denied);
		else
			say(LACKS, "GPU", "no device of panthor in /dev/dri: all subtests skip. Is the "
			    "module loaded, and the firmware there?");
		return false;
	}
	if (ioctl(device->fd, DRM_IOCTL_PANTHOR_DEV_QUERY, &query)) {
		say(LACKS, "GPU", "/dev/dri/renderD%d does not answer: %s", device->minor,
		    strerror(errno));
		return false;
	}
	say(HAS, "GPU", "%s (GPU_ID %#x), /dev/dri/renderD%d", model_name(gpu.gpu_id), gpu.gpu_id,
	    device->minor);

	return true;
}

/* Returns: false if nothing can run. */
static bool check_uapi(const struct device *device)
{
	const bool sparse = device->major_version > SPARSE_MAJOR ||
			    (device->major_version == SPARSE_MAJOR &&
			     device->minor_version >= SPARSE_MINOR);

	if (sparse)
		say(HAS, "uAPI", "panthor %d.%d", device->major_version, device->minor_version);
	else
		say(LACKS, "uAPI", "panthor %d.%d has no sparse mappings, %d.%d (Linux 7.3) has: all "
		    "subtests skip", device->major_version, device->minor_version, SPARSE_MAJOR,
		    SPARSE_MINOR);

	return sparse;
}

static bool is_root;

static void check_root(void)
{
	if (is_root)
		say(HAS, "root", "yes");
	else
		say(LACKS, "root", "no: what needs debugfs, slabinfo or settings of the kernel skips, more "
		    "than half of all; map-*, uapi-*, padding-*, punch-* and most of async-* run");
}

static void check_debugfs(void)
{
	char text[4096];

	read_text("/proc/filesystems", text, sizeof(text));
	if (!has_word(text, "debugfs"))
		say(LACKS, "debugfs", "not in this kernel (CONFIG_DEBUG_FS): evict-*, alias-*, hole-*, "
		    "bounds-*, refs-*, cycle-*, offset-*, cpu-*, race-* and more skip, more than half");
	else if (is_root)
		say(HAS, "debugfs", "yes");
	else
		say(UNKNOWN, "debugfs", "in this kernel; whether panthor shows gems, gpuvas and shrink "
		    "there is for root to see");
}

static void check_swap(void)
{
	const uint64_t total = meminfo_mib("SwapTotal:"), available = meminfo_mib("SwapFree:");

	if (available)
		say(HAS, "swap", "%llu of %llu MiB free", (unsigned long long)available,
		    (unsigned long long)total);
	else
		say(LACKS, "swap", "%s: evict-*, alias-*, hole-*, rebound-*, race-*, pressure-*, scan-* "
		    "and noswap-* skip", total ? "none is free" : "none");
}

static bool zram_is_module(void)
{
	struct utsname kernel;
	char name[512], path[512], line[1024];
	bool found = false;
	FILE *file;

	uname(&kernel);
	snprintf(name, sizeof(name), "/lib/modules/%s/modules.dep", kernel.release);
	full_path(path, sizeof(path), name);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		/* What a module needs follows its own name. */
		line[strcspn(line, ":")] = '\0';
		found = strstr(line, "/zram.ko");
	}
	fclose(file);

	return found;
}

static void check_zram(void)
{
	if (exists("/sys/class/zram-control"))
		say(HAS, "zram", "yes");
	else if (zram_is_module())
		say(HAS, "zram", "as a module, which is not loaded: modprobe zram");
	else
		say(LACKS, "zram", "no (CONFIG_ZRAM): noswap-* that need a small swap area skip");
}

static void check_huge_pages(void)
{
	char parameter[16];

	if (!exists("/sys/kernel/mm/transparent_hugepage"))
		say(LACKS, "huge pages", "not in this kernel (CONFIG_TRANSPARENT_HUGEPAGE): huge-*, "
		    "block-huge-*, block-dmabuf-huge-* and block-small-* skip");
	else if (!read_text("/sys/module/panthor/parameters/transparent_hugepage", parameter,
			    sizeof(parameter)))
		say(UNKNOWN, "huge pages", "in this kernel; whether panthor asks for them is %s",
		    is_root ? "not known: it has no such parameter" : "for root to see");
	else if (parameter[0] == 'Y' || parameter[0] == '1')
		say(HAS, "huge pages", "yes");
	else
		say(LACKS, "huge pages", "panthor.transparent_hugepage is off: huge-*, block-huge-* and "
		    "block-small-* skip");
}

static void check_memory(void)
{
	const uint64_t total = meminfo_mib("MemTotal:"), available = meminfo_mib("MemAvailable:");
	const uint64_t swap = meminfo_mib("SwapFree:");
	const uint64_t half = total / 2 < PRESSURE_MAX_MIB ? total / 2 : PRESSURE_MAX_MIB;

	if (available > half && swap > half)
		say(HAS, "memory", "%llu of %llu MiB available", (unsigned long long)available,
		    (unsigned long long)total);
	else
		say(LACKS, "memory", "%llu of %llu MiB available, %llu MiB of swap free: pressure-* need "
		    "more than %llu of both, or skip", (unsigned long long)available,
		    (unsigned long long)total, (unsigned long long)swap, (unsigned long long)half);
}

static void check_cgroups(void)
{
	char text[512];

	if (read_text("/sys/fs/cgroup/cgroup.controllers", text, sizeof(text)) &&
	    has_word(text, "memory"))
		say(HAS, "memory cgroups", "yes");
	else
		say(LACKS, "memory cgroups", "no memory controller of version 2 in /sys/fs/cgroup: "
		    "reserve-*, huge-* and what swaps evicted pages out skip");
}

static void check_fault_injection(void)
{
	const bool nth = exists("/proc/self/fail-nth");
	const bool slab = exists("/sys/kernel/debug/failslab");
	const bool function = exists("/sys/kernel/debug/fail_function");

	if (!nth && (!is_root || !function))
		say(LACKS, "fault injection", "not in this kernel (CONFIG_FAULT_INJECTION_DEBUG_FS): "
		    "fail-*, reset-*, refs-failed and some of block-unusable-* skip");
	else if (!is_root)
		say(UNKNOWN, "fault injection", "in this kernel; whether it has CONFIG_FAILSLAB and "
		    "CONFIG_FAIL_FUNCTION is for root to see");
	else if (!nth || !slab)
		say(LACKS, "fault injection", "no CONFIG_FAILSLAB: fail-* and refs-failed skip");
	else if (!function)
		say(LACKS, "fault injection", "no CONFIG_FAIL_FUNCTION: reset-* and some of "
		    "block-unusable-* skip");
	else
		say(HAS, "fault injection", "yes");
}

/* A merged cache is a link to the one that it shares. */
static void check_slab(void)
{
	static const char cache[] = "/sys/kernel/slab/panthor-mmu-pt";
	char path[512], target[256], text[4096];
	ssize_t length;

	full_path(path, sizeof(path), cache);
	length = readlink(path, target, sizeof(target) - 1);
	read_text("/proc/cmdline", text, sizeof(text));
	if (length > 0 || (!exists(cache) && !has_word(text, "slab_nomerge")))
		say(LACKS, "slab merging", "the kernel merges caches: boot it with slab_nomerge, or "
		    "reserve-*, huge-*, block-small-*, block-huge-* and block-dmabuf-huge-* skip");
	else
		say(HAS, "slab merging", "none: page tables can be counted");
}

/* Whether the process of this number has a file of the device open. */
static bool has_device_open(const char *pid, int minor)
{
	char folder[512], path[1024], target[256], wanted[64];
	bool found = false;
	struct dirent *entry;
	DIR *files;

	snprintf(folder, sizeof(folder), "%s/proc/%s/fd", root, pid);
	snprintf(wanted, sizeof(wanted), "/dev/dri/renderD%d", minor);
	files = opendir(folder);
	if (!files)
		return false;
	while (!found && (entry = readdir(files))) {
		ssize_t length;

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		length = readlink(path, target, sizeof(target) - 1);
		if (length < 0)
			continue;
		target[length] = '\0';
		found = !strcmp(target, wanted);
	}
	closedir(files);

	return found;
}

static void check_clients(int minor)
{
	char path[512], name[300], comm[32] = "", pid[32] = "";
	unsigned int count = 0;
	struct dirent *entry;
	DIR *processes;

	full_path(path, sizeof(path), "/proc");
	processes = opendir(path);
	while (processes && (entry = readdir(processes))) {
		if (!isdigit((unsigned char)entry->d_name[0]) || atoi(entry->d_name) == getpid() ||
		    !has_device_open(entry->d_name, minor))
			continue;
		if (!count++) {
			snprintf(pid, sizeof(pid), "%.20s", entry->d_name);
			snprintf(name, sizeof(name), "/proc/%s/comm", entry->d_name);
			read_text(name, comm, sizeof(comm));
		}
	}
	if (processes)
		closedir(processes);

	if (count)
		say(LACKS, "other clients", "%u, process %s (%s) first: tlb-*, reset-*, punch-idle-vm, "
		    "race-count and recycle-binding skip while they run", count, pid, comm);
	else if (is_root)
		say(HAS, "other clients", "none");
	else
		say(UNKNOWN, "other clients", "none of yours; those of others are for root to see");
}

static int usage(FILE *to, int status)
{
	fprintf(to, "Usage: panthor_preflight [--root DIR]\n\n"
		"Says what this machine has and lacks for panthor_vm_sparse*, and what each lack makes "
		"skip.\nExit status: 0, 1 if no subtest can run, 2 for a wrong command line.\n");
	return status;
}

static int options(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--help"))
		exit(usage(stdout, 0));
	if (argc == 3 && !strcmp(argv[1], "--root")) {
		root = argv[2];
		return 0;
	}

	return argc > 1;
}

int main(int argc, char **argv)
{
	struct device device;
	bool runs;

	if (options(argc, argv)) {
		fprintf(stderr, "panthor_preflight: %s: type panthor_preflight [--root DIR]\n",
			argv[1]);
		return 2;
	}
	is_root = !geteuid();
	device = open_device();
	runs = check_device(&device) && check_uapi(&device);
	check_root();
	check_debugfs();
	check_swap();
	check_zram();
	check_huge_pages();
	check_memory();
	check_cgroups();
	check_fault_injection();
	check_slab();
	check_clients(device.minor);
	printf("%s\n", !runs ? "No subtest can run." :
	       lacks ? "The others run. docs/boards.md has the details." : "All subtests can run.");

	return runs ? 0 : 1;
}
