/* SPDX-License-Identifier: MIT */
/*
 * test_kqueue_filter_shim.c - the filters of kqueue(2)
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include "kqueue_bed.h"
#include "time_bed.h"

static int fds[2];
static int kq;

static void end(void)
{
	close(kq);
	close_both(fds);
}

/* A pipe, or a socket pair, with one end watched. */
static void watch_pipe(int which, int filter, unsigned int flags)
{
	kq = make_queue();
	make_pipe(fds);
	watch(kq, fds[which], filter, flags);
}

static void watch_socket(int filter, unsigned int flags)
{
	kq = make_queue();
	make_socketpair(fds);
	watch(kq, fds[0], filter, flags);
}

static void close_far(void)
{
	close(fds[1]);
	fds[1] = dup(fds[0]);
}

/* EVFILT_READ *************************************************************/

static void reading_tells_how_much_there_is(void **state)
{
	struct kevent event;

	(void)state;
	watch_pipe(0, EVFILT_READ, 0);
	assert_int_equal(write(fds[1], "abc", 3), 3);
	event = take_one(kq);
	assert_int_equal(event.data, 3);
	assert_int_equal(event.flags & EV_EOF, 0);
	assert_ptr_equal(event.udata, &tags[0]);
	end();
}

static void reading_may_wait_for_more(void **state)
{
	(void)state;
	watch_pipe(0, EVFILT_READ, 0);
	change(kq, (uintptr_t)fds[0], EVFILT_READ, EV_ADD, NOTE_LOWAT, 3, NULL);
	assert_int_equal(write(fds[1], "ab", 2), 2);
	assert_nothing(kq);
	put_byte(fds[1]);
	assert_int_equal(take_one(kq).data, 3);
	end();
}

static void a_pipe_without_writers_is_at_its_end(void **state)
{
	struct kevent event;

	(void)state;
	watch_pipe(0, EVFILT_READ, 0);
	put_byte(fds[1]);
	close_far();
	event = take_one(kq);
	assert_true(event.flags & EV_EOF);
	assert_int_equal(event.data, 1);
	assert_int_equal(event.fflags, 0);
	end();
}

static void half_a_connection_is_at_its_end(void **state)
{
	struct kevent event;

	(void)state;
	watch_socket(EVFILT_READ, EV_CLEAR);
	shutdown(fds[1], SHUT_WR);
	event = take_one(kq);
	assert_true(event.flags & EV_EOF);
	assert_int_equal(event.data, 0);
	assert_int_equal(event.fflags, 0);

	assert_nothing(kq);

	/* The other half is not. */
	change(kq, (uintptr_t)fds[0], EVFILT_READ, EV_DELETE, 0, 0, NULL);
	watch(kq, fds[0], EVFILT_WRITE, 0);
	event = take_one(kq);
	assert_int_equal(event.filter, EVFILT_WRITE);
	assert_int_equal(event.flags & EV_EOF, 0);
	end();
}

/* Connected over the loopback: the near end, with the far one in *far. */
static int connect_tcp(int *far)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int near = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&addr, &len);
	watch(kq, listener, EVFILT_READ, 0);
	assert_nothing(kq);
	assert_int_equal(connect(near, (struct sockaddr *)&addr, len), 0);
	assert_one(kq, listener, EVFILT_READ);
	*far = accept(listener, NULL, NULL);
	close(listener);

	return near;
}

static void the_error_of_a_connection_is_in_fflags(void **state)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	struct kevent event;
	int near, far;

	(void)state;
	kq = make_queue();
	near = connect_tcp(&far);
	watch(kq, near, EVFILT_READ, 0);
	assert_nothing(kq);
	setsockopt(far, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(far);
	event = take_one(kq);
	assert_true(event.flags & EV_EOF);
	assert_int_equal(event.fflags, ECONNRESET);
	close(near);
	close(kq);
}

static int open_file(void)
{
	char name[] = "/tmp/test_kqueue.XXXXXX";
	int file = mkostemp(name, O_CLOEXEC);

	assert_true(file >= 0);
	unlink(name);

	return file;
}

