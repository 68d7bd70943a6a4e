/* SPDX-License-Identifier: MIT */
/* options.h - what the command line says, constant once the loops run */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct options {
	const char *directory; /* what is served */
	const char *address;   /* numeric, to listen on */
	unsigned port;	       /* 0: any free one */
	unsigned loops;
	unsigned threads;   /* workers at most, for each loop */
	unsigned max_files; /* descriptors, or 0: what the system allows */
	size_t max_body;    /* bytes of a request's body */
	unsigned idle_ms;   /* between two requests */
	unsigned header_ms; /* from first byte to end of headers */
	unsigned body_ms;   /* for the whole body */
	unsigned write_ms;  /* without any progress */
	unsigned drain_ms;  /* after SIGTERM */
	bool portable_open; /* do not use openat2(2) */
	int directory_fd;   /* opened by main */
};

/*
 * Fills in *options from the command line. Prints a sentence and exits
 * with status 2 when an option is bad; prints the help and exits with
 * status 0 when asked for it.
 */
void options_parse(struct options *options, int argc, char **argv);

#endif
