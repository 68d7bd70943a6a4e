/* SPDX-License-Identifier: MIT */
/*
 * test_kqueue_shim.c - the calls of kqueue(2), and what all filters share
 */
#include <fcntl.h>
#include "kqueue_bed.h"

static int fds[2];
static int others[2];
static int kq;

static void begin(void)
{
	kq = make_queue();
	make_pipe(fds);
	make_pipe(others);
}

static void end(void)
{
	close(kq);
	close_both(fds);
	close_both(others);
}

/* Changes *****************************************************************/

static void what_is_there_before_it_is_added_is_reported(void **state)
{
	(void)state;
	begin();
	put_byte(fds[1]);
	watch(kq, fds[0], EVFILT_READ, 0);
	assert_one(kq, fds[0], EVFILT_READ);
	end();
}

static void it_is_reported_as_long_as_it_is_true(void **state)
{
	(void)state;
	begin();
	watch(kq, fds[0], EVFILT_READ, 0);
	assert_nothing(kq);
	put_byte(fds[1]);
	assert_one(kq, fds[0], EVFILT_READ);
	assert_one(kq, fds[0], EVFILT_READ);
	get_byte(fds[0]);
	assert_nothing(kq);
	put_byte(fds[1]);
	assert_one(kq, fds[0], EVFILT_READ);
	end();
}

static void what_is_over_before_it_is_fetched_is_not_reported(void **state)
{
	(void)state;
	begin();
	put_byte(fds[1]);
	watch(kq, fds[0], EVFILT_READ, EV_CLEAR);
	get_byte(fds[0]);
	assert_nothing(kq);
	end();
}

static void adding_again_changes_the_one_that_is_there(void **state)
{
	(void)state;
	begin();
	put_byte(fds[1]);
	watch(kq, fds[0], EVFILT_READ, 0);
	assert_int_equal(change(kq, (uintptr_t)fds[0], EVFILT_READ, EV_ADD, 0,
				0, &tags[1]),
			 0);
	assert_ptr_equal(take_one(kq).udata, &tags[1]);

	/* Other changes leave it. */
	assert_int_equal(change(kq, (uintptr_t)fds[0], EVFILT_READ, EV_ENABLE,
				0, 0, &tags[2]),
			 0);
	assert_ptr_equal(take_one(kq).udata, &tags[1]);
	end();
}

static void each_filter_has_its_own(void **state)
{
	struct kevent events[4];
	int pair[2];

	(void)state;
	begin();
	make_socketpair(pair);
	put_byte(pair[1]);
	watch(kq, pair[0], EVFILT_READ, 0);
	watch(kq, pair[0], EVFILT_WRITE, 0);
	assert_int_equal(look(kq, events, 4), 2);
	assert_int_equal(change(kq, (uintptr_t)pair[0], EVFILT_READ, EV_DELETE,
				0, 0, NULL),
			 0);
	assert_one(kq, pair[0], EVFILT_WRITE);
	close_both(pair);
	end();
}

static void what_is_deleted_is_gone(void **state)
{
	(void)state;
	begin();
	put_byte(fds[1]);
	watch(kq, fds[0], EVFILT_READ, 0);
	assert_int_equal(change(kq, (uintptr_t)fds[0], EVFILT_READ, EV_DELETE,
				0, 0, NULL),
			 0);
	assert_nothing(kq);
	assert_error(change(kq, (uintptr_t)fds[0], EVFILT_READ, EV_DELETE, 0, 0,
			    NULL),
		     ENOENT);
	end();
}

static void what_is_disabled_comes_when_it_is_enabled(void **state)
{
	uintptr_t ident;

	(void)state;
	begin();
	ident = (uintptr_t)fds[0];
	watch(kq, fds[0], EVFILT_READ, EV_DISABLE);
	put_byte(fds[1]);
	assert_nothing(kq);
	change(kq, ident, EVFILT_READ, EV_ENABLE, 0, 0, NULL);
	assert_one(kq, fds[0], EVFILT_READ);
	change(kq, ident, EVFILT_READ, EV_DISABLE, 0, 0, NULL);
	assert_nothing(kq);

	/* To add is to enable. */
	watch(kq, fds[0], EVFILT_READ, 0);
	assert_one(kq, fds[0], EVFILT_READ);
	end();
}

