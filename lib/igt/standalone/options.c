// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <getopt.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "standalone.h"

#define CORE "igt_core"

/* Tells this implementation from libigt in igt_results' igt-version. */
#define VERSION "standalone-1"

struct standalone_options standalone_options;

/* Values of long options. Those of the test are small. */
enum {
	OPT_LIST = 0x10000,
	OPT_TESTLIST,
	OPT_SUBTEST,
	OPT_ROW,
	OPT_DEBUG,
	OPT_DESCRIPTION,
	OPT_DESCRIBE,
	OPT_DEVICE,
	OPT_VERSION,
};

static const struct option own_options[] = {
	{ "list-subtests", no_argument, NULL, OPT_LIST },
	{ "show-testlist", no_argument, NULL, OPT_TESTLIST },
	{ "run-subtest", required_argument, NULL, OPT_SUBTEST },
	{ "dynamic-subtest", required_argument, NULL, OPT_ROW },
	{ "debug", optional_argument, NULL, OPT_DEBUG },
	{ "help-description", no_argument, NULL, OPT_DESCRIPTION },
	{ "describe", optional_argument, NULL, OPT_DESCRIBE },
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, 'h' },
};

#define OWN_OPTIONS (sizeof(own_options) / sizeof(own_options[0]))

static const char usage_text[] =
	"  --list-subtests              print the names of the subtests\n"
	"  --show-testlist              print them as igt_runner's test lists have them\n"
	"  --run-subtest <pattern>      run these: *, ? and [...], commas between several;\n"
	"                               one that begins with ! excludes, the last match decides\n"
	"  --dynamic-subtest <pattern>  run only these dynamic subtests\n"
	"  --debug[=domain]             print debug messages, of all domains or of one alone\n"
	"  --help-description           say what the test is for\n"
	"  --describe[=pattern]         say what subtests do\n"
	"  --device drm:<path>          use this device\n"
	"  --version                    print the version\n"
	"  --help|-h                    print this\n";

const char *standalone_program(void)
{
	return program_invocation_short_name;
}

bool standalone_pattern_selects(const char *patterns, const char *name)
{
	bool selected = false;
	char *copy, *rest, *pattern;

	if (!patterns)
		return true;
	copy = strdup(patterns);
	igt_assert(copy);
	rest = copy;
	while ((pattern = strsep(&rest, ","))) {
		const bool excludes = *pattern == '!';

		if (!fnmatch(pattern + excludes, name, 0))
			selected = !excludes;
	}
	free(copy);
	return selected;
}

static void usage(FILE *stream, const char *help)
{
	fprintf(stream, "Usage: %s [OPTIONS]\n%s%s%s", standalone_program(), usage_text, help ?: "",
		help ? "\n" : "");
}

static void version_print(void)
{
	struct utsname name;

	uname(&name);
	igt_log(CORE, IGT_LOG_INFO, "IGT-Version: %s (%s) (%s: %s %s)\n", VERSION, name.machine,
		name.sysname, name.release, name.machine);
}

/* From IGT's filters, the one that names a file. */
static bool device_set(const char *filter)
{
	static const char prefix[] = "drm:";

	if (strncmp(filter, prefix, strlen(prefix))) {
		fprintf(stderr, "%s: not of the form drm:/dev/dri/renderD128\n", filter);
		return false;
	}
	standalone_options.device = filter + strlen(prefix);
	return true;
}

static void debug_set(const char *domain)
{
	standalone_log_level(IGT_LOG_DEBUG);
	standalone_log_filter(domain);
}

/* Takes one of our own options. False if its argument is wrong. */
static bool own_option(int opt, const char *help)
{
	switch (opt) {
	case OPT_LIST:
		standalone_options.mode = STANDALONE_LIST;
		break;
	case OPT_TESTLIST:
		standalone_options.mode = STANDALONE_TESTLIST;
		break;
	case OPT_SUBTEST:
		standalone_options.subtests = optarg;
		break;
	case OPT_ROW:
		standalone_options.rows = optarg;
		break;
	case OPT_DEBUG:
		debug_set(optarg);
		break;
	case OPT_DESCRIPTION:
		standalone_describe(NULL, NULL, 0);
		exit(IGT_EXIT_SUCCESS);
	case OPT_DESCRIBE:
		standalone_options.mode = STANDALONE_DESCRIBE;
		standalone_options.subtests = optarg;
		break;
	case OPT_DEVICE:
		return device_set(optarg);
	case OPT_VERSION:
		version_print();
		exit(IGT_EXIT_SUCCESS);
	case 'h':
		usage(stdout, help);
		exit(IGT_EXIT_SUCCESS);
	}
	return true;
}

