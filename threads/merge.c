/* SPDX-License-Identifier: MIT */
/*
 * merge.c - posts that find their event posted already
 *
 * The protocol, its claims and its step numbers are in merge.h.
 */
#include <pthread.h>
#include "inbox.h"
#include "merge.h"

/*
 * Two claims behind somebody else's begin it; four in a row with nobody between
 * end it, and so do many posts to other events.
 */
enum { MET = 2, ALONE = 4, ELSEWHERE = 1 << 17 };

enum { NUM_LANES = 32 };

static struct lane {
	_Alignas(64) atomic_uint num_steps;
	atomic_bool is_taken; /* advice, too: two may have the same */
} lanes[NUM_LANES];

_Thread_local struct iv__poster iv__poster;

/* A line that hardly anybody writes to: every post reads it. */
_Alignas(64) atomic_uint iv__num_lookers;
atomic_uint iv__num_lanes;

static atomic_uint num_posters; /* that have taken a number */
static atomic_uint num_sharers; /* that had to share a lane */

static pthread_key_t key; /* a thread's lane, to give it back */
static bool has_key;

static void look_no_more(void)
{
	iv__poster.crowded = NULL;
	atomic_fetch_sub(&iv__num_lookers, 1);
}

/* A thread ends: what it leaves should cost the others nothing. */
static void give_back(void *lane)
{
	if (iv__poster.crowded != NULL)
		look_no_more();
	iv__poster.lane = NULL;
	atomic_store(&((struct lane *)lane)->is_taken, false);
}

/* Behind annotate.c's, which finds the detector. */
__attribute__((constructor(102))) static void set_up(void)
{
	if (iv__is_told())
		atomic_fetch_add(&iv__num_lookers, 1);
	has_key = pthread_key_create(&key, give_back) == 0;
}

/*
 * M0. One that was given back has been counted; a count that wrapped round
 * would have C2 read too few.
 */
static struct lane *find_lane(void)
{
	unsigned int num = atomic_load(&iv__num_lanes);
	unsigned int i;

	for (i = 0; i < num; i++)
		if (!atomic_exchange(&lanes[i].is_taken, true))
			return &lanes[i];
	while (num < NUM_LANES)
		if (atomic_compare_exchange_weak(&iv__num_lanes, &num, num + 1))
			return &lanes[num];

	return &lanes[atomic_fetch_add(&num_sharers, 1) % NUM_LANES];
}

static void take_lane(void)
{
	struct lane *lane = find_lane();

	atomic_store(&lane->is_taken, true);
	iv__poster.lane = &lane->num_steps;
	/* Failing that, the lane stays taken. */
	if (has_key)
		pthread_setspecific(key, lane);
}

static void begin_to_look(const struct iv_event *event)
{
	if (iv__poster.lane == NULL)
		take_lane();
	if (iv__poster.crowded == NULL)
		atomic_fetch_add(&iv__num_lookers, 1);
	iv__poster.crowded = event;
	iv__poster.num_alone = 0;
	iv__poster.num_elsewhere = 0;
}

bool iv__merge_looks_first(const struct iv_event *event)
{
	if (iv__poster.crowded == NULL)
		return false;
	if (iv__poster.crowded != event) {
		if (++iv__poster.num_elsewhere == ELSEWHERE)
			look_no_more();
		return false;
	}
	iv__poster.num_elsewhere = 0;

	return true;
}

bool iv__merge_by_look(struct iv_event *event)
{
	/* M1 */
	if (!iv__event_is_posted(event))
		return false;

	/* M2 and M3 */
	atomic_fetch_add(iv__poster.lane, 1);

	return atomic_load(iv__event_pending(event)) != 0;
}

void iv__merge_found_crowded(const struct iv_event *event)
{
	if (iv__poster.crowded != event)
		begin_to_look(event);
}

static void take_number(void)
{
	unsigned int before = atomic_fetch_add(&num_posters, 1);

	iv__poster.number = 1 + before % IV__NUM_POSTERS;
}

void iv__merge_met(struct iv_event *event, unsigned int last)
{
	if (iv__poster.number == 0)
		take_number();
	iv__event_set_claimant(event, iv__poster.number);
	if (last == 0)
		return;

	iv__poster.num_alone = 0;
	if (iv__poster.met_at != event)
		iv__poster.num_met = 0;
	iv__poster.met_at = event;
	if (++iv__poster.num_met >= MET)
		iv__merge_found_crowded(event);
}

void iv__merge_alone(void)
{
	if (++iv__poster.num_alone == ALONE)
		look_no_more();
}

void iv__merge_read_lanes(void)
{
	unsigned int num = atomic_load(&iv__num_lanes);
	unsigned int i;

	for (i = 0; i < num; i++)
		(void)atomic_load(&lanes[i].num_steps);
}

void iv__merge_forked(void)
{
	unsigned int num = iv__is_told();

	if (iv__poster.crowded != NULL)
		num++;
	atomic_exchange(&iv__num_lookers, num);
}
