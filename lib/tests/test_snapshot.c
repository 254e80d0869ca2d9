// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

/*
 * What a failed subtest prints of its address spaces, with records of a kernel log and debugfs files
 * that are made up. The file under test is included: its parsers are its own.
 */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../igt_panthor_snapshot.c"

#define TAG UINT64_C(0x2000012000)

static char printed[1 << 16];
static const char *gpuvas, *gems;
static int debugfs_error;

void igt_log(const char *domain, enum igt_log_level level, const char *format, ...)
{
	const size_t used = strlen(printed);
	va_list args;

	(void)domain;
	assert_int_equal(level, IGT_LOG_INFO);
	va_start(args, format);
	vsnprintf(printed + used, sizeof(printed) - used, format, args);
	va_end(args);
}

int igt_panthor_read_debugfs(int fd, const char *name, char **text)
{
	(void)fd;
	if (debugfs_error)
		return debugfs_error;
	*text = strdup(strcmp(name, "gems") ? gpuvas : gems);
	return 0;
}

pid_t igt_panthor_outer_pid(void)
{
	return 412;
}

int igt_panthor_fault_log_open(void)
{
	return -ENOENT;
}

bool igt_panthor_parse_fault(const char *record, struct igt_panthor_fault *fault)
{
	const char *text = strstr(record, "at VA 0x");

	fault->sequence = strtoull(strchr(record, ',') + 1, NULL, 10);
	fault->va = text ? strtoull(text + strlen("at VA "), NULL, 0) : 0;
	return text;
}

/* ---------------------------------------------------------------------------------------------- */

static unsigned int sequence;

/* Number of open files of the device. */
static unsigned int files;

/* A record of the kernel log. */
static void record(const char *format, ...)
{
	char text[512], line[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(line, sizeof(line), "6,%u,1000,-;%s\n", ++sequence, text);
	parse_record(line);
}

static void igt_record(const char *text)
{
	record("[IGT] %s: %s", program_invocation_short_name, text);
}

static void fault_record(uint64_t va)
{
	record("panthor: Unhandled Page fault in AS1 at VA 0x%" PRIx64, va);
}

#define HEAD \
	"DRM GPU VA space (panthor) [0x0000000000000000;0x0001000000000000]\n" \
	"Kernel reserved node [0x0000000000000000;0x0000000000000000]\n\n" \
	" VAs | start              | range              | end                | object           " \
	"  | object offset\n--------\n"

static void vma_line(char *text, uint64_t va)
{
	sprintf(text + strlen(text),
		"     | 0x%016" PRIx64 " | 0x%016x | 0x%016" PRIx64 " | 0x%016x | 0x%016x\n", va, 4096,
		va + 4096, 1, 0);
}

static char vmas_text[1 << 16], gems_text[1 << 16];

/* The firmware's VM, and one of a subtest with some VMAs. */
static void make_files(unsigned int vmas, unsigned int bos)
{
	strcpy(vmas_text, HEAD);
	vma_line(vmas_text, 0x4000000);
	strcat(vmas_text, "\n" HEAD);
	for (unsigned int i = 0; i < vmas; i++)
		vma_line(vmas_text, 0x100000000 + i * 0x2000ull);
	vma_line(vmas_text, TAG);
	strcpy(gems_text, "flags\ncreated-by   refcount\n---\nother/41     2\nother/4120   2\n");
	for (unsigned int i = 0; i < bos; i++)
		sprintf(gems_text + strlen(gems_text), "name/412     %u\n", i);
	strcat(gems_text, "===\nTotal size: 1\n");
	gpuvas = vmas_text;
	gems = gems_text;
}

static int reset(void **state)
{
	(void)state;
	memset(&kmsg, 0, sizeof(kmsg));
	/* No log of the machine: records come from the tests. */
	kmsg.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	memset(&last, 0, sizeof(last));
	printed[0] = '\0';
	sequence = 0;
	files = 0;
	debugfs_error = 0;
	make_files(3, 2);
	return 0;
}

static int undo(void **state)
{
	(void)state;
	close(kmsg.fd);
	return 0;
}

static unsigned int count(const char *words)
{
	unsigned int found = 0;

	for (const char *at = printed; (at = strstr(at, words)); at++)
		found++;
	return found;
}

static void open_device(int fd)
{
	igt_panthor_snapshot_begin(fd, files++);
}

static void job(uint64_t va, uint64_t size)
{
	struct igt_panthor_snapshot_job made = {};

	igt_panthor_snapshot_job_begin(&made, TAG);
	igt_panthor_snapshot_job_add(&made, va, size, true);
	igt_panthor_snapshot_job_wait(&made);
}

/* ---------------------------------------------------------------------------------------------- */

static void test_failure(void **state)
{
	(void)state;
	open_device(3);
	igt_record("starting subtest evict-remap");
	job(0x100000000, 0x400000);
	fault_record(0x100200000);
	igt_record("finished subtest evict-remap, FAIL");
	igt_panthor_snapshot_left(3);
	assert_non_null(strstr(printed, "address spaces of evict-remap: begin\n"
					"vm: 0x2000012000\nfault: 0x100200000\n"
					"access: 0x100000000+0x400000 stores\ngpuvas: DRM GPU VA"));
	assert_int_equal(count("gpuvas:      |"), 4);
	assert_int_equal(count("0x0000000004000000"), 0);
	assert_int_equal(count("gems: name/412 "), 2);
	assert_int_equal(count("gems: created-by"), 1);
	assert_int_equal(count("gems:"), 3);
	assert_non_null(strstr(printed, "address spaces of evict-remap: end\n"));

	/* Once. */
	igt_panthor_snapshot_left(3);
	assert_int_equal(count("begin"), 1);
}

static void test_no_failure(void **state)
{
	static const char * const verdict[] = { "SUCCESS", "SKIP" };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		char text[64];

		open_device(3);
		igt_record("starting subtest a");
		fault_record(0x1000);
		snprintf(text, sizeof(text), "finished subtest a, %s", verdict[i]);
		igt_record(text);
		igt_panthor_snapshot_left(3);
	}
	record("[IGT] another: finished subtest a, FAIL");
	igt_panthor_snapshot_left(3);
	assert_string_equal(printed, "");
}

