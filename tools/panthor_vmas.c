// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "panthor_vmas.h"

#define DEBUGFS "/sys/kernel/debug/dri"

static const char help[] =
	"Usage: panthor_vmas [OPTION...]\n"
	"\n"
	"Shows the GPU address spaces of panthor: the VMAs of each VM with their kind (sparse or BO),\n"
	"their offset in the object, whether the object is evicted, and 2 MiB blocks. Reads the debugfs\n"
	"files gpuvas and gems of the running driver, as root, or copies of them.\n"
	"\n"
	"What is shown:\n"
	"  --device NODE    GPU (default: the only one of panthor), /dev/dri/renderD128 for one\n"
	"  --gpuvas FILE    a copy of gpuvas, - for standard input\n"
	"  --gems FILE      a copy of gems; without it, kinds and labels are not known\n"
	"  --log FILE       what a failed subtest has printed, - for standard input\n"
	"  --subtest NAME   the subtest in that log, or SUBTEST@ROW (default: the last one that failed)\n"
	"  --pid PID        VMs of one process\n"
	"  --vm N           one VM, by its position in gpuvas, from 0\n"
	"\n"
	"Marks, up to 16, each with an ADDRESS in hexadecimal with 0x, or decimal:\n"
	"  --fault ADDRESS[:TEXT]         an access that faulted\n"
	"  --access ADDRESS+SIZE[:TEXT]   accesses of a job at rising addresses, up to the fault\n"
	"  --mark ADDRESS[:TEXT]          an address to look up\n"
	"\n"
	"Output:\n"
	"  --format FORM    table, json, svg or png (default: what the name of FILE ends in, or table)\n"
	"  --output FILE    (default: standard output)\n"
	"  --help           this text\n"
	"\n"
	"Examples:\n"
	"  panthor_vmas --pid 412\n"
	"  panthor_vmas --fault 0x140200000 --output spaces.svg\n"
	"  panthor_vmas --log failures.txt --subtest evict-remap --output spaces.png\n"
	"\n"
	"gpuvas names an object by an address and gems by a label. Where several lines of gems can be\n"
	"an object, all of their labels are shown.\n"
	"\n"
	"Exit status: 0, or 2 with a line that says what is wrong.\n";

enum form {
	FORM_UNSET,
	FORM_TABLE,
	FORM_JSON,
	FORM_SVG,
	FORM_PNG,
};

/**
 * options:
 * @device: --device
 * @gpuvas: --gpuvas
 * @gems: --gems
 * @log: --log
 * @subtest: --subtest
 * @output: --output
 * @vm: --vm, or -1
 * @pid: --pid, or 0
 * @form: --format, or what @output ends in
 * @marks: --fault, --access and --mark
 */
struct options {
	const char *device;
	const char *gpuvas;
	const char *gems;
	const char *log;
	const char *subtest;
	const char *output;
	int64_t vm;
	pid_t pid;
	enum form form;
	struct vmas_input marks;
};

static void __attribute__((noreturn, format(printf, 1, 2))) refuse(const char *format, ...)
{
	va_list args;

	fputs("panthor_vmas: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

static uint64_t parse_count(const char *option, const char *text, uint64_t most)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value > most)
		refuse("--%s %s: not a number: type one that gpuvas or ps shows", option, text);
	return value;
}

static enum form form_of(const char *name)
{
	static const struct {
		const char *name;
		enum form form;
	} known[] = {
		{ "table", FORM_TABLE }, { "txt", FORM_TABLE }, { "json", FORM_JSON },
		{ "svg", FORM_SVG }, { "png", FORM_PNG },
	};

	for (unsigned int i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].name, name))
			return known[i].form;
	return FORM_UNSET;
}

static void add_mark(struct options *options, const char *option, const char *text,
		     enum vmas_mark_kind kind)
{
	struct vmas_mark mark;

