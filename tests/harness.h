/* SPDX-License-Identifier: MIT */
/*
 * harness.h - a process for every test case
 *
 * A file of tests lists its cases and ends with TEST_MAIN(). Each case then
 * runs in a forked child, within a bound of time, as a cmocka group of one;
 * a descriptor that it leaves open fails it, and so does whatever a leak
 * checker makes the child exit with. cmocka asserts in the main thread only:
 * other threads hand their results back.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <iv.h>

struct test_case {
	const char *name;
	void (*run)(void **state);
};

/* clang-format off */
#define TEST(function) { .name = #function, .run = (function) }
/* clang-format on */

#define TEST_MAIN(cases)                                                 \
	int main(int argc, char **argv)                                  \
	{                                                                \
		return harness_main(argc, argv, cases,                   \
				    sizeof(cases) / sizeof((cases)[0])); \
	}

int harness_main(int argc, char **argv, const struct test_case *cases,
		 size_t num);

/* The exit status of a case that could not be tried. */
enum { STATUS_CANNOT_TRY = 77 };

/* End a case that cannot be tried here: told and counted apart, not passed. */
void cannot_try(const char *why) __attribute__((noreturn));

/* @full, or a hundredth of it (at least 1) under a tool that slows us down. */
int scaled(int full);

/* Under a sanitizer or valgrind, which have their own view of limits. */
bool under_a_tool(void);
bool under_tsan(void);
bool on_valgrind(void);

/*
 * A record of what was called: note() is a handler whose cookie is a word.
 * Main thread only; assert_noted() compares all, separated by spaces, and
 * starts anew.
 */
void note(void *word);
void note_and_quit(void *word);
void assert_noted(const char *words);

/* Handlers: one that ends iv_main(), and one that nobody may call. */
void quit(void *cookie);
void never_posted(void *cookie);

/* Whatever signals come. */
void await(sem_t *sem);

/* Descriptors: pipe ends 0 (read) and 1 (write), socket pairs. */
void make_pipe(int fd[2]);
void make_socketpair(int fd[2]);
void close_both(int fd[2]);
void put_byte(int fd);
void get_byte(int fd);
int num_open_fds(void);
bool fd_is_nonblocking(int fd);

/*
 * Have exactly @num numbers left for new descriptors; then end that. Only once
 * the process has had its first iv_init(), which raises the limit.
 */
void leave_descriptors(int num);
void give_descriptors_back(void);

/* Time: the loop's plus a delay, and a comparison like strcmp. */
struct timespec after_ms(long ms);
int compare_times(const struct timespec *a, const struct timespec *b);

/* A timer that fails the case, naming what a hanging loop waited for. */
struct guard {
	struct iv_timer timer;
};

void guard_start(struct guard *guard, const char *waiting_for);
void guard_stop(struct guard *guard);

/* iv_main() under a guard: it must end by iv_quit(). */
void run_until_quit(const char *waiting_for);

/*
 * TSan holds a signal back that comes just ahead of a wait, until the wait
 * ends, and loses one that comes while it makes room for a thread's first. A
 * nudge, under TSan only, makes that room and ends waits now and then. It is
 * started before others may send the signal.
 */
struct nudge {
	struct iv_timer timer;
};

void nudge_start(struct nudge *nudge);
void nudge_stop(struct nudge *nudge);

/* run_until_quit(), nudged: it is a signal to this thread that ends it. */
void run_until_signal(const char *waiting_for);

/* Run @fn in a forked child; what waitpid() says of it, never a hang. */
int status_of_child(int (*fn)(void *arg), void *arg);

/* The same, where the child must exit with 0. */
void in_child(int (*fn)(void *arg), void *arg);

/*
 * _exit() for a child of a process with several threads: what those hold is
 * nobody's in the child, and no leak.
 */
void leave_child(int status) __attribute__((noreturn));

/*
 * Run @fn in a forked child, where it must end in iv_fatal() and SIGABRT with
 * a text that contains the name of the call and the advice.
 */
void expect_fatal(void (*fn)(void *arg), void *arg, const char *call,
		  const char *advice);

/*
 * The same with @fn called by another thread, which has a loop of its own.
 */
void expect_fatal_elsewhere(void (*fn)(void *arg), void *arg, const char *call,
			    const char *advice);

/* expect_fatal() without the comparison: returns the text, for up to the next call. */
const char *fatal_text(void (*fn)(void *arg), void *arg);

/* Threads: pthread_create() and pthread_join() that cannot fail. */
pthread_t start_thread(void *(*fn)(void *arg), void *arg);
void *join_thread(pthread_t thread);

/* Run @fn in another thread and wait for its end. */
void *in_thread(void *(*fn)(void *arg), void *arg);

#endif
