/* SPDX-License-Identifier: MIT */
/*
 * stress_event_churn.c - loops that end while the last poster is in its post
 *
 * Each loop has an event for every poster. The handler of the last post ends
 * the loop, which is closed at once; canaries take the numbers of its
 * descriptors, and are looked at when its posters must have left the post.
 */
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include "stress_event.h"

enum { NUM_CHURNERS = 2 };

/* One loop in a thread of its own, with an event for every poster. */
struct life {
	struct churner *churner;
	struct stress_rng rng;
	struct iv_timer tick;
	unsigned int left;
	bool quits;
};

struct last_post {
	struct iv_event event;
	struct life *life;
};

/* Events for one poster to post to; no churner has two for it at a time. */
struct mailbox {
	pthread_mutex_t lock;
	struct last_post *post[NUM_CHURNERS]; /* m */
	bool closed;			      /* m */
	pthread_t thread;
	unsigned int posted;
};

struct churner {
	pthread_t thread;
	unsigned int index;
	unsigned int loops_left;
	unsigned int handled;
	struct stress_canary canary;
};

static struct mailbox mailbox[STRESS_MAX_THREADS];
static struct churner churner[NUM_CHURNERS];

static void got_last_post(void *cookie)
{
	struct last_post *post = cookie;
	struct life *life = post->life;

	iv_event_unregister(&post->event);
	free(post);
	life->churner->handled++;
	if (--life->left > 0)
		return;

	if (iv_timer_registered(&life->tick))
		iv_timer_unregister(&life->tick);
	if (life->quits)
		iv_quit();
}

/*
 * A loop that only posts can wake handles none before its wake has come. One
 * that also wakes by itself may be closed before.
 */
static void got_tick(void *cookie)
{
	struct life *life = cookie;

	stress_start_timer(&life->tick, stress_random(&life->rng, 100000));
}

static void start_ticking(struct life *life)
{
	IV_TIMER_INIT(&life->tick);
	life->tick.cookie = life;
	life->tick.handler = got_tick;
	if (stress_chance(&life->rng, 75))
		got_tick(life);
}

static void send_last_post(struct life *life, struct mailbox *box)
{
	struct last_post *post = stress_allocate(sizeof(*post));

	post->life = life;
	post->event.cookie = post;
	post->event.handler = got_last_post;
	stress_register(&post->event);

	pthread_mutex_lock(&box->lock);
	box->post[life->churner->index] = post;
	pthread_mutex_unlock(&box->lock);
}

/* A loop's thread may also just end: then the library closes the loop. */
static void *live(void *arg)
{
	struct life *life = arg;
	unsigned int i;

	iv_init();
	life->left = stress_options.threads;
	for (i = 0; i < stress_options.threads; i++)
		send_last_post(life, &mailbox[i]);
	start_ticking(life);
	iv_main();
	STRESS_CHECK(life->left == 0, "iv_main ended with %u events to come",
		     life->left);
	if (stress_chance(&life->rng, 75)) {
		iv_deinit();
		stress_canary_open(&life->churner->canary);
	}

	return NULL;
}

/*
 * The canary of one life is looked at after the next, by the end of which
 * every poster has left the post to the first.
 */
static void *run_churner(void *arg)
{
	struct churner *self = arg;
	struct stress_canary before = { .open = false };
	struct stress_rng rng;

	stress_rng_init(&rng, 2000 + self->index);
	while (self->loops_left-- > 0) {
		struct life *life = stress_allocate(sizeof(*life));

		life->churner = self;
		life->quits = stress_chance(&rng, 30);
		stress_rng_init(&life->rng, stress_random(&rng, UINT32_MAX));
		stress_join(stress_spawn(live, life));
		free(life);
		stress_canary_check(&before);
		before = self->canary;
		self->canary.open = false;
	}
	self->canary = before;

	return NULL;
}

static struct last_post *next_last_post(struct mailbox *box, bool *closed)
{
	struct last_post *post = NULL;
	unsigned int i;

	pthread_mutex_lock(&box->lock);
	for (i = 0; i < NUM_CHURNERS && post == NULL; i++) {
		post = box->post[i];
		box->post[i] = NULL;
	}
	*closed = box->closed;
	pthread_mutex_unlock(&box->lock);

	return post;
}

static void *run_last_poster(void *arg)
{
	struct mailbox *box = arg;
	struct stress_rng rng;
	bool closed = false;

	stress_rng_init(&rng, stress_next_stream());
	while (!closed) {
		struct last_post *post = next_last_post(box, &closed);

		if (post != NULL) {
			stress_jitter(&rng);
			iv_event_post(&post->event);
			box->posted++;
		} else {
			sched_yield();
		}
	}

	return NULL;
}

static void close_mailbox(struct mailbox *box)
{
	pthread_mutex_lock(&box->lock);
	box->closed = true;
	pthread_mutex_unlock(&box->lock);
	stress_join(box->thread);
	pthread_mutex_destroy(&box->lock);
}

static unsigned int loops_per_churner(void)
{
	return stress_options.count / 20 + 1;
}

unsigned int event_churn_loops(void)
{
	return NUM_CHURNERS * loops_per_churner();
}

static void start_churn(void)
{
	unsigned int i;

	for (i = 0; i < stress_options.threads; i++) {
		pthread_mutex_init(&mailbox[i].lock, NULL);
		mailbox[i].thread = stress_spawn(run_last_poster, &mailbox[i]);
	}
	for (i = 0; i < NUM_CHURNERS; i++) {
		churner[i].index = i;
		churner[i].loops_left = loops_per_churner();
		churner[i].thread = stress_spawn(run_churner, &churner[i]);
	}
}

struct stress_tally event_churn_run(void)
{
	struct stress_tally total = { .posted = 0 };
	unsigned int i;

	stress_stage("closing loops whose last poster is still in its post");
	start_churn();
	for (i = 0; i < NUM_CHURNERS; i++) {
		stress_join(churner[i].thread);
		total.handled += churner[i].handled;
	}
	for (i = 0; i < stress_options.threads; i++) {
		close_mailbox(&mailbox[i]);
		total.posted += mailbox[i].posted;
	}
	for (i = 0; i < NUM_CHURNERS; i++)
		stress_canary_check(&churner[i].canary);

	STRESS_CHECK(total.posted == total.handled,
		     "%" PRIu64 " posts ended loops, %" PRIu64 " were handled",
		     total.posted, total.handled);

	return total;
}
