/* SPDX-License-Identifier: MIT */
/*
 * syslog_plan.h - who sends what to syslog-ng, and where it is to arrive
 *
 * Each source numbers its messages from 0. A message is one line of LINE_BYTES
 * in the output file: name, number, padding.
 */
#ifndef SYSLOG_PLAN_H
#define SYSLOG_PLAN_H

#include <stddef.h>

enum { LINE_BYTES = 100, NUMBER_DIGITS = 8, STREAMS = 8 };

enum kind { TCP, UNIX_STREAM, UNIX_DATAGRAM, UDP, APPENDED_FILE };

/* @output: the file below out/; for files and sockets also the one below in/ */
struct plan {
	const char *name;
	const char *output;
	enum kind kind;
};

static const struct plan plans[] = {
	{ "tcp0", "tcp", TCP },
	{ "tcp1", "tcp", TCP },
	{ "tcp2", "tcp", TCP },
	{ "tcp3", "tcp", TCP },
	{ "unix0", "unix", UNIX_STREAM },
	{ "unix1", "unix", UNIX_STREAM },
	{ "unix2", "unix", UNIX_STREAM },
	{ "unix3", "unix", UNIX_STREAM },
	{ "dgram", "dgram", UNIX_DATAGRAM },
	{ "udp", "udp", UDP },
	{ "file", "file", APPENDED_FILE },
	{ "watched", "watched", APPENDED_FILE },
};

enum { NUM_PLANS = sizeof(plans) / sizeof(plans[0]) };

#endif
