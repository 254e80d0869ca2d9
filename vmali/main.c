// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
/*
 * vmali: a software Mali CSF GPU for one vfio-user client. This file has the command line and the
 * signals, and creates the parts. No other file depends on it.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "confine/confine.h"
#include "front/listener.h"
#include "front/server.h"
#include "gpu/gpu.h"
#include "memory/guest_memory.h"
#include "rules/rules.h"
#include "trace/trace.h"

enum exit_status {
	EXIT_SERVED, /* the client disconnected, or a signal ended the program */
	EXIT_FAILED, /* set-up or connection failed */
	EXIT_USAGE,
	EXIT_RULE_BROKEN /* with --rules fail */
};

enum rules_mode {
	RULES_FAIL,
	RULES_WARN,
	RULES_OFF
};

struct options {
	const char *socket, *trace, *findings;
	enum rules_mode rules;
	struct mmu_config mmu;
};

/* The board. */
struct machine {
	struct guest_memory *mem;
	struct gpu *gpu;
	struct front_device device;
};

static const char help_text[] =
	"Usage: vmali --socket PATH [--tlb MODE] [--rules MODE] [--findings FILE] [--trace FILE]\n"
	"Serve a software Mali CSF GPU to one vfio-user client such as QEMU.\n"
	"\n"
	"  --socket PATH  listen at this Unix socket, which appears once it can be connected to\n"
	"  --tlb MODE     keep (default): a translation lives until it is invalidated;\n"
	"                 off: every access walks the page tables;\n"
	"                 tiny:SEED: a few entries, replaced at random\n"
	"  --rules MODE   the rules that the driver must keep: warn (default): the first finding\n"
	"                 of each goes to standard error; fail: and the exit status is 3;\n"
	"                 off: they are not looked at\n"
	"  --findings FILE\n"
	"                 write each finding to FILE, a JSON object a line\n"
	"  --trace FILE   write what the driver and the GPU do to FILE, - for standard error\n"
	"  --help         this text\n"
	"  --version      the version\n"
	"\n"
	"Exit status: 0 when the client disconnected or on SIGTERM, SIGINT or SIGHUP, 1 when\n"
	"set-up or the connection failed, 2 for wrong usage, 3 with --rules fail when the\n"
	"driver broke a rule.\n";

enum {
	OPTION_SOCKET = 256,
	OPTION_TLB,
	OPTION_RULES,
	OPTION_FINDINGS,
	OPTION_TRACE,
	OPTION_HELP,
	OPTION_VERSION
};

/* clang-format off */
static const struct option long_options[] = {
	{ "socket", required_argument, NULL, OPTION_SOCKET },
	{ "tlb", required_argument, NULL, OPTION_TLB },
	{ "rules", required_argument, NULL, OPTION_RULES },
	{ "findings", required_argument, NULL, OPTION_FINDINGS },
	{ "trace", required_argument, NULL, OPTION_TRACE },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ 0 }
};
/* clang-format on */

/* Return: the exit status. */
static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "vmali: %s%s; try 'vmali --help'\n", what, value);
	return EXIT_USAGE;
}

static int print(const char *text)
{
	return fputs(text, stdout) == EOF || fflush(stdout) ? EXIT_FAILED : EXIT_SERVED;
}

static int parse_rules_mode(const char *text, enum rules_mode *mode)
{
	static const char *const names[] = {
		[RULES_FAIL] = "fail",
		[RULES_WARN] = "warn",
		[RULES_OFF] = "off",
	};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(text, names[i])) {
			*mode = i;
			return 0;
		}
	}
	return -EINVAL;
}

/* Return: -1 to go on, or the exit status. */
static int take_option(struct options *options, int option, const char *given)
{
	switch (option) {
	case OPTION_SOCKET:
		options->socket = optarg;
		return -1;
	case OPTION_TRACE:
		options->trace = optarg;
		return -1;
	case OPTION_TLB:
		if (mmu_parse_tlb_mode(optarg, &options->mmu))
			return usage_error("--tlb is keep, off or tiny:SEED, not ", optarg);
		return -1;
	case OPTION_RULES:
		if (parse_rules_mode(optarg, &options->rules))
			return usage_error("--rules is fail, warn or off, not ", optarg);
		return -1;
	case OPTION_FINDINGS:
		options->findings = optarg;
		return -1;
	case OPTION_HELP:
		return print(help_text);
	case OPTION_VERSION:
		return print("vmali " VMALI_VERSION "\n");
	case ':':
		return usage_error("a value is missing after ", given);
	default:
		return usage_error("unknown option ", given);
	}
}

