/* SPDX-License-Identifier: MIT */
/*
 * pool_gate.c - who of a pool's workers is idle, and waking one of them
 *
 * G1 to G5, K2, T1 to T3, W3 and W6 of pool.h. The gate, from the top:
 *
 *	SEARCH | SHUT | tag, 46 bits | index of the top worker + 1, 16 bits
 */
#include "annotate.h"
#include "pool.h"

#define SEARCH ((uint64_t)1 << 63)
#define SHUT ((uint64_t)1 << 62)
#define TOP ((uint64_t)0xffff)
#define TAG_ONE ((uint64_t)0x10000)
#define TAG (SHUT - TAG_ONE)

_Static_assert(IV__POOL_MAX_WORKERS < 0xffff, "an index + 1 fits TOP");

static struct iv__worker *worker_at(struct iv__pool *pool, uint64_t index_1)
{
	return index_1 != 0 ? &pool->worker[index_1 - 1] : NULL;
}

static unsigned int index_1(const struct iv__worker *worker)
{
	return (unsigned int)(worker - worker->pool->worker) + 1;
}

/* The gate with @top on the stack; the tag tells it from all before. */
static uint64_t with_top(uint64_t gate, uint64_t top)
{
	return (gate & (SEARCH | SHUT)) | ((gate + TAG_ONE) & TAG) | top;
}

bool iv__pool_push_idle(struct iv__worker *worker, bool searching)
{
	struct iv__pool *pool = worker->pool;
	uint64_t clear = searching ? SEARCH : 0;
	uint64_t gate = atomic_load(&pool->gate);
	bool leaving = false;

	do {
		/* Seen here or popped by T2: nobody sleeps behind a SHUT. */
		if ((gate & SHUT) != 0 && !leaving) {
			atomic_exchange(&worker->state, IV__WORKER_DEAD);
			leaving = true;
		}
		atomic_exchange(&worker->below, (unsigned int)(gate & TOP));
	} while (!atomic_compare_exchange_weak(
		&pool->gate, &gate, with_top(gate, index_1(worker)) & ~clear));

	return leaving;
}

static void note_started(struct iv__pool *pool, unsigned int num)
{
	unsigned int old = atomic_load(&pool->num_started);

	while (old < num &&
	       !atomic_compare_exchange_weak(&pool->num_started, &old, num))
		continue;
}

/* Pop the top worker, unless a bit of @unless is set, and set @set. */
static struct iv__worker *
pop(struct iv__pool *pool, uint64_t unless, uint64_t set)
{
	uint64_t gate = atomic_load(&pool->gate);
	struct iv__worker *worker;
	uint64_t below;

	do {
		worker = worker_at(pool, gate & TOP);
		if (worker == NULL || (gate & unless) != 0)
			return NULL;
		below = atomic_load(&worker->below);
	} while (!atomic_compare_exchange_weak(&pool->gate, &gate,
					       with_top(gate, below) | set));

	note_started(pool, index_1(worker));

	return worker;
}

/*
 * G4: the same for who has set SEARCH; with nobody there, clear it. Both in
 * one step: whoever is pushed behind it finds SEARCH clear at K3.
 */
static struct iv__worker *pop_or_stop_search(struct iv__pool *pool)
{
	uint64_t gate = atomic_load(&pool->gate);
	struct iv__worker *worker;
	uint64_t next;

	do {
		worker = worker_at(pool, gate & TOP);
		if (worker == NULL)
			next = gate & ~SEARCH;
		else
			next = with_top(gate, atomic_load(&worker->below));
	} while (!atomic_compare_exchange_weak(&pool->gate, &gate, next));

	if (worker != NULL)
		note_started(pool, index_1(worker));

	return worker;
}