/* A failed row is printed when the next one opens the device, and the subtest not once more. */
static void test_rows(void **state)
{
	(void)state;
	igt_record("starting subtest twice");
	igt_record("starting dynamic subtest one");
	open_device(3);
	fault_record(0x1000);
	igt_record("finished dynamic subtest one, FAIL");
	igt_record("starting dynamic subtest two");
	open_device(4);
	assert_int_equal(count("address spaces of twice@one: begin\nfault: 0x1000\n"), 1);
	igt_record("finished dynamic subtest two, SUCCESS");
	igt_record("finished subtest twice, FAIL");
	igt_panthor_snapshot_left(4);
	assert_int_equal(count("begin"), 1);
}

/* Faults of an earlier subtest, and those that the subtest itself has provoked and read. */
static void test_other_faults(void **state)
{
	(void)state;
	igt_record("starting subtest a");
	fault_record(0x1000);
	igt_record("finished subtest a, SUCCESS");
	igt_record("starting subtest b");
	igt_panthor_snapshot_fault_read(sequence + 1);
	fault_record(0x2000);
	last.owner = getpid();
	igt_panthor_snapshot_mark(0x3000, "has to fault");
	igt_record("finished subtest b, FAIL");
	igt_panthor_snapshot_left(3);
	assert_int_equal(count("fault: "), 0);
	assert_int_equal(count("mark: 0x3000 has to fault\n"), 1);
}

/* A fault that the last job cannot have caused leaves open which VM it was. */
static void test_fault_of_another_job(void **state)
{
	(void)state;
	last.owner = getpid();
	job(0x1000, 0x1000);
	igt_record("starting subtest a");
	fault_record(0x2000);
	igt_record("finished subtest a, CRASH");
	igt_panthor_snapshot_left(3);
	assert_int_equal(count("fault: 0x2000\n"), 1);
	assert_int_equal(count("access: "), 0);
	assert_int_equal(count("vm: "), 0);
}

static void test_marks_end(void **state)
{
	(void)state;
	igt_panthor_snapshot_mark(0x1000, "words");
	igt_panthor_snapshot_mark_clear();
	assert_null(last.mark);
	igt_panthor_snapshot_mark(0x1000, "words");
	job(0x1000, 0x1000);
	assert_null(last.mark);
}

static void test_bounds(void **state)
{
	(void)state;
	make_files(300, 500);
	last.owner = getpid();
	igt_record("starting subtest many");
	fault_record(0x100000000 + 200 * 0x2000);
	igt_record("finished subtest many, FAIL");
	igt_panthor_snapshot_left(3);
	assert_int_equal(count("gpuvas:      |"), VMAS_MAX + 1);
	assert_int_equal(count("gpuvas left out: 260\n"), 1);
	assert_int_equal(count("0x0000002000012000"), 1);
	/* The VMA of the fault is among them. */
	assert_int_equal(count("| 0x0000000100190000 | 0x"), 1);
	assert_int_equal(count("gems: name/412"), GEMS_MAX);
	assert_int_equal(count("gems left out: 440\n"), 1);
	assert_true(strlen(printed) < 16 << 10);
}

static void test_more_ranges_than_remembered(void **state)
{
	struct igt_panthor_snapshot_job made = {};

	(void)state;
	igt_panthor_snapshot_job_begin(&made, TAG);
	for (unsigned int i = 0; i < 3 * IGT_PANTHOR_SNAPSHOT_RANGES; i++)
		igt_panthor_snapshot_job_add(&made, i, 1, false);
	assert_int_equal(made.count, IGT_PANTHOR_SNAPSHOT_RANGES);
}

static void test_without_debugfs(void **state)
{
	(void)state;
	last.owner = getpid();
	debugfs_error = -ENOENT;
	for (unsigned int i = 0; i < 2; i++) {
		igt_record("starting subtest a");
		igt_record("finished subtest a, FAIL");
		igt_panthor_snapshot_left(3);
	}
	assert_string_equal(printed, "address spaces are not shown: debugfs of the device: No such file "
				     "or directory\n");
}

/* A child of the subtest has the files of its parent, and another view of the log. */
static void test_child(void **state)
{
	(void)state;
	last.owner = getpid() + 1;
	igt_record("finished subtest a, FAIL");
	open_device(3);
	igt_panthor_snapshot_left(3);
	assert_string_equal(printed, "");
}

/* A failure before the device was opened is not shown when a later subtest opens it twice. */
static void test_failure_without_device(void **state)
{
	(void)state;
	igt_record("starting subtest a");
	igt_record("finished subtest a, FAIL");
	igt_record("starting subtest b");
	open_device(3);
	open_device(4);
	assert_string_equal(printed, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, reset, undo)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_failure),
		TEST(test_no_failure),
		TEST(test_rows),
		TEST(test_other_faults),
		TEST(test_fault_of_another_job),
		TEST(test_marks_end),
		TEST(test_bounds),
		TEST(test_more_ranges_than_remembered),
		TEST(test_without_debugfs),
		TEST(test_child),
		TEST(test_failure_without_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
