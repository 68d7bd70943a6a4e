/* SPDX-License-Identifier: MIT */
/*
 * pool.pml - the protocol of threads/pool.h, step by step
 *
 * One owner submits ITEMS items, turns its loop between, gives the pool up
 * early or when all is done, and takes it down. A thread is a process; it is
 * started by whoever pops a dead worker, and ends by timing out, by SHUT, or
 * by pthread_exit() in an item. Items are counted, not told apart.
 *
 * Bounds, each a -D: WORKERS, ITEMS, IDLE time-outs, EXITS by pthread_exit(),
 * REFUSED thread starts (255: any; NO_THREADS: all), LONG items or callbacks
 * that block until all other items are done, LOOPS: parkings of a worker that
 * has objects in its own loop. -DJOINS: leaving takes several steps, so that
 * the chain of joins matters. -DNO_PUT: over as soon as all items are done.
 * -DSTART: the pool has a thread_start, which keeps one item back while it
 * runs, so that it is like the work of that item.
 *
 * A push or a pop of the gate is one step here: its tag makes it so, which
 * gate.pml shows.
 *
 * Verified: every end has the pool destroyed with all items done (else one
 * waited while a worker idled, or somebody is stuck: an invalid end state),
 * each worker is run by one thread at a time, calls are neither lost nor
 * doubled, and at the end no thread can refer to the pool.
 *
 * -DMUTANT_X breaks one sentence of pool.h's claims; each must fail.
 */
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef ITEMS
#define ITEMS 2
#endif
#ifndef IDLE
#define IDLE 1
#endif
#ifndef EXITS
#define EXITS 0
#endif
#ifndef REFUSED
#define REFUSED 0
#endif
#ifndef LONG
#define LONG 0
#endif
#ifndef LOOPS
#define LOOPS 0
#endif
#define HELPER WORKERS
#define NONE 99

mtype = { DEAD, RUN, STOP, SLEEP, IN_LOOP };

/* The gate. */
byte top = 1;			/* of the stack; 0: empty; a worker + 1 */
bool search, shut;

/* Queues, as numbers of items. */
byte intake, slot[WORKERS + 1], num_done;
byte ever_done;

/* Workers. */
mtype state[WORKERS] = DEAD;
byte below[WORKERS];
byte called[WORKERS];		/* the semaphore */
bool kicked[WORKERS];
byte runs_it[WORKERS];		/* threads that take it for theirs */

/* The owner's events, and the end. */
bool got_done, ended, stranded, put, destroyed;
byte alive = 1;
byte living;			/* threads */
byte to_leave, have_left;	/* the chain of joins: one after the other */
bool last_gone;

/* What is left of the bounds. */
byte idle = IDLE;
byte exits = EXITS;
byte refused = REFUSED;
byte longs = LONG;
byte loops = LOOPS;



/* G1, G2, T2. v: the popped worker or NONE. */
inline pop(searched)
{
	atomic {
		if
		:: top == 0 || (searched && search) -> v = NONE
		:: else ->
		   v = top - 1;
		   top = below[v];
		   search = search || searched
		fi
	}
}

/* K2: push worker w; leaving: SHUT was seen. */
inline push_idle(w, clear)
{
	atomic {
#ifndef MUTANT_SLEEP_BEHIND_SHUT
		leaving = shut;
		if
		:: shut -> state[w] = DEAD
		:: else -> skip
		fi;
#endif
		below[w] = top;
		top = w + 1;
		search = search && !(clear)
	}
}

inline count_out()
{
	atomic {
		assert(!destroyed);
		alive--;
		if
		:: alive == 0 -> ended = true
		:: else -> skip
		fi
	}
}

/* r: something was seen; each word by a look of its own. */
inline has_work(r)
{
	r = intake > 0;
#ifndef MUTANT_LOOK_AT_INTAKE_ONLY
#if REFUSED
	if :: !r -> r = slot[HELPER] > 0 :: else -> skip fi;
#endif
	if :: !r -> r = slot[0] > 0 :: else -> skip fi;
	if :: !r -> r = slot[1] > 0 :: else -> skip fi;
#if WORKERS > 2
	if :: !r -> r = slot[2] > 0 :: else -> skip fi
#endif
#endif
}

