/* Two threads send their results to one loop, which hears of their end. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <iv.h>
#include <iv_channel.h>

struct result {
	struct iv_channel_message message;
	int number;
	int square;
};

/* Needs no loop. Who sends a message gives it away. */
static void *work_out(void *arg)
{
	struct iv_channel_sender *sender = arg;
	int i;

	for (i = 1; i <= 3; i++) {
		struct result *result = malloc(sizeof(*result));

		if (result == NULL)
			break;
		IV_CHANNEL_MESSAGE_INIT(&result->message);
		result->number = i;
		result->square = i * i;
		if (iv_channel_send(sender, &result->message) < 0) {
			free(result); /* -EPIPE: nobody is there any more */
			break;
		}
	}
	iv_channel_sender_close(sender);

	return NULL;
}

static void forget(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	free(iv_container_of(message, struct result, message));
}

static void got_result(void *cookie, struct iv_channel_message *message)
{
	struct result *result =
		iv_container_of(message, struct result, message);

	printf("the square of %d is %d\n", result->number, result->square);
	forget(cookie, message);
}

static void all_done(void *cookie)
{
	iv_channel_unregister(cookie); /* nothing else: iv_main() returns */
}

int main(void)
{
	struct iv_channel_sender sender[2];
	struct iv_channel channel;
	pthread_t thread[2];
	int ret;
	int i;

	iv_init();
	IV_CHANNEL_INIT(&channel);
	channel.cookie = &channel;
	channel.handler = got_result;
	channel.dropped = forget;
	channel.closed = all_done;
	ret = iv_channel_register(&channel);
	if (ret < 0) {
		fprintf(stderr, "iv_channel_register: %s\n", strerror(-ret));
		return 1;
	}

	for (i = 0; i < 2; i++) {
		IV_CHANNEL_SENDER_INIT(&sender[i]);
		iv_channel_sender_open(&sender[i], &channel);
	}
	for (i = 0; i < 2; i++) {
		ret = pthread_create(&thread[i], NULL, work_out, &sender[i]);
		if (ret != 0) {
			fprintf(stderr, "pthread_create: %s\n", strerror(ret));
			return 1;
		}
	}

	iv_main();
	iv_deinit();
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);

	return 0;
}
