// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
/*
 * Tests sparse buffers of a Vulkan driver: panvk_sparse --help.
 *
 * Verdicts are lines in IGT's format, and so are the exit statuses: 0 pass, 77 skip, 98 fail.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "scenes.h"
#include "walk.h"

#define EXIT_SKIP 77
#define EXIT_FAIL 98

#define WALKS 4			/* the seeds that run by default */
#define PROCESSES 3

struct options {
	struct vk_options vk;
	const char *shrink;
	bool evict;
	unsigned int rounds, minimise_s;
};

/* Of several verdicts the last one here counts. */
enum verdict {
	SKIP,
	PASS,
	FAIL
};

static const int statuses[] = { EXIT_SKIP, 0, EXIT_FAIL };

static const char usage[] =
	"Usage: panvk_sparse [OPTION...] [NAME...]\n\n"
	"Tests sparse buffers of a Vulkan driver. Runs the scenes and walks with these names, or all.\n"
	"walk-N does operations at random, with the seed N.\n\n"
	"  --list             print the names\n"
	"  --device NAME      the first device whose name has NAME in it\n"
	"  --rounds N         operations of a walk (default: 250)\n"
	"  --minimise S       seconds to shorten the list of operations of a walk that fails\n"
	"                     (default: 30; 0: print no list)\n"
	"  --shrink FILE      the driver's file in debugfs that runs its shrinker (default:\n"
	"                     /sys/kernel/debug/dri/N/shrink of the device, if it is there)\n"
	"  --aliases          bind one piece of memory at several places although the device does\n"
	"                     not promise sparseResidencyAliased\n"
	"  --no-evict         do not use it\n"
	"  --off-by-one       bind the wrong block of each memory: what is compared must differ\n"
	"  --no-validation    without the Khronos validation layer\n"
	"  --run-subtest NAME the same as NAME\n"
	"  --help             this text\n\n"
	"Exit status: 0 some passed and none failed, 77 all were skipped, 98 a scene failed, 1 or 2\n"
	"anything else.\n";

/* Scenes */

/* Once without evictions, and once with them. */
static bool run_scene(struct vk_instance *instance, const struct options *options,
		      const struct scene *scene)
{
	bool good = true;

	for (int evict = 0; good && evict <= (options->shrink != NULL); evict++) {
		struct world *world = calloc(1, sizeof(*world));

		good = world_open(world, instance, scene->geometry, options->shrink) &&
		       scene->run(world, evict) && world_verify(world, NULL, 1, true);
		if (!good)
			vk_complain("%s evictions: %s", evict ? "with" : "without", world->message);
		world_close(world);
		free(world);
	}
	return good;
}

/* The number behind "walk-", or 0. */
static unsigned int walk_seed(const char *name)
{
	char *end;
	unsigned long seed;

	if (strncmp(name, "walk-", 5) || name[5] < '1' || name[5] > '9')
		return 0;
	seed = strtoul(name + 5, &end, 10);
	return *end || seed > 0x7fffffff ? 0 : seed;
}

static const struct scene *find_scene(const char *name)
{
	for (const struct scene *scene = scenes; scene->name; scene++) {
		if (!strcmp(scene->name, name))
			return scene;
	}
	return NULL;
}

/* Where the driver of the device has its shrinker. */
static const char *find_shrink(const struct vk_instance *instance)
{
	static char path[64];

	if (!instance->has_node)
		return NULL;
	snprintf(path, sizeof(path), "/sys/kernel/debug/dri/%lld/shrink", (long long)instance->node);
	return access(path, W_OK) ? NULL : path;
}

static void print_device(const struct vk_instance *instance, const struct options *options)
{
	printf("%s, %s\n", instance->properties.deviceName, instance->driver);
	printf("validation layer: %s; evictions: %s; aliases: %s; without memory: %s\n",
	       options->vk.validation ? "on" : "off",
	       !options->evict ? "off" : options->shrink ? options->shrink :
	       "none, the driver has no file in debugfs that this process can write",
	       instance->aliased ? "yes" : instance->aliases ? "yes, although the device promises none" :
	       "the device has none", instance->strict ? "0" : "anything");
	fflush(stdout);
}

/* Opens the instance, and does @name. */
static enum verdict run_here(const struct options *given, const char *name)
{
	struct options options = *given;
	const struct scene *scene = find_scene(name);
	struct vk_instance instance;
	const char *error;
	bool good;

	vk_validation_errors = 0;
	error = vk_instance_open(&instance, &options.vk);
	if (error) {
		printf("%s\n", error);
		return SKIP;
	}
	if (options.evict && !options.shrink)
		options.shrink = find_shrink(&instance);
	print_device(&instance, &options);
	good = scene ? run_scene(&instance, &options, scene) :
	       walk_run(&instance, options.shrink, walk_seed(name), options.rounds,
			options.minimise_s);
	vk_instance_close(&instance);
	if (vk_validation_errors)
		vk_complain("%u errors of the validation layer", vk_validation_errors);
	return good && !vk_validation_errors ? PASS : FAIL;
}

/* A process has a device of its own. */
static pid_t start_process(const struct options *options, unsigned int seed)
{
	pid_t child;
	char name[32];
	enum verdict verdict;

	snprintf(name, sizeof(name), "walk-%u", seed);
	fflush(stdout);
	child = fork();
	if (child < 0)
		vk_fatal("fork: %s", strerror(errno));
	if (child)
		return child;
	verdict = run_here(options, name);
	fflush(stdout);
	_exit(statuses[verdict]);
}

