/* SPDX-License-Identifier: MIT */
/*
 * test_fd_pump_ways.c - how bytes move when splice(2) cannot move them
 */
#include <sys/resource.h>
#include "pump_bed.h"

static void deliver_all(size_t sent)
{
	size_t received = 0;
	int i;

	for (i = 0; i < 1000 && received < sent; i++) {
		received += receive_pattern(received);
		assert_int_equal(iv_fd_pump_pump(&pump), 1);
	}
	assert_int_equal(received, sent);
	nothing_arrives();
}

static void it_splices_through_two_descriptors(void **state)
{
	int before;

	(void)state;
	open_pump(0);
	before = num_open_fds();
	expect_step(1, "in");
	assert_int_equal(num_open_fds(), before + 2);
	close_pump("none");
}

static void it_gives_them_back_when_done(void **state)
{
	int before;

	(void)state;
	open_pump(0);
	before = num_open_fds();
	expect_step(1, "in");
	shutdown(in[0], SHUT_WR);
	expect_step(0, "none");
	assert_int_equal(num_open_fds(), before);
	close_pump("");
}

static void refuse(int error)
{
	int before;

	open_pump(0);
	before = num_open_fds();
	splice_errno = error;
	send_text("hello");
	expect_step(1, "in");
	expect_text("hello");
	assert_int_equal(num_open_fds(), before);
	splice_errno = 0;
	close_pump("none");
}

static void any_refusal_has_it_copy(void **state)
{
	(void)state;
	refuse(ENOSYS);
	refuse(EINVAL);
	refuse(EPERM);
	refuse(EOPNOTSUPP);
}

static void a_refusal_with_bytes_held_loses_none(void **state)
{
	size_t sent;

	(void)state;
	open_pump(0);
	pump.set_bands = ignore_bands;
	sent = stuff_pump();
	splice_errno = EINVAL;
	deliver_all(sent);
	sent = send_pattern(0, CHUNK);
	assert_int_equal(iv_fd_pump_pump(&pump), 1);
	deliver_all(sent);
	pump.set_bands = note_bands;
	close_pump("none");
}

static int open_file(int flags)
{
	char name[] = "/tmp/test_fd_pump.XXXXXX";
	int fd = mkostemp(name, O_CLOEXEC | flags);

	assert_true(fd >= 0);
	unlink(name);

	return fd;
}

/* Linux refuses to splice to a file opened like this. */
static void a_file_opened_for_appending_is_copied_to(void **state)
{
	char buf[16] = "";
	int fd = open_file(O_APPEND);

	(void)state;
	open_pump(0);
	iv_fd_pump_destroy(&pump);
	assert_noted("none");
	set_up_pump(in[1], fd, IV_FD_PUMP_FLAG_RELAY_EOF);
	send_text("hello ");
	expect_step(1, "in");
	send_text("world");
	expect_step(1, "in");
	shutdown(in[0], SHUT_WR);
	expect_step(0, "none");
	assert_int_equal(pread(fd, buf, sizeof(buf), 0), 11);
	assert_string_equal(buf, "hello world");
	close(fd);
	close_pump("");
}

static void a_file_is_moved_to_its_end(void **state)
{
	unsigned char buf[CHUNK];
	size_t i, received = 0;
	int ret, fd = open_file(0);

	(void)state;
	for (i = 0; i < sizeof(buf); i++)
		buf[i] = pattern(i);
	assert_int_equal(write(fd, buf, sizeof(buf)), sizeof(buf));
	lseek(fd, 0, SEEK_SET);

	open_pump(0);
	iv_fd_pump_destroy(&pump);
	assert_noted("none");
	set_up_pump(fd, out[0], IV_FD_PUMP_FLAG_RELAY_EOF);
	pump.set_bands = ignore_bands;
	do {
		ret = iv_fd_pump_pump(&pump);
		received += receive_pattern(received);
	} while (ret == 1);
	assert_int_equal(ret, 0);
	while (received < sizeof(buf))
		received += receive_pattern(received);
	end_arrives();
	close(fd);
	close_pump("");
}

static void move_with_descriptors(int num)
{
	size_t sent;

	open_pump(0);
	pump.set_bands = ignore_bands;
	leave_descriptors(num);
	sent = stuff_pump();
	deliver_all(sent);
	give_descriptors_back();
	pump.set_bands = note_bands;
	close_pump("none");
}

static void without_descriptors_it_copies(void **state)
{
	(void)state;
	move_with_descriptors(0);
	move_with_descriptors(1);
}

/* Every piece of memory down to @size, in a list. */
static void *take_all_memory(size_t size)
{
	void *all = NULL;

	for (size_t piece = 1 << 20; piece >= size; piece /= 2) {
		void **block;

		while ((block = malloc(piece)) != NULL) {
			*block = all;
			all = block;
		}
	}

	return all;
}

static void give_memory_back(void *all)
{
	while (all != NULL) {
		void *next = *(void **)all;

		free(all);
		all = next;
	}
}

static void without_memory_it_says_so_and_goes_on_later(void **state)
{
	struct rlimit limit = { 0, RLIM_INFINITY };
	int ret, error;
	void *all;

	(void)state;
	if (under_a_tool())
		cannot_try("a tool's own memory would be used up, too");
	open_pump(0);
	send_text("hello");
	setrlimit(RLIMIT_AS, &limit);
	all = take_all_memory(16);
	ret = iv_fd_pump_pump(&pump);
	error = errno;
	give_memory_back(all);
	limit.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_AS, &limit);

	assert_int_equal(ret, -1);
	assert_int_equal(error, ENOMEM);
	assert_noted("");
	expect_step(1, "in");
	expect_text("hello");
	close_pump("none");
}

BY_COPYING(a_file_is_moved_to_its_end)
BY_COPYING(without_descriptors_it_copies)

static const struct test_case cases[] = {
	TEST(it_splices_through_two_descriptors),
	TEST(it_gives_them_back_when_done),
	TEST(any_refusal_has_it_copy),
	TEST(a_refusal_with_bytes_held_loses_none),
	TEST(a_file_opened_for_appending_is_copied_to),
	TEST_BOTH(a_file_is_moved_to_its_end),
	TEST_BOTH(without_descriptors_it_copies),
	TEST(without_memory_it_says_so_and_goes_on_later),
};

TEST_MAIN(cases)
