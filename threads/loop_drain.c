/* SPDX-License-Identifier: MIT */
/*
 * loop_drain.c - what a loop does that was told to end
 *
 * The protocol, its claims and its step numbers are in loop_end.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "lock.h"
#include "registry.h"
#include "shared.h"
#include "work_local.h"

/* What remains, in words **************************************************/

/* For the line behind the last one that fits there is always room. */
#define AND_MORE "and more"
#define ROOM (sizeof(((struct iv__remains *)0)->text) - sizeof(AND_MORE))

void iv__remains_add(struct iv__remains *remains, const char *format, ...)
{
	char *line = remains->text + remains->len;
	size_t room = ROOM - remains->len;
	va_list args;
	int len;

	if (remains->full)
		return;

	va_start(args, format);
	len = vsnprintf(line, room, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= room) {
		remains->full = true;
		memcpy(line, AND_MORE, sizeof(AND_MORE));
		len = sizeof(AND_MORE) - 1;
	}
	remains->len += (size_t)len + 1;
}

/* Its slot, while it closes too. */
static struct iv__loop_slot *slot_of(const struct iv__loop *loop)
{
	return iv__loop_slot_of(loop->last_id);
}

static void describe(struct iv__shared *shared, struct iv__remains *remains)
{
	iv__channels_describe(shared, remains);
	iv__pool_describe_all(shared, remains);
	if (!shared->ending.cancel && iv__work_waits_here())
		iv__remains_add(remains, "work items without a pool wait");
	iv__thread_describe_children(shared, remains);
}

static bool is_same(const struct iv__remains *a, const struct iv__remains *b)
{
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

/* For who looks while this thread is somewhere else. */
static void say(struct iv__loop *loop, const struct iv__remains *remains,
		enum iv__end_stage stage)
{
	struct iv__shared *shared = loop->shared;
	struct iv__loop_slot *slot = slot_of(loop);

	if (slot->end.stage == stage && is_same(remains, &shared->ending.said))
		return;

	iv__lock();
	shared->ending.said = *remains;
	slot->end.remains = &shared->ending.said;
	slot->end.stage = stage;
	iv__unlock();
}

/* The deadline ************************************************************/

/* As the bell, the timer does not keep the loop running. */
static void got_deadline(void *cookie)
{
	struct iv__loop *loop = cookie;

	loop->numobjs++;
}

static void stop_timer(struct iv__loop *loop, struct iv__ending *ending)
{
	if (iv_timer_registered(&ending->timer)) {
		loop->numobjs++;
		iv_timer_unregister(&ending->timer);
	}
}

static void start_timer(struct iv__loop *loop, struct iv__ending *ending)
{
	stop_timer(loop, ending);
	if (ending->deadline_ns < 0)
		return;

	ending->timer.expires.tv_sec = ending->deadline_ns / 1000000000;
	ending->timer.expires.tv_nsec = ending->deadline_ns % 1000000000;
	ending->timer.cookie = loop;
	ending->timer.handler = got_deadline;
	iv_timer_register(&ending->timer);
	loop->numobjs--;
}

static bool is_over(const struct iv__ending *ending)
{
	return ending->deadline_ns >= 0 &&
	       (int64_t)iv__clock_ns() >= ending->deadline_ns;
}

/* Ending ******************************************************************/

/* B2; also for what was opened since. */
static void shut(struct iv__shared *shared)
{
	iv__pool_shut_all(shared, shared->ending.cancel);
	iv__channels_shut(shared, shared->ending.cancel);
}

/* B1 */
static void
hear(struct iv__loop_slot *slot, struct iv__loop_end *end, bool *stop)
{
	iv__lock();
	*end = slot->end;
	*stop = slot->calls.stop;
	if (end->told && end->stage == IV__END_UNHEARD)
		slot->end.stage = IV__END_ENDING;
	iv__unlock();
}

/* B3; a stop on top of it cuts it short. */
void iv__loop_end_hear(struct iv__loop *loop)
{
	struct iv__shared *shared = loop->shared;
	struct iv__loop_end end;
	bool stop;

	hear(slot_of(loop), &end, &stop);
	if (stop)
		loop->stopped |= IV__QUIT;
	if (end.told)
		loop->stopped |= IV__QUIT_END;
	loop->quit |= loop->stopped;
	if (stop || !end.told)
		return;

	shared->ending.cancel = end.cancel;
	shared->ending.deadline_ns = end.deadline_ns;
	start_timer(loop, &shared->ending);
	shut(shared);
}

/* L3 */
static void leave(struct iv__loop *loop, const struct iv__remains *remains)
{
	say(loop, remains, IV__END_RETURNED);
	iv__loop_end_left(slot_of(loop));
}

bool iv__loop_end_goes_on(struct iv__loop *loop)
{
	struct iv__remains remains = { .len = 0 };
	struct iv__shared *shared = loop->shared;

	if ((loop->quit & IV__QUIT) == 0)
		shut(shared);
	describe(shared, &remains);
	if (remains.len == 0 || (loop->quit & IV__QUIT) != 0) {
		say(loop, &remains, IV__END_RETURNED);
		return false;
	}
	if (is_over(&shared->ending)) {
		leave(loop, &remains);
		return false;
	}
	say(loop, &remains, IV__END_ENDING);

	return true;
}

void iv__loop_end_closing(struct iv__loop *loop)
{
	struct iv__remains remains = { .len = 0 };
	struct iv__shared *shared = loop->shared;

	stop_timer(loop, &shared->ending);
	describe(shared, &remains);
	say(loop, &remains, IV__END_CLOSING);
}

void iv__loop_end_closed(struct iv__loop *loop)
{
	iv__lock();
	slot_of(loop)->end.remains = NULL;
	iv__unlock();
}