static void once_is_once(void **state)
{
	(void)state;
	begin();
	put_byte(fds[1]);
	watch(kq, fds[0], EVFILT_READ, EV_ONESHOT);
	assert_one(kq, fds[0], EVFILT_READ);
	assert_nothing(kq);
	assert_error(change(kq, (uintptr_t)fds[0], EVFILT_READ, EV_ENABLE, 0, 0,
			    NULL),
		     ENOENT);
	end();
}

static void clear_reports_what_is_new(void **state)
{
	(void)state;
	begin();
	watch(kq, fds[0], EVFILT_READ, EV_CLEAR);
	put_byte(fds[1]);
	assert_one(kq, fds[0], EVFILT_READ);
	assert_nothing(kq);
	put_byte(fds[1]);
	assert_one(kq, fds[0], EVFILT_READ);
	assert_nothing(kq);
	end();
}

static void dispatch_disables(void **state)
{
	(void)state;
	begin();
	put_byte(fds[1]);
	watch(kq, fds[0], EVFILT_READ, EV_DISPATCH);
	assert_one(kq, fds[0], EVFILT_READ);
	put_byte(fds[1]);
	assert_nothing(kq);
	change(kq, (uintptr_t)fds[0], EVFILT_READ, EV_ENABLE, 0, 0, NULL);
	assert_one(kq, fds[0], EVFILT_READ);
	assert_nothing(kq);
	end();
}

static void all_get_their_turn(void **state)
{
	struct kevent first, second;

	(void)state;
	begin();
	put_byte(fds[1]);
	put_byte(others[1]);
	watch(kq, fds[0], EVFILT_READ, 0);
	watch(kq, others[0], EVFILT_READ, 0);
	assert_int_equal(look(kq, &first, 1), 1);
	assert_int_equal(look(kq, &second, 1), 1);
	assert_int_equal(first.ident, fds[0]);
	assert_int_equal(second.ident, others[0]);
	end();
}

/* Errors and receipts *****************************************************/

static void errors_come_as_events_where_there_is_room(void **state)
{
	struct kevent kev[3];

	(void)state;
	begin();
	put_byte(fds[1]);
	watch(kq, fds[0], EVFILT_READ, 0);
	EV_SET(&kev[0], 9999, EVFILT_READ, EV_ADD, 0, 0, &tags[1]);
	EV_SET(&kev[1], others[0], EVFILT_READ, EV_DELETE, 0, 0, &tags[2]);
	EV_SET(&kev[2], others[1], EVFILT_WRITE, EV_ADD, 0, 0, NULL);

	/* One list may be both. What is ready waits for the next call. */
	assert_int_equal(kevent(kq, kev, 3, kev, 3, NULL), 2);
	assert_true(kev[0].flags & EV_ERROR);
	assert_int_equal(kev[0].data, EBADF);
	assert_int_equal(kev[0].ident, 9999);
	assert_ptr_equal(kev[0].udata, &tags[1]);
	assert_true(kev[1].flags & EV_ERROR);
	assert_int_equal(kev[1].data, ENOENT);
	assert_int_equal(look(kq, kev, 3), 2);
	end();
}

