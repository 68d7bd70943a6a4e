/* SPDX-License-Identifier: MIT */
/*
 * stress_channel.c - channels under load: none lost, none doubled, in order
 *
 * Three acts. `storm`: every sender sends to one loop, through a wide channel
 * and a narrow one that it tries again, and whose sender is closed by the
 * handler of its last message. `room`: senders with loops of their own
 * are told when a narrow channel has room. `churn`: channels that their
 * receiver closes, in each way there is, while senders send and close: what
 * was sent is delivered or handed back, and nothing behind -EPIPE is sent.
 *
 * Each message is allocated, and freed by who has it last.
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <iv.h>
#include <iv_channel.h>
#include "stress.h"

struct letter {
	struct iv_channel_message message;
	unsigned int from;
	unsigned int number;
	unsigned int complement;
};

/* The receiver's end, and what has come out of it; its thread's only. */
struct outlet {
	struct iv_channel channel;
	unsigned int next[STRESS_MAX_THREADS];
	uint64_t delivered;
	uint64_t dropped;
	bool closed;
};

/* A sender's end, and what has gone into it. */
struct inlet {
	struct iv_channel_sender sender;
	unsigned int index;
	unsigned int sent;
};

static atomic_ullong total_sent;
static atomic_ullong total_delivered;
static atomic_ullong total_dropped;

static void take_out(struct outlet *outlet, struct iv_channel_message *message)
{
	struct letter *letter =
		iv_container_of(message, struct letter, message);

	STRESS_CHECK(letter->number == ~letter->complement,
		     "a message was delivered before it was written");
	STRESS_CHECK(letter->number == outlet->next[letter->from],
		     "message %u of sender %u came in the place of %u",
		     letter->number, letter->from, outlet->next[letter->from]);
	outlet->next[letter->from]++;
	free(letter);
}

static void deliver(void *cookie, struct iv_channel_message *message)
{
	struct outlet *outlet = cookie;

	take_out(outlet, message);
	outlet->delivered++;
}

static void hand_back(void *cookie, struct iv_channel_message *message)
{
	struct outlet *outlet = cookie;

	take_out(outlet, message);
	outlet->dropped++;
}

/* The last sender has closed: there is nothing to hand back any more. */
static void end(void *cookie)
{
	struct outlet *outlet = cookie;

	STRESS_CHECK(!outlet->closed, "a channel was closed twice");
	outlet->closed = true;
	iv_channel_unregister(&outlet->channel);
}

static void open_outlet(struct outlet *outlet, unsigned int limit,
			void (*handler)(void *, struct iv_channel_message *))
{
	IV_CHANNEL_INIT(&outlet->channel);
	outlet->channel.cookie = outlet;
	outlet->channel.handler = handler;
	outlet->channel.dropped = hand_back;
	outlet->channel.closed = end;
	outlet->channel.limit = limit;
	STRESS_CHECK(iv_channel_register(&outlet->channel) == 0,
		     "iv_channel_register was refused");
}

/* One message more, or what iv_channel_send() says. */
static int put_in(struct inlet *inlet)
{
	struct letter *letter = malloc(sizeof(*letter));
	int ret;

	STRESS_CHECK(letter != NULL, "out of memory");
	IV_CHANNEL_MESSAGE_INIT(&letter->message);
	letter->from = inlet->index;
	letter->number = inlet->sent;
	letter->complement = ~letter->number;
	ret = iv_channel_send(&inlet->sender, &letter->message);
	if (ret == 0)
		inlet->sent++;
	else
		free(letter);

	return ret;
}

static void
account(const struct outlet *outlet, const struct inlet *inlet, size_t stride)
{
	uint64_t sent = 0;
	unsigned int i;

	for (i = 0; i < stress_options.threads; i++) {
		sent += inlet->sent;
		inlet = (const void *)((const char *)inlet + stride);
	}
	STRESS_CHECK(sent == outlet->delivered + outlet->dropped,
		     "%" PRIu64 " messages were sent, %" PRIu64
		     " delivered and %" PRIu64 " dropped",
		     sent, outlet->delivered, outlet->dropped);
	atomic_fetch_add(&total_sent, sent);
	atomic_fetch_add(&total_delivered, outlet->delivered);
	atomic_fetch_add(&total_dropped, outlet->dropped);
}

/* The storm ****************************************************************/

enum { NARROW = 4 };

static struct storm_sender {
	struct inlet wide;
	struct inlet narrow;
	pthread_t thread;
} storm_sender[STRESS_MAX_THREADS];

/* The sender may still be inside the send of this. */
static void deliver_and_close(void *cookie, struct iv_channel_message *message)
{
	struct letter *letter =
		iv_container_of(message, struct letter, message);
	struct iv_channel_sender *sender =
		&storm_sender[letter->from].narrow.sender;
	bool is_last = letter->number == stress_options.count - 1;

	deliver(cookie, message);
	if (!is_last)
		return;
	iv_channel_sender_close(sender);
	memset(sender, 0xa5, sizeof(*sender));
}

static void *run_storm_sender(void *arg)
{
	struct storm_sender *self = arg;
	unsigned int left = stress_options.count;
	struct stress_rng rng;
	int ret;

	stress_rng_init(&rng, self->wide.index);
	while (left-- > 0) {
		stress_jitter(&rng);
		STRESS_CHECK(put_in(&self->wide) == 0, "a send was refused");
		ret = put_in(&self->narrow);
		while (ret == -EAGAIN) {
			sched_yield();
			ret = put_in(&self->narrow);
		}
		STRESS_CHECK(ret == 0, "a send was refused with %d", ret);
	}
	iv_channel_sender_close(&self->wide.sender);

	return NULL;
}

