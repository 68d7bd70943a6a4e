/* SPDX-License-Identifier: MIT */
/*
 * siblings.c - objects that are due together, and go while they are
 *
 * Freed memory is overwritten first: a use of it is no accident.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <iv_event.h>
#include <iv_event_raw.h>
#include "suite.h"

enum { POISON = 0xa5 };

/* Pairs of every kind *****************************************************/

enum kind {
	FD_IN,
	FD_OUT,
	FD_HUNG_UP, /* all of its bands are ready */
	TIMER,
	TASK,
	LOCAL_EVENT,  /* posted by its own thread */
	REMOTE_EVENT, /* posted by another one */
	RAW_EVENT,
	NUM_KINDS,
};

static const char *const kind_names[] = {
	"fd in", "fd out",	"fd hung up",	"timer",
	"task",	 "local event", "remote event", "raw event",
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
	int far;
};

static struct object *objects[2];
static struct timespec due;
static int calls;

static void unregister(struct object *object)
{
	switch (object->kind) {
	case TIMER:
		if (!object->called)
			iv_timer_unregister(&object->timer);
		break;
	case TASK:
		if (!object->called)
			iv_task_unregister(&object->task);
		break;
	case LOCAL_EVENT:
	case REMOTE_EVENT:
		iv_event_unregister(&object->event);
		break;
	case RAW_EVENT:
		iv_event_raw_unregister(&object->raw);
		break;
	default:
		iv_fd_unregister(&object->fd);
		close(object->fd.fd);
		if (object->far >= 0)
			close(object->far);
	}
}

static void drop(int slot)
{
	struct object *object = objects[slot];

	unregister(object);
	memset(object, POISON, sizeof(*object));
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
	int pair[2];

	make_socketpair(pair);
	object->far = pair[1];
	put_byte(pair[1]);
	if (object->kind == FD_HUNG_UP) {
		close(pair[1]);
		object->far = -1;
	}
	IV_FD_INIT(&object->fd);
	object->fd.fd = pair[0];
	object->fd.cookie = object;
	object->fd.handler_in = object->kind == FD_OUT ? NULL : called;
	object->fd.handler_out = object->kind == FD_IN ? NULL : called;
	object->fd.handler_err = object->kind == FD_HUNG_UP ? called : NULL;
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
		make_fd,   make_fd,    make_fd,	   make_timer,
		make_task, make_event, make_event, make_raw,
	};
	struct object *object = calloc(1, sizeof(*object));

	assert_non_null(object);
	object->kind = kind;
	object->slot = slot;
	objects[slot] = object;
	make_kind[kind](object);
}

/* Whichever is called first drops the other one and then itself. */
static void a_pair(enum kind first, enum kind second)
{
	calls = 0;
	due = iv_now;
	make(0, first);
	make(1, second);
	iv_main();
	if (calls != 1)
		fail_msg("%s and %s: %d calls", kind_names[first],
			 kind_names[second], calls);
}

static void every_pair_frees_both(void **state)
{
	int first, second;

	(void)state;
	iv_init();
	for (first = 0; first < NUM_KINDS; first++) {
		for (second = 0; second < NUM_KINDS; second++)
			a_pair((enum kind)first, (enum kind)second);
	}
	iv_deinit();
}

/* Many in one batch *******************************************************/

enum { NUM = 60 };

static struct probe *many[NUM];

static void free_probe(int i)
{
	probe_close(many[i]);
	memset(many[i], POISON, sizeof(*many[i]));
	free(many[i]);
	many[i] = NULL;
}

static void make_many(void (*then)(struct probe *own, int band))
{
	int i;

	for (i = 0; i < NUM; i++) {
		many[i] = malloc(sizeof(*many[i]));
		assert_non_null(many[i]);
		probe_socket(many[i]);
		put_byte(many[i]->far);
		many[i]->then = then;
		probe_register(many[i], ALL);
	}
}