static void an_error_without_room_ends_the_changes(void **state)
{
	struct kevent kev[3];

	(void)state;
	begin();
	put_byte(fds[1]);
	put_byte(others[1]);
	EV_SET(&kev[0], fds[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	EV_SET(&kev[1], 9999, EVFILT_READ, EV_ADD, 0, 0, NULL);
	EV_SET(&kev[2], others[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	assert_error(kevent(kq, kev, 3, NULL, 0, NULL), EBADF);
	assert_one(kq, fds[0], EVFILT_READ);
	end();
}

static void a_receipt_comes_before_anything_else(void **state)
{
	struct kevent kev[2];

	(void)state;
	begin();
	put_byte(fds[1]);
	EV_SET(&kev[0], fds[0], EVFILT_READ, EV_ADD | EV_RECEIPT, 0, 0,
	       &tags[3]);
	assert_int_equal(kevent(kq, kev, 1, kev, 2, NULL), 1);
	assert_true(kev[0].flags & EV_ERROR);
	assert_int_equal(kev[0].data, 0);
	assert_ptr_equal(kev[0].udata, &tags[3]);
	assert_one(kq, fds[0], EVFILT_READ);
	end();
}

static void bad_arguments_are_refused(void **state)
{
	struct timespec time = { 0, 1000000000 };
	struct kevent event;

	(void)state;
	begin();
	assert_error(kevent(kq, NULL, 0, &event, 1, &time), EINVAL);
	assert_error(change(kq, 0, -99, EV_ADD, 0, 0, NULL), EINVAL);
	assert_error(change(fds[0], 0, EVFILT_USER, EV_ADD, 0, 0, NULL), EBADF);
	assert_error(change(9999, 0, EVFILT_USER, EV_ADD, 0, 0, NULL), EBADF);
	end();
}

/* Descriptors that are closed *********************************************/

static void closing_ends_it(void **state)
{
	int copy;

	(void)state;
	begin();
	put_byte(fds[1]);
	watch(kq, fds[0], EVFILT_READ, 0);
	copy = dup(fds[0]);
	close(fds[0]);
	assert_nothing(kq);
	assert_error(change(kq, (uintptr_t)fds[0], EVFILT_READ, EV_DELETE, 0, 0,
			    NULL),
		     EBADF);

	/* The number is another file's. */
	assert_int_equal(dup2(others[0], fds[0]), fds[0]);
	assert_error(change(kq, (uintptr_t)fds[0], EVFILT_READ, EV_ENABLE, 0, 0,
			    NULL),
		     ENOENT);
	watch(kq, fds[0], EVFILT_READ, 0);
	put_byte(fds[1]);
	assert_nothing(kq);
	put_byte(others[1]);
	assert_one(kq, fds[0], EVFILT_READ);
	close(copy);
	end();
}

static void another_file_takes_its_place(void **state)
{
	int copy;

	(void)state;
	begin();
	watch(kq, fds[0], EVFILT_READ, 0);
	copy = dup(fds[0]);
	assert_int_equal(dup2(others[0], fds[0]), fds[0]);
	put_byte(others[1]);
	put_byte(fds[1]);
	assert_nothing(kq);
	assert_error(change(kq, (uintptr_t)fds[0], EVFILT_READ, EV_ENABLE, 0, 0,
			    NULL),
		     ENOENT);
	close(copy);
	end();
}

static void a_closed_queue_is_none(void **state)
{
	(void)state;
	begin();
	watch(kq, fds[0], EVFILT_READ, 0);
	close(kq);
	assert_error(look(kq, NULL, 0), EBADF);

	/* Its number again has nothing of it. */
	assert_int_equal(make_queue(), kq);
	put_byte(fds[1]);
	assert_nothing(kq);
	end();
}

static const struct test_case cases[] = {
	TEST(what_is_there_before_it_is_added_is_reported),
	TEST(it_is_reported_as_long_as_it_is_true),
	TEST(what_is_over_before_it_is_fetched_is_not_reported),
	TEST(adding_again_changes_the_one_that_is_there),
	TEST(each_filter_has_its_own),
	TEST(what_is_deleted_is_gone),
	TEST(what_is_disabled_comes_when_it_is_enabled),
	TEST(once_is_once),
	TEST(clear_reports_what_is_new),
	TEST(dispatch_disables),
	TEST(all_get_their_turn),
	TEST(errors_come_as_events_where_there_is_room),
	TEST(an_error_without_room_ends_the_changes),
	TEST(a_receipt_comes_before_anything_else),
	TEST(bad_arguments_are_refused),
	TEST(closing_ends_it),
	TEST(another_file_takes_its_place),
	TEST(a_closed_queue_is_none),
};

TEST_MAIN(cases)