/* G3, T2: swap the state of a popped worker and call it; the old state. */
static int call(struct iv__worker *worker, enum iv__worker_state state)
{
	int old = atomic_exchange(&worker->state, (int)state);

	iv__hb_after(&worker->state);
	if (old == IV__WORKER_SLEEP) {
		sem_post(&worker->call);
	} else if (old == IV__WORKER_IN_LOOP) {
		/* It reads its state when the kick has come. */
		atomic_exchange(&worker->state, IV__WORKER_STOP);
		iv_event_post(&worker->thread->kick);
	}

	return old;
}

/* Have a dead worker run by a new thread. */
static bool start(struct iv__worker *worker)
{
	if (iv__pool_start_thread(worker) == 0)
		return true;

	atomic_exchange(&worker->state, IV__WORKER_DEAD);

	return false;
}

/* Push a chain of popped workers, linked by below, back: all are dead. */
static void push_back(struct iv__pool *pool, struct iv__worker *chain)
{
	while (chain != NULL) {
		struct iv__worker *worker = chain;

		chain = worker_at(pool, atomic_load(&worker->below));
		iv__pool_push_idle(worker, false);
	}
}

static struct iv__worker *
chain_up(struct iv__worker *worker, struct iv__worker *chain)
{
	atomic_exchange(&worker->below, chain != NULL ? index_1(chain) : 0);

	return worker;
}

/* G5. The look at the states is behind the clearing of SEARCH. */
void iv__pool_ask_for_help(struct iv__pool *pool)
{
	if (iv__pool_anyone_running(pool))
		return;

	atomic_exchange(&pool->stranded, true);
	iv_event_post(&pool->got_done);
}

void iv__pool_wake_one(struct iv__pool *pool)
{
	struct iv__worker *refused = NULL;
	struct iv__worker *worker;
	bool kicked = false;

	worker = pop(pool, SEARCH, SEARCH);
	if (worker == NULL)
		return;

	do {
		int old = call(worker, IV__WORKER_RUN);

		if (old == IV__WORKER_SLEEP ||
		    (old == IV__WORKER_DEAD && start(worker))) {
			push_back(pool, refused);
			return;
		}
		if (old == IV__WORKER_DEAD)
			refused = chain_up(worker, refused);
		else
			kicked = true;
		worker = pop_or_stop_search(pool);
	} while (worker != NULL);

	push_back(pool, refused);
	if (!kicked)
		iv__pool_ask_for_help(pool);
}

static bool is_running(struct iv__worker *worker)
{
	int state = atomic_load(&worker->state);

	return state == IV__WORKER_RUN || state == IV__WORKER_STOP;
}

bool iv__pool_anyone_running(struct iv__pool *pool)
{
	unsigned int num = atomic_load(&pool->num_started);
	unsigned int i;

	for (i = 0; i < num; i++) {
		if (is_running(&pool->worker[i]))
			return true;
	}

	return false;
}

unsigned int iv__pool_num_running(struct iv__pool *pool)
{
	unsigned int num_started = atomic_load(&pool->num_started);
	unsigned int num = 0;
	unsigned int i;

	for (i = 0; i < num_started; i++)
		num += is_running(&pool->worker[i]);

	return num;
}

bool iv__pool_start_search(struct iv__pool *pool)
{
	return (atomic_fetch_or(&pool->gate, SEARCH) & SEARCH) == 0;
}

void iv__pool_stop_search(struct iv__pool *pool)
{
	atomic_fetch_and(&pool->gate, ~SEARCH);
}

void iv__pool_shut(struct iv__pool *pool)
{
	struct iv__worker *dead = NULL;
	struct iv__worker *worker;

	atomic_fetch_or(&pool->gate, SHUT);

	while ((worker = pop(pool, 0, 0)) != NULL) {
		if (call(worker, IV__WORKER_STOP) != IV__WORKER_DEAD)
			continue;
		atomic_exchange(&worker->state, IV__WORKER_DEAD);
		dead = chain_up(worker, dead);
	}

	push_back(pool, dead);
	if (iv__pool_has_work(pool))
		iv__pool_wake_one(pool);
}
