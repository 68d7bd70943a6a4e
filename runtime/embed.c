/* SPDX-License-Identifier: MIT */
/*
 * embed.c - a loop that somebody else turns
 */
#include <errno.h>
#include <iv_loop.h>
#include "backend.h"
#include "loop.h"

static bool goes_on(struct iv__loop *loop)
{
	if (loop->quit)
		return !iv__loop_quits(loop, loop->depth == 0);

	return loop->numobjs > 0;
}

/* It was told to end, and what it waited for may have gone since. */
static bool has_ended(struct iv__loop *loop)
{
	if (loop->depth > 0 || (loop->stopped & IV__QUIT_END) == 0)
		return false;
	loop->quit |= loop->stopped;

	return iv__loop_quits(loop, true);
}

/* Calls from other threads do not keep a loop running, but want to be run. */
static bool was_called(struct iv__loop *loop)
{
	return loop->hooks != NULL && loop->hooks->has_posts(loop);
}

IV__PUBLIC int iv_loop_run_once(int64_t timeout_ns)
{
	struct iv__loop *loop = iv__loop_self("iv_loop_run_once");

	iv__loop_wake_up(loop);
	if (loop->depth == 0)
		loop->quit = loop->stopped;
	if (goes_on(loop) || (!loop->quit && was_called(loop)))
		iv__loop_turn(loop, timeout_ns);

	return goes_on(loop);
}

/* Until something is due; @most_ns is what the backend says, or -1. */
static int64_t time_to_wait_ns(const struct iv__loop *loop, int64_t most_ns)
{
	int64_t due_ns = iv__loop_time_to_sleep_ns(loop);

	/* In a handler: others of this round are still to be called. */
	if (!iv_list_empty(&loop->ready))
		return 0;

	return due_ns < 0 || (most_ns >= 0 && most_ns < due_ns) ? most_ns
								: due_ns;
}

IV__PUBLIC int iv_loop_prepare(int64_t *timeout_ns)
{
	struct iv__loop *loop = iv__loop_self("iv_loop_prepare");
	int64_t most_ns = -1;
	bool ended;
	int fd;

	if (timeout_ns == NULL)
		return -EINVAL;
	if (loop->backend->descriptor == NULL)
		return -ENOTSUP;

	iv__loop_wake_up(loop);
	ended = has_ended(loop);
	iv__fds_flush(loop);
	fd = loop->backend->descriptor(loop, &most_ns);
	if (fd < 0)
		return fd;

	*timeout_ns = ended ? 0 : time_to_wait_ns(loop, most_ns);
	if (*timeout_ns != 0 && loop->hooks != NULL) {
		loop->asleep = loop->hooks->before_sleep(loop);
		if (!loop->asleep)
			*timeout_ns = 0;
	}

	return fd;
}
