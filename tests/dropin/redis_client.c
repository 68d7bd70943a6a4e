/* SPDX-License-Identifier: MIT */
/*
 * redis_client SOCKET PID COUNT - hiredis on its own ivykis adapter
 *
 * Some workers keep a window of commands on their way until each has had COUNT
 * right answers, in order. Beside them a publisher sends news, one piece by
 * one, to a subscriber. Then one worker leaves in good order, the others wait
 * for what never comes, and the server, process PID, is killed: each learns of
 * it, and iv_main() returns.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <hiredis/adapters/ivykis.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <iv.h>

enum { WORKERS = 4, CLIENTS = WORKERS + 2, WINDOW = 1000, NEWS = 1000 };

enum { PUBLISHER = WORKERS, SUBSCRIBER };

struct client {
	redisAsyncContext *context;
	int index;
	long sent;
	long answered;
};

static struct client clients[CLIENTS];
static const char *socket_path;
static pid_t server;
static long count;

static int connected, left, cut_off, unanswered;

static _Noreturn void fail(const char *what, const struct client *client)
{
	fprintf(stderr, "redis_client: client %d, %ld sent, %ld answered: %s\n",
		client->index, client->sent, client->answered, what);
	exit(1);
}

static void
command(struct client *client, redisCallbackFn *callback, const char *text)
{
	if (redisAsyncCommand(client->context, callback, client, text) !=
	    REDIS_OK)
		fail("a command is refused", client);
	client->sent++;
}

/* Workers ###################################################################*/

/* The end of the server: an answer that is none. */
static void on_nothing(redisAsyncContext *context, void *reply, void *cookie)
{
	(void)context;
	if (reply)
		fail("an answer to what has none", cookie);
	unanswered++;
}

static void bury_server(void)
{
	int i;

	for (i = 1; i < WORKERS; i++)
		command(&clients[i], on_nothing, "BLPOP nothing 0");
	if (kill(server, SIGKILL) < 0)
		fail("cannot kill the server", &clients[0]);
}

static void work_done(void)
{
	int i;

	for (i = 0; i < WORKERS; i++)
		if (clients[i].answered < count)
			return;
	if (clients[SUBSCRIBER].answered == NEWS &&
	    clients[PUBLISHER].answered == NEWS)
		redisAsyncDisconnect(clients[0].context);
}

static void on_answer(redisAsyncContext *context, void *reply, void *cookie);

/* Every other command counts, the rest say something of changing length. */
static void ask(struct client *client)
{
	char text[1024];
	int n = client->index;

	if (client->sent % 2 == 0)
		snprintf(text, sizeof(text), "INCR count%d", n);
	else
		snprintf(text, sizeof(text), "ECHO %ld-%0*d", client->sent,
			 1 + (int)(client->sent % 700), n);
	command(client, on_answer, text);
}

static int is_right(const struct client *client, const redisReply *reply)
{
	char text[1024];

	if (client->answered % 2 == 0)
		return reply->type == REDIS_REPLY_INTEGER &&
		       reply->integer == client->answered / 2 + 1;
	snprintf(text, sizeof(text), "%ld-%0*d", client->answered,
		 1 + (int)(client->answered % 700), client->index);
	return reply->type == REDIS_REPLY_STRING &&
	       strcmp(reply->str, text) == 0;
}

static void on_answer(redisAsyncContext *context, void *reply, void *cookie)
{
	struct client *client = cookie;

	(void)context;
	if (!reply || !is_right(client, reply))
		fail("a wrong answer", client);
	client->answered++;
	if (client->sent < count)
		ask(client);
	else if (client->answered == count)
		work_done();
}

/* News ######################################################################*/

static void on_published(redisAsyncContext *context, void *reply, void *cookie)
{
	const redisReply *got = reply;
	struct client *client = cookie;

	(void)context;
	if (!got || got->type != REDIS_REPLY_INTEGER || got->integer != 1)
		fail("not published to one subscriber", client);
	if (++client->answered == NEWS)
		work_done();
}

static void publish_all(void)
{
	struct client *client = &clients[PUBLISHER];
	char text[64];

	while (client->sent < NEWS) {
		snprintf(text, sizeof(text), "PUBLISH news %ld", client->sent);
		command(client, on_published, text);
	}
}

static void
take_news(struct client *client, const char *kind, const char *piece)
{
	if (strcmp(kind, "message") != 0 || !piece ||
	    strtol(piece, NULL, 10) != client->answered)
		fail("not the next piece of news", client);
	if (++client->answered == NEWS)
		work_done();
}

static void on_news(redisAsyncContext *context, void *reply, void *cookie)
{
	struct client *client = cookie;
	const redisReply *got = reply;

	(void)context;
	if (!got) {
		unanswered++;
		return;
	}
	if (got->type != REDIS_REPLY_ARRAY || got->elements != 3)
		fail("this is no news", client);
	if (strcmp(got->element[0]->str, "subscribe") == 0)
		publish_all();
	else
		take_news(client, got->element[0]->str, got->element[2]->str);
}

/* Connections ###############################################################*/

static void on_connected(const redisAsyncContext *context, int status)
{
	struct client *client = context->data;

	if (status != REDIS_OK)
		fail(context->errstr, client);
	if (++connected < CLIENTS)
		return;
	for (client = clients; client < clients + WORKERS; client++)
		while (client->sent < WINDOW && client->sent < count)
			ask(client);
	command(&clients[SUBSCRIBER], on_news, "SUBSCRIBE news");
}

static void on_disconnected(const redisAsyncContext *context, int status)
{
	struct client *client = context->data;

	if (status != REDIS_OK) {
		cut_off++;
	} else {
		left++;
		if (client != &clients[0])
			fail("left without being asked", client);
		bury_server();
	}
}

static void start(struct client *client, int index)
{
	redisAsyncContext *context = redisAsyncConnectUnix(socket_path);

	client->index = index;
	if (!context || context->err)
		fail(context ? context->errstr : "no memory", client);
	client->context = context;
	context->data = client;
	redisIvykisAttach(context);
	redisAsyncSetConnectCallback(context, on_connected);
	redisAsyncSetDisconnectCallback(context, on_disconnected);
}

/* Which libivykis is in this process, and what it waits with. */
static void tell_library(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[4096], last[4096] = "";
	const char *path;

	while (maps && fgets(line, sizeof(line), maps)) {
		path = strchr(line, '/');
		if (!path || !strstr(path, "/libivykis") ||
		    strcmp(path, last) == 0)
			continue;
		snprintf(last, sizeof(last), "%s", path);
		printf("mapped %s", path);
	}
	if (maps)
		fclose(maps);
	printf("method %s\n", iv_poll_method_name());
}

int main(int argc, char **argv)
{
	int i;

	if (argc != 4) {
		fprintf(stderr, "usage: redis_client SOCKET PID COUNT\n");
		return 2;
	}
	socket_path = argv[1];
	server = (pid_t)strtol(argv[2], NULL, 10);
	count = strtol(argv[3], NULL, 10);

	iv_init();
	tell_library();
	for (i = 0; i < CLIENTS; i++)
		start(&clients[i], i);
	iv_main();
	iv_deinit();

	printf("%d connected, %d left, %d cut off, %d left without an answer\n",
	       connected, left, cut_off, unanswered);
	for (i = 0; i < WORKERS; i++)
		if (clients[i].answered != count)
			fail("answers are missing", &clients[i]);
	/* The workers but one and the subscriber were owed an answer. */
	return left != 1 || cut_off != CLIENTS - 1 || unanswered != WORKERS;
}
