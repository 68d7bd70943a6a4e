/* SPDX-License-Identifier: MIT */
/*
 * loop.pml - the life of a loop as other threads see it, and its end
 *
 * The protocols of threads/loop_call.h and registry.h, and the order of
 * iv__loop_close(): a loop opens (life 1), listens, runs iv_main() twice and
 * closes; another thread's loop takes its registry slot (life 2). Meanwhile
 * others stop it, call it, join it and post to an event of it by number or
 * handle. With STAYS it stays until call 0 was begun. With LOOPS > 1 there are loops in slots of their own (lives 3, 4),
 * and each waits once for the next one, the last for the first; with GOODBYE
 * the first does so while it closes, in something that iv_deinit() calls.
 *
 * What stands under iv__lock() is one step. A post by handle is two: linking,
 * which handle.pml shows to find either a live event or nobody, and the write
 * of a wake if the owner was asleep, as in inbox.pml. A wait with a timeout
 * may end at any time.
 *
 * Verified: every process comes to its end, so no wait is for ever and no stop
 * is lost; each call that was accepted is begun, dropped or taken back once,
 * and its record freed once and not touched then; a join that says 0 is behind
 * the whole of the end, and no waiter is touched behind its return; a wake is
 * written to an open waker; a new loop finds a clean slot, and hears of a call
 * or a stop only if it was meant.
 *
 * -DMUTANT_X breaks one sentence of the claims; each must fail.
 */
#ifndef LOOPS
#define LOOPS 1
#endif
#ifndef CALLS
#define CALLS 0
#endif
#ifndef WAITS
#define WAITS 0
#endif
#ifndef JOINS
#define JOINS 0
#endif
#ifndef POSTS
#define POSTS 0
#endif
#ifndef SPARE
#define SPARE 1			/* wakes by descriptors and timers */
#endif
#ifndef TIMED
#define TIMED true
#endif

#if LOOPS > 1
#define MEETS LOOPS		/* waits of loops for each other */
#else
#define MEETS 0
#endif

/* Does it stay until call 0 was begun? */
#ifdef STAYS
#define MAY_QUIT (life == 2 || begun[0])
#define AWAIT_BELL bell[0] == 1
#else
#define MAY_QUIT true
#define AWAIT_BELL skip
#endif

#define LIVES 5
#define SLOT(l) (l < 3 -> 0 : l - 2)
#define NUM_CALLS (CALLS + WAITS + MEETS)
#define NUM_WAITERS (JOINS + MEETS)
#define BELL 1
#define EVENT 2

mtype = { NOT_YET, QUEUED, RUNNING, DONE };

/* A registry slot. */
byte id[4], not_ended[4], bell[4], waits_for[4];
bool stop[4];
bool is_free = true;		/* the slot of lives 1 and 2 */
chan queue0 = [NUM_CALLS + 1] of { byte };
chan queue1 = [NUM_CALLS + 1] of { byte };
chan queue2 = [NUM_CALLS + 1] of { byte };
chan queue[3];

/* A loop: its inbox, its waker, and what is true of it. */
byte live[LIVES], posted[LIVES];
bool asleep[LIVES], open[LIVES], ended[LIVES], opened[LIVES], was_told[LIVES];
byte written[LIVES];

/* The records of calls. */
mtype state[NUM_CALLS + 1] = NOT_YET;
bool answered[NUM_CALLS + 1];	/* its semaphore */
bool waited[NUM_CALLS + 1], freed[NUM_CALLS + 1], accepted[NUM_CALLS + 1];
bool failed[NUM_CALLS + 1];
byte refs[NUM_CALLS + 1], begun[NUM_CALLS + 1], let_go[NUM_CALLS + 1];
byte meant_for[NUM_CALLS + 1];

/* Those who join; a waiter is on the stack of a thread. */
byte list[4];			/* a bit for each */
bool told[NUM_WAITERS + 1], signalled[NUM_WAITERS + 1];
bool on_stack[NUM_WAITERS + 1];

byte num_left;			/* processes to come to their end */