static bool is_own_option(int opt)
{
	return opt == 'h' || opt >= OPT_LIST;
}

static unsigned int options_count(const struct option *options)
{
	unsigned int count = 0;

	while (options && options[count].name)
		count++;
	return count;
}

/* Our options and those of the test, ended as getopt_long() wants it. */
static struct option *options_join(const struct option *test)
{
	const unsigned int count = options_count(test);
	struct option *all = calloc(OWN_OPTIONS + count + 1, sizeof(*all));

	igt_assert(all);
	memcpy(all, own_options, sizeof(own_options));
	if (count)
		memcpy(all + OWN_OPTIONS, test, count * sizeof(*all));
	return all;
}

static void __standalone_noreturn refuse(const char *help)
{
	usage(stderr, help);
	exit(IGT_EXIT_INVALID);
}

static void options_parse(int argc, char **argv, const char *short_opts,
			  const struct option *long_opts, const char *help,
			  igt_opt_handler_t handler, void *data)
{
	struct option *all = options_join(long_opts);
	char shorts[128];
	int opt, index = 0;

	snprintf(shorts, sizeof(shorts), "%sh", short_opts ?: "");
	while ((opt = getopt_long(argc, argv, shorts, all, &index)) != -1) {
		int ret = 0;

		if (opt == '?')
			refuse(help);
		if (is_own_option(opt)) {
			if (!own_option(opt, help))
				refuse(help);
			continue;
		}
		if (handler)
			ret = handler(opt, index, data);
		if (ret)
			exit(ret == -1 ? IGT_EXIT_SUCCESS : IGT_EXIT_INVALID);
	}
	free(all);
}

/* Without memory, this process goes before others do. */
static void oom_score_raise(void)
{
	const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "1000", 4) < 0)
		igt_debug("/proc/self/oom_score_adj: %m\n");
	close(fd);
}

static void random_seed(void)
{
	const char *wanted = getenv("IGT_SRANDOM");
	const unsigned int seed = wanted ? strtoul(wanted, NULL, 0) : (unsigned long)time(NULL);

	srandom(seed);
	igt_log(CORE, IGT_LOG_INFO, "Using IGT_SRANDOM=%u for randomisation\n", seed);
}

static void run_begin(void)
{
	standalone_kmsg("%s: executing\n", standalone_program());
	version_print();
	random_seed();
	oom_score_raise();
	standalone_exit_handlers_begin();
	errno = 0;
}

/**
 * igt_subtest_init_parse_opts:
 * @argc: of main()
 * @argv: of main()
 * @short_opts: short options of the test, or NULL
 * @long_opts: its long ones, or NULL
 * @help: text about them, or NULL
 * @handler: takes them, and returns 0; -1 after a help of its own; other values if they are wrong
 * @data: for @handler
 *
 * Reads the command line and the environment. Ends the process after --help and its kin, and with
 * IGT_EXIT_INVALID if the command line is wrong.
 *
 * Returns: @argc.
 */
int igt_subtest_init_parse_opts(int *argc, char **argv, const char *short_opts,
				const struct option *long_opts, const char *help,
				igt_opt_handler_t handler, void *data)
{
	const char *device = getenv("IGT_DEVICE");

	standalone_options.is_test = true;
	standalone_log_init();
	if (device && !device_set(device))
		refuse(help);
	options_parse(*argc, argv, short_opts, long_opts, help, handler, data);
	if (standalone_options.mode == STANDALONE_DESCRIBE)
		standalone_describe(NULL, NULL, 0);
	if (standalone_options.mode == STANDALONE_LIST ||
	    standalone_options.mode == STANDALONE_TESTLIST)
		standalone_options.subtests = NULL;
	if (standalone_options.mode == STANDALONE_RUN)
		run_begin();
	return *argc;
}
