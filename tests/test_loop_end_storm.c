/* SPDX-License-Identifier: MIT */
/*
 * test_loop_end_storm.c - loops that end while all others go on using them
 *
 * Whatever was taken comes out once: a message is handled or dropped, an item
 * is completed, an order is answered.
 */
#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <iv_channel.h>
#include <iv_loop.h>
#include <iv_work.h>
#include "harness.h"

enum { NUM_SENDERS = 3, NUM_ENDERS = 3, NUM_ITEMS = 64, MAX_SENT = 500 };

struct storm {
	iv_loop_id id;
	int how;
	sem_t open;
	struct iv_channel channel;
	struct iv_channel_sender sender[NUM_SENDERS];
	atomic_int num_sent;
	int num_got, num_dropped; /* the loop's */
	struct iv_work_pool pool;
	struct iv_work_item items[NUM_ITEMS];
	int num_completed; /* the loop's */
	atomic_int num_begun;
};

/* The loop ****************************************************************/

static void got(void *cookie, struct iv_channel_message *message)
{
	struct storm *storm = cookie;

	storm->num_got++;
	free(message);
}

static void dropped(void *cookie, struct iv_channel_message *message)
{
	struct storm *storm = cookie;

	storm->num_dropped++;
	free(message);
}

static void work(void *cookie)
{
	struct storm *storm = cookie;

	atomic_fetch_add(&storm->num_begun, 1);
	sched_yield();
}

static void completed(void *cookie)
{
	struct storm *storm = cookie;

	storm->num_completed++;
}

static void open_channel(struct storm *storm)
{
	int i;

	IV_CHANNEL_INIT(&storm->channel);
	storm->channel.cookie = storm;
	storm->channel.handler = got;
	storm->channel.dropped = dropped;
	if (iv_channel_register(&storm->channel) != 0)
		abort();
	for (i = 0; i < NUM_SENDERS; i++) {
		IV_CHANNEL_SENDER_INIT(&storm->sender[i]);
		iv_channel_sender_open(&storm->sender[i], &storm->channel);
	}
}

static void open_pool(struct storm *storm)
{
	int i;

	IV_WORK_POOL_INIT(&storm->pool);
	storm->pool.max_threads = 2;
	if (iv_work_pool_create(&storm->pool) != 0)
		abort();
	for (i = 0; i < NUM_ITEMS; i++) {
		storm->items[i].cookie = storm;
		storm->items[i].work = work;
		storm->items[i].completion = completed;
		iv_work_pool_submit_work(&storm->pool, &storm->items[i]);
	}
}

static void *live(void *arg)
{
	struct storm *storm = arg;

	iv_init();
	storm->id = iv_loop_self();
	open_channel(storm);
	open_pool(storm);
	sem_post(&storm->open);
	iv_main();
	iv_deinit();

	return NULL;
}

/* The others **************************************************************/

struct actor {
	struct storm *storm;
	pthread_t thread;
	int number;
	int ret;
};

static void *send_until_closed(void *arg)
{
	struct actor *actor = arg;
	struct iv_channel_sender *sender;
	int left;

	sender = &actor->storm->sender[actor->number];
	for (left = MAX_SENT; left > 0; left--) {
		struct iv_channel_message *message = malloc(sizeof(*message));

		if (message == NULL)
			abort();
		IV_CHANNEL_MESSAGE_INIT(message);
		actor->ret = iv_channel_send(sender, message);
		if (actor->ret != 0) {
			free(message);
			break;
		}
		atomic_fetch_add(&actor->storm->num_sent, 1);
	}
	iv_channel_sender_close(sender);

	return NULL;
}

static void *end(void *arg)
{
	struct actor *actor = arg;

	actor->ret = iv_loop_end(actor->storm->id, actor->storm->how, -1, NULL,
				 NULL);

	return NULL;
}

static void start_actors(struct actor *actors, int num, struct storm *storm,
			 void *(*function)(void *arg))
{
	int i;

	for (i = 0; i < num; i++) {
		actors[i].storm = storm;
		actors[i].number = i;
		actors[i].thread = start_thread(function, &actors[i]);
	}
}

static void blow(int how)
{
	struct actor senders[NUM_SENDERS];
	struct actor enders[NUM_ENDERS];
	struct storm storm = { .how = how };
	pthread_t loop;
	int i;

	sem_init(&storm.open, 0, 0);
	loop = start_thread(live, &storm);
	await(&storm.open);
	start_actors(senders, NUM_SENDERS, &storm, send_until_closed);
	start_actors(enders, NUM_ENDERS, &storm, end);
	for (i = 0; i < NUM_SENDERS; i++) {
		join_thread(senders[i].thread);
		assert_true(senders[i].ret == 0 || senders[i].ret == -EPIPE);
	}
	for (i = 0; i < NUM_ENDERS; i++) {
		join_thread(enders[i].thread);
		assert_true(enders[i].ret == 0 || enders[i].ret == -ESRCH);
	}
	join_thread(loop);
	sem_destroy(&storm.open);

	assert_int_equal(storm.num_got + storm.num_dropped, storm.num_sent);
	assert_int_equal(storm.num_completed, storm.num_begun);
	if (how == IV_LOOP_DRAIN) {
		assert_int_equal(storm.num_completed, NUM_ITEMS);
		assert_int_equal(storm.num_dropped, 0);
	}
}

static void what_was_taken_is_done_once(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < (under_a_tool() ? 3 : 100); i++)
		blow(IV_LOOP_DRAIN);
}

static void or_let_go_once(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < (under_a_tool() ? 3 : 100); i++)
		blow(IV_LOOP_CANCEL);
}

/* Loops that end one another **********************************************/

struct fighter {
	pthread_t thread;
	sem_t *open;
	sem_t go;
	int ret;
};

static void end_all(void *cookie)
{
	struct fighter *fighter = cookie;

	fighter->ret = iv_loop_end_all(IV_LOOP_DRAIN, -1, NULL, NULL);
}

static void *fight(void *arg)
{
	struct fighter *fighter = arg;

	iv_init();
	if (iv_loop_listen() != 0 ||
	    iv_loop_call(iv_loop_self(), end_all, fighter, NULL) != 0)
		abort();
	sem_post(fighter->open);
	await(&fighter->go);
	/* Told by another one first, it does not come to tell. */
	while (fighter->ret < 0 && !iv_loop_stopped())
		iv_loop_run_once(0);
	iv_deinit();

	return NULL;
}

static void all_that_end_all_do(void **state)
{
	struct fighter fighters[4];
	sem_t open;
	int i, j;

	(void)state;
	for (i = 0; i < (under_a_tool() ? 2 : 70); i++) {
		sem_init(&open, 0, 0);
		for (j = 0; j < 4; j++) {
			fighters[j].open = &open;
			fighters[j].ret = -1;
			sem_init(&fighters[j].go, 0, 0);
			fighters[j].thread = start_thread(fight, &fighters[j]);
		}
		for (j = 0; j < 4; j++)
			await(&open);
		for (j = 0; j < 4; j++)
			sem_post(&fighters[j].go);
		for (j = 0; j < 4; j++) {
			join_thread(fighters[j].thread);
			sem_destroy(&fighters[j].go);
		}
		sem_destroy(&open);
		assert_int_equal(iv_loop_count(), 0);
	}
}

static const struct test_case cases[] = {
	TEST(what_was_taken_is_done_once),
	TEST(or_let_go_once),
	TEST(all_that_end_all_do),
};

TEST_MAIN(cases)
