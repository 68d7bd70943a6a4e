/* SPDX-License-Identifier: MIT */
/*
 * pool.h - the threads and queues behind an iv_work_pool
 *
 *	submit ----> intake ----> a worker: takes all of it, keeps one item,
 *	                             |      puts the rest into its slot
 *	                             |<---- another worker's slot (steals)
 *	                             v
 *	owner <---- done <------- work()
 *
 * intake, done and each slot are one word: a chain of items, taken whole by an
 * exchange, so nothing can be half linked or come back unnoticed. Only the
 * item at work (or kept while thread_start runs) is private to a worker: a
 * short one never waits behind a long one.
 *
 * gate is the other word. It holds the stack of idle workers (the index of the
 * top one plus 1; below[] of each names the next; a tag that every change
 * raises, against a stale below), SEARCH while one worker is known to be
 * looking for items, and SHUT once the owner has put the pool. A worker that
 * was never started, or has ended, is an idle one in state DEAD.
 *
 *	submitter S                     worker W
 *
 *	S1 CAS the item onto intake     W1 take own slot, else intake, else
 *	S2 was it empty: wake one          set SEARCH and steal another's slot
 *	                                W2 more than one item: CAS the rest
 *	wake one                           into own slot
 *	                                W3 searching: clear SEARCH, look at
 *	G1 SEARCH set, nobody idle:        intake and all slots again
 *	   done                         W4 more in sight: wake one
 *	G2 CAS gate: pop a worker,      W5 work()
 *	   set SEARCH                   W6 nothing in sight: set SEARCH
 *	G3 swap its state for RUN; was  W7 push the item on done, post the
 *	   it SLEEP: post its sema-        owner an event if done was empty
 *	   phore; DEAD: start a thread;
 *	   IN_LOOP: swap it for STOP,   park, when W1 found nothing
 *	   post it an event
 *	G4 IN_LOOP, or no thread: try   K1 swap state for SLEEP or IN_LOOP
 *	   the next; none left: clear   K2 CAS gate: push self, clear SEARCH
 *	   SEARCH in the CAS that sees     if it was set by us; when SHUT is
 *	   it, put dead ones back          set, swap state for DEAD first
 *	G5 nobody called, nobody in     K3 look at everything again; there is
 *	   RUN or STOP: ask the owner      something: wake one
 *	   to help                      K4 DEAD: leave; else wait for G3 or T2,
 *	                                   at most ten seconds; none came: CAS
 *	shut, by the owner                 state from SLEEP to DEAD, leave
 *
 *	T1 set SHUT
 *	T2 pop all; swap the state of those that sleep for STOP, call them as G3
 *	T3 push the dead ones back, look again as in K3
 *
 * Claims:
 *
 * - No item waits while a worker idles. All steps on intake, slots, gate and
 *   state are sequentially consistent. S1 precedes G1. When G1 finds SEARCH,
 *   its holder comes to W3, K2 or G4 and looks, or knows of somebody running
 *   who will, after clearing it, hence after S1. When G1 finds nobody idle,
 *   every worker is on its way to W1 or K3. Without the second look of W3 or
 *   K3, or with a look at the intake only, what W2 put aside is stranded. Were
 *   SEARCH cleared behind the CAS of G4, a worker pushed between would sleep
 *   over an item that is left to one inside a callback.
 * - Workers are woken one at a time, and each wakes the next when it sees more
 *   (W4). SEARCH set at W6, before the owner can be woken, keeps an owner that
 *   submits from a completion from waking a second worker for an item that
 *   this one is about to take.
 * - A worker popped at G2 is its popper's until G3. The exchange of G3 or T2
 *   against the CAS of K4 decides between a call and an end; who takes SLEEP
 *   or IN_LOOP away makes exactly one call, and it is waited for. Were K4 a
 *   store, a call could be lost together with its item.
 * - SEARCH is never held while callbacks run, for they may block: W3 clears it
 *   ahead of work, thread_start and a turn of the own loop, and a worker that
 *   is IN_LOOP, which may be inside a callback just now, does not get it.
 * - Nobody is stuck when no thread can be started (G4, G5): the owner's loop
 *   runs one item a round for as long as nobody else does (help).
 * - End. alive counts threads, and one for the owner until it has put the
 *   pool. A thread leaves with its worker DEAD on the stack, joins the thread
 *   that left before it, and counts itself out; the last one posts `ended`.
 *   When that handler has joined the last thread, nobody refers to the pool.
 *   One that was shut by the end of its loop (loop_end.h) and not put stays:
 *   what is submitted to it starts threads again, which leave as these.
 *   A loop that closes does not wait for the handler but for all_out.
 *
 * Model: stress/model/pool.pml, with a mutant for each sentence above.
 *
 * Key: c constant once the pool is known, o owner's thread only, a atomic,
 * m under leave_lock, w the thread that runs the worker, p its popper.
 */
#ifndef IV__POOL_H
#define IV__POOL_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <iv.h>
#include <iv_event.h>
#include <iv_work.h>
#include "shared.h"

/* No more workers than this, whatever max_threads says. */
enum { IV__POOL_MAX_WORKERS = 16384 };

