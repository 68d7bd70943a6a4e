/* SPDX-License-Identifier: MIT */
/*
 * answers.c - where the contract lets methods differ
 */
#include <string.h>
#include "answers.h"
#include "bed.h"

static const struct answers table[] = {
	/* method          always ready  twice */
	{ "epoll-timerfd", REFUSED, REFUSED },
	{ "epoll", REFUSED, REFUSED },
	{ "io_uring", WORKS, WORKS },
	{ "ppoll", WORKS, WORKS },
	{ "poll", WORKS, WORKS },
	{ "kqueue", WORKS, REFUSED },
	{ "dev_poll", WORKS, REFUSED },
	{ "port", WORKS, REFUSED },
	{ "port-timer", WORKS, REFUSED },
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