static void a_file_is_readable_but_at_its_end(void **state)
{
	int file;

	(void)state;
	kq = make_queue();
	file = open_file();
	put_byte(file);
	watch(kq, file, EVFILT_READ, 0);
	assert_nothing(kq);
	lseek(file, 0, SEEK_SET);
	assert_int_equal(take_one(kq).data, 1);
	lseek(file, 3, SEEK_SET);
	assert_int_equal(take_one(kq).data, -2);
	lseek(file, 1, SEEK_SET);
	assert_nothing(kq);
	change(kq, (uintptr_t)file, EVFILT_READ, EV_ADD, NOTE_FILE_POLL, 0,
	       NULL);
	assert_one(kq, file, EVFILT_READ);
	assert_error(change(kq, (uintptr_t)file, EVFILT_WRITE, EV_ADD, 0, 0,
			    NULL),
		     EINVAL);
	close(file);
	close(kq);
}

/* EVFILT_WRITE ************************************************************/

static void writing_tells_how_much_room_there_is(void **state)
{
	intptr_t before;

	(void)state;
	watch_pipe(1, EVFILT_WRITE, 0);
	before = take_one(kq).data;
	assert_true(before > 1);
	assert_int_equal(write(fds[1], "abc", 3), 3);
	assert_int_equal(take_one(kq).data, before - 3);
	end();
}

static void a_full_pipe_is_not_writable(void **state)
{
	static char bytes[4096];

	(void)state;
	watch_pipe(1, EVFILT_WRITE, 0);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	while (write(fds[1], bytes, sizeof(bytes)) > 0)
		;
	assert_nothing(kq);
	assert_int_equal(read(fds[0], bytes, sizeof(bytes)), sizeof(bytes));
	assert_one(kq, fds[1], EVFILT_WRITE);
	end();
}