	if (vmas_parse_mark(text, kind, &mark) || (kind == VMAS_MARK_ACCESS && !mark.size))
		refuse("--%s %s: not an address: type 0x140200000%s, for one", option, text,
		       kind == VMAS_MARK_ACCESS ? "+0x4000000" : "");
	if (vmas_input_add_mark(&options->marks, &mark))
		refuse("--%s %s: more than %d marks: leave one out", option, text, VMAS_MARKS_MAX);
}

enum option_id {
	OPTION_DEVICE = 256,
	OPTION_GPUVAS,
	OPTION_GEMS,
	OPTION_LOG,
	OPTION_SUBTEST,
	OPTION_PID,
	OPTION_VM,
	OPTION_FAULT,
	OPTION_ACCESS,
	OPTION_MARK,
	OPTION_FORMAT,
	OPTION_OUTPUT,
	OPTION_HELP,
};

static const struct option known_options[] = {
	{ "device", required_argument, NULL, OPTION_DEVICE },
	{ "gpuvas", required_argument, NULL, OPTION_GPUVAS },
	{ "gems", required_argument, NULL, OPTION_GEMS },
	{ "log", required_argument, NULL, OPTION_LOG },
	{ "subtest", required_argument, NULL, OPTION_SUBTEST },
	{ "pid", required_argument, NULL, OPTION_PID },
	{ "vm", required_argument, NULL, OPTION_VM },
	{ "fault", required_argument, NULL, OPTION_FAULT },
	{ "access", required_argument, NULL, OPTION_ACCESS },
	{ "mark", required_argument, NULL, OPTION_MARK },
	{ "format", required_argument, NULL, OPTION_FORMAT },
	{ "output", required_argument, NULL, OPTION_OUTPUT },
	{ "help", no_argument, NULL, OPTION_HELP },
	{}
};

static void set_option(struct options *options, int id, const char *value)
{
	switch (id) {
	case OPTION_DEVICE:
		options->device = value;
		break;
	case OPTION_GPUVAS:
		options->gpuvas = value;
		break;
	case OPTION_GEMS:
		options->gems = value;
		break;
	case OPTION_LOG:
		options->log = value;
		break;
	case OPTION_SUBTEST:
		options->subtest = value;
		break;
	case OPTION_PID:
		options->pid = parse_count("pid", value, INT32_MAX);
		break;
	case OPTION_VM:
		options->vm = parse_count("vm", value, INT32_MAX);
		break;
	case OPTION_FAULT:
		add_mark(options, "fault", value, VMAS_MARK_FAULT);
		break;
	case OPTION_ACCESS:
		add_mark(options, "access", value, VMAS_MARK_ACCESS);
		break;
	case OPTION_MARK:
		add_mark(options, "mark", value, VMAS_MARK_PLAIN);
		break;
	case OPTION_FORMAT:
		options->form = form_of(value);
		if (options->form == FORM_UNSET)
			refuse("--format %s: type table, json, svg or png", value);
		break;
	case OPTION_OUTPUT:
		options->output = value;
		break;
	case OPTION_HELP:
		fputs(help, stdout);
		exit(0);
	}
}

static void parse_options(struct options *options, int argc, char **argv)
{
	int id;

	opterr = 0;
	while ((id = getopt_long(argc, argv, ":", known_options, NULL)) != -1) {
		if (id == ':')
			refuse("%s needs a value: see panthor_vmas --help", argv[optind - 1]);
		if (id == '?')
			refuse("%s: no such option: see panthor_vmas --help", argv[optind - 1]);
		set_option(options, id, optarg);
	}
	if (optind < argc)
		refuse("%s: not an option: see panthor_vmas --help", argv[optind]);
}

