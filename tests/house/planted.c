/* SPDX-License-Identifier: MIT */
/*
 * planted.c - a user's program with a defect that a tool must report
 *
 * The library's own synchronisation must not hide the mistakes of programs:
 * a tool that reports nothing on a correct program is trusted only because
 * it reports these.
 */
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <iv.h>
#include <iv_event.h>

static struct iv_event event;
static int planted_counter;
static void *volatile hidden;

/*
 * What a poster writes before a post is seen by the handler. This one writes
 * after its last post: whichever thread is faster, nothing orders that.
 */
static void *planted_poster(void *arg)
{
	iv_event_post(arg);
	planted_counter++;

	return NULL;
}

static void planted_handler(void *cookie)
{
	planted_counter++;
	iv_event_unregister(cookie);
}

static void plant_race(void)
{
	pthread_t poster;

	event.cookie = &event;
	event.handler = planted_handler;
	if (iv_event_register(&event) ||
	    pthread_create(&poster, NULL, planted_poster, &event))
		exit(2);
	iv_main();
	pthread_join(poster, NULL);
}

static void planted_leak(void *cookie)
{
	(void)cookie;
	hidden = malloc(4711);
	hidden = NULL;
}

static void planted_use_after_free(void *cookie)
{
	struct iv_task *task = cookie;

	hidden = task;
	free(task);
	((struct iv_task *)hidden)->cookie = NULL;
}

static void planted_overflow(void *cookie)
{
	volatile int big = INT_MAX;

	(void)cookie;
	big = big + 1;
}

static void plant_in_task(void (*handler)(void *))
{
	struct iv_task *task = malloc(sizeof(*task));

	if (task == NULL)
		exit(2);
	IV_TASK_INIT(task);
	task->cookie = task;
	task->handler = handler;
	iv_task_register(task);
	iv_main();
	if (handler != planted_use_after_free)
		free(task);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	iv_init();
	if (strcmp(what, "race") == 0)
		plant_race();
	else if (strcmp(what, "leak") == 0)
		plant_in_task(planted_leak);
	else if (strcmp(what, "use-after-free") == 0)
		plant_in_task(planted_use_after_free);
	else if (strcmp(what, "overflow") == 0)
		plant_in_task(planted_overflow);
	else
		exit(2);
	iv_deinit();

	return 0;
}
