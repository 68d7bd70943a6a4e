/* SPDX-License-Identifier: MIT */
/*
 * bed.h - what the scenarios of the sweep are written with
 *
 * A scenario opens a loop, uses one kind of object from its registration to
 * its end, and closes the loop; with or without a fault on the way. It says
 * what it waits for, which calls were refused, and which promise was broken.
 * Everything else is judged from outside, in run.c.
 */
#ifndef BED_H
#define BED_H

#include <stdbool.h>
#include <iv.h>

struct scenario {
	const char *name;
	const char *about;

	/* Get what the scenario needs from the system; no fault happens. */
	void (*prepare)(void);

	/* Called twice: with a fault, and then without. */
	void (*run)(void);
};

extern const struct scenario loop_scenarios[];
extern const struct scenario thread_scenarios[];
extern const struct scenario process_scenarios[];
extern const struct scenario file_scenarios[];
extern const struct scenario channel_scenarios[];
extern const struct scenario call_scenarios[];
extern const struct scenario end_scenarios[];
extern const struct scenario host_scenarios[];

/* 0: with the fault, 1: the second time, without. */
extern int bed_round;

/* iv_init() and iv_deinit(). */
void open_loop(void);
void close_loop(void);

/* iv_main(); what is expected to happen there. */
void run_loop(const char *waiting_for);

/* What is waited for now. */
void stage(const char *what);

/* A call has said, with errno, that it cannot be done. */
void refused(const char *call);

/* The same, of one that returns -errno. */
void refused_with(const char *call, int ret);

/* A promise was broken: ends the process. */
void broken(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

#define EXPECT(condition, ...)               \
	do {                                 \
		if (!(condition))            \
			broken(__VA_ARGS__); \
	} while (0)

/* Helpers that end the program with a message when the system refuses. */
void need_pair(int fds[2]);
void need_write(int fd, const char *text);
void set_blocking(int fd, bool blocking);
int take_all(int fd);

#endif
