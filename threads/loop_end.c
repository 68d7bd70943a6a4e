/* SPDX-License-Identifier: MIT */
/*
 * loop_end.c - what a loop's slot says of its end, and stopping
 *
 * The protocol, its claims and its step numbers are in loop_end.h.
 */
#include <errno.h>
#include <string.h>
#include "lock.h"
#include "registry.h"

/* The slot *****************************************************************/

void iv__loop_end_init(struct iv__loop_slot *slot)
{
	memset(&slot->end, 0, sizeof(slot->end));
	slot->end.deadline_ns = -1;
}

void iv__loop_end_forked(struct iv__loop_slot *slot)
{
	if (slot->end.told)
		slot->calls.stop = true;
	iv__loop_end_init(slot);
	/* The bell may have been on its way from another thread. */
	if (slot->calls.stop && slot->calls.bell != 0) {
		iv__self->stopped = IV__QUIT;
		iv__self->quit = IV__QUIT;
	}
}

static void add_all(struct iv__remains *remains, const struct iv__remains *more)
{
	const char *line;

	if (more == NULL)
		return;
	for (line = more->text; line < more->text + more->len;
	     line += strlen(line) + 1)
		iv__remains_add(remains, "%s", line);
}

static const char *why_unheard(const struct iv__loop_slot *slot)
{
	if (slot->of_worker)
		return "it is a pool's worker, and ends with the pool";
	if (slot->calls.bell == 0)
		return "it does not listen, see iv_loop_listen()";

	return "it has not noticed: a handler runs, or iv_main() does not";
}

void iv__loop_end_describe_locked(const struct iv__loop_slot *slot,
				  struct iv__remains *remains)
{
	switch (slot->end.stage) {
	case IV__END_UNHEARD:
		iv__remains_add(remains, "%s", why_unheard(slot));
		break;
	case IV__END_ENDING:
		iv__remains_add(remains, "a handler runs: it has not noticed "
					 "that the time is over");
		break;
	case IV__END_RETURNED:
		iv__remains_add(remains, "iv_main() has returned: iv_deinit() "
					 "is to come");
		break;
	case IV__END_CLOSING:
		iv__remains_add(remains, "iv_deinit() runs: it waits for what "
					 "runs");
		break;
	}
	add_all(remains, slot->end.remains);
}

/* Telling who waits ********************************************************/

void iv__loop_ended(struct iv__loop_slot *slot)
{
	struct iv__loop_waiter *waiter;
	struct iv__loop_waiter *next;

	iv__lock();
	slot->not_ended = 0;
	/* A waiter is gone once the lock is free and it is told. */
	for (waiter = slot->waiters; waiter != NULL; waiter = next) {
		next = waiter->next;
		waiter->told = IV__END_ENDED;
		sem_post(&waiter->end);
	}
	slot->waiters = NULL;
	iv__unlock();
}

void iv__loop_end_left(struct iv__loop_slot *slot)
{
	struct iv__loop_waiter **link = &slot->waiters;
	struct iv__loop_waiter *waiter;

	iv__lock();
	while ((waiter = *link) != NULL) {
		if (waiter->joins) {
			link = &waiter->next;
			continue;
		}
		*link = waiter->next;
		waiter->told = IV__END_LEFT;
		add_all(waiter->remains, slot->end.remains);
		sem_post(&waiter->end);
	}
	iv__unlock();
}

/* Stopping ****************************************************************/

IV__PUBLIC int iv_loop_stop(iv_loop_id id)
{
	iv_event_handle bell = 0;
	int ret;

	iv__lock();
	ret = iv__calls_check_locked(id);
	if (ret == 0 || ret == -ENOTCONN) {
		struct iv__calls *calls = &iv__loop_slot_of(id)->calls;

		calls->stop = true;
		bell = calls->bell;
	}
	iv__unlock();

	if (ret == 0)
		iv_event_handle_post(bell);

	return ret;
}

IV__PUBLIC int iv_loop_stopped(void)
{
	const struct iv__loop *loop = iv__loop_self("iv_loop_stopped");
	struct iv__loop_slot *slot = iv__loop_slot_of(loop->last_id);
	int stopped;

	iv__lock();
	stopped = slot->calls.stop || slot->end.told;
	iv__unlock();

	return stopped;
}
