/* SPDX-License-Identifier: MIT */
/*
 * backend.c - the table of methods and the choice among them
 *
 * The only file that knows operating systems, by what the build has found of
 * them. A loop takes the first method of the table that opens.
 * IV_EXCLUDE_POLL_METHOD leaves some out, IV_SELECT_POLL_METHOD names the one
 * to use.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "backend.h"
#include "loop.h"
#include "valgrind.h"

/* Best first; the last ones need no descriptor of their own. */
static const struct iv__backend *const backends[] = {
#ifdef IV__HAVE_IO_URING
	&iv__backend_io_uring,
#endif
#ifdef IV__HAVE_EPOLL
	&iv__backend_epoll,	    /* the timeout goes with each call */
	&iv__backend_epoll_timerfd, /* a timer is in the set */
#endif
#ifdef IV__HAVE_KQUEUE
	&iv__backend_kqueue,
#endif
#ifdef IV__HAVE_PORT
	&iv__backend_port,	 /* the timeout goes with each call */
	&iv__backend_port_timer, /* a timer sends to the port */
#endif
#ifdef IV__HAVE_DEV_POLL
	&iv__backend_dev_poll,
#endif
#ifdef IV__HAVE_PPOLL
	&iv__backend_ppoll,
#endif
	&iv__backend_poll,
};

enum { NUM_BACKENDS = sizeof(backends) / sizeof(backends[0]) };

/* The name of the process's first method; written once. */
static _Atomic(const char *) first_name;

const char *iv__backend_first_name(void)
{
	return atomic_load_explicit(&first_name, memory_order_relaxed);
}

/* Is @name one of the words of @list, which spaces separate? */
static bool names(const char *list, const char *name)
{
	size_t len = strlen(name);

	while (*list != '\0') {
		size_t word;

		list += strspn(list, " ");
		word = strcspn(list, " ");
		if (word == len && memcmp(list, name, len) == 0)
			return true;
		list += word;
	}

	return false;
}

static bool excluded(const struct iv__backend *backend)
{
	const char *list = secure_getenv("IV_EXCLUDE_POLL_METHOD");

	return list != NULL && names(list, backend->name);
}

static bool is_shortage(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

/* 0 when @backend now serves @loop. */
static int try_open(struct iv__loop *loop, const struct iv__backend *backend)
{
	const char *none = NULL;
	int ret;

	if (excluded(backend))
		return -ENOENT;
	if (backend->on_request && iv__on_valgrind())
		return -ENOSYS;

	ret = backend->open(loop);
	if (ret < 0)
		return ret;

	loop->backend = backend;
	atomic_compare_exchange_strong(&first_name, &none, backend->name);

	return 0;
}

static _Noreturn void none_opens(struct iv__loop *loop, const char *selected)
{
	char available[256] = "";
	size_t len = 0;
	int i;

	for (i = 0; i < NUM_BACKENDS; i++) {
		if (try_open(loop, backends[i]) < 0)
			continue;
		backends[i]->close(loop);
		len += (size_t)snprintf(available + len,
					sizeof(available) - len, " %s",
					backends[i]->name);
	}

	if (selected != NULL)
		iv_fatal("iv_init: IV_SELECT_POLL_METHOD names \"%s\", which "
			 "is not available here; available:%s",
			 selected, len > 0 ? available : " none");
	iv_fatal("iv_init: no poll method is available; "
		 "IV_EXCLUDE_POLL_METHOD excludes too much");
}

static const struct iv__backend *find(const char *name)
{
	int i;

	for (i = 0; i < NUM_BACKENDS; i++) {
		if (strcmp(backends[i]->name, name) == 0)
			return backends[i];
	}

	return NULL;
}

int iv__backend_open(struct iv__loop *loop)
{
	const char *selected = secure_getenv("IV_SELECT_POLL_METHOD");
	int ret = -ENOENT;
	int i;

	if (selected != NULL) {
		const struct iv__backend *backend = find(selected);

		if (backend != NULL)
			ret = try_open(loop, backend);
		if (ret < 0 && !is_shortage(ret))
			none_opens(loop, selected);
		/* Short of descriptors: any method beats none. */
	}

	for (i = 0; ret < 0 && i < NUM_BACKENDS; i++) {
		if (!backends[i]->on_request)
			ret = try_open(loop, backends[i]);
	}

	if (ret < 0 && !is_shortage(ret))
		none_opens(loop, NULL);

	return ret;
}