static int alive(void)
{
	int num = 0, i;

	for (i = 0; i < NUM; i++)
		num += many[i] != NULL;

	return num;
}

static void free_all(struct probe *own, int band)
{
	int i;

	(void)own;
	(void)band;
	calls++;
	for (i = 0; i < NUM; i++)
		free_probe(i);
}

static void the_first_frees_all(void **state)
{
	(void)state;
	iv_init();
	make_many(free_all);
	iv_main();
	assert_int_equal(calls, 1);
	iv_deinit();
}

/* Half of them are called, each of which frees one of the others. */
static void free_own_and_another(struct probe *own, int band)
{
	int i;

	(void)band;
	calls++;
	for (i = NUM - 1; i >= 0 && many[i] == NULL; i--)
		;
	if (many[i] != own)
		free_probe(i);
	for (i = 0; i < NUM; i++) {
		if (many[i] == own) {
			free_probe(i);
			return;
		}
	}
}

static void each_frees_itself_and_another(void **state)
{
	(void)state;
	iv_init();
	make_many(free_own_and_another);
	iv_main();
	assert_in_range(calls, NUM / 2, NUM / 2 + 1);
	assert_int_equal(alive(), 0);
	iv_deinit();
}

/* Own memory, anew ********************************************************/

static void free_own(void *cookie)
{
	struct iv_fd *own = cookie;

	calls++;
	iv_fd_unregister(own);
	memset(own, POISON, sizeof(*own));
	free(own);
}

static struct iv_fd *make_own(int fd, int band)
{
	struct iv_fd *own = malloc(sizeof(*own));

	assert_non_null(own);
	IV_FD_INIT(own);
	own->fd = fd;
	own->cookie = own;
	own->handler_err = band == ERR ? free_own : NULL;
	own->handler_in = band <= ERR ? free_own : NULL;
	own->handler_out = free_own;
	if (band == OUT)
		own->handler_in = NULL;
	iv_fd_register(own);

	return own;
}

/* In its error handler, in its first of two and in its only one. */
static void an_object_frees_itself_in_each_handler(void **state)
{
	static const int bands[] = { ERR, IN, OUT };
	int pair[2], i;

	(void)state;
	iv_init();
	for (i = 0; i < 3; i++) {
		make_socketpair(pair);
		close(pair[1]);
		calls = 0;
		make_own(pair[0], bands[i]);
		iv_main();
		assert_int_equal(calls, 1);
		close(pair[0]);
	}
	iv_deinit();
}

static struct probe near[2];
static int idle_end[2];

/* The same memory, now for a descriptor with nothing to read. */
static void move_other(struct probe *own, int band)
{
	struct probe *other = own == &near[0] ? &near[1] : &near[0];

	(void)band;
	own->then = NULL;
	probe_want(own, 0);
	probe_close(other);
	probe_on(other, idle_end[0]);
	other->far = idle_end[1];
	probe_register(other, ALL & ~OUT);
}

static void memory_in_use_again_is_not_called_for_what_was(void **state)
{
	struct probe *moved;
	int i;

	(void)state;
	iv_init();
	make_pipe(idle_end);
	for (i = 0; i < 2; i++) {
		probe_socket(&near[i]);
		put_byte(near[i].far);
		near[i].then = move_other;
		probe_register(&near[i], IN);
	}
	run_rounds(3);
	moved = near[0].in > 0 ? &near[1] : &near[0];
	expect_order(moved, "");
	put_byte(moved->far);
	run_rounds(1);
	expect_order(moved, "i");
	probe_close(&near[0]);
	probe_close(&near[1]);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(every_pair_frees_both),
	TEST(the_first_frees_all),
	TEST(each_frees_itself_and_another),
	TEST(an_object_frees_itself_in_each_handler),
	TEST(memory_in_use_again_is_not_called_for_what_was),
};

GROUP(siblings);
