/* SPDX-License-Identifier: MIT */
/*
 * merge.pml - the protocol of threads/merge.h, step by step
 *
 * Posters that post one event a few times each, and its owner. A post may look
 * first or not; that is left open, and so is what M1 sees, which is relaxed.
 * The words of the protocol are read and written by single steps: that is the
 * one order of sequentially consistent operations.
 *
 * A payload is plain memory, so nothing is said of when it gets anywhere: the
 * owner knows of a poster's writes what it has acquired. view[p] is how many
 * posts of p it knows the payload of; with pending and with each lane stands
 * what an acquiring read of it makes known.
 *
 * Verified: at C3 the owner knows the payload of every post that ended ahead of
 * its C1, and behind the last post there is a C3.
 *
 * -DMUTANT_X breaks one sentence of merge.h's claims; each must fail.
 */
#ifndef POSTERS
#define POSTERS 2
#endif
#ifndef POSTS
#define POSTS 2
#endif
#ifndef LANES
#define LANES 2
#endif

/* Row r, poster p. */
#define AT(r, p) ((r) * POSTERS + (p))

bool pending, queued;
byte released_by_pending[POSTERS];
byte num_lanes;
byte released_by_lane[LANES * POSTERS];

/* Of each poster: posts begun, and those that have ended. */
byte begun[POSTERS], ended[POSTERS];
byte posters_left = POSTERS;

inline end_post()
{
	ended[me] = begun[me]
}

/* M0 */
inline take_lane()
{
	if
	:: atomic { !has_lane && num_lanes < LANES ->
		    lane = num_lanes; num_lanes++; has_lane = true }
	:: !has_lane && num_lanes > 0 -> lane = 0; has_lane = true
	:: !has_lane && num_lanes > 1 -> lane = 1; has_lane = true
	:: has_lane -> skip
	fi
}

/* M2: what others have released there stays. */
inline count_up()
{
	atomic {
#ifdef MUTANT_M2_STORE
		i = 0;
		do
		:: i < POSTERS -> released_by_lane[AT(lane, i)] = 0; i++
		:: else -> break
		od;
		i = 0;
#endif
		released_by_lane[AT(lane, me)] = begun[me]
	}
}

proctype poster(byte me)
{
	bool has_lane, was, seen_posted;
	byte lane, i;

	do
	:: begun[me] < POSTS ->
	   begun[me]++;
	   if
	   :: atomic { pending -> seen_posted = true }
	   :: seen_posted	/* as it was some time ago */
	   :: goto claim
	   fi;
#ifdef MUTANT_M0_LATE
	   lane = num_lanes % LANES;
#else
	   take_lane();
#endif
#ifdef MUTANT_M2_LATE
	   if
	   :: atomic { pending -> end_post() }; count_up(); goto next
	   :: !pending -> goto claim
	   fi;
#endif
#ifndef MUTANT_NO_M2
	   count_up();
#endif
#ifdef MUTANT_NO_M3
	   end_post();
	   goto next;
#endif
	   if				/* M3 */
	   :: atomic { pending -> end_post() }
#ifdef MUTANT_M0_LATE
	      take_lane();
#endif
	      goto next
	   :: !pending
	   fi;
claim:	   atomic {			/* P1 */
		was = pending;
		pending = true;
		released_by_pending[me] = begun[me];
		end_post()
	   }
	   if
	   :: was -> was = false
	   :: else -> queued = true	/* P3 */
	   fi;
next:	   skip
	:: else -> break
	od;
	posters_left--
}

/* C2 */
inline collect()
{
#ifndef MUTANT_C2_NUM_EARLY
	num = num_lanes;
#endif
	lane = 0;
	do
	:: lane < num && lane < LANES ->
	   d_step {
		i = 0;
		do
		:: i < POSTERS ->
		   if
		   :: released_by_lane[AT(lane, i)] > view[i] ->
		      view[i] = released_by_lane[AT(lane, i)]
		   :: else -> skip
		   fi;
		   i++
		:: else -> break
		od;
		i = 0
	   }
	   lane++
	:: else -> break
	od;
	lane = 0;
	num = 0
}

active proctype owner()
{
	byte view[POSTERS], due[POSTERS];
	byte i, lane, num;

	atomic {
		do
		:: i < POSTERS -> run poster(i); i++
		:: else -> break
		od;
		i = 0
	}
	do
	:: atomic { queued -> queued = false }
#ifdef MUTANT_C2_EARLY
	   collect();
#endif
#ifdef MUTANT_C2_NUM_EARLY
	   num = num_lanes;
#endif
	   d_step {			/* C1 */
		pending = false;
		i = 0;
		do
		:: i < POSTERS ->
		   if
		   :: released_by_pending[i] > view[i] ->
		      view[i] = released_by_pending[i]
		   :: else -> skip
		   fi;
		   due[i] = ended[i];
		   i++
		:: else -> break
		od;
		i = 0
	   }
#ifndef MUTANT_C2_EARLY
#ifndef MUTANT_NO_C2
	   collect();
#endif
#endif
	   d_step {			/* C3 */
		do
		:: i < POSTERS -> assert(view[i] >= due[i]); i++
		:: else -> break
		od;
		i = 0
	   }
	:: posters_left == 0 && !queued -> break
	od;
	assert(!pending);
	d_step {
		do
		:: i < POSTERS -> assert(due[i] == POSTS); i++
		:: else -> break
		od;
		i = 0
	}
}