/* H2 to H5 of event_handle.h. */
inline post(l, what)
{
	atomic {
		wakes = false;
		if
		:: live[l] & what ->
		   posted[l] = posted[l] | what;
		   wakes = asleep[l];
		   asleep[l] = false
		:: else -> skip
		fi
	}
	if
	:: wakes -> atomic { assert(open[l]); written[l]++ }
	:: else -> skip
	fi;
	wakes = false
}

/* Would @me, that waits for @l, wait for itself? */
inline look_for_circle(l, me)
{
	x = l;
	do
	:: x == 0 || x == me -> break
#ifdef MUTANT_CIRCLE_BY_ID
	:: x != 0 && x != me && id[SLOT(x)] != x -> x = 0
	:: x != 0 && x != me && id[SLOT(x)] == x -> x = waits_for[SLOT(x)]
#else
	:: x != 0 && x != me && not_ended[SLOT(x)] != x -> x = 0
	:: x != 0 && x != me && not_ended[SLOT(x)] == x ->
	   x = waits_for[SLOT(x)]
#endif
	od
}

inline release(c)
{
	atomic {
		assert(!freed[c] && refs[c] > 0);
		refs[c]--;
		if
		:: refs[c] == 0 -> freed[c] = true
		:: else -> skip
		fi
	}
}

/*
 * C1 and C2 of the loop @me (0: a thread that has none) for the loop @l;
 * @go: accepted.
 */
inline enqueue(c, l, me, go)
{
#ifdef MUTANT_C2_FIRST
	post(l, BELL);
#endif
#ifdef MUTANT_CIRCLE_LOOK_EARLY
	atomic { x = 0;
		if
		:: me != 0 -> look_for_circle(l, me)
		:: else -> skip
		fi;
		circle = x != 0; x = 0 }
#endif
	atomic {
		go = true;
		if
#ifdef MUTANT_C1_NO_NUMBER
		:: id[SLOT(l)] == 0 || bell[SLOT(l)] == 0 -> go = false
#else
		:: id[SLOT(l)] != l || bell[SLOT(l)] == 0 -> go = false
#endif
		:: else ->
#ifndef MUTANT_CIRCLE_LOOK_EARLY
		   if
		   :: me != 0 && waited[c] ->
		      look_for_circle(l, me);
		      circle = x != 0;
		      x = 0
		   :: else -> circle = false
		   fi;
#endif
#ifdef MUTANT_CIRCLE_NOT_SEEN
		   circle = false;
#endif
		   if
		   :: circle -> go = false
		   :: else ->
		      if
		      :: me != 0 -> waits_for[SLOT(me)] = l
		      :: else -> skip
		      fi;
		      queue[SLOT(l)] ! c;
		      state[c] = QUEUED;
		      accepted[c] = true;
		      meant_for[c] = l
		   fi
		fi;
		circle = false
	}
#ifndef MUTANT_C2_FIRST
	if
	:: go -> post(l, BELL)
	:: else -> skip
	fi
#endif
}

inline call_wait(c, l, me, may_time_out)
{
	waited[c] = true;
	refs[c] = 2;
	enqueue(c, l, me, go);
	if
	:: go ->
	   if				/* C3 */
	   :: answered[c]
	   :: may_time_out
	   fi;
	   atomic {			/* C4 */
		assert(!freed[c]);
		if
#ifndef MUTANT_WAITS_FOR_STAYS
		:: me != 0 -> waits_for[SLOT(me)] = 0
#endif
		:: else -> skip
		fi;
		if
#ifdef MUTANT_C4_NO_LOOK
		:: !answered[c] ->
		   if
		   :: queue[SLOT(l)] ?? [eval(c)] -> queue[SLOT(l)] ?? eval(c)
		   :: else -> skip
		   fi;
#else
		:: state[c] == QUEUED ->
		   assert(queue[SLOT(l)] ?? [eval(c)]);
		   queue[SLOT(l)] ?? eval(c);
#endif
		   let_go[c]++;
		   state[c] = DONE;
		   refs[c]--
		:: else -> skip
		fi
	   }
#ifdef MUTANT_C4_FREES
	   atomic { assert(!freed[c]); freed[c] = true }
#else
	   release(c)
#endif
	:: else -> skip
	fi;
	go = false
}