inline ask_for_help()
{
	skip;
#ifndef MUTANT_NO_HELP
	r = state[0] == RUN || state[0] == STOP;
	if
	:: !r -> r = state[1] == RUN || state[1] == STOP
	:: else -> skip
	fi;
#if WORKERS > 2
	if
	:: !r -> r = state[2] == RUN || state[2] == STOP
	:: else -> skip
	fi;
#endif
	if
	:: !r -> stranded = true; got_done = true
	:: else -> r = false
	fi
#endif
}

/* Push a chain of dead workers back, linked by below. */
inline push_back(chain)
{
	do
	:: chain != 0 ->
	   v = chain - 1;
	   chain = below[v];
	   push_idle(v, false);
	   leaving = false
	:: else -> break
	od;
	v = NONE
}

/* G1 to G5 */
inline wake_one()
{
	pop(true);
	if
	:: v != NONE ->
	   do
	   :: atomic { old = state[v]; state[v] = RUN };
	      assert(old == DEAD || old == SLEEP || old == IN_LOOP);
	      if
	      :: old == SLEEP ->
		 called[v]++;
		 push_back(dead);
		 break
	      :: old == IN_LOOP ->
#ifndef MUTANT_SEARCH_TO_IN_LOOP
		 state[v] = STOP;
		 kicked[v] = true;
		 has_kicked = true
#else
		 kicked[v] = true;
		 push_back(dead);
		 break
#endif
	      :: old == DEAD ->
		 alive++;
		 if
#if !NO_THREADS
		 :: atomic { run thread(v); living++ }
		    push_back(dead);
		    break
#endif
		 :: refused > 0 ->
		    refused = (refused == 255 -> 255 : refused - 1);
		    count_out();
		    state[v] = DEAD;
		    below[v] = dead;
		    dead = v + 1
		 fi
	      fi;
#ifdef MUTANT_G4_CLEARS_LATE
	      pop(false);
#else
	      atomic {
		pop(false);
		if
#ifdef MUTANT_G4_KEEPS_SEARCH
		:: false -> skip
#else
		:: v == NONE -> search = false
#endif
		:: else -> skip
		fi
	      }
#endif
	      if
	      :: v == NONE ->			/* G4 */
		 push_back(dead);
#ifdef MUTANT_G4_CLEARS_LATE
		 search = false;
#endif
		 if				/* G5 */
		 :: !has_kicked -> ask_for_help()
		 :: else -> skip
		 fi;
		 break
	      :: else -> skip
	      fi
	   od
	:: else -> skip
	fi;
	atomic { v = NONE; old = 0; dead = 0; has_kicked = false }
}

/* W1's first half, and W2. c: items in hand, in the end 0 or 1. */
inline keep_one(w)
{
	if
	:: c > 1 ->
	   c--;
#ifdef MUTANT_PUT_ALWAYS
	   slot[w] = c;
	   c = 0;
#endif
	   do
	   :: atomic { c == 0 -> c = 1; more = true; break }
	   :: atomic { c > 0 && slot[w] == 0 -> slot[w] = c; c = 1;
		       more = true; break }
	   :: atomic { c > 0 && slot[w] > 0 -> c = c + slot[w]; slot[w] = 0 }
	   od
	:: else -> skip
	fi
}

inline take(w)
{
	atomic { c = slot[w]; slot[w] = 0 }
	if
	:: c == 0 -> atomic { c = intake; intake = 0 }
	:: else -> skip
	fi;
	keep_one(w)
}

/* Give back all but one where the slot is still empty. */
inline rob(w, victim)
{
	atomic { c = slot[victim]; slot[victim] = 0 }
	if
	:: c > 1 ->
	   atomic {
		if
		:: slot[victim] == 0 -> slot[victim] = c - 1; c = 1;
		   more = true
#ifdef MUTANT_REST_FORGOTTEN
		:: else -> c = 1
#else
		:: else -> skip
#endif
		fi
	   }
	:: else -> skip
	fi;
	keep_one(w)
}

inline steal(w)
{
	i = 0;
	do
	:: i <= WORKERS && c == 0 ->
	   if
	   :: i != w -> rob(w, i)
	   :: else -> skip
	   fi;
	   i++
	:: else -> break
	od;
	i = 0
}