/* What a thread has of its own while it runs a worker. */
struct iv__pool_thread {
	struct iv__pool *pool;
	struct iv__worker *worker;
	struct iv_work_item *kept; /* taken, to be run next; or NULL */
	struct iv_work_item *item; /* at work, or NULL */
	bool searching;		   /* SEARCH is set by us, or for us */
	bool started;		   /* thread_stop is owed */
	enum {
		NOT_PARKED,
		PARKED_ON_SEMAPHORE,
		PARKED_IN_LOOP,
		PARKED_DEAD,
	} parked;	      /* between K2 and a call */
	struct iv_event kick; /* the call of one that is IN_LOOP */
	bool has_kick;	      /* registered */
	bool kicked;
	uint64_t looked_ns; /* when the kernel was asked last */
};

enum iv__worker_state {
	IV__WORKER_DEAD,    /* no thread, or one that leaves */
	IV__WORKER_RUN,	    /* called at G3, SEARCH set for it */
	IV__WORKER_STOP,    /* called without it, at T2 or G3 */
	IV__WORKER_SLEEP,   /* waits for its semaphore */
	IV__WORKER_IN_LOOP, /* waits in its own loop */
};

struct iv__worker {
	_Alignas(64) _Atomic(struct iv_work_item *) slot; /* a */

	_Alignas(64) atomic_int state;	/* a: iv__worker_state */
	atomic_uint below;		/* a: in the idle stack */
	struct iv__pool *pool;		/* c */
	struct iv__pool_thread *thread; /* w, p: with state */
	sem_t call;			/* of one in SLEEP */
};

struct iv__pool {
	_Alignas(64) _Atomic(struct iv_work_item *) intake; /* a */
	_Alignas(64) _Atomic(uint64_t) gate;		    /* a */
	_Alignas(64) _Atomic(struct iv_work_item *) done;   /* a */

	_Alignas(64) atomic_uint alive; /* a: threads, and the owner */
	atomic_uint num_started;	/* a: workers ever popped */
	atomic_bool stranded;		/* a: set at G5 */

	pthread_mutex_t leave_lock; /* for the next two */
	bool has_left;		    /* m */
	pthread_t last_left;	    /* m: to be joined */

	struct iv__loop *owner;		    /* c */
	const struct iv_work_pool *address; /* c: the user's; not read */
	unsigned int num_workers;	    /* c: without the helper */
	void *cookie;			    /* c */
	void (*thread_start)(void *cookie); /* c */
	void (*thread_stop)(void *cookie);  /* c */

	struct iv_list_head list; /* o: in shared->pools */
	sem_t all_out;		  /* posted with `ended` */
	struct iv_event got_done; /* its own protocol */
	struct iv_event ended;	  /* its own protocol */
	struct iv_task help;	  /* o: G5; counted in alive */
	unsigned int helping;	  /* o: levels of items being run so */

	struct iv_work_item *batch; /* o: to be completed now */
	struct iv_task resume;	    /* o: the same, in a nested iv_main() */
	unsigned int completing;    /* o: levels of that */
	bool dismantled;	    /* o: only the memory is left */
	bool shut;		    /* o: not counted in alive any more */
	bool put;		    /* o: by the user */

	/* One more than num_workers: the last is the helping owner's slot. */
	struct iv__worker worker[];
};

/* pool_queue.c */

/* S1. True: the intake was empty. */
bool iv__pool_push(struct iv__pool *pool, struct iv_work_item *item);

/* W1, W2. *more: there is more in sight. */
struct iv_work_item *iv__pool_take(struct iv__worker *worker, bool *more);
struct iv_work_item *iv__pool_steal(struct iv__worker *worker, bool *more);

/* Let go of everything that is there now. */
void iv__pool_discard(struct iv__pool *pool);

/* W3, K3: is there anything, anywhere? */
bool iv__pool_has_work(struct iv__pool *pool);

/* W7, first half. True: done was empty. */
bool iv__pool_push_done(struct iv__pool *pool, struct iv_work_item *item);

/* All of done, in order of completion. */
struct iv_work_item *iv__pool_take_done(struct iv__pool *pool);

/* pool_gate.c */

/* G1 to G5. Any thread that is counted in alive. */
void iv__pool_wake_one(struct iv__pool *pool);

/* K2. True: SHUT was seen and the state made DEAD. */
bool iv__pool_push_idle(struct iv__worker *worker, bool searching);

/* W3 and W6; the first is false when SEARCH was set already. */
bool iv__pool_start_search(struct iv__pool *pool);
void iv__pool_stop_search(struct iv__pool *pool);

/* T1 to T3. Owner. */
void iv__pool_shut(struct iv__pool *pool);

/* G5. Any thread that is counted in alive. */
void iv__pool_ask_for_help(struct iv__pool *pool);

/* Is some worker in RUN or STOP? It will come to K3. */
bool iv__pool_anyone_running(struct iv__pool *pool);

/* How many are. */
unsigned int iv__pool_num_running(struct iv__pool *pool);

/* pool_thread.c */

/* Have a new thread run @worker. 0 or -errno. */
int iv__pool_start_thread(struct iv__worker *worker);

/* G5: run the item's work function as if the caller were a worker. */
void iv__pool_run_as_worker(struct iv__pool *pool, struct iv_work_item *item);

/* The pool that the calling thread works for, or NULL. */
struct iv__pool *iv__pool_of_this_thread(void);

/* pool_owner.c */

/* 0 or -errno. The pool is in *@poolp. */
int iv__pool_open(struct iv__pool **poolp, const struct iv_work_pool *config);

/* The user is done with it; the pool ends by itself when its work is done. */
void iv__pool_close(struct iv__pool *pool);

/* Count one out; the last one out posts `ended`. */
void iv__pool_count_out(struct iv__pool *pool);

#endif