static void start_storm_sender(struct storm_sender *sender, unsigned int index,
			       struct outlet *wide, struct outlet *narrow)
{
	sender->wide.index = index;
	sender->narrow.index = index;
	IV_CHANNEL_SENDER_INIT(&sender->wide.sender);
	IV_CHANNEL_SENDER_INIT(&sender->narrow.sender);
	iv_channel_sender_open(&sender->wide.sender, &wide->channel);
	iv_channel_sender_open(&sender->narrow.sender, &narrow->channel);
}

static void run_storm(void)
{
	static struct outlet wide, narrow;
	unsigned int i;

	stress_stage("waiting for the last message of a storm");
	iv_init();
	open_outlet(&wide, 0, deliver);
	open_outlet(&narrow, NARROW, deliver_and_close);
	for (i = 0; i < stress_options.threads; i++)
		start_storm_sender(&storm_sender[i], i, &wide, &narrow);
	for (i = 0; i < stress_options.threads; i++)
		storm_sender[i].thread =
			stress_spawn(run_storm_sender, &storm_sender[i]);
	iv_main();
	iv_deinit();

	for (i = 0; i < stress_options.threads; i++)
		stress_join(storm_sender[i].thread);
	STRESS_CHECK(wide.dropped + narrow.dropped == 0,
		     "a channel with senders was closed");
	account(&wide, &storm_sender[0].wide, sizeof(storm_sender[0]));
	account(&narrow, &storm_sender[0].narrow, sizeof(storm_sender[0]));
}

/* Room *********************************************************************/

static struct room_sender {
	struct inlet inlet;
	struct iv_event room;
	iv_event_handle handle;
	pthread_t thread;
	unsigned int left;
} room_sender[STRESS_MAX_THREADS];

static void send_on(void *cookie)
{
	struct room_sender *self = cookie;
	int ret = 0;

	while (ret == 0 && self->left > 0) {
		ret = put_in(&self->inlet);
		if (ret == 0)
			self->left--;
	}
	if (ret == -EAGAIN)
		ret = iv_channel_sender_want_room(&self->inlet.sender,
						  self->handle);
	STRESS_CHECK(ret == 0, "a send was refused with %d", ret);
	if (self->left == 0)
		iv_event_unregister(&self->room);
}

static void *run_room_sender(void *arg)
{
	struct room_sender *self = arg;

	iv_init();
	self->left = stress_options.count;
	self->room.cookie = self;
	self->room.handler = send_on;
	stress_register(&self->room);
	self->handle = iv_event_handle_of(&self->room);
	iv_event_post(&self->room);
	iv_main();
	iv_channel_sender_close(&self->inlet.sender);
	iv_deinit();

	return NULL;
}

static void run_room(void)
{
	static struct outlet outlet;
	struct room_sender *sender;
	unsigned int i;

	stress_stage("waiting for a sender that waits for room");
	iv_init();
	open_outlet(&outlet, NARROW, deliver);
	for (i = 0; i < stress_options.threads; i++) {
		sender = &room_sender[i];
		sender->inlet.index = i;
		IV_CHANNEL_SENDER_INIT(&sender->inlet.sender);
		iv_channel_sender_open(&sender->inlet.sender, &outlet.channel);
	}
	for (i = 0; i < stress_options.threads; i++)
		room_sender[i].thread =
			stress_spawn(run_room_sender, &room_sender[i]);
	iv_main();
	iv_deinit();

	for (i = 0; i < stress_options.threads; i++)
		stress_join(room_sender[i].thread);
	account(&outlet, &room_sender[0].inlet, sizeof(room_sender[0]));
}

/* Churn ********************************************************************/

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

	deliver(cookie, message);
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
	open_outlet(&life->outlet, life->limit, deliver_and_end);
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
		ret = put_in(&self->inlet);
		if (ret == 0)
			self->left--;
		else
			sched_yield();
	}
	if (ret == -EPIPE)
		STRESS_CHECK(put_in(&self->inlet) == -EPIPE,
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
	account(&life->outlet, &life->sender[0].inlet, sizeof(life->sender[0]));
	sem_destroy(&life->opened);
	free(life);
}

/* Of each churner; what one channel leaves behind the other's may take. */
static unsigned int num_lives(void)
{
	return stress_options.count / 20 + 1;
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

static void run_churn(void)
{
	pthread_t churner[NUM_CHURNERS];
	unsigned int i;

	stress_stage("closing channels under their senders");
	for (i = 0; i < NUM_CHURNERS; i++)
		churner[i] = stress_spawn(run_churner, NULL);
	for (i = 0; i < NUM_CHURNERS; i++)
		stress_join(churner[i]);
}

int main(int argc, char **argv)
{
	stress_begin(argc, argv, "stress_channel",
		     "Sends messages to busy, sleeping and ending loops; "
		     "--count is messages a thread.",
		     2000, 4);
	run_storm();
	run_room();
	run_churn();
	stress_end();

	printf("stress_channel: %llu sent = %llu delivered + %llu dropped; "
	       "%u channels ended\n",
	       total_sent, total_delivered, total_dropped,
	       NUM_CHURNERS * num_lives());

	return 0;
}