/* iv_loop_join() of the loop @me or none. */
inline join(j, l, me, may_time_out)
{
	atomic {
		go = false;
		if
#ifdef MUTANT_JOIN_BY_ID
		:: id[SLOT(l)] != l -> assert(ended[l] || !opened[l])
#else
		:: not_ended[SLOT(l)] != l -> assert(ended[l] || !opened[l])
#endif
		:: else ->
#ifndef MUTANT_JOIN_SEES_NO_CIRCLE
		   if
		   :: me != 0 -> look_for_circle(l, me)
		   :: else -> skip
		   fi;
#endif
		   if
		   :: x != 0 -> skip
		   :: else ->
		      if
		      :: me != 0 -> waits_for[SLOT(me)] = l
		      :: else -> skip
		      fi;
		      list[SLOT(l)] = list[SLOT(l)] | (1 << j);
		      on_stack[j] = true;
		      go = true
		   fi;
		   x = 0
		fi
	}
	if
	:: go ->
	   if
	   :: signalled[j]
	   :: may_time_out
	   fi;
	   atomic {
		if
		:: me != 0 -> waits_for[SLOT(me)] = 0
		:: else -> skip
		fi;
		if
		:: told[j] -> assert(ended[l] && !open[l] && !live[l])
		:: else ->
#ifndef MUTANT_JOIN_STAYS_IN_LIST
		   list[SLOT(l)] = list[SLOT(l)] & (255 - (1 << j))
#else
		   skip
#endif
		fi;
		on_stack[j] = false
	   }
	:: else -> skip
	fi;
	go = false
}

/* iv_loop_stop() */
inline tell_stop(l)
{
#ifdef MUTANT_STOP_RINGS_FIRST
	post(l, BELL);
#endif
	atomic {
		if
		:: id[SLOT(l)] == l -> stop[SLOT(l)] = true; was_told[l] = true
		:: else -> skip
		fi;
		go = bell[SLOT(l)] == l
	}
#ifndef MUTANT_STOP_RINGS_FIRST
	if
	:: go -> post(l, BELL)
	:: else -> skip
	fi;
#endif
	go = false
}

/* S3, and E1: @status true: -ESRCH. */
inline finish(c, status)
{
	atomic { assert(!freed[c]); state[c] = DONE; failed[c] = status }
	if
	:: waited[c] -> atomic { assert(!freed[c]); answered[c] = true }
	:: else -> skip
	fi;
	release(c)
}

/* S1 */
inline take_first()
{
	atomic {
		c = NUM_CALLS;
		if
		:: nempty(queue[s]) ->
		   queue[s] ? c;
#ifndef MUTANT_S1_MARKS_LATE
		   state[c] = RUNNING;
#endif
		   assert(meant_for[c] == life)
		:: else -> skip
		fi
	}
#ifdef MUTANT_S1_MARKS_LATE
	if
	:: c < NUM_CALLS -> state[c] = RUNNING
	:: else -> skip
	fi
#endif
}

inline answer_bell()
{
	atomic {
		if
		:: stop[s] -> assert(was_told[life]); stopped = true;
			      quit = true
		:: else -> skip
		fi;
		num = len(queue[s])
	}
	do
	:: num == 0 -> break
	:: num > 0 ->
	   num--;
	   take_first();
	   if
	   :: c == NUM_CALLS -> break
	   :: else -> skip
	   fi;
	   atomic { assert(!freed[c]); begun[c]++ }	/* S2 */
#ifdef EXITS
	   if
	   :: true -> running = c; goto closing	/* pthread_exit() */
	   :: true -> skip
	   fi;
#endif
	   finish(c, false)
	od;
	atomic { num = 0; c = NUM_CALLS }
}