/* W3, W4 */
inline stop_search()
{
	if
	:: searching ->
	   searching = false;
	   search = false;
#ifndef MUTANT_NO_LOOK_AT_W3
	   if
	   :: !more -> has_work(more)
	   :: else -> skip
	   fi
#endif
	:: else -> skip
	fi;
#ifndef MUTANT_NO_WAKE_AT_W4
	if
	:: more -> wake_one()
	:: else -> skip
	fi;
#endif
	more = false
}

/* W7 */
inline complete()
{
	atomic {
		assert(!destroyed);
		num_done++;
		ever_done++;
		got_done = true
	}
}

/* Work, or another callback, that takes until all the others are done. */
inline maybe_long(others)
{
#if LONG
	if
	:: atomic { longs > 0 -> longs-- }
	   ever_done >= ITEMS - (others)
	:: true -> skip
	fi
#else
	skip
#endif
}

proctype thread(byte w)
{
	byte c, v = NONE, dead, i, before;
#ifdef START
	bool starting = true;
#endif
	bool leaving, dying, has_kicked, searching, more, r, m;
	mtype old;

	atomic { runs_it[w]++; assert(runs_it[w] == 1); searching = true }

#if REFUSED
	/* The loop of a new thread could not be opened. */
	if
	:: atomic { refused > 0 -> refused = (refused == 255 -> 255 :
							refused - 1) }
	   atomic { runs_it[w]--; state[w] = DEAD }
	   push_idle(w, searching);
	   leaving = false;
	   ask_for_help();
	   goto leave
	:: true -> skip
	fi;
#endif

serve:	take(w);
	if
	:: c == 0 ->
	   if
	   :: !searching ->
	      atomic { searching = !search; search = true }
	   :: else -> skip
	   fi;
	   take(w);
	   if
	   :: c == 0 -> steal(w)
	   :: else -> skip
	   fi
	:: else -> skip
	fi;
#ifdef START
	if
	:: starting && c == 0 ->		/* thread_start, nothing kept */
	   starting = false;
	   stop_search();
	   maybe_long(0);
	   goto serve
	:: else -> starting = false
	fi;
#endif
	if
	:: c == 0 -> goto park
	:: else -> skip
	fi;

	m = more;
#ifdef MUTANT_SEARCH_WHILE_WORKING
	more = false;
#else
	stop_search();
#endif
	c = 0;
	maybe_long(1);				/* W5 */
#if EXITS
	if
	:: atomic { exits > 0 -> exits-- }	/* pthread_exit */
	   if
	   :: complete()
	   :: atomic { true -> intake++ }	/* in thread_start: kept */
	   fi;
	   atomic { runs_it[w]--; state[w] = DEAD }
	   push_idle(w, searching);
	   leaving = false;
	   has_work(r);
	   if
	   :: r -> r = false; wake_one()
	   :: else -> skip
	   fi;
	   goto leave
	:: true -> skip
	fi;
#endif
	if					/* W6 */
	:: !m && intake == 0 ->
	   atomic { searching = !search; search = true }
	:: else -> skip
	fi;
	m = false;
	complete();
	goto serve;

park:	atomic {					/* K1 */
		more = false;
		runs_it[w]--;
		if
		:: loops > 0 -> loops--; m = true; state[w] = IN_LOOP
		:: true -> state[w] = SLEEP
		fi
	}
	push_idle(w, searching);		/* K2 */
	searching = false;
	dying = leaving;
	leaving = false;
#ifndef MUTANT_NO_LOOK_AT_K3
	has_work(r);				/* K3 */
	if
	:: r -> r = false; wake_one()
	:: else -> skip
	fi;
#endif
	if
	:: dying -> goto leave
	:: else -> skip
	fi;

	if					/* K4 */
	:: m ->
	   m = false;
	   maybe_long(0);
end_in_loop:
	   if
	   :: kicked[w] -> goto kick
	   :: atomic { true ->			/* its objects are gone */
		if
		:: state[w] == IN_LOOP -> state[w] = SLEEP
		:: else -> goto kick
		fi }
	   fi
	:: else -> skip
	fi;
end_asleep:
	if
	:: atomic { called[w] > 0 -> called[w]-- }
	:: atomic { idle > 0 -> idle-- }
#ifdef MUTANT_K4_STORE
	   state[w] = DEAD;
	   goto leave
#else
	   atomic {
		if
		:: state[w] == SLEEP -> state[w] = DEAD; goto leave
		:: else -> skip
		fi
	   }
#ifdef MUTANT_CALL_NOT_AWAITED
	   skip
#else
	   atomic { called[w] > 0 -> called[w]-- }
#endif
#endif
	fi;
	goto awake;
kick:	atomic { kicked[w] -> kicked[w] = false }
awake:	atomic { runs_it[w]++; assert(runs_it[w] == 1) }
	searching = state[w] == RUN;
	goto serve;

leave:
#ifdef JOINS
	atomic { before = to_leave; to_leave++; last_gone = false }
#ifndef MUTANT_NO_JOIN
	before == have_left;			/* join who left before */
#endif
	count_out();
	assert(!destroyed);
	atomic {
		living--;
		have_left++;
		last_gone = before + 1 == to_leave;
		if
		:: have_left == to_leave -> have_left = 0; to_leave = 0
		:: else -> skip
		fi
	}
#else
	atomic { count_out(); living-- }
#endif
}

