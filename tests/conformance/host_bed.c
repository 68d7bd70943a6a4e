/* SPDX-License-Identifier: MIT */
/*
 * host_bed.c - a host: it waits for a loop, and lets it run
 */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <iv_loop.h>
#include "answers.h"
#include "host_bed.h"

enum {
	HANGING_MS = 40000,
	IDLE_MS = 25,
	/* Some methods have their descriptor readable for nothing at times. */
	MAX_IDLE_ROUNDS = 8,
};

/* What it keeps what it waits for in; -1: it polls. */
static int host_set = -1;
static int in_host_set = -1;

static bool is_hosted(void)
{
	return answers()->hosted == WORKS;
}

int host_prepare(int64_t *timeout_ns)
{
	int fd;

	*timeout_ns = 77;
	fd = iv_loop_prepare(timeout_ns);
	if (is_hosted()) {
		assert_true(fd >= 0);
		assert_true(*timeout_ns >= -1);
		return fd;
	}
	assert_int_equal(fd, -ENOTSUP);
	assert_int_equal(*timeout_ns, 77);

	return -1;
}

static int wait_in_set(int fd, int timeout_ms)
{
	struct epoll_event ev = { .events = EPOLLIN };

	/* Told once: it is to stay the same. */
	if (in_host_set < 0) {
		in_host_set = fd;
		assert_int_equal(epoll_ctl(host_set, EPOLL_CTL_ADD, fd, &ev),
				 0);
	}
	assert_int_equal(fd, in_host_set);

	return epoll_wait(host_set, &ev, 1, timeout_ms);
}

int host_wait(int fd, int64_t timeout_ns)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int timeout_ms = HANGING_MS;
	int ret;

	if (timeout_ns >= 0 && timeout_ns < INT64_C(1000000) * HANGING_MS)
		timeout_ms = (int)((timeout_ns + 999999) / 1000000);
	do {
		if (host_set >= 0)
			ret = wait_in_set(fd, timeout_ms);
		else
			ret = poll(&pfd, 1, timeout_ms);
	} while (ret < 0 && errno == EINTR);
	if (ret == 0 && timeout_ms == HANGING_MS)
		fail_msg("the host has waited in vain");

	return ret;
}

int host_turn(void)
{
	int64_t timeout_ns;
	int fd = host_prepare(&timeout_ns);

	if (fd < 0)
		return iv_loop_run_once(-1);
	host_wait(fd, timeout_ns);

	return iv_loop_run_once(0);
}

void host_open_set(void)
{
	host_set = epoll_create1(EPOLL_CLOEXEC);
	assert_true(host_set >= 0);
	in_host_set = -1;
}

void host_close_set(void)
{
	close(host_set);
	host_set = -1;
}

void host_turn_until_called(struct probe *own, int num)
{
	num += probe_calls(own);
	while (probe_calls(own) < num)
		host_turn();
}

static void set_over(void *is_over)
{
	*(bool *)is_over = true;
}

void host_expect_quiet(struct probe *own)
{
	struct iv_timer timer;
	bool is_over = false;
	int rounds = 0;

	probe_reset(own);
	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(IDLE_MS);
	timer.cookie = &is_over;
	timer.handler = set_over;
	iv_timer_register(&timer);
	while (!is_over) {
		host_turn();
		if (++rounds > MAX_IDLE_ROUNDS)
			fail_msg("the host is kept busy");
	}
	expect_order(own, "");
}