/* A round of iv_main(): O7, O4 to O6, O1 of inbox.h. */
inline round()
{
	if
	:: owed > noticed -> slept = false; waiting = (posted[life] == 0)
	:: else ->
	   waiting = false;
	   atomic {
		if
		:: posted[life] == 0 -> asleep[life] = true; slept = true
		:: else -> slept = false
		fi
	   }
	fi;
	if
	:: waiting -> atomic { written[life] > noticed -> noticed =
			       written[life] }
	:: slept ->
	   if
	   :: atomic { written[life] > noticed -> noticed = written[life] }
	   :: atomic { spare > 0 -> spare-- }
	   :: atomic { may_quit && MAY_QUIT -> may_quit = false; quit = true }
	   fi
	:: else -> noticed = written[life]
	fi;
	atomic {
		if
		:: slept && asleep[life] -> asleep[life] = false
#ifndef MUTANT_NO_DEBT
		:: slept && !asleep[life] -> owed++
#endif
		:: else -> skip
		fi;
		slept = false;
		waiting = false;
		got = posted[life];
		posted[life] = 0
	}
	if
	:: got & BELL -> got = 0; answer_bell()
	:: else -> got = 0
	fi
}

inline iv_main()
{
#ifdef MUTANT_STOP_NOT_KEPT
	quit = false;
#else
	quit = stopped;
#endif
	do
	:: quit -> break
	:: else -> round()
	od
}

/* The open of registry.c, once there is a slot. */
inline open_loop()
{
	atomic {
		if
		:: s == 0 -> is_free -> is_free = false
		:: else -> skip
		fi;
		assert(!not_ended[s] && !id[s] && !bell[s] && !waits_for[s] &&
		       !list[s] && empty(queue[s]));
#ifndef MUTANT_STOP_NOT_CLEARED
		stop[s] = false;
#endif
		not_ended[s] = life;
		id[s] = life;
		opened[life] = true
	}
}

inline listen()
{
	atomic { open[life] = true; live[life] = BELL | EVENT }
#ifdef MUTANT_LISTEN_LOOKS_FIRST
	waiting = stop[s];
	bell[s] = life;
#else
	bell[s] = life;
#ifndef MUTANT_LISTEN_NO_LOOK
	waiting = stop[s];
#endif
#endif
	if
	:: waiting -> posted[life] = posted[life] | BELL
	:: else -> skip
	fi;
	waiting = false
}

inline drop_calls()
{
	do
	:: take_first();
	   if
	   :: c == NUM_CALLS -> break
	   :: else -> let_go[c]++; finish(c, true)
	   fi
	od
}

inline end_calls()
{
	atomic { bell[s] = 0;
#ifndef MUTANT_WAITS_FOR_STAYS
		 waits_for[s] = 0
#endif
	}
#if !defined(MUTANT_E1_KEEPS_QUEUE) && !defined(MUTANT_E1_DROPS_FIRST)
	drop_calls();
#endif
#ifndef MUTANT_E1_FORGETS_RUNNING
	if
	:: running < NUM_CALLS -> finish(running, true); running = NUM_CALLS
	:: else -> skip
	fi
#endif
}

inline tell_joiner(j)
{
	if
	:: told_list & (1 << j) ->
	   assert(on_stack[j]);
	   told[j] = true;
	   signalled[j] = true
	:: else -> skip
	fi
}

inline tell_joiners()
{
#if NUM_WAITERS > 0
	tell_joiner(0);
#endif
#if NUM_WAITERS > 1
	tell_joiner(1);
#endif
#if NUM_WAITERS > 2
	tell_joiner(2);
#endif
	told_list = 0
}

/* C3 of registry.h. */
inline end_closed()
{
#ifdef MUTANT_C3_IN_TWO
	atomic { told_list = list[s]; list[s] = 0; ended[life] = true;
		 tell_joiners() }
	not_ended[s] = 0;
#else
#ifdef MUTANT_C3_TELLS_UNLOCKED
	atomic { not_ended[s] = 0; told_list = list[s]; list[s] = 0;
		 ended[life] = true }
	atomic { tell_joiners() }
#else
	atomic {
		told_list = list[s];
#ifndef MUTANT_C3_LIST_STAYS
		list[s] = 0;
#endif
		not_ended[s] = 0;
		ended[life] = true;
		tell_joiners()
	}
#endif
#endif
}

inline give_back()
{
	if
	:: s == 0 -> is_free = true
	:: else -> skip
	fi
}