active proctype owner()
{
	byte c, v = NONE, dead, i, submitted;
	bool leaving, has_kicked, more, r, early, help;
	mtype old;

	atomic {
		i = 0;
		do
		:: i < WORKERS -> below[i] = (i + 1 < WORKERS -> i + 2 : 0); i++
		:: else -> break
		od;
		i = 0;
		if
		:: early = true
		:: early = false
		fi
	}

	do
	:: submitted < ITEMS ->
	   atomic { r = intake == 0; intake++; submitted++ }	/* S1 */
	   if
	   :: r -> r = false; wake_one()			/* S2 */
	   :: else -> skip
	   fi
#ifdef NO_PUT
	:: num_done == ITEMS -> goto over
#else
	:: atomic { submitted == ITEMS && !put && (early || num_done == ITEMS) ->
		    put = true }
#ifndef MUTANT_NO_SHUT
	   shut = true;						/* T1 */
#endif
	   pop(false);
	   do							/* T2 */
	   :: v != NONE ->
	      atomic { old = state[v]; state[v] = STOP }
	      if
	      :: old == SLEEP -> called[v]++
	      :: old == IN_LOOP -> state[v] = STOP; kicked[v] = true
	      :: old == DEAD ->
		 state[v] = DEAD;
		 below[v] = dead;
		 dead = v + 1
	      fi;
	      pop(false)
	   :: else -> break
	   od;
	   push_back(dead);				/* T3 */
#ifndef MUTANT_NO_LOOK_AT_T3
	   has_work(r);
	   if
	   :: r -> r = false; wake_one()
	   :: else -> skip
	   fi;
#endif
	   count_out()
#endif
	:: atomic { got_done -> got_done = false }
	   if
	   :: atomic { stranded -> stranded = false }
	      if
	      :: !help -> alive++; help = true
	      :: else -> skip
	      fi
	   :: else -> skip
	   fi
	:: help ->
	   help = false;
	   take(HELPER);
	   if
	   :: c == 0 -> steal(HELPER)
	   :: else -> skip
	   fi;
	   if
	   :: c > 0 -> c = 0; num_done++; ever_done++
	   :: else -> skip
	   fi;
	   more = false;
	   has_work(r);
	   if
	   :: r -> r = false; wake_one()
	   :: else -> skip
	   fi;
	   count_out()
	:: atomic { ended -> ended = false }
	   if
	   :: alive > 0 -> skip
	   :: else ->
	      has_work(r);
	      if
	      :: r && !help -> r = false; alive++; help = true
	      :: else -> break
	      fi
	   fi
	od;

#ifndef MUTANT_NO_LAST_JOIN
#ifdef JOINS
	to_leave == 0 || last_gone;		/* join who left last */
#else
	living == 0;
#endif
#endif
	destroyed = true;
	i = 0;
	assert(num_done == ITEMS && alive == 0);
	assert(living == 0);
over:	skip
}
