/* SPDX-License-Identifier: MIT */
/*
 * stress_event_messages.c - an event for each message, freed in its handler
 *
 * The owner registers them ahead of the posters, who write a payload into one
 * and post it; while they are still inside the post its handler frees it.
 */
#include <sched.h>
#include <stdlib.h>
#include "stress_event.h"

enum { NUM_READY = 16 };

struct message {
	struct iv_event event;
	struct message_poster *poster;
	struct message *next;
	uint64_t payload;
	uint64_t complement;
};

struct message_poster {
	pthread_mutex_t lock;
	struct message *ready; /* m: registered, to be posted */
	pthread_t thread;
	unsigned int index;
	unsigned int made;    /* owner */
	unsigned int handled; /* owner */
	uint64_t sum;	      /* owner */
	uint64_t sum_posted;  /* poster, until joined */
};

static struct message_poster message_poster[STRESS_MAX_THREADS];

static void got_message(void *cookie);

static void make_message(struct message_poster *poster)
{
	struct message *message = stress_allocate(sizeof(*message));

	message->poster = poster;
	message->event.cookie = message;
	message->event.handler = got_message;
	stress_register(&message->event);
	poster->made++;

	pthread_mutex_lock(&poster->lock);
	message->next = poster->ready;
	poster->ready = message;
	pthread_mutex_unlock(&poster->lock);
}

static void got_message(void *cookie)
{
	struct message *message = cookie;
	struct message_poster *poster = message->poster;

	STRESS_CHECK(message->payload == ~message->complement,
		     "a message was handled before it was written");
	poster->handled++;
	poster->sum += message->payload;
	iv_event_unregister(&message->event);
	free(message);

	if (poster->made < stress_options.count)
		make_message(poster);
}

static struct message *next_message(struct message_poster *poster)
{
	struct message *message;

	for (;;) {
		pthread_mutex_lock(&poster->lock);
		message = poster->ready;
		if (message != NULL)
			poster->ready = message->next;
		pthread_mutex_unlock(&poster->lock);
		if (message != NULL)
			return message;
		sched_yield();
	}
}

static void *run_message_poster(void *arg)
{
	struct message_poster *poster = arg;
	unsigned int left = stress_options.count;
	struct stress_rng rng;

	stress_rng_init(&rng, 1000 + poster->index);
	while (left-- > 0) {
		struct message *message = next_message(poster);

		message->payload = stress_random(&rng, UINT32_MAX);
		message->complement = ~message->payload;
		poster->sum_posted += message->payload;
		stress_jitter(&rng);
		iv_event_post(&message->event);
	}

	return NULL;
}

static void start_message_poster(unsigned int index)
{
	struct message_poster *poster = &message_poster[index];
	unsigned int i;

	poster->index = index;
	pthread_mutex_init(&poster->lock, NULL);
	for (i = 0; i < NUM_READY && i < stress_options.count; i++)
		make_message(poster);
	poster->thread = stress_spawn(run_message_poster, poster);
}

static struct stress_tally end_message_poster(struct message_poster *poster)
{
	stress_join(poster->thread);
	pthread_mutex_destroy(&poster->lock);
	STRESS_CHECK(poster->handled == stress_options.count,
		     "%u messages were posted, %u handled",
		     stress_options.count, poster->handled);
	STRESS_CHECK(poster->sum == poster->sum_posted,
		     "a message was handled twice and another one never");

	return (struct stress_tally){
		.posted = poster->handled,
		.handled = poster->handled,
	};
}

struct stress_tally event_messages_run(void)
{
	struct stress_tally total = { .posted = 0 };
	unsigned int i;

	stress_stage("waiting for a message");
	iv_init();
	for (i = 0; i < stress_options.threads; i++)
		start_message_poster(i);
	iv_main();
	iv_deinit();
	for (i = 0; i < stress_options.threads; i++)
		stress_tally_add(&total,
				 end_message_poster(&message_poster[i]));

	return total;
}