inline close_loop()
{
#ifdef MUTANT_E1_DROPS_FIRST
	drop_calls();
#endif
	id[s] = 0;
	end_calls();
#ifdef GOODBYE
	if
	:: life == 1 -> meet()
	:: else -> skip
	fi;
#endif
#ifdef MUTANT_JOIN_TOLD_EARLY
	end_closed();
#endif
	live[life] = 0;
#ifndef MUTANT_HANDLES_LIVE_ON
	posted[life] = 0;
#else
	live[life] = EVENT;
#endif
	atomic { asleep[life] = false; posted[life] = 0 }
#ifndef MUTANT_CLOSE_AT_ONCE
	written[life] >= owed;
#endif
	open[life] = false;
#ifdef MUTANT_BACK_FIRST
	give_back();
#endif
#ifndef MUTANT_JOIN_TOLD_EARLY
	end_closed();
#endif
#ifndef MUTANT_BACK_FIRST
	give_back()
#endif
}

/* Loops that wait for each other: the next one in a ring. */
#define NEXT(l) (l == 1 -> 3 : (l < LOOPS + 1 -> l + 1 : 1))

inline meet()
{
	if
	:: call_wait(CALLS + WAITS + s, other, life, false)
	:: join(JOINS + s, other, life, false)
	fi
}

proctype owner(byte life)
{
	byte s, owed, noticed, got, num, c, running, spare, x, told_list, other;
	bool stopped, quit, slept, waiting, may_quit, wakes, go, circle;

	atomic {
		s = SLOT(life);
		c = NUM_CALLS;
		running = NUM_CALLS;
		spare = (life == 2 -> 0 : SPARE);
		other = NEXT(life)
	}
	open_loop();
	listen();
#if LOOPS > 1
	if
#ifdef GOODBYE
	:: life > 2 -> meet()
#else
	:: life != 2 -> meet()
#endif
	:: else -> skip
	fi;
#endif
	may_quit = true;
	iv_main();
	if
	:: life != 2 ->
#ifndef STOP
	   may_quit = true;
#else
	   may_quit = (life != 1);
#endif
	   iv_main()
	:: else -> skip
	fi;
closing:
	atomic {			/* iv__loop_unwound() */
		if
		:: asleep[life] -> asleep[life] = false
		:: else -> skip
		fi;
		may_quit = false
	}
	close_loop();
	num_left--
}

proctype caller(byte c; byte l)
{
	byte x;
	bool go, wakes, circle;

	AWAIT_BELL;
	refs[c] = 1;
	enqueue(c, l, 0, go);
	num_left--
}

proctype waiting_caller(byte c; byte l; bool may_time_out)
{
	byte x;
	bool go, wakes, circle;

	AWAIT_BELL;
	call_wait(c, l, 0, may_time_out);
	num_left--
}

proctype joiner(byte j; byte l; bool may_time_out)
{
	byte x;
	bool go;

	join(j, l, 0, may_time_out);
	num_left--
}

proctype poster()
{
	bool wakes;

	post(1, EVENT);
	num_left--
}

proctype stopper(byte l)
{
	bool go, wakes;

	opened[l];
	tell_stop(l);
	num_left--
}

init {
	byte c;

	atomic {
		queue[0] = queue0;
		queue[1] = queue1;
		queue[2] = queue2;
		num_left = 2 + CALLS + WAITS + JOINS + POSTS + LOOPS - 1;
		run owner(1);
		run owner(2);
#if LOOPS > 1
		run owner(3);
#endif
#if LOOPS > 2
		run owner(4);
#endif
#ifdef STOP
		num_left++;
		run stopper(1);
#endif
#if CALLS > 0
		run caller(0, 1);
#endif
#if CALLS > 1
		run caller(1, 1);
#endif
#if WAITS > 0
		run waiting_caller(CALLS, 1, false);
#endif
#if WAITS > 1
		run waiting_caller(CALLS + 1, 1, TIMED);
#endif
#if JOINS > 0
		run joiner(0, 1, false);
#endif
#if JOINS > 1
		run joiner(1, 1, TIMED);
#endif
#if POSTS > 0
		run poster();
#endif
	}
	num_left == 0;
	atomic {
		do
		:: c < NUM_CALLS ->
		   assert(begun[c] + let_go[c] == accepted[c]);
		   assert(!accepted[c] || freed[c]);
		   c++
		:: else -> break
		od
	}
	assert(!list[0] && !list[1] && !list[2])
}
