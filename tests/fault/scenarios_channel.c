/* SPDX-License-Identifier: MIT */
/*
 * scenarios_channel.c - event handles and channels
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <iv_channel.h>
#include <iv_event_handle.h>
#include "bed.h"

enum { NUM_EVENTS = 60, NUM_SENDERS = 2, NUM_MESSAGES = 20, LIMIT = 3 };

static void prepare_nothing(void)
{
}

/* Handles *****************************************************************/

static struct iv_event event;
static iv_event_handle handle;
static int num_calls;
static pthread_t poster;

static bool register_event(struct iv_event *ev, void (*handler)(void *cookie))
{
	IV_EVENT_INIT(ev);
	ev->cookie = ev;
	ev->handler = handler;
	if (iv_event_register(ev) == 0)
		return true;

	refused("iv_event_register");

	return false;
}

/* 0: refused, and the event is unregistered. */
static iv_event_handle
new_handle(struct iv_event *ev, void (*handler)(void *cookie))
{
	iv_event_handle new;

	if (!register_event(ev, handler))
		return 0;

	errno = 0;
	new = iv_event_handle_of(ev);
	if (new == 0) {
		EXPECT(errno == ENOMEM, "no handle, and errno is %d", errno);
		refused("iv_event_handle_of");
		iv_event_unregister(ev);
	}

	return new;
}

static void expect_dead(iv_event_handle dead)
{
	int ret = iv_event_handle_post(dead);

	EXPECT(ret == -ENOENT, "a post to nobody returns %d", ret);
}

static void *post_handle(void *arg)
{
	int ret = iv_event_handle_post(handle);

	(void)arg;
	EXPECT(ret == 0, "a post by handle returns %d", ret);

	return NULL;
}

/* Called by a post of its own thread, then by one of another. */
static void got_handle(void *cookie)
{
	num_calls++;
	if (num_calls == 1) {
		EXPECT(pthread_create(&poster, NULL, post_handle, NULL) == 0,
		       "the sweep has no thread");
		return;
	}
	pthread_join(poster, NULL);
	iv_event_unregister(cookie);
	expect_dead(handle);
}

static void post_both_ways(void)
{
	num_calls = 0;
	EXPECT(iv_event_handle_of(&event) == handle, "another handle");
	post_handle(NULL);
	run_loop("a post by handle, and one of another thread");
	EXPECT(num_calls == 2, "%d of 2 posts were handled", num_calls);
}

static void run_handle(void)
{
	iv_event_handle old;

	open_loop();
	handle = new_handle(&event, got_handle);
	if (handle != 0)
		post_both_ways();

	old = handle;
	handle = new_handle(&event, got_handle);
	EXPECT(handle == 0 || handle != old, "a handle is used again");
	expect_dead(old);
	if (handle != 0)
		post_both_ways();

	/* The last one is left to the end of the loop. */
	handle = new_handle(&event, got_handle);
	close_loop();
	expect_dead(handle);
}

static void got_one(void *cookie)
{
	num_calls++;
	iv_event_unregister(cookie);
}

/* More than the first tables have room for. */
static void run_handles(void)
{
	static struct iv_event events[NUM_EVENTS];
	static iv_event_handle handles[NUM_EVENTS];
	int num = 0;
	int i;

	num_calls = 0;
	open_loop();
	for (i = 0; i < NUM_EVENTS; i++) {
		handles[i] = new_handle(&events[i], got_one);
		if (handles[i] == 0)
			continue;
		EXPECT(iv_event_handle_post(handles[i]) == 0,
		       "a post by handle is refused");
		num++;
	}
	run_loop("posts by many handles");
	EXPECT(num_calls == num, "%d of %d posts were handled", num_calls, num);
	for (i = 0; i < NUM_EVENTS; i++)
		expect_dead(handles[i]);
	close_loop();
}

/* Channels ****************************************************************/

struct message {
	struct iv_channel_message message;
	int number; /* of its sender, from 0 */
	int sender;
};

struct end {
	struct iv_channel_sender sender;
	struct message messages[NUM_MESSAGES];
	int num_sent;
	int num_received; /* the receiver's */
	int number;
	pthread_t thread;
	struct iv_event room;
	iv_event_handle handle;
	const char *call; /* that was refused; NULL: none */
	int error;
};

static struct iv_channel channel;
static struct end ends[NUM_SENDERS];
static int num_dropped;

/* Begins and ends in the sender's loop, which its wish for room keeps alive. */
static void send_more(void *cookie)
{
	struct end *end = cookie;
	int ret;

	while (end->num_sent < NUM_MESSAGES) {
		struct message *message = &end->messages[end->num_sent];

		message->number = end->num_sent;
		message->sender = end->number;
		IV_CHANNEL_MESSAGE_INIT(&message->message);
		ret = iv_channel_send(&end->sender, &message->message);
		if (ret == -EAGAIN) {
			ret = iv_channel_sender_want_room(&end->sender,
							  end->handle);
			EXPECT(ret == 0, "a wish for room returns %d", ret);
			return;
		}
		EXPECT(ret == 0, "a send returns %d", ret);
		end->num_sent++;
	}
	iv_event_unregister(&end->room);
}

static void give_up(struct end *end, const char *call)
{
	end->call = call;
	end->error = errno;
}

