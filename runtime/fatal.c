/* SPDX-License-Identifier: MIT */
/*
 * fatal.c - errors that cannot be returned
 */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>
#include "loop.h"

enum { MESSAGE_SIZE = 1024 };

typedef void fatal_handler(const char *msg);

/* Set by one thread, read by whichever dies first: pairs with itself. */
static _Atomic(fatal_handler *) fatal_msg_handler;

static void to_syslog(const char *msg)
{
	syslog(LOG_CRIT, "%s", msg);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "ivykis: %s\n", msg);
}

IV__PUBLIC void iv_set_fatal_msg_handler(fatal_handler *handler)
{
	/* Release: with the acquire in iv_fatal(). */
	atomic_exchange_explicit(&fatal_msg_handler, handler,
				 memory_order_release);
}

IV__PUBLIC void iv_fatal(const char *fmt, ...)
{
	fatal_handler *handler;
	char msg[MESSAGE_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);

	/* Acquire: with the release in iv_set_fatal_msg_handler(). */
	handler =
		atomic_load_explicit(&fatal_msg_handler, memory_order_acquire);
	if (handler == NULL)
		handler = to_syslog;
	handler(msg);

	abort();
}
