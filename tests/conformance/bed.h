/* SPDX-License-Identifier: MIT */
/*
 * bed.h - what the cases of the suite share
 *
 * A case knows the public interface only, and not which method it runs on;
 * where the contract lets methods differ it asks answers.h.
 */
#ifndef CONFORMANCE_BED_H
#define CONFORMANCE_BED_H

#include "../harness.h"

/* Bands, or'ed together. */
enum { IN = 1, OUT = 2, ERR = 4, ALL = 7 };

enum { MAX_ORDER = 64 };

/* A descriptor whose calls are recorded. */
struct probe {
	struct iv_fd fd;
	int far;	       /* the other end, or -1 */
	int in, out, err;      /* calls of each handler */
	char order[MAX_ORDER]; /* "eio": of the first ones */
	int quit_at;	       /* iv_quit() at this many calls; 0: never */

	/* What a handler does besides; may free the probe. */
	void (*then)(struct probe *probe, int band);
	void *cookie;
};

/* On a descriptor, or on the near end of a new pair or pipe. */
void probe_on(struct probe *probe, int fd);
void probe_socket(struct probe *probe);
void probe_reader(struct probe *probe);
void probe_writer(struct probe *probe);

/* Register with handlers for @bands; set or clear handlers later. */
void probe_register(struct probe *probe, int bands);
void probe_want(struct probe *probe, int bands);

/* Unregister, if it is registered, and close the ends that are open. */
void probe_close(struct probe *probe);
void probe_close_far(struct probe *probe);

/* Its loop is gone: make it one that is not registered. */
void probe_forget(struct probe *probe);

/* Forget the calls. */
void probe_reset(struct probe *probe);
int probe_calls(const struct probe *probe);

/* iv_main() until the probe has had @calls more. */
void run_until_called(struct probe *probe, int calls);

/* Its calls since the last reset were these, in this order; reset. */
#define expect_order(probe, letters)                            \
	do {                                                    \
		assert_string_equal((probe)->order, (letters)); \
		probe_reset(probe);                             \
	} while (0)

/* Let the loop go round: @num looks at the kernel, none of them blocking. */
void run_rounds(int num);

/*
 * Let the loop wait, and fail when it goes round more often than a few times:
 * each round reads the clock, and those readings are counted.
 */
void expect_idle(void);

/* What expect_idle() counts, since the program began. */
int num_clock_reads(void);

/* A timer that ends iv_main(). */
void quit_after_ms(struct iv_timer *timer, long ms);

/* pthread_kill() and the like may cut calls short. */
void put_bytes(int fd, int num);
void drain(int fd);

#endif
