/* SPDX-License-Identifier: MIT */
/*
 * stress_thread.c - threads that come and go faster than their parents
 *
 * Each parent is a thread that opens a loop, creates children and then either
 * runs until all of them have ended, or closes the loop over those that are
 * alive, --count times. Children return, exit, run loops of their own, post
 * to their parent or create children themselves; now and then no thread can
 * be started.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <iv.h>
#include <iv_event.h>
#include <iv_thread.h>
#include "stress.h"

enum { MAX_CHILDREN = 8, MAX_DEPTH = 2 };

/* One loop and its children; freed by the last of those that know it. */
struct family {
	struct stress_rng rng;
	unsigned int depth;
	bool waits; /* for all children, by iv_main() */
	unsigned int created;
	atomic_uint ended;
	atomic_uint refs;
};

struct child {
	struct family *parent;
	struct stress_rng rng;
	struct iv_event hello; /* to the parent, when it waits */
	bool says_hello;
	bool said_hello; /* handed over by hello */
	bool heard;
};

struct parent {
	pthread_t thread;
	unsigned int index;
};

static atomic_uint num_created;
static atomic_uint num_refused;
static atomic_uint num_run;
static atomic_uint num_orphans;
static atomic_uint num_hellos;

/* Of threads that nobody joins: the system's numbers. */
static pthread_mutex_t tids_lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t *tids;
static unsigned int num_tids;

static void note_tid(void)
{
	pid_t *more;

	pthread_mutex_lock(&tids_lock);
	more = realloc(tids, (num_tids + 1) * sizeof(*tids));
	STRESS_CHECK(more != NULL, "out of memory");
	tids = more;
	tids[num_tids++] = (pid_t)iv_get_thread_id();
	pthread_mutex_unlock(&tids_lock);
}

/* Nobody else is left: only these may still be on their last steps. */
static void wait_for_orphans(void)
{
	unsigned int i;

	pthread_mutex_lock(&tids_lock);
	for (i = 0; i < num_tids; i++) {
		while (syscall(SYS_tgkill, getpid(), tids[i], 0) == 0)
			sched_yield();
	}
	free(tids);
	pthread_mutex_unlock(&tids_lock);
}

static void drop(struct family *family)
{
	if (atomic_fetch_sub(&family->refs, 1) == 1)
		free(family);
}

static void live(struct family *family);

static struct family *make_family(struct stress_rng *rng, unsigned int depth)
{
	struct family *family = stress_allocate(sizeof(*family));

	stress_rng_init(&family->rng, stress_random(rng, UINT32_MAX));
	family->depth = depth;
	family->waits = stress_chance(rng, 60);
	atomic_fetch_add(&family->refs, 1);

	return family;
}

static void got_hello(void *cookie)
{
	struct child *child = cookie;

	STRESS_CHECK(child->said_hello, "a hello was heard and never said");
	iv_event_unregister(&child->hello);
	atomic_fetch_add(&num_hellos, 1);
	free(child);
}

/* What is left to do when a child's thread ends in whatever way. */
static void end_child(void *arg)
{
	struct family *parent = arg;

	atomic_fetch_add(&num_run, 1);
	atomic_fetch_add(&parent->ended, 1);
	drop(parent);
}

static void run_own_loop(struct child *child)
{
	struct family *own;

	iv_init();
	own = make_family(&child->rng, child->parent->depth + 1);
	live(own);
	drop(own);
	if (iv_inited() && stress_chance(&child->rng, 50))
		iv_deinit();
}

/* The parent that hears from a child frees it. */
static void run_child(void *arg)
{
	struct child *child = arg;
	struct stress_rng rng;
	bool orphan = !child->parent->waits;

	pthread_cleanup_push(end_child, child->parent);
	if (orphan)
		note_tid();
	stress_jitter(&child->rng);
	if (stress_chance(&child->rng, 30))
		run_own_loop(child);
	rng = child->rng;
	if (child->says_hello) {
		child->said_hello = true;
		iv_event_post(&child->hello);
	} else {
		free(child);
	}
	if (stress_chance(&rng, 30))
		pthread_exit(NULL);
	stress_jitter(&rng);
	pthread_cleanup_pop(1);
}

static void create_child(struct family *family)
{
	struct child *child = stress_allocate(sizeof(*child));

	child->parent = family;
	stress_rng_init(&child->rng, stress_random(&family->rng, UINT32_MAX));
	child->says_hello = family->waits && stress_chance(&family->rng, 50);
	child->hello.cookie = child;
	child->hello.handler = got_hello;
	if (child->says_hello)
		stress_register(&child->hello);

	atomic_fetch_add(&family->refs, 1);
	/* Ahead of the thread, which may count its end before we go on. */
	atomic_fetch_add(&num_created, 1);
	if (iv_thread_create("stress", run_child, child) == 0) {
		family->created++;
		return;
	}

	STRESS_CHECK(errno == EAGAIN, "iv_thread_create: %s", strerror(errno));
	atomic_fetch_sub(&num_created, 1);
	atomic_fetch_add(&num_refused, 1);
	if (child->says_hello)
		iv_event_unregister(&child->hello);
	free(child);
	drop(family);
}

static void close_early(struct family *family)
{
	stress_jitter(&family->rng);
	atomic_fetch_add(&num_orphans,
			 family->created - atomic_load(&family->ended));
	iv_deinit();
}

/* On a thread with a loop: have children, and wait for them or do not. */
static void live(struct family *family)
{
	unsigned int num = stress_random(&family->rng, MAX_CHILDREN + 1);

	if (family->depth >= MAX_DEPTH)
		num = 0;
	while (num-- > 0) {
		create_child(family);
		stress_jitter(&family->rng);
	}

	if (!family->waits) {
		close_early(family);
		return;
	}

	iv_main();
	STRESS_CHECK(atomic_load(&family->ended) == family->created,
		     "iv_main ended with %u of %u threads ended",
		     atomic_load(&family->ended), family->created);
}

static void *run_parent(void *arg)
{
	struct parent *parent = arg;
	unsigned int left = stress_options.count;
	struct stress_rng rng;

	stress_rng_init(&rng, parent->index);
	while (left-- > 0) {
		struct family *family = make_family(&rng, 0);

		if (parent->index == 0)
			stress_refuse_threads(stress_chance(&rng, 30)
						      ? stress_random(&rng, 60)
						      : 0);
		iv_init();
		live(family);
		if (iv_inited())
			iv_deinit();
		drop(family);
	}

	return NULL;
}

int main(int argc, char **argv)
{
	static struct parent parents[STRESS_MAX_THREADS];
	unsigned int i;

	stress_begin(argc, argv, "stress_thread",
		     "Creates threads and ends them with and without their "
		     "parents; --count is\nrounds a parent.",
		     100, 3);
	stress_stage("waiting for the children of a loop to end");
	for (i = 0; i < stress_options.threads; i++) {
		parents[i].index = i;
		parents[i].thread = stress_spawn(run_parent, &parents[i]);
	}
	for (i = 0; i < stress_options.threads; i++)
		stress_join(parents[i].thread);

	stress_stage("waiting for threads that outlived their parents");
	while (atomic_load(&num_run) != atomic_load(&num_created))
		sched_yield();
	wait_for_orphans();
	stress_end();

	printf("stress_thread: %u created = %u run, about %u outlived their "
	       "parents, %u said hello; %u refused\n",
	       num_created, num_run, num_orphans, num_hellos, num_refused);

	return 0;
}
