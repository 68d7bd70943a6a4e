/* SPDX-License-Identifier: MIT */
/*
 * bed.c - what the cases of the suite share
 */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "bed.h"

enum {
	IDLE_MS = 25,

	/*
	 * The clock is read two or three times a round. A method may look
	 * more than once for one time-out; one that spins reads thousands.
	 */
	MAX_IDLE_READS = 40,
};

/* Probes ****************************************************************/

static void called(struct probe *probe, int *count, char letter, int band)
{
	int calls = probe_calls(probe);

	(*count)++;
	if (calls < MAX_ORDER - 1)
		probe->order[calls] = letter;
	if (probe->quit_at > 0 && calls + 1 >= probe->quit_at)
		iv_quit();
	if (probe->then != NULL)
		probe->then(probe, band);
}

static void called_in(void *cookie)
{
	struct probe *probe = cookie;

	called(probe, &probe->in, 'i', IN);
}

static void called_out(void *cookie)
{
	struct probe *probe = cookie;

	called(probe, &probe->out, 'o', OUT);
}

static void called_err(void *cookie)
{
	struct probe *probe = cookie;

	called(probe, &probe->err, 'e', ERR);
}

void probe_on(struct probe *probe, int fd)
{
	memset(probe, 0, sizeof(*probe));
	IV_FD_INIT(&probe->fd);
	probe->fd.fd = fd;
	probe->fd.cookie = probe;
	probe->far = -1;
}

void probe_socket(struct probe *probe)
{
	int pair[2];

	make_socketpair(pair);
	probe_on(probe, pair[0]);
	probe->far = pair[1];
}

void probe_reader(struct probe *probe)
{
	int ends[2];

	make_pipe(ends);
	probe_on(probe, ends[0]);
	probe->far = ends[1];
}

void probe_writer(struct probe *probe)
{
	int ends[2];

	make_pipe(ends);
	probe_on(probe, ends[1]);
	probe->far = ends[0];
}

void probe_register(struct probe *probe, int bands)
{
	probe->fd.handler_in = bands & IN ? called_in : NULL;
	probe->fd.handler_out = bands & OUT ? called_out : NULL;
	probe->fd.handler_err = bands & ERR ? called_err : NULL;
	iv_fd_register(&probe->fd);
}

void probe_want(struct probe *probe, int bands)
{
	iv_fd_set_handler_in(&probe->fd, bands & IN ? called_in : NULL);
	iv_fd_set_handler_out(&probe->fd, bands & OUT ? called_out : NULL);
	iv_fd_set_handler_err(&probe->fd, bands & ERR ? called_err : NULL);
}

void probe_close_far(struct probe *probe)
{
	assert_int_equal(close(probe->far), 0);
	probe->far = -1;
}

void probe_close(struct probe *probe)
{
	if (iv_fd_registered(&probe->fd))
		iv_fd_unregister(&probe->fd);
	if (probe->fd.fd >= 0)
		assert_int_equal(close(probe->fd.fd), 0);
	probe->fd.fd = -1;
	if (probe->far >= 0)
		probe_close_far(probe);
}

void probe_forget(struct probe *probe)
{
	int fd = probe->fd.fd;

	IV_FD_INIT(&probe->fd);
	probe->fd.fd = fd;
	probe->fd.cookie = probe;
}

void probe_reset(struct probe *probe)
{
	probe->in = 0;
	probe->out = 0;
	probe->err = 0;
	memset(probe->order, 0, sizeof(probe->order));
}

int probe_calls(const struct probe *probe)
{
	return probe->in + probe->out + probe->err;
}

void run_until_called(struct probe *probe, int calls)
{
	probe->quit_at = probe_calls(probe) + calls;
	run_until_quit("a descriptor");
	probe->quit_at = 0;
}

/* Rounds ****************************************************************/

static struct iv_task round_task;
static int rounds_left;

/* A task that registers itself waits for the next round. */
static void count_round(void *cookie)
{
	(void)cookie;
	if (rounds_left-- == 0)
		iv_quit();
	else
		iv_task_register(&round_task);
}

void run_rounds(int num)
{
	rounds_left = num;
	IV_TASK_INIT(&round_task);
	round_task.handler = count_round;
	iv_task_register(&round_task);
	run_until_quit("a number of rounds");
}

typedef int clock_reader(clockid_t clock, struct timespec *now);

static atomic_int clock_reads;
static clock_reader *next_reader;

/* The next one may be a tool's, which gets to its work in such calls. */
__attribute__((constructor)) static void find_next_reader(void)
{
	next_reader =
		(clock_reader *)(uintptr_t)dlsym(RTLD_NEXT, "clock_gettime");
}

/* In the C library's place, for the library under test as well. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	atomic_fetch_add_explicit(&clock_reads, 1, memory_order_relaxed);
	if (next_reader != NULL)
		return next_reader(clock, now);

	return (int)syscall(SYS_clock_gettime, clock, now);
}

int num_clock_reads(void)
{
	return atomic_load(&clock_reads);
}

void expect_idle(void)
{
	struct iv_timer timer;
	int reads = num_clock_reads();

	quit_after_ms(&timer, IDLE_MS);
	iv_main();
	reads = num_clock_reads() - reads;
	if (reads > MAX_IDLE_READS)
		fail_msg("the loop does not sleep: it read the clock %d times",
			 reads);
}

void quit_after_ms(struct iv_timer *timer, long ms)
{
	IV_TIMER_INIT(timer);
	timer->expires = after_ms(ms);
	timer->handler = quit;
	iv_timer_register(timer);
}

/* Bytes *****************************************************************/

void put_bytes(int fd, int num)
{
	while (num-- > 0)
		put_byte(fd);
}

void drain(int fd)
{
	char buf[4096];

	while (read(fd, buf, sizeof(buf)) > 0)
		;
}
