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
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include "stress_channel.h"

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

	channel_deliver(cookie, message);
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
		STRESS_CHECK(channel_put_in(&self->wide) == 0,
			     "a send was refused");
		ret = channel_put_in(&self->narrow);
		while (ret == -EAGAIN) {
			sched_yield();
			ret = channel_put_in(&self->narrow);
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
	channel_open_outlet(&wide, 0, channel_deliver);
	channel_open_outlet(&narrow, NARROW, deliver_and_close);
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
	channel_account(&wide, &storm_sender[0].wide, sizeof(storm_sender[0]));
	channel_account(&narrow, &storm_sender[0].narrow,
			sizeof(storm_sender[0]));
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
		ret = channel_put_in(&self->inlet);
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
	channel_open_outlet(&outlet, NARROW, channel_deliver);
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
	channel_account(&outlet, &room_sender[0].inlet, sizeof(room_sender[0]));
}

int main(int argc, char **argv)
{
	struct channel_sums sums;

	stress_begin(argc, argv, "stress_channel",
		     "Sends messages to busy, sleeping and ending loops; "
		     "--count is messages a thread.",
		     2000, 4);
	run_storm();
	run_room();
	channel_churn_run();
	stress_end();

	sums = channel_sum();
	printf("stress_channel: %" PRIu64 " sent = %" PRIu64
	       " delivered + %" PRIu64 " dropped; %u channels ended\n",
	       sums.sent, sums.delivered, sums.dropped, channel_churn_lives());

	return 0;
}