static void check_options(struct options *options)
{
	const char *ending = options->output ? strrchr(options->output, '.') : NULL;

	if (!!options->log + !!options->gpuvas + !!options->device > 1)
		refuse("--log, --gpuvas and --device are three places to read from: name one");
	if (options->gems && !options->gpuvas)
		refuse("--gems needs the copy of gpuvas of the same moment: add --gpuvas FILE");
	if (options->gems && !strcmp(options->gems, "-") && !strcmp(options->gpuvas, "-"))
		refuse("--gpuvas and --gems are both standard input: name a file");
	if (options->subtest && !options->log)
		refuse("--subtest chooses in a log: add --log FILE");
	if (options->form == FORM_UNSET && ending)
		options->form = form_of(ending + 1);
	if (options->form == FORM_UNSET)
		options->form = FORM_TABLE;
	if (options->form == FORM_PNG && !options->output && isatty(STDOUT_FILENO))
		refuse("a PNG is not for a terminal: add --output FILE.png");
}

static int read_log(const struct options *options, struct vmas_input *input, char *error)
{
	char *log;
	int err;

	err = vmas_read_file(options->log, &log, error);
	if (!err)
		err = vmas_parse_log(log, options->subtest, input, error);
	free(log);
	return err;
}

static int read_copies(const struct options *options, struct vmas_input *input, char *error)
{
	int err = vmas_read_file(options->gpuvas, &input->gpuvas, error);

	if (!err && options->gems)
		err = vmas_read_file(options->gems, &input->gems, error);
	return err;
}

static int read_live(const struct options *options, struct vmas_input *input, char *error)
{
	char path[256];
	int err = vmas_find_device(DEBUGFS, options->device, path, sizeof(path), error);

	return err ?: vmas_read_device(path, input, error);
}

static void read_input(const struct options *options, struct vmas_input *input)
{
	char error[VMAS_ERROR_LEN] = "";
	int err;

	if (options->log)
		err = read_log(options, input, error);
	else if (options->gpuvas)
		err = read_copies(options, input, error);
	else
		err = read_live(options, input, error);
	if (err)
		refuse("%s", error);
	for (unsigned int i = 0; i < options->marks.mark_count; i++)
		if (vmas_input_add_mark(input, &options->marks.mark[i]))
			refuse("the log and the command line have more than %d marks: leave one out",
			       VMAS_MARKS_MAX);
}

static int print_form(FILE *out, enum form form, const struct vmas_model *model,
		      const struct vmas_input *input, char *error)
{
	switch (form) {
	case FORM_JSON:
		vmas_print_json(out, model, input);
		return 0;
	case FORM_SVG:
		return vmas_draw(out, VMAS_SVG, model, input, error);
	case FORM_PNG:
		return vmas_draw(out, VMAS_PNG, model, input, error);
	default:
		vmas_print_table(out, model, input);
		return 0;
	}
}

/* Leaves no file that is incomplete. */
static void write_output(const struct options *options, const struct vmas_model *model,
			 const struct vmas_input *input)
{
	FILE *out = options->output ? fopen(options->output, "we") : stdout;
	char error[VMAS_ERROR_LEN] = "";
	struct stat status;
	bool is_file;
	int err;

	if (!out)
		refuse("--output %s: %s", options->output, strerror(errno));
	err = print_form(out, options->form, model, input, error);
	if ((fflush(out) || ferror(out)) && !err) {
		snprintf(error, sizeof(error), "%s: %s", options->output ?: "standard output",
			 strerror(errno));
		err = -EIO;
	}
	is_file = options->output && !fstat(fileno(out), &status) && S_ISREG(status.st_mode);
	if (options->output)
		fclose(out);
	if (!err)
		return;
	if (is_file)
		unlink(options->output);
	refuse("%s", error);
}

int main(int argc, char **argv)
{
	struct options options = { .vm = -1 };
	char error[VMAS_ERROR_LEN] = "";
	struct vmas_input input = {};
	struct vmas_model model;

	parse_options(&options, argc, argv);
	check_options(&options);
	read_input(&options, &input);
	if (vmas_model_init(&model, &input, error) ||
	    vmas_model_select(&model, options.vm, options.pid, error))
		refuse("%s", error);
	write_output(&options, &model, &input);
	vmas_model_fini(&model);
	vmas_input_free(&input);
	return 0;
}
