/* SPDX-License-Identifier: MIT */
/*
 * syscalls.c - one operation after the other, for syscalls.sh to watch
 *
 * Each stands between two calls that fail and say its name, begin and end.
 * What is needed for it is done outside.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <iv.h>
#include <iv_event.h>
#include <iv_event_raw.h>

static struct iv_fd fd, ticker;
static struct iv_timer timer;
static struct iv_task task;
static struct iv_event event;
static struct iv_event_raw raw;
static int sock[2], ticks[2];

static void nothing(void *cookie)
{
	(void)cookie;
}

static void quit(void *cookie)
{
	(void)cookie;
	iv_quit();
}

static void say(const char *mark, const char *name)
{
	char text[100];
	int len = snprintf(text, sizeof(text), "%s %s", mark, name);

	if (write(-1, text, (size_t)len) >= 0)
		abort();
}

static void need(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

/* What an operation may be ************************************************/

/* The ticker is always ready: one wait, that does not block. */
static void wait_once(void)
{
	iv_main();
}

static void register_fd(void)
{
	iv_fd_register(&fd);
}

static void register_fd_try(void)
{
	need(iv_fd_register_try(&fd) == 0, "iv_fd_register_try");
}

static void unregister_fd(void)
{
	iv_fd_unregister(&fd);
}

static void register_and_unregister(void)
{
	iv_fd_register(&fd);
	iv_fd_unregister(&fd);
}

static void in_on(void)
{
	iv_fd_set_handler_in(&fd, nothing);
}

static void in_off(void)
{
	iv_fd_set_handler_in(&fd, NULL);
}

static void out_on(void)
{
	iv_fd_set_handler_out(&fd, nothing);
}

static void out_off(void)
{
	iv_fd_set_handler_out(&fd, NULL);
}

static void flip_out(void)
{
	out_on();
	out_off();
}

static void register_timer(void)
{
	timer.expires = iv_now;
	timer.expires.tv_sec += 3600;
	iv_timer_register(&timer);
}

static void unregister_timer(void)
{
	iv_timer_unregister(&timer);
}

static void register_task(void)
{
	iv_task_register(&task);
}

static void register_event(void)
{
	need(iv_event_register(&event) == 0, "iv_event_register");
}

static void unregister_event(void)
{
	iv_event_unregister(&event);
}

static void post_event(void)
{
	iv_event_post(&event);
}

static void register_raw(void)
{
	need(iv_event_raw_register(&raw) == 0, "iv_event_raw_register");
}

static void unregister_raw(void)
{
	iv_event_raw_unregister(&raw);
}

static void post_raw(void)
{
	iv_event_raw_post(&raw);
}

/* The run ******************************************************************/

static void op(const char *name, void (*run)(void))
{
	say("begin", name);
	run();
	say("end", name);
}

static void open_fd(int number)
{
	IV_FD_INIT(&fd);
	fd.fd = number;
	fd.handler_in = nothing;
}

static void registering(void)
{
	int pipefd[2];

	need(pipe(pipefd) == 0, "pipe");
	open_fd(pipefd[0]);
	op("register a pipe", register_fd);
	op("unregister it before a wait", unregister_fd);
	open_fd(sock[0]);
	op("register a socket", register_fd);
	op("first wait", wait_once);
	op("another wait", wait_once);
	op("unregister", unregister_fd);
	op("register and unregister", register_and_unregister);
	op("wait after that", wait_once);
	op("register_try", register_fd_try);
	op("wait after register_try", wait_once);
}

/* A socket that is not ready, watched for input. */
static void interest(void)
{
	static const char block[4096];

	while (send(sock[0], block, sizeof(block), MSG_DONTWAIT) > 0)
		;
	op("flip", flip_out);
	op("wait after a flip", wait_once);
	op("out on", out_on);
	op("wait for out", wait_once);
	op("out off", out_off);
	op("wait without out", wait_once);
	op("out on again", out_on);
	op("wait for out again", wait_once);
	out_off();
	op("in off", in_off);
	op("wait without in", wait_once);
	op("in on", in_on);
	op("wait for in", wait_once);
}

/* One wait for nothing, then the kernel is told, each time at once. */
static void interest_when_ready(void)
{
	in_off();
	wait_once();
	need(write(sock[1], "", 1) == 1, "write");
	op("ready while off", wait_once);
	op("then told", wait_once);
	op("then quiet", wait_once);
	in_on();
	op("ready and on", wait_once);
	in_off();
	op("ready and off again", wait_once);
	in_on();
	wait_once();
}

static void timers_and_tasks(void)
{
	op("register a timer", register_timer);
	op("wait with a timer", wait_once);
	op("unregister a timer", unregister_timer);
	op("register a task", register_task);
	op("wait with a task", wait_once);
}

/* The state of a thread of ours, by its number: S when it sleeps. */
static char state_of(pid_t thread)
{
	char path[64], text[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread);
	file = fopen(path, "r");
	need(file != NULL && fgets(text, sizeof(text), file) != NULL, path);
	fclose(file);

	return strrchr(text, ')')[2];
}

static void *post_when_asleep(void *unused)
{
	while (state_of(getpid()) != 'S')
		;
	op("post to a loop that sleeps", post_event);

	return unused;
}

static void *post_when_awake(void *unused)
{
	op("post from another thread", post_event);
	op("post it again", post_event);

	return unused;
}

static pthread_t start(void *(*run)(void *))
{
	pthread_t thread;

	need(pthread_create(&thread, NULL, run, NULL) == 0, "pthread_create");

	return thread;
}

static void events(void)
{
	IV_EVENT_INIT(&event);
	event.handler = quit;
	register_event();
	op("post to the own loop", post_event);
	op("wait with an event", wait_once);
	pthread_join(start(post_when_awake), NULL);
	wait_once();
	op("unregister an event", unregister_event);
	op("register another event", register_event);

	/* Nothing else is ready: it sleeps. */
	iv_fd_set_handler_in(&ticker, NULL);
	iv_fd_set_handler_in(&fd, NULL);
	pthread_t thread = start(post_when_asleep);
	iv_main();
	pthread_join(thread, NULL);
	iv_fd_set_handler_in(&ticker, quit);
	unregister_event();
}

static void raw_events(void)
{
	IV_EVENT_RAW_INIT(&raw);
	raw.handler = nothing;
	op("register a raw event", register_raw);
	op("post it raw", post_raw);
	op("wait with a raw event", wait_once);
	op("unregister a raw event", unregister_raw);
}

int main(void)
{
	iv_init();
	need(socketpair(AF_UNIX, SOCK_STREAM, 0, sock) == 0 &&
		     pipe(ticks) == 0 && write(ticks[1], "", 1) == 1,
	     "descriptors");
	IV_FD_INIT(&ticker);
	ticker.fd = ticks[0];
	ticker.handler_in = quit;
	iv_fd_register(&ticker);
	IV_TIMER_INIT(&timer);
	timer.handler = nothing;
	IV_TASK_INIT(&task);
	task.handler = nothing;
	wait_once();

	registering();
	interest();
	interest_when_ready();
	timers_and_tasks();
	raw_events();
	events();
	iv_fd_unregister(&fd);
	iv_fd_unregister(&ticker);
	iv_deinit();

	return 0;
}
