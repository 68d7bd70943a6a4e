/* SPDX-License-Identifier: MIT */
/* loop.c - one event loop: a thread, a listener, a pool, its connections */
#include "loop.h"

#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "exchange.h"
#include "listener.h"

struct timespec time_after_ms(unsigned ms)
{
	struct timespec time = iv_now;

	time.tv_sec += ms / 1000;
	time.tv_nsec += (long)(ms % 1000) * 1000000;
	if (time.tv_nsec >= 1000000000) {
		time.tv_sec++;
		time.tv_nsec -= 1000000000;
	}
	return time;
}

void loop_post(struct loop *loop, struct iv_event *event)
{
	loop->counters.posts++;
	iv_event_post(event);
}

/*
 * Only after its summary has come does a loop say that it is drained: so
 * the supervisor, once all have said it, has nothing left to answer.
 */
static void check_drained(struct loop *loop)
{
	if (!loop->draining || loop->said_drained || loop->asked ||
	    !iv_list_empty(&loop->connections))
		return;
	loop->said_drained = true;
	if (iv_timer_registered(&loop->drain_over))
		iv_timer_unregister(&loop->drain_over);
	loop_post(loop, &loop->drained);
}

void loop_connection_closed(struct loop *loop)
{
	loop->counters.closed++;
	listener_resume(loop);
	check_drained(loop);
}

static void each_connection(struct loop *loop,
			    void (*function)(struct connection *connection))
{
	struct iv_list_head *at;
	struct iv_list_head *next;

	iv_list_for_each_safe (at, next, &loop->connections)
		function(iv_container_of(at, struct connection, list));
}

static void on_drain_over(void *cookie)
{
	each_connection(cookie, connection_abort);
}

static void on_stop(void *cookie)
{
	struct loop *loop = cookie;

	loop->draining = true;
	listener_close(loop);
	loop->drain_over.expires = time_after_ms(loop->options->drain_ms);
	iv_timer_register(&loop->drain_over);
	each_connection(loop, connection_drain);
	check_drained(loop);
}

/* What is submitted but not completed, and more than workers, waits. */
static uint64_t queue_depth(const struct loop *loop)
{
	uint64_t flying = loop->counters.submitted - loop->counters.completed;
	uint64_t workers = loop->options->threads;

	return flying > workers ? flying - workers : 0;
}

static void on_report(void *cookie)
{
	struct loop *loop = cookie;

	loop->counters.queued = queue_depth(loop);
	loop->counters.threads = atomic_load(&loop->threads);
	loop->counters.posts++;
	loop->reported_counters = loop->counters;
	iv_event_post(&loop->reported);
}

static void ask(struct loop *loop)
{
	iv_list_splice_tail_init(&loop->asking_next, &loop->asking);
	loop->asked = !iv_list_empty(&loop->asking);
	if (loop->asked)
		loop_post(loop, &loop->wants_stats);
}

/* Who asks while a summary is being made gets the next, which has it. */
void loop_ask_stats(struct connection *connection)
{
	struct loop *loop = connection->loop;

	iv_list_add_tail(&connection->asking, &loop->asking_next);
	if (!loop->asked)
		ask(loop);
}

static void answer_stats(struct connection *connection, const char *text)
{
	struct response *response = &connection->response;
	char *copy = text == NULL ? NULL : strdup(text);

	if (copy != NULL) {
		response->body = copy;
		response->body_length = strlen(copy);
		response->type = "application/json";
		response->status = HTTP_STATUS_OK;
	}
	exchange_respond(connection);
}

static void on_summary(void *cookie)
{
	struct loop *loop = cookie;
	char *text = loop->summary_text;

	loop->summary_text = NULL;
	while (!iv_list_empty(&loop->asking)) {
		struct connection *connection = iv_container_of(
			loop->asking.next, struct connection, asking);

		iv_list_del_init(&connection->asking);
		answer_stats(connection, text);
	}
	free(text);
	ask(loop);
	check_drained(loop);
}

/* Nothing stays registered, so iv_main() returns when the pool is gone. */
static void on_finish(void *cookie)
{
	struct loop *loop = cookie;

	iv_event_unregister(&loop->stop);
	iv_event_unregister(&loop->report);
	iv_event_unregister(&loop->summary);
	iv_event_unregister(&loop->finish);
	iv_work_pool_put(&loop->pool);
}

static int listen_to(struct iv_event *event, struct loop *loop,
		     void (*handler)(void *cookie))
{
	IV_EVENT_INIT(event);
	event->cookie = loop;
	event->handler = handler;
	return iv_event_register(event);
}

static void on_thread_start(void *cookie)
{
	struct loop *loop = cookie;

	atomic_fetch_add(&loop->threads, 1);
}

static void on_thread_stop(void *cookie)
{
	struct loop *loop = cookie;

	atomic_fetch_sub(&loop->threads, 1);
}

static int create_pool(struct loop *loop)
{
	IV_WORK_POOL_INIT(&loop->pool);
	loop->pool.max_threads = (int)loop->options->threads;
	loop->pool.cookie = loop;
	loop->pool.thread_start = on_thread_start;
	loop->pool.thread_stop = on_thread_stop;
	return iv_work_pool_create(&loop->pool);
}

static int set_up(struct loop *loop)
{
	INIT_IV_LIST_HEAD(&loop->connections);
	INIT_IV_LIST_HEAD(&loop->asking);
	INIT_IV_LIST_HEAD(&loop->asking_next);
	IV_TIMER_INIT(&loop->drain_over);
	loop->drain_over.cookie = loop;
	loop->drain_over.handler = on_drain_over;

	if (listen_to(&loop->stop, loop, on_stop) != 0 ||
	    listen_to(&loop->report, loop, on_report) != 0 ||
	    listen_to(&loop->summary, loop, on_summary) != 0 ||
	    listen_to(&loop->finish, loop, on_finish) != 0 ||
	    create_pool(loop) != 0)
		return -1;
	listener_open(loop);
	return 0;
}

void loop_thread(void *cookie)
{
	struct loop *loop = cookie;

	iv_init();
	loop->failed = set_up(loop) != 0;
	loop_post(loop, &loop->ready);
	iv_main();
	iv_deinit();
}
