/* SPDX-License-Identifier: MIT */
/*
 * spin.c - wait for posts without sleeping
 *
 * To wake a sleeping thread on another CPU takes longer than most posts take
 * to be answered. A loop that is told to looks at its inbox for a while before
 * it sleeps: up to spin_ns, which doubles when that has paid and halves when
 * it has not, within spin_max_ns and a sixteenth of it. Descriptors are not
 * looked at meanwhile, so the bound is in microseconds.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>
#include <iv_loop.h>
#include "loop.h"
#include "relax.h"

enum { LOOKS_A_CLOCK = 16 };

/* Constant once the library is loaded. */
static bool process_has_one_cpu;

/* Of the calling thread. */
static bool has_one_cpu(void)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return sysconf(_SC_NPROCESSORS_ONLN) < 2;

	return CPU_COUNT(&cpus) < 2;
}

/* Before threads are bound to CPUs of their own, which are the best to spin. */
__attribute__((constructor(101))) static void load(void)
{
	process_has_one_cpu = has_one_cpu();
}

/* Nobody could post meanwhile. */
static bool spins_in_vain(void)
{
	return process_has_one_cpu && has_one_cpu();
}

static bool look(struct iv__loop *loop)
{
	int i;

	for (i = 0; i < LOOKS_A_CLOCK; i++) {
		if (loop->hooks->has_posts(loop))
			return true;
		iv__cpu_relax();
	}

	return false;
}

/* Nanoseconds that it took in vain; negative: posts have come. */
static int64_t
look_for(struct iv__loop *loop, uint64_t start_ns, int64_t spin_ns)
{
	int64_t spun_ns;

	do {
		if (look(loop))
			return -1;
		spun_ns = (int64_t)(iv__clock_ns() - start_ns);
	} while (spun_ns < spin_ns);

	return spun_ns;
}

/* Descriptors get their turn, however quickly the answers come. */
static bool must_look_at_kernel(struct iv__loop *loop, uint64_t now_ns)
{
	if (loop->num_skipped == 0) {
		loop->num_skipped = 1;
		loop->skipping_since_ns = now_ns;
	}

	return now_ns - loop->skipping_since_ns > IV__MAX_SKIPPING_NS;
}

/*
 * The clock is read before the first look, when there is time: what comes next
 * is behind the look that finds it.
 */
bool iv__loop_spin(struct iv__loop *loop, int64_t *timeout_ns)
{
	uint64_t start_ns = iv__clock_ns();
	int64_t least_ns = loop->spin_max_ns / 16;
	int64_t spin_ns = loop->spin_ns;
	int64_t spun_ns;

	if (must_look_at_kernel(loop, start_ns)) {
		*timeout_ns = 0;
		return false;
	}
	if (spin_ns < least_ns)
		spin_ns = least_ns;
	if (*timeout_ns >= 0 && *timeout_ns < spin_ns)
		spin_ns = *timeout_ns;

	spun_ns = look_for(loop, start_ns, spin_ns);
	if (spun_ns < 0) {
		loop->spin_ns = 2 * spin_ns < loop->spin_max_ns
					? 2 * spin_ns
					: loop->spin_max_ns;
		return true;
	}
	loop->spin_ns = spin_ns / 2;
	if (*timeout_ns >= 0)
		*timeout_ns -= spun_ns < *timeout_ns ? spun_ns : *timeout_ns;

	return false;
}

int64_t iv__loop_spin_default_ns(void)
{
	const char *value = secure_getenv("IV_SPIN_US");
	char *end;
	long us;

	if (value == NULL)
		return 0;

	errno = 0;
	us = strtol(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || us < 0 ||
	    us > IV_LOOP_MAX_SPIN_US)
		iv_fatal("iv_init: IV_SPIN_US is \"%s\"; it wants a number of "
			 "microseconds from 0 to %d",
			 value, IV_LOOP_MAX_SPIN_US);

	return spins_in_vain() ? 0 : us * INT64_C(1000);
}

IV__PUBLIC int iv_loop_set_spin(int us)
{
	struct iv__loop *loop = iv__loop_self("iv_loop_set_spin");

	if (us < 0 || us > IV_LOOP_MAX_SPIN_US)
		return -EINVAL;
	if (us > 0 && spins_in_vain())
		return -ENOTSUP;

	loop->spin_max_ns = us * INT64_C(1000);
	loop->spin_ns = loop->spin_max_ns;

	return 0;
}