/* Return: -1 to go on, or the exit status. */
static int parse_options(int argc, char **argv, struct options *options)
{
	int option, status;

	for (;;) {
		const char *given = argv[optind];

		/* ':' suppresses getopt's messages, and is returned for a missing value */
		option = getopt_long(argc, argv, ":", long_options, NULL);
		if (option < 0)
			break;
		status = take_option(options, option, given);
		if (status >= 0)
			return status;
	}
	if (optind < argc)
		return usage_error("unexpected argument ", argv[optind]);
	if (!options->socket || !*options->socket)
		return usage_error("--socket PATH is missing", "");
	if (options->findings && options->rules == RULES_OFF)
		return usage_error("--findings needs rules, not --rules off", "");
	return -1;
}

static int fail(const char *what, int error)
{
	log_line("%s: %s", what, strerror(-error));
	return EXIT_FAILED;
}

/*
 * Signals that end the process are blocked and read from a signalfd, which every wait polls.
 * Threads that are created later inherit the mask.
 */
static int open_stop(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	/* the client may have sent a pipe as an eventfd */
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int machine_init(struct machine *machine, const struct options *options)
{
	struct gpu_config config = { .tlb = options->mmu.tlb, .tlb_seed = options->mmu.seed };

	machine->mem = guest_memory_create();
	if (!machine->mem)
		return -ENOMEM;
	front_device_init(&machine->device, machine->mem);
	config.irq = front_device_irq_sink(&machine->device);
	machine->gpu = gpu_create(machine->mem, &config);
	if (!machine->gpu) {
		front_device_fini(&machine->device);
		guest_memory_destroy(machine->mem);
		return -ENOMEM;
	}
	front_device_attach(&machine->device, &gpu_board_ops, machine->gpu);
	return 0;
}

static void machine_fini(struct machine *machine)
{
	gpu_destroy(machine->gpu);
	front_device_fini(&machine->device);
	guest_memory_destroy(machine->mem);
}

/* Wait for the client. Later connections are not accepted. */
static int wait_for_client(const char *path, int stop)
{
	struct listener listener;
	int ret = listener_open(&listener, path);

	if (ret)
		return ret;
	ret = listener_accept(&listener, stop);
	listener_close(&listener);
	return ret;
}

static int serve(struct machine *machine, int socket, int stop)
{
	struct link link = { .socket = socket, .stop = stop };
	int ret = gpu_start(machine->gpu);
	int confined;

	if (ret)
		return fail("starting the GPU", ret);
	/* the GPU's thread has to exist */
	confined = confine();
	ret = confined ? confined : server_run(&machine->device, &link);
	/* the GPU first: it would report faults while its memory is unmapped */
	gpu_stop(machine->gpu);
	front_device_disconnect(&machine->device);
	if (confined)
		return fail("giving up system calls", confined);
	if (ret && ret != -ECANCELED)
		return fail("connection", ret);
	return EXIT_SERVED;
}

static int run_machine(struct machine *machine, const struct options *options, int stop)
{
	int socket = wait_for_client(options->socket, stop);
	int status;

	if (socket == -ECANCELED)
		return EXIT_SERVED;
	if (socket < 0)
		return fail(options->socket, socket);
	status = serve(machine, socket, stop);
	close(socket);
	return status;
}

static int run(const struct options *options)
{
	struct machine machine = { 0 };
	int stop = open_stop();
	int ret, status;

	if (stop < 0)
		return fail("signals", -errno);
	ret = options->trace ? trace_open(options->trace) : 0;
	if (ret)
		return fail(options->trace, ret);
	ret = options->rules == RULES_OFF ? 0 : rules_open(options->findings);
	if (ret)
		return fail(options->findings, ret);
	ret = machine_init(&machine, options);
	if (ret)
		return fail("making the GPU", ret);
	status = run_machine(&machine, options, stop);
	machine_fini(&machine);
	rules_close();
	trace_close();
	close(stop);
	if (status == EXIT_SERVED && options->rules == RULES_FAIL && rules_count_of_driver())
		return EXIT_RULE_BROKEN;
	return status;
}

int main(int argc, char **argv)
{
	struct options options = { .mmu.tlb = MMU_TLB_KEEP, .rules = RULES_WARN };
	int status = parse_options(argc, argv, &options);

	return status >= 0 ? status : run(&options);
}