static enum verdict end_process(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			vk_fatal("waitpid: %s", strerror(errno));
	}
	for (enum verdict verdict = SKIP; verdict <= FAIL; verdict++) {
		if (WIFEXITED(status) && WEXITSTATUS(status) == statuses[verdict])
			return verdict;
	}
	vk_complain("a process ended with wait status 0x%x", status);
	return FAIL;
}

/* Several processes at once, each with a walk, a fifth as long. Nothing they do may meet. */
static enum verdict run_processes(const struct options *given)
{
	struct options options = *given;
	pid_t child[PROCESSES];
	unsigned int count[FAIL + 1] = { 0 };

	options.rounds = options.rounds / 5 + 1;
	options.minimise_s = 0;
	for (unsigned int i = 0; i < PROCESSES; i++)
		child[i] = start_process(&options, 101 + i);
	for (unsigned int i = 0; i < PROCESSES; i++)
		count[end_process(child[i])]++;
	/* They have one device: if only some of them find it, something is wrong. */
	if (count[SKIP] && count[PASS])
		vk_complain("%u of %u processes found no device", count[SKIP], PROCESSES);
	return count[PASS] == PROCESSES ? PASS : count[SKIP] == PROCESSES ? SKIP : FAIL;
}

/* The verdict in IGT's words. */
static enum verdict run_name(const struct options *options, const char *name)
{
	static const char *const words[] = { "SKIP", "SUCCESS", "FAIL" };
	const int streams = getenv("IGT_SENTINEL_ON_STDERR") ? 2 : 1;
	struct timespec begin, end;
	enum verdict verdict;

	for (int stream = 0; stream < streams; stream++)
		fprintf(stream ? stderr : stdout, "Starting subtest: %s\n", name);
	fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	verdict = strcmp(name, "processes") ? run_here(options, name) : run_processes(options);
	clock_gettime(CLOCK_MONOTONIC, &end);
	for (int stream = 0; stream < streams; stream++)
		fprintf(stream ? stderr : stdout, "Subtest %s: %s (%.3fs)\n", name, words[verdict],
			end.tv_sec - begin.tv_sec + (end.tv_nsec - begin.tv_nsec) / 1e9);
	fflush(stdout);
	return verdict;
}

/* Names */

static bool is_name(const char *name)
{
	return find_scene(name) || walk_seed(name) || !strcmp(name, "processes");
}

static void each_name(void (*do_name)(const char *name, void *data), void *data)
{
	char name[32];

	for (const struct scene *scene = scenes; scene->name; scene++)
		do_name(scene->name, data);
	do_name("processes", data);
	for (unsigned int i = 1; i <= WALKS; i++) {
		snprintf(name, sizeof(name), "walk-%u", i);
		do_name(name, data);
	}
}

static void print_name(const char *name, void *data)
{
	(void)data;
	puts(name);
}

struct run {
	const struct options *options;
	enum verdict verdict;
};

static void run_each(const char *name, void *data)
{
	struct run *run = data;
	enum verdict verdict = run_name(run->options, name);

	run->verdict = verdict > run->verdict ? verdict : run->verdict;
}

/* Options */

static unsigned int parse_number(const char *option, const char *text, unsigned int least)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || value < least || value > 1000000000) {
		fprintf(stderr, "panvk_sparse: --%s %s: not a number from %u to 1000000000\n", option,
			text, least);
		exit(2);
	}
	return value;
}

static const struct option long_options[] = {
	{ "list", no_argument, NULL, 'l' },
	{ "list-subtests", no_argument, NULL, 'l' },
	{ "run-subtest", required_argument, NULL, 't' },
	{ "device", required_argument, NULL, 'd' },
	{ "rounds", required_argument, NULL, 'r' },
	{ "minimise", required_argument, NULL, 'm' },
	{ "aliases", no_argument, NULL, 'a' },
	{ "off-by-one", no_argument, NULL, 'o' },
	{ "shrink", required_argument, NULL, 's' },
	{ "no-evict", no_argument, NULL, 'e' },
	{ "no-validation", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

static void take_option(struct options *options, int option, const char **name)
{
	switch (option) {
	case 'l':
		each_name(print_name, NULL);
		exit(0);
	case 't':
		*name = optarg;
		break;
	case 'd':
		options->vk.device = optarg;
		break;
	case 'r':
		options->rounds = parse_number("rounds", optarg, 1);
		break;
	case 'm':
		options->minimise_s = parse_number("minimise", optarg, 0);
		break;
	case 'a':
		options->vk.aliases = true;
		break;
	case 'o':
		options->vk.off_by_one = true;
		break;
	case 's':
		options->shrink = optarg;
		break;
	case 'e':
		options->evict = false;
		break;
	case 'v':
		options->vk.validation = false;
		break;
	case 'h':
		fputs(usage, stdout);
		exit(0);
	default:
		exit(2);
	}
}

static void check_name(const char *name)
{
	if (!is_name(name)) {
		fprintf(stderr, "panvk_sparse: %s: no such scene; see --list\n", name);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct options options = { .vk.validation = true, .evict = true, .rounds = 250,
				   .minimise_s = 30 };
	struct run run = { .options = &options, .verdict = SKIP };
	const char *name = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
		take_option(&options, option, &name);
	if (!options.evict)
		options.shrink = NULL;
	if (name)
		check_name(name);
	for (int i = optind; i < argc; i++)
		check_name(argv[i]);
	if (name)
		run_each(name, &run);
	for (int i = optind; i < argc; i++)
		run_each(argv[i], &run);
	if (!name && optind == argc)
		each_name(run_each, &run);
	return statuses[run.verdict];
}
