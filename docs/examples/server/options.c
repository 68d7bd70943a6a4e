/* SPDX-License-Identifier: MIT */
/* options.c - reads the command line */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

static const char help[] =
	"usage: %s [options] [DIRECTORY]\n"
	"\n"
	"Serves the files of DIRECTORY (default: the current one), and\n"
	"  /sha256/PATH     the SHA-256 of a file\n"
	"  /resolve/NAME    the addresses of a host\n"
	"  /stats           what the server has done so far, as JSON\n"
	"\n"
	"  --port N         to listen on; 0: a free one (default 8080)\n"
	"  --bind ADDRESS   to listen on, numeric (default 127.0.0.1)\n"
	"  --loops N        event loops (default: one for each CPU)\n"
	"  --threads N      workers of each loop, at most (default 4)\n"
	"  --max-files N    descriptors to use, at most (default: all)\n"
	"  --max-body N     bytes of a request's body (default 65536)\n"
	"  --idle-ms N      to begin the next request (default 15000)\n"
	"  --header-ms N    to send a request's headers (default 10000)\n"
	"  --body-ms N      to send a request's body (default 10000)\n"
	"  --write-ms N     to read some of the answer (default 15000)\n"
	"  --drain-ms N     to finish after SIGTERM (default 10000)\n"
	"  --portable-open  resolve paths without openat2(2)\n"
	"  --help           print this and exit\n"
	"\n"
	"SIGINT and SIGTERM finish what is running, then exit 0; a second\n"
	"signal ends the server at once.\n";

enum {
	OPT_PORT = 1,
	OPT_BIND,
	OPT_LOOPS,
	OPT_THREADS,
	OPT_MAX_FILES,
	OPT_MAX_BODY,
	OPT_IDLE,
	OPT_HEADER,
	OPT_BODY,
	OPT_WRITE,
	OPT_DRAIN,
	OPT_PORTABLE,
	OPT_HELP,
};

static const struct option longopts[] = {
	{ "port", required_argument, NULL, OPT_PORT },
	{ "bind", required_argument, NULL, OPT_BIND },
	{ "loops", required_argument, NULL, OPT_LOOPS },
	{ "threads", required_argument, NULL, OPT_THREADS },
	{ "max-files", required_argument, NULL, OPT_MAX_FILES },
	{ "max-body", required_argument, NULL, OPT_MAX_BODY },
	{ "idle-ms", required_argument, NULL, OPT_IDLE },
	{ "header-ms", required_argument, NULL, OPT_HEADER },
	{ "body-ms", required_argument, NULL, OPT_BODY },
	{ "write-ms", required_argument, NULL, OPT_WRITE },
	{ "drain-ms", required_argument, NULL, OPT_DRAIN },
	{ "portable-open", no_argument, NULL, OPT_PORTABLE },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static unsigned cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

static _Noreturn void usage(const char *program, const char *sentence)
{
	fprintf(stderr, "%s: %s\nTry '%s --help'.\n", program, sentence,
		program);
	exit(2);
}

static unsigned number(const char *program, const char *option,
		       unsigned long min, unsigned long max)
{
	char *end;
	char sentence[160];
	unsigned long value;

	errno = 0;
	value = strtoul(optarg, &end, 10);
	if (errno == 0 && *optarg >= '0' && *optarg <= '9' && *end == '\0' &&
	    value >= min && value <= max)
		return (unsigned)value;

	snprintf(sentence, sizeof(sentence),
		 "--%s wants a whole number from %lu to %lu, not '%.40s'",
		 option, min, max, optarg);
	usage(program, sentence);
}

static void set(struct options *o, int opt, const char *name, char **argv)
{
	const unsigned long hour_ms = 60 * 60 * 1000;
	const char *self = argv[0];

	switch (opt) {
	case OPT_PORT:
		o->port = number(self, name, 0, 65535);
		break;
	case OPT_BIND:
		o->address = optarg;
		break;
	case OPT_LOOPS:
		o->loops = number(self, name, 1, 1024);
		break;
	case OPT_THREADS:
		o->threads = number(self, name, 1, 1024);
		break;
	case OPT_MAX_FILES:
		o->max_files = number(self, name, 64, 1UL << 20);
		break;
	case OPT_MAX_BODY:
		o->max_body = number(self, name, 0, 1UL << 30);
		break;
	case OPT_IDLE:
		o->idle_ms = number(self, name, 1, hour_ms);
		break;
	case OPT_HEADER:
		o->header_ms = number(self, name, 1, hour_ms);
		break;
	case OPT_BODY:
		o->body_ms = number(self, name, 1, hour_ms);
		break;
	case OPT_WRITE:
		o->write_ms = number(self, name, 1, hour_ms);
		break;
	case OPT_DRAIN:
		o->drain_ms = number(self, name, 1, hour_ms);
		break;
	case OPT_PORTABLE:
		o->portable_open = true;
		break;
	case OPT_HELP:
		printf(help, self);
		exit(0);
	default:
		usage(self, "this option is not known or lacks its value");
	}
}

void options_parse(struct options *options, int argc, char **argv)
{
	int index = 0;
	int opt;

	*options = (struct options){
		.directory = ".",
		.address = "127.0.0.1",
		.port = 8080,
		.loops = cpus(),
		.threads = 4,
		.max_body = 64 * 1024,
		.idle_ms = 15000,
		.header_ms = 10000,
		.body_ms = 10000,
		.write_ms = 15000,
		.drain_ms = 10000,
		.directory_fd = -1,
	};

	while ((opt = getopt_long(argc, argv, "", longopts, &index)) != -1)
		set(options, opt, longopts[index].name, argv);
	if (optind < argc)
		options->directory = argv[optind++];
	if (optind < argc)
		usage(argv[0], "only one DIRECTORY can be served");
}
