/* SPDX-License-Identifier: MIT */
/*
 * scenarios_loop.c - what one thread has: loop, descriptors, timers, tasks
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <iv_event_raw.h>
#include <iv_loop.h>
#include <iv_tls.h>
#include "bed.h"

enum { NUM_FDS = 40, NUM_TIMERS = 10000, SPREAD = 5 };

static int pair[2];
static int copies[NUM_FDS];
static int num_calls;

/* Helpers *****************************************************************/

static void give_up(const char *call)
{
	perror(call);
	exit(2);
}

void need_pair(int fds[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		give_up("sweep: socketpair");
}

void need_write(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		broken("the sweep cannot write");
}

void set_blocking(int fd, bool blocking)
{
	int flags = fcntl(fd, F_GETFL);

	flags = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
	fcntl(fd, F_SETFL, flags);
}

/* Number of bytes that a descriptor has for us now. */
int take_all(int fd)
{
	char buf[4096];
	int total = 0;
	ssize_t ret;

	while ((ret = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		total += (int)ret;

	return total;
}

static void prepare_nothing(void)
{
}

static void prepare_pair(void)
{
	need_pair(pair);
}

/* Loop ********************************************************************/

static void run_empty_loop(void)
{
	open_loop();
	run_loop("iv_main to return at once");
	close_loop();
}

/* Descriptors *************************************************************/

static void got_room(void *cookie)
{
	num_calls++;
	iv_fd_unregister(cookie);
}

static void got_bytes(void *cookie)
{
	struct iv_fd *fd = cookie;

	EXPECT(take_all(fd->fd) > 0, "handler_in without anything to read");
	num_calls++;
	iv_fd_set_handler_in(fd, NULL);
	iv_fd_set_handler_out(fd, got_room);
}

static void set_up_fd(struct iv_fd *fd, int number)
{
	IV_FD_INIT(fd);
	fd->fd = number;
	fd->cookie = fd;
	fd->handler_in = got_bytes;
}

static void run_fd(void)
{
	static struct iv_fd fd;

	num_calls = 0;
	open_loop();
	set_up_fd(&fd, pair[0]);
	iv_fd_register(&fd);
	need_write(pair[1], "x");
	run_loop("a descriptor's two handlers");
	EXPECT(num_calls == 2, "%d of 2 handlers were called", num_calls);
	close_loop();
}

static void try_one(struct iv_fd *fd, int number, bool was_blocking)
{
	set_up_fd(fd, number);
	if (iv_fd_register_try(fd) == 0)
		return;

	refused("iv_fd_register_try");
	EXPECT(!iv_fd_registered(fd), "refused, but registered");
	if (was_blocking)
		EXPECT(!(fcntl(number, F_GETFL) & O_NONBLOCK),
		       "refused, but made non-blocking");
}

static void run_fd_try(void)
{
	static struct iv_fd fd;

	num_calls = 0;
	set_blocking(pair[0], true);
	open_loop();
	try_one(&fd, pair[0], true);
	if (iv_fd_registered(&fd)) {
		need_write(pair[1], "x");
		run_loop("a descriptor's two handlers");
		EXPECT(num_calls == 2, "%d of 2 handlers were called",
		       num_calls);
	}
	close_loop();
}

static void prepare_fds(void)
{
	int i;

	need_pair(pair);
	for (i = 0; i < NUM_FDS; i++) {
		copies[i] = dup(pair[0]);
		if (copies[i] < 0)
			give_up("sweep: dup");
	}
}

/* All are copies of one socket: the room in it is what each one reports. */
static void run_fds(void)
{
	static struct iv_fd fds[NUM_FDS];
	int num = 0;
	int i;

	num_calls = 0;
	open_loop();
	for (i = 0; i < NUM_FDS; i++) {
		try_one(&fds[i], copies[i], false);
		if (!iv_fd_registered(&fds[i]))
			continue;
		iv_fd_set_handler_in(&fds[i], NULL);
		iv_fd_set_handler_out(&fds[i], got_room);
		num++;
	}
	run_loop("each descriptor's handler");
	EXPECT(num_calls == num, "%d of %d handlers were called", num_calls,
	       num);
	close_loop();
}

static struct iv_fd second;
static int second_pair[2];

static void prepare_files(void)
{
	prepare_pair();
	need_pair(second_pair);
	copies[0] = dup(pair[0]);
	if (copies[0] < 0)
		give_up("sweep: dup");
}

static void got_second(void *cookie)
{
	(void)cookie;
	EXPECT(take_all(second_pair[0]) > 0,
	       "handler_in without anything to read");
	num_calls++;
	iv_fd_unregister(&second);
}

static void write_to_second(void *cookie)
{
	(void)cookie;
	need_write(second_pair[1], "x");
}

static void got_nobody(void *cookie)
{
	(void)cookie;
	broken("a handler is called for a file that was closed");
}

/* The file of a descriptor, open under another number as well, is gone. */
static void replace_file(struct iv_fd *fd)
{
	dup2(pair[1], fd->fd);
	iv_fd_unregister(fd);
	need_write(pair[1], "x");
}

/* It goes on being ready, and nobody may die of that, or hear of it. */
static void run_fd_gone(void)
{
	static struct iv_timer timer;
	static struct iv_fd fd;

	num_calls = 0;
	dup2(pair[0], copies[0]);
	open_loop();
	set_up_fd(&fd, copies[0]);
	fd.handler_in = got_nobody;
	iv_fd_register(&fd);
	set_up_fd(&second, second_pair[0]);
	second.handler_in = got_second;
	iv_fd_register(&second);
	iv_loop_run_once(0);
	replace_file(&fd);

	IV_TIMER_INIT(&timer);
	timer.expires = iv_now;
	timer.expires.tv_nsec += 1000000;
	if (timer.expires.tv_nsec >= 1000000000) {
		timer.expires.tv_nsec -= 1000000000;
		timer.expires.tv_sec++;
	}
	timer.handler = write_to_second;
	iv_timer_register(&timer);
	run_loop("a byte behind the end of another descriptor");
	EXPECT(num_calls == 1, "%d of 1 handlers were called", num_calls);
	take_all(pair[0]);
	close_loop();
}

/* Timers ******************************************************************/

static struct timespec last_expired;

static void got_timer(void *cookie)
{
	const struct iv_timer *timer = cookie;

	EXPECT(timer->expires.tv_sec > last_expired.tv_sec ||
		       (timer->expires.tv_sec == last_expired.tv_sec &&
			timer->expires.tv_nsec >= last_expired.tv_nsec),
	       "timers run in the wrong order");
	last_expired = timer->expires;
	num_calls++;
}

static void set_up_timer(struct iv_timer *timer, long delay_us)
{
	IV_TIMER_INIT(timer);
	timer->expires = iv_now;
	timer->expires.tv_nsec += delay_us * 1000;
	if (timer->expires.tv_nsec >= 1000000000) {
		timer->expires.tv_nsec -= 1000000000;
		timer->expires.tv_sec++;
	}
	timer->cookie = timer;
	timer->handler = got_timer;
	iv_timer_register(timer);
}

/* Of each two in a row the second is cancelled. */
static void use_timers(struct iv_timer *timers, int num)
{
	int i;

	num_calls = 0;
	last_expired = (struct timespec){ 0, 0 };
	open_loop();
	for (i = 0; i < num; i++)
		set_up_timer(&timers[i], i % SPREAD * 500);
	for (i = 1; i < num; i += 2)
		iv_timer_unregister(&timers[i]);
	run_loop("timers to expire");
	EXPECT(num_calls == num / 2, "%d of %d timers have expired", num_calls,
	       num / 2);
	close_loop();
}

static void run_timer(void)
{
	static struct iv_timer timers[6];

	use_timers(timers, 6);
}

static void run_timers(void)
{
	static struct iv_timer timers[NUM_TIMERS];

	use_timers(timers, NUM_TIMERS);
}

/* Tasks *******************************************************************/

static void got_task(void *cookie)
{
	struct iv_task *task = cookie;

	num_calls++;
	if (num_calls <= 2)
		iv_task_register(task);
}

static void run_task(void)
{
	static struct iv_task tasks[3];
	int i;

	num_calls = 0;
	open_loop();
	for (i = 0; i < 3; i++) {
		IV_TASK_INIT(&tasks[i]);
		tasks[i].cookie = &tasks[i];
		tasks[i].handler = got_task;
		iv_task_register(&tasks[i]);
	}
	iv_task_unregister(&tasks[2]);
	run_loop("tasks to run");
	EXPECT(num_calls == 4, "%d of 4 tasks have run", num_calls);
	close_loop();
}

/* Raw events **************************************************************/

static void got_raw(void *cookie)
{
	num_calls++;
	if (num_calls == 1)
		iv_event_raw_post(cookie);
	else
		iv_event_raw_unregister(cookie);
}

static void run_event_raw(void)
{
	static struct iv_event_raw raw;

	num_calls = 0;
	open_loop();
	IV_EVENT_RAW_INIT(&raw);
	raw.cookie = &raw;
	raw.handler = got_raw;
	if (iv_event_raw_register(&raw) == 0) {
		iv_event_raw_post(&raw);
		run_loop("a raw event, twice");
		EXPECT(num_calls == 2, "%d of 2 posts were handled", num_calls);
	} else {
		refused("iv_event_raw_register");
	}
	close_loop();
}

/* Thread-local state ******************************************************/

static int num_states;

static void init_state(void *state)
{
	int i;

	for (i = 0; i < 100; i++)
		EXPECT(((char *)state)[i] == 0, "a loop's state is not zeroed");
	num_states++;
}

static void deinit_state(void *state)
{
	EXPECT(*(char *)state == 1, "a loop's state was not kept");
	num_states--;
}

static struct iv_tls_user user = {
	.sizeof_state = 100,
	.init_thread = init_state,
	.deinit_thread = deinit_state,
};

static void prepare_tls(void)
{
	iv_tls_user_register(&user);
}

static void run_tls(void)
{
	char *state;

	open_loop();
	state = iv_tls_user_ptr(&user);
	EXPECT(state != NULL && num_states == 1, "a loop without its state");
	*state = 1;
	close_loop();
	EXPECT(iv_tls_user_ptr(&user) == NULL && num_states == 0,
	       "a state without its loop");
}

const struct scenario loop_scenarios[] = {
	{ "loop", "a loop without anything", prepare_nothing, run_empty_loop },
	{ "fd", "a descriptor, in and out", prepare_pair, run_fd },
	{ "fd_try", "the same by iv_fd_register_try", prepare_pair,
	  run_fd_try },
	{ "fds", "forty descriptors", prepare_fds, run_fds },
	{ "fd_gone", "one whose file lives on, and one that is served",
	  prepare_files, run_fd_gone },
	{ "timer", "six timers, three cancelled", prepare_nothing, run_timer },
	{ "timers", "ten thousand, half of them cancelled", prepare_nothing,
	  run_timers },
	{ "task", "three tasks, one cancelled, one again", prepare_nothing,
	  run_task },
	{ "event_raw", "a raw event, posted twice", prepare_nothing,
	  run_event_raw },
	{ "tls", "state that a loop carries", prepare_tls, run_tls },
	{ 0 },
};
