/* SPDX-License-Identifier: MIT */
/*
 * answers.c - where the contract lets methods differ
 */
#include <string.h>
#include "answers.h"
#include "bed.h"

static const struct answers table[] = {
	/* method          always ready  twice    hosted */
	{ "epoll-timerfd", REFUSED, REFUSED, WORKS },
	{ "epoll", REFUSED, REFUSED, WORKS },
	{ "io_uring", WORKS, WORKS, WORKS },
	{ "ppoll", WORKS, WORKS, REFUSED },
	{ "poll", WORKS, WORKS, REFUSED },
	{ "kqueue", WORKS, REFUSED, WORKS },
	{ "dev_poll", WORKS, REFUSED, REFUSED },
	{ "port", WORKS, REFUSED, WORKS },
	{ "port-timer", WORKS, REFUSED, WORKS },
};

const struct answers *answers(void)
{
	const char *name = iv_poll_method_name();
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(table[i].method, name) == 0)
			return &table[i];
	}

	fail_msg("method %s has no line in answers.c", name);

	return NULL;
}
