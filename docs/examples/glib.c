/* A loop inside a GLib main loop: timers and events of both, one thread. */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <glib.h>
#include <iv.h>
#include <iv_event.h>
#include <iv_loop.h>

enum { NUM_TICKS = 3, NS_PER_MS = 1000000 };

struct host {
	GSource source;
	gpointer poll_tag; /* of our loop's descriptor */
	int fd;
};

static GMainLoop *glib_loop;
static struct iv_event event;
static struct iv_timer timer;
static int num_ticks;

/* GLib is about to wait. It wants milliseconds, which we round up. */
static gboolean prepare(GSource *source, gint *timeout_ms)
{
	struct host *host = (struct host *)source;
	int64_t timeout_ns = 0;

	host->fd = iv_loop_prepare(&timeout_ns);
	if (host->poll_tag == NULL)
		host->poll_tag =
			g_source_add_unix_fd(source, host->fd, G_IO_IN);
	*timeout_ms = -1;
	if (timeout_ns >= 0 && timeout_ns / NS_PER_MS < G_MAXINT)
		*timeout_ms = (gint)((timeout_ns + NS_PER_MS - 1) / NS_PER_MS);

	return timeout_ns == 0;
}

/* It has waited: is there anything for us? A due timer is in the next look. */
static gboolean check(GSource *source)
{
	struct host *host = (struct host *)source;
	int64_t timeout_ns = -1;

	if (g_source_query_unix_fd(source, host->poll_tag) != 0)
		return TRUE;
	iv_loop_prepare(&timeout_ns);

	return timeout_ns == 0;
}

static gboolean
dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
	(void)source;
	(void)callback;
	(void)user_data;
	if (iv_loop_run_once(0) == 0)
		g_main_loop_quit(glib_loop);

	return G_SOURCE_CONTINUE;
}

static GSourceFuncs functions = {
	.prepare = prepare,
	.check = check,
	.dispatch = dispatch,
};

static void *post(void *arg)
{
	iv_event_post(arg);

	return NULL;
}

/* On our loop, posted by another thread: the last thing that is registered. */
static void got_post(void *cookie)
{
	printf("an event of %s\n", (const char *)cookie);
	iv_event_unregister(&event);
}

static void got_timer(void *cookie)
{
	pthread_t thread;
	int ret;

	printf("a timer of %s\n", (const char *)cookie);
	ret = pthread_create(&thread, NULL, post, &event);
	if (ret == 0) {
		pthread_detach(thread);
	} else {
		fprintf(stderr, "pthread_create: %s\n", strerror(ret));
		iv_event_post(&event);
	}
}

static void register_timer(void)
{
	IV_TIMER_INIT(&timer);
	timer.cookie = "ivykis";
	timer.handler = got_timer;
	iv_validate_now();
	timer.expires = iv_now;
	timer.expires.tv_sec += (timer.expires.tv_nsec + 5000000) / 1000000000;
	timer.expires.tv_nsec = (timer.expires.tv_nsec + 5000000) % 1000000000;
	iv_timer_register(&timer);
}

/* On GLib's. Behind its last tick our own timer begins to run. */
static gboolean tick(gpointer user_data)
{
	printf("a timeout of %s\n", (const char *)user_data);
	if (++num_ticks < NUM_TICKS)
		return G_SOURCE_CONTINUE;
	register_timer();

	return G_SOURCE_REMOVE;
}

static void run(void)
{
	GSource *source = g_source_new(&functions, sizeof(struct host));
	char glib[] = "GLib";

	g_source_attach(source, NULL);
	g_timeout_add(2, tick, glib);
	glib_loop = g_main_loop_new(NULL, FALSE);
	g_main_loop_run(glib_loop);

	g_main_loop_unref(glib_loop);
	g_source_destroy(source);
	g_source_unref(source);
}

int main(void)
{
	int64_t timeout_ns;
	bool can;

	iv_init();
	event.cookie = "ivykis";
	event.handler = got_post;
	if (iv_event_register(&event) != 0) {
		perror("iv_event_register");
		return 1;
	}

	can = iv_loop_prepare(&timeout_ns) != -ENOTSUP;
	if (can) {
		run();
	} else {
		printf("no descriptor with '%s'\n", iv_poll_method_name());
		iv_event_unregister(&event);
	}
	iv_deinit();

	return !can || num_ticks == NUM_TICKS ? 0 : 1;
}
