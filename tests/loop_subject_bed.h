/* SPDX-License-Identifier: MIT */
/*
 * loop_subject_bed.h - loops of other threads, to be ended from this one
 */
#ifndef LOOP_SUBJECT_BED_H
#define LOOP_SUBJECT_BED_H

#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <iv_event.h>
#include <iv_loop.h>
#include <iv_thread.h>
#include <iv_work.h>
#include "harness.h"

struct subject {
	pthread_t thread;
	iv_loop_id id;
	void (*set_up)(struct subject *subject); /* NULL: it has nothing */
	bool held;				 /* before iv_main() */
	bool lingers;				 /* before iv_deinit() */
	sem_t open, go, returned, leave;
	sem_t gate;   /* for whatever it waits */
	sem_t begun;  /* in front of the gate */
	sem_t passed; /* behind it */
	iv_loop_id worker;
	int ret; /* of an end in its own handler */
	struct subject *other;
	struct iv_event stay;
	struct iv_work_pool pool;
	struct iv_work_item item;
};

static inline void *live(void *arg)
{
	struct subject *subject = arg;

	iv_init();
	subject->id = iv_loop_self();
	if (subject->set_up != NULL)
		subject->set_up(subject);
	sem_post(&subject->open);
	if (subject->held)
		await(&subject->go);
	iv_main();
	sem_post(&subject->returned);
	if (subject->lingers)
		await(&subject->leave);
	iv_deinit();

	return NULL;
}

static inline void start(struct subject *subject)
{
	sem_init(&subject->open, 0, 0);
	sem_init(&subject->go, 0, 0);
	sem_init(&subject->returned, 0, 0);
	sem_init(&subject->leave, 0, 0);
	sem_init(&subject->gate, 0, 0);
	sem_init(&subject->begun, 0, 0);
	sem_init(&subject->passed, 0, 0);
	subject->thread = start_thread(live, subject);
	await(&subject->open);
}

static inline void finish(struct subject *subject)
{
	sem_post(&subject->go);
	sem_post(&subject->leave);
	sem_post(&subject->gate);
	sem_post(&subject->gate);
	join_thread(subject->thread);
}

/* What it may have ********************************************************/

static inline void stay(struct subject *subject)
{
	subject->stay.handler = never_posted;
	if (iv_event_register(&subject->stay) != 0)
		abort();
}

static inline void wait_at_gate(void *cookie)
{
	struct subject *subject = cookie;

	sem_post(&subject->begun);
	await(&subject->gate);
	sem_post(&subject->passed);
}

static inline void create_thread(struct subject *subject)
{
	if (iv_thread_create("resolver", wait_at_gate, subject) != 0)
		abort();
}

static inline void work_at_gate(void *cookie)
{
	struct subject *subject = cookie;

	subject->worker = iv_loop_self();
	wait_at_gate(subject);
}

static inline void create_pool(struct subject *subject)
{
	IV_WORK_POOL_INIT(&subject->pool);
	subject->pool.max_threads = 1;
	if (iv_work_pool_create(&subject->pool) != 0)
		abort();
	subject->item.cookie = subject;
	subject->item.work = work_at_gate;
	iv_work_pool_submit_work(&subject->pool, &subject->item);
}

/* What it is said to have *************************************************/

enum { MAX_LINES = 64, MAX_LINE = 128 };

struct list {
	int num;
	iv_loop_id id[MAX_LINES];
	char line[MAX_LINES][MAX_LINE];
};

static inline void add_line(void *cookie, iv_loop_id id, const char *what)
{
	struct list *list = cookie;

	if (list->num == MAX_LINES)
		abort();
	list->id[list->num] = id;
	strncpy(list->line[list->num++], what, MAX_LINE - 1);
}

static inline bool
says(const struct list *list, iv_loop_id id, const char *words)
{
	int i;

	for (i = 0; i < list->num; i++) {
		if (list->id[i] == id && strstr(list->line[i], words) != NULL)
			return true;
	}

	return false;
}

#endif
