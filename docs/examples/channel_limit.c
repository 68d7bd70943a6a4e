/* Read no faster than what is read is used: a channel with a limit. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <iv.h>
#include <iv_channel.h>
#include <iv_event.h>
#include <iv_event_handle.h>

enum { NUM_LINES = 1000, LIMIT = 4 };

struct line {
	struct iv_channel_message message;
	int number;
};

/* The reader's thread: a loop of its own, which is told of room. */
struct reader {
	struct iv_channel_sender sender;
	struct iv_event room;
	iv_event_handle handle;
	struct line lines[NUM_LINES];
	int num_sent;
};

static int num_used;

/* What is sent next waits in its place until there is room. */
static void send_lines(void *cookie)
{
	struct reader *reader = cookie;
	int ret = 0;

	while (reader->num_sent < NUM_LINES && ret == 0) {
		struct line *line = &reader->lines[reader->num_sent];

		ret = iv_channel_send(&reader->sender, &line->message);
		if (ret == 0)
			reader->num_sent++;
	}
	if (ret == -EAGAIN)
		ret = iv_channel_sender_want_room(&reader->sender,
						  reader->handle);
	/* Sent all, or nobody listens any more. */
	if (ret != 0 || reader->num_sent == NUM_LINES)
		iv_event_unregister(&reader->room);
}

static void *read_lines(void *arg)
{
	struct reader *reader = arg;
	int i;

	for (i = 0; i < NUM_LINES; i++) {
		IV_CHANNEL_MESSAGE_INIT(&reader->lines[i].message);
		reader->lines[i].number = i + 1;
	}

	iv_init();
	IV_EVENT_INIT(&reader->room);
	reader->room.cookie = reader;
	reader->room.handler = send_lines;
	if (iv_event_register(&reader->room) == 0) {
		reader->handle = iv_event_handle_of(&reader->room);
		if (reader->handle != 0)
			iv_event_post(&reader->room);
		else
			iv_event_unregister(&reader->room);
	}
	iv_main();
	iv_channel_sender_close(&reader->sender);
	iv_deinit();

	return NULL;
}

static void use_line(void *cookie, struct iv_channel_message *message)
{
	const struct line *line =
		iv_container_of(message, struct line, message);

	(void)cookie;
	if (line->number == ++num_used)
		return;
	fprintf(stderr, "line %d is out of order\n", line->number);
	iv_quit();
}

static void all_used(void *cookie)
{
	iv_channel_unregister(cookie);
}

int main(void)
{
	static struct reader reader;
	struct iv_channel_sender first;
	struct iv_channel channel;
	pthread_t thread;
	int ret;

	iv_init();
	IV_CHANNEL_INIT(&channel);
	channel.cookie = &channel;
	channel.handler = use_line;
	channel.closed = all_used;
	channel.limit = LIMIT;
	ret = iv_channel_register(&channel);
	if (ret < 0) {
		fprintf(stderr, "iv_channel_register: %s\n", strerror(-ret));
		return 1;
	}

	/* A sender can be had from a sender, also where nobody knows whose. */
	IV_CHANNEL_SENDER_INIT(&first);
	iv_channel_sender_open(&first, &channel);
	IV_CHANNEL_SENDER_INIT(&reader.sender);
	iv_channel_sender_clone(&reader.sender, &first);
	iv_channel_sender_close(&first);

	ret = pthread_create(&thread, NULL, read_lines, &reader);
	if (ret != 0) {
		fprintf(stderr, "pthread_create: %s\n", strerror(ret));
		return 1;
	}
	iv_main();
	iv_deinit();
	pthread_join(thread, NULL);
	printf("%d lines used, never more than %d waiting\n", num_used, LIMIT);

	return num_used == NUM_LINES ? 0 : 1;
}
