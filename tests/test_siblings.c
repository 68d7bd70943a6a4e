/* SPDX-License-Identifier: MIT */
/*
 * test_siblings.c - unregistering, and freeing, one object from another's
 * handler while both are due in the same batch: every pair of kinds
 */
#include <stdlib.h>
#include <string.h>
#include <iv_event.h>
#include <iv_event_raw.h>
#include "harness.h"

enum kind {
	FD,
	TIMER,
	TASK,
	LOCAL_EVENT,  /* posted by its own thread */
	REMOTE_EVENT, /* posted by another one */
	RAW_EVENT,
	NUM_KINDS,
};

static const char *const kind_names[] = {
	"fd", "timer", "task", "local event", "remote event", "raw event",
};

struct object {
	union {
		struct iv_fd fd;
		struct iv_timer timer;
		struct iv_task task;
		struct iv_event event;
		struct iv_event_raw raw;
	};
	enum kind kind;
	int slot;
	bool called;
	int pipefd[2];
};

static struct object *objects[2];
static struct timespec due;
static int calls;

/* Freed memory is overwritten first: a use of it is no accident. */
static void drop(int slot)
{
	struct object *object = objects[slot];

	switch (object->kind) {
	case FD:
		iv_fd_unregister(&object->fd);
		close_both(object->pipefd);
		break;
	case TIMER:
		if (!object->called)
			iv_timer_unregister(&object->timer);
		break;
	case TASK:
		if (!object->called)
			iv_task_unregister(&object->task);
		break;
	case RAW_EVENT:
		iv_event_raw_unregister(&object->raw);
		break;
	default:
		iv_event_unregister(&object->event);
	}

	memset(object, 0xa5, sizeof(*object));
	free(object);
	objects[slot] = NULL;
}

static void called(void *cookie)
{
	struct object *object = cookie;
	int slot = object->slot;

	calls++;
	object->called = true;
	if (objects[1 - slot] != NULL)
		drop(1 - slot);
	drop(slot);
}

static void *post(void *event)
{
	iv_event_post(event);

	return NULL;
}

static void make_fd(struct object *object)
{
	make_pipe(object->pipefd);
	put_byte(object->pipefd[1]);
	IV_FD_INIT(&object->fd);
	object->fd.fd = object->pipefd[0];
	object->fd.cookie = object;
	object->fd.handler_in = called;
	iv_fd_register(&object->fd);
}

static void make_timer(struct object *object)
{
	IV_TIMER_INIT(&object->timer);
	object->timer.expires = due;
	object->timer.cookie = object;
	object->timer.handler = called;
	iv_timer_register(&object->timer);
}

static void make_task(struct object *object)
{
	IV_TASK_INIT(&object->task);
	object->task.cookie = object;
	object->task.handler = called;
	iv_task_register(&object->task);
}

static void make_event(struct object *object)
{
	object->event.cookie = object;
	object->event.handler = called;
	assert_int_equal(iv_event_register(&object->event), 0);
	if (object->kind == LOCAL_EVENT)
		iv_event_post(&object->event);
	else
		in_thread(post, &object->event);
}

static void make_raw(struct object *object)
{
	object->raw.cookie = object;
	object->raw.handler = called;
	assert_int_equal(iv_event_raw_register(&object->raw), 0);
	iv_event_raw_post(&object->raw);
}

static void make(int slot, enum kind kind)
{
	static void (*const make_kind[])(struct object * object) = {
		make_fd,    make_timer, make_task,
		make_event, make_event, make_raw,
	};
	struct object *object = calloc(1, sizeof(*object));

	object->kind = kind;
	object->slot = slot;
	objects[slot] = object;
	make_kind[kind](object);
}

/* Whichever is called first drops the other one and then itself. */
static void every_pair(enum kind first)
{
	int second;

	iv_init();
	for (second = 0; second < NUM_KINDS; second++) {
		calls = 0;
		due = iv_now;
		make(0, first);
		make(1, (enum kind)second);
		iv_main();
		if (calls != 1)
			fail_msg("%s and %s: %d calls", kind_names[first],
				 kind_names[second], calls);
	}
	iv_deinit();
}

static void an_fd_and_each_kind(void **state)
{
	(void)state;
	every_pair(FD);
}

static void a_timer_and_each_kind(void **state)
{
	(void)state;
	every_pair(TIMER);
}

static void a_task_and_each_kind(void **state)
{
	(void)state;
	every_pair(TASK);
}

static void a_local_event_and_each_kind(void **state)
{
	(void)state;
	every_pair(LOCAL_EVENT);
}

static void a_remote_event_and_each_kind(void **state)
{
	(void)state;
	every_pair(REMOTE_EVENT);
}

static void a_raw_event_and_each_kind(void **state)
{
	(void)state;
	every_pair(RAW_EVENT);
}

static const struct test_case cases[] = {
	TEST(an_fd_and_each_kind),	    TEST(a_timer_and_each_kind),
	TEST(a_task_and_each_kind),	    TEST(a_local_event_and_each_kind),
	TEST(a_remote_event_and_each_kind), TEST(a_raw_event_and_each_kind),
};

TEST_MAIN(cases)
