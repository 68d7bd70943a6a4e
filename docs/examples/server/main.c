/* SPDX-License-Identifier: MIT */
/*
 * main.c - a web server whose loops never wait
 *
 * One event loop for each CPU, each with a listener of its own; whatever
 * may block runs in the loop's pool of workers. README.md beside this
 * file has the map.
 */
#include <errno.h>
#include <fcntl.h>
#include <iv.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "beneath.h"
#include "options.h"
#include "request.h"
#include "route.h"
#include "supervisor.h"

static void on_fatal(const char *message)
{
	fprintf(stderr, "server: ivykis: %s\n", message);
}

int main(int argc, char **argv)
{
	struct options options;
	int status;

	options_parse(&options, argc, argv);
	options.directory_fd =
		open(options.directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (options.directory_fd == -1) {
		fprintf(stderr, "%s: cannot serve '%s': %s\n", argv[0],
			options.directory, strerror(errno));
		return 2;
	}

	if (!beneath_supported(options.directory_fd))
		options.portable_open = true;

	iv_set_fatal_msg_handler(on_fatal);
	request_setup();
	resolve_setup();
	if (hash_setup() != 0) {
		fprintf(stderr, "%s: libcrypto has no SHA-256\n", argv[0]);
		return 1;
	}
	status = supervise(&options);
	hash_teardown();
	close(options.directory_fd);
	return status;
}
