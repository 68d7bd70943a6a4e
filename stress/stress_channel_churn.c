/* SPDX-License-Identifier: MIT */
/*
 * stress_channel_churn.c - receivers that close while senders send and close
 */
#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include "stress_channel.h"

enum { NUM_CHURNERS = 2 };

/* How a receiver ends: when all have closed, or after some messages. */
enum way { UNTIL_CLOSED, UNREGISTER, DEINIT, THREAD_END, NUM_WAYS };

struct churn_sender {
	struct inlet inlet;
	struct life *life;
	pthread_t thread;
	unsigned int left;
};

struct life {
	struct outlet outlet;
	struct iv_channel_sender first;
	struct churn_sender sender[STRESS_MAX_THREADS];
	sem_t opened;
	enum way way;
	unsigned int limit;
	unsigned int ends_after;
};

static void deliver_and_end(void *cookie, struct iv_channel_message *message)
{
	struct life *life =
		iv_container_of((struct outlet *)cookie, struct life, outlet);

	channel_deliver(cookie, message);
	if (life->way == UNTIL_CLOSED ||
	    life->outlet.delivered != life->ends_after)
		return;
	if (life->way == UNREGISTER)
		iv_channel_unregister(&life->outlet.channel);
	else
		iv_quit();
}

static void *live(void *arg)
{
	struct life *life = arg;

	iv_init();
	channel_open_outlet(&life->outlet, life->limit, deliver_and_end);
	iv_channel_sender_open(&life->first, &life->outlet.channel);
	sem_post(&life->opened);
	iv_main();
	if (life->way != THREAD_END)
		iv_deinit();

	return NULL;
}

static void *run_churn_sender(void *arg)
{
	struct churn_sender *self = arg;
	struct stress_rng rng;
	int ret = 0;

	stress_rng_init(&rng, stress_next_stream());
	while (ret != -EPIPE && self->left > 0) {
		stress_jitter(&rng);
		ret = channel_put_in(&self->inlet);
		if (ret == 0)
			self->left--;
		else
			sched_yield();
	}
	if (ret == -EPIPE)
		STRESS_CHECK(channel_put_in(&self->inlet) == -EPIPE,
			     "a closed channel took a message");
	iv_channel_sender_close(&self->inlet.sender);

	return NULL;
}

static void start_churn_senders(struct life *life, struct stress_rng *rng)
{
	struct churn_sender *sender;
	unsigned int i;

	for (i = 0; i < stress_options.threads; i++) {
		sender = &life->sender[i];
		sender->inlet.index = i;
		sender->life = life;
		sender->left = stress_random(rng, 40);
		IV_CHANNEL_SENDER_INIT(&sender->inlet.sender);
		iv_channel_sender_clone(&sender->inlet.sender, &life->first);
		sender->thread = stress_spawn(run_churn_sender, sender);
	}
	iv_channel_sender_close(&life->first);
}

static void run_life(struct stress_rng *rng)
{
	struct life *life = stress_allocate(sizeof(*life));
	pthread_t receiver;
	unsigned int i;

	life->way = (enum way)stress_random(rng, NUM_WAYS);
	life->limit = stress_chance(rng, 50) ? 1 + stress_random(rng, 3) : 0;
	life->ends_after = 1 + stress_random(rng, 60);
	IV_CHANNEL_SENDER_INIT(&life->first);
	sem_init(&life->opened, 0, 0);
	receiver = stress_spawn(live, life);
	while (sem_wait(&life->opened) < 0)
		continue;
	start_churn_senders(life, rng);
	for (i = 0; i < stress_options.threads; i++)
		stress_join(life->sender[i].thread);
	stress_join(receiver);
	channel_account(&life->outlet, &life->sender[0].inlet,
			sizeof(life->sender[0]));
	sem_destroy(&life->opened);
	free(life);
}

/* Of each churner; what one channel leaves behind the other's may take. */
static unsigned int num_lives(void)
{
	return stress_options.count / 20 + 1;
}

unsigned int channel_churn_lives(void)
{
	return NUM_CHURNERS * num_lives();
}

static void *run_churner(void *arg)
{
	unsigned int left = num_lives();
	struct stress_rng rng;

	stress_rng_init(&rng, stress_next_stream());
	while (left-- > 0)
		run_life(&rng);

	return arg;
}

void channel_churn_run(void)
{
	pthread_t churner[NUM_CHURNERS];
	unsigned int i;

	stress_stage("closing channels under their senders");
	for (i = 0; i < NUM_CHURNERS; i++)
		churner[i] = stress_spawn(run_churner, NULL);
	for (i = 0; i < NUM_CHURNERS; i++)
		stress_join(churner[i]);
}