static void send_from_loop(struct end *end)
{
	IV_EVENT_INIT(&end->room);
	end->room.cookie = end;
	end->room.handler = send_more;
	if (iv_event_register(&end->room) < 0) {
		give_up(end, "iv_event_register");
		return;
	}
	end->handle = iv_event_handle_of(&end->room);
	if (end->handle == 0) {
		give_up(end, "iv_event_handle_of");
		iv_event_unregister(&end->room);
		return;
	}
	send_more(end);
	iv_main();
}

static void *be_sender(void *arg)
{
	struct end *end = arg;

	iv_init();
	send_from_loop(end);
	iv_channel_sender_close(&end->sender);
	iv_deinit();

	return NULL;
}

static void
got_message(void *cookie, struct iv_channel_message *channel_message)
{
	struct message *message =
		iv_container_of(channel_message, struct message, message);
	struct end *end = &ends[message->sender];

	(void)cookie;
	EXPECT(message->number == end->num_received,
	       "message %d comes as number %d", message->number,
	       end->num_received);
	end->num_received++;
}

static void got_no_sender(void *cookie)
{
	(void)cookie;
	iv_channel_unregister(&channel);
}

static void count_dropped(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	(void)message;
	num_dropped++;
}

static bool open_channel(unsigned int limit, void (*closed)(void *cookie))
{
	int ret;

	num_dropped = 0;
	IV_CHANNEL_INIT(&channel);
	channel.handler = got_message;
	channel.dropped = count_dropped;
	channel.closed = closed;
	channel.limit = limit;
	ret = iv_channel_register(&channel);
	if (ret == 0)
		return true;

	refused_with("iv_channel_register", ret);

	return false;
}

static void start_senders(void)
{
	int i;

	for (i = 0; i < NUM_SENDERS; i++) {
		ends[i].num_sent = 0;
		ends[i].num_received = 0;
		ends[i].number = i;
		ends[i].call = NULL;
		IV_CHANNEL_SENDER_INIT(&ends[i].sender);
		if (i == 0)
			iv_channel_sender_open(&ends[i].sender, &channel);
		else
			iv_channel_sender_clone(&ends[i].sender,
						&ends[0].sender);
	}
	for (i = 0; i < NUM_SENDERS; i++)
		EXPECT(pthread_create(&ends[i].thread, NULL, be_sender,
				      &ends[i]) == 0,
		       "the sweep has no thread");
}

static void look_after_senders(void)
{
	int i;

	for (i = 0; i < NUM_SENDERS; i++) {
		pthread_join(ends[i].thread, NULL);
		EXPECT(ends[i].num_received == ends[i].num_sent,
		       "%d of %d messages have arrived", ends[i].num_received,
		       ends[i].num_sent);
		if (ends[i].call != NULL)
			refused_with(ends[i].call, -ends[i].error);
	}
	EXPECT(num_dropped == 0, "%d messages were dropped", num_dropped);
}

static void run_channel(void)
{
	open_loop();
	if (open_channel(LIMIT, got_no_sender)) {
		start_senders();
		run_loop("messages, and the end of their senders");
		look_after_senders();
	}
	close_loop();
}

static struct message some[LIMIT];
static struct iv_channel_sender sender;

static int send_one(int i)
{
	IV_CHANNEL_MESSAGE_INIT(&some[i].message);

	return iv_channel_send(&sender, &some[i].message);
}

static void *send_some(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < LIMIT; i++)
		EXPECT(send_one(i) == 0, "message %d cannot be sent", i);

	return NULL;
}

static void expect_closed(void)
{
	int ret = send_one(0);

	EXPECT(ret == -EPIPE, "a send to a closed channel returns %d", ret);
	ret = iv_channel_sender_want_room(&sender, 0);
	EXPECT(ret == -EPIPE, "room in a closed channel returns %d", ret);
	EXPECT(num_dropped == LIMIT, "%d of %d messages were dropped",
	       num_dropped, LIMIT);
	iv_channel_sender_close(&sender);
}

/* Nobody handles what a thread without a loop has sent. */
static void fill_channel(void)
{
	static struct message more;
	pthread_t thread;
	int ret;

	IV_CHANNEL_SENDER_INIT(&sender);
	iv_channel_sender_open(&sender, &channel);
	EXPECT(pthread_create(&thread, NULL, send_some, NULL) == 0,
	       "the sweep has no thread");
	pthread_join(thread, NULL);
	IV_CHANNEL_MESSAGE_INIT(&more.message);
	ret = iv_channel_send(&sender, &more.message);
	EXPECT(ret == -EAGAIN, "a send beyond the limit returns %d", ret);
	EXPECT(iv_channel_sender_want_room(&sender, 0) == 0,
	       "a wish for room is refused");
}

static void run_channel_drop(void)
{
	bool full;

	open_loop();
	if (open_channel(LIMIT, NULL)) {
		fill_channel();
		iv_channel_unregister(&channel);
		expect_closed();
	}
	full = open_channel(LIMIT, NULL);
	if (full)
		fill_channel();
	close_loop();
	if (full)
		expect_closed();
}

const struct scenario channel_scenarios[] = {
	{ "handle", "an event posted by handle, three lives", prepare_nothing,
	  run_handle },
	{ "handles", "sixty handles", prepare_nothing, run_handles },
	{ "channel", "two senders with loops that wait for room",
	  prepare_nothing, run_channel },
	{ "channel_drop", "a full channel unregistered, and its loop ended",
	  prepare_nothing, run_channel_drop },
	{ 0 },
};