static void a_pipe_without_readers_is_at_its_end(void **state)
{
	(void)state;
	watch_pipe(1, EVFILT_WRITE, 0);
	close(fds[0]);
	assert_true(take_one(kq).flags & EV_EOF);

	/* And no new one is let in. */
	change(kq, (uintptr_t)fds[1], EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
	assert_error(change(kq, (uintptr_t)fds[1], EVFILT_WRITE, EV_ADD, 0, 0,
			    NULL),
		     EPIPE);
	fds[0] = dup(fds[1]);
	end();
}

static void both_halves_of_what_is_closed_are_at_their_end(void **state)
{
	struct kevent events[4];

	(void)state;
	watch_socket(EVFILT_READ, 0);
	watch(kq, fds[0], EVFILT_WRITE, 0);
	close(fds[1]);
	assert_int_equal(look(kq, events, 4), 2);
	assert_true(events[0].flags & EV_EOF);
	assert_true(events[1].flags & EV_EOF);
	close(fds[0]);
	close(kq);
}

/* EVFILT_USER *************************************************************/

static void trigger(unsigned int fflags)
{
	assert_int_equal(change(kq, 7, EVFILT_USER, 0, fflags, 0, NULL), 0);
}

static void add_user(unsigned int flags)
{
	kq = make_queue();
	assert_int_equal(
		change(kq, 7, EVFILT_USER, EV_ADD | flags, 0, 0, &tags[2]), 0);
}

static void a_user_event_comes_when_triggered(void **state)
{
	struct kevent event;

	(void)state;
	add_user(0);
	assert_nothing(kq);
	trigger(NOTE_TRIGGER);
	event = take_one(kq);
	assert_int_equal(event.ident, 7);
	assert_int_equal(event.filter, EVFILT_USER);
	assert_ptr_equal(event.udata, &tags[2]);

	/* And stays. */
	assert_one(kq, 7, EVFILT_USER);
	close(kq);
}

static void clear_takes_the_trigger_back(void **state)
{
	(void)state;
	add_user(EV_CLEAR);
	trigger(NOTE_TRIGGER | NOTE_FFOR | 5);
	trigger(NOTE_TRIGGER);
	assert_int_equal(take_one(kq).fflags, 5);
	trigger(0);
	assert_nothing(kq);
	trigger(NOTE_TRIGGER);
	assert_int_equal(take_one(kq).fflags, 0);
	close(kq);
}

static void user_flags_are_set_in_four_ways(void **state)
{
	(void)state;
	add_user(0);
	trigger(NOTE_FFCOPY | 0x00ff00);
	assert_nothing(kq);
	trigger(NOTE_FFOR | 0x00000f);
	trigger(NOTE_FFAND | 0x00f00f);
	trigger(NOTE_FFNOP | NOTE_TRIGGER | 0x123456);
	assert_int_equal(take_one(kq).fflags, 0x00f00f);
	close(kq);
}

static void what_is_not_added_cannot_be_triggered(void **state)
{
	(void)state;
	add_user(0);
	assert_error(change(kq, 8, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL),
		     ENOENT);
	close(kq);
}

static void trigger_in_signal(int signum)
{
	struct kevent kev;

	(void)signum;
	EV_SET(&kev, 7, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
	kevent(kq, &kev, 1, NULL, 0, NULL);
}

/* The handler runs inside the other call, wherever that is. */
static void signal_handlers_may_trigger(void **state)
{
	struct kevent event;
	int got = 0, num;

	(void)state;
	add_user(EV_CLEAR);
	start_alarms(trigger_in_signal, 50);
	while (got < 1000) {
		num = look(kq, &event, 1);
		if (num < 0)
			break;
		got += num;
	}
	stop_alarms();
	assert_int_equal(got, 1000);
	close(kq);
}

/* EVFILT_TIMER ************************************************************/

static void wait_for_timer(struct kevent *event)
{
	assert_int_equal(kevent(kq, NULL, 0, event, 1, NULL), 1);
	assert_int_equal(event->ident, 1);
	assert_int_equal(event->filter, EVFILT_TIMER);
	assert_true(event->data >= 1);
}

static void a_timer_comes_again(void **state)
{
	struct kevent event;

	(void)state;
	kq = make_queue();
	assert_int_equal(change(kq, 1, EVFILT_TIMER, EV_ADD, NOTE_USECONDS,
				1500, NULL),
			 0);
	wait_for_timer(&event);
	wait_for_timer(&event);
	close(kq);
}

static void a_timer_may_come_once(void **state)
{
	struct kevent event;

	(void)state;
	kq = make_queue();
	change(kq, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 1, NULL);
	wait_for_timer(&event);
	assert_int_equal(event.data, 1);
	assert_error(change(kq, 1, EVFILT_TIMER, EV_DELETE, 0, 0, NULL),
		     ENOENT);
	close(kq);
}

static void a_timer_starts_anew(void **state)
{
	(void)state;
	kq = make_queue();
	change(kq, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, NOTE_NSECONDS, 1,
	       NULL);
	change(kq, 1, EVFILT_TIMER, EV_ADD, NOTE_SECONDS, 3600, NULL);
	assert_nothing(kq);
	assert_error(change(kq, 2, EVFILT_TIMER, EV_ADD,
			    NOTE_SECONDS | NOTE_USECONDS, 1, NULL),
		     EINVAL);
	close(kq);
}

static void *add_timer(void *arg)
{
	(void)arg;
	change(kq, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 1, NULL);

	return NULL;
}

static void a_timer_of_another_thread_ends_a_wait(void **state)
{
	struct kevent event;
	pthread_t thread;

	(void)state;
	kq = make_queue();
	thread = start_thread(add_timer, NULL);
	wait_for_timer(&event);
	join_thread(thread);
	close(kq);
}

static const struct test_case cases[] = {
	TEST(reading_tells_how_much_there_is),
	TEST(reading_may_wait_for_more),
	TEST(a_pipe_without_writers_is_at_its_end),
	TEST(half_a_connection_is_at_its_end),
	TEST(the_error_of_a_connection_is_in_fflags),
	TEST(a_file_is_readable_but_at_its_end),
	TEST(writing_tells_how_much_room_there_is),
	TEST(a_full_pipe_is_not_writable),
	TEST(a_pipe_without_readers_is_at_its_end),
	TEST(both_halves_of_what_is_closed_are_at_their_end),
	TEST(a_user_event_comes_when_triggered),
	TEST(clear_takes_the_trigger_back),
	TEST(user_flags_are_set_in_four_ways),
	TEST(what_is_not_added_cannot_be_triggered),
	TEST(signal_handlers_may_trigger),
	TEST(a_timer_comes_again),
	TEST(a_timer_may_come_once),
	TEST(a_timer_starts_anew),
	TEST(a_timer_of_another_thread_ends_a_wait),
};

TEST_MAIN(cases)
