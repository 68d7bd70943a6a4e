/* SPDX-License-Identifier: MIT */
/*
 * loop_end.pml - the orderly end of a loop, threads/loop_end.h step by step
 *
 * A loop with a channel, a pool of one thread and a created thread. One sends,
 * a completion submits one item more, and one or two enders give their orders,
 * also to a loop that does not listen yet: E1 and E2, E4 and E5 against B1 to
 * B3, L1 to L4, X1 and C3. Time is a number that a clock of its own counts up;
 * a deadline is over from its number on, an ender's patience one later.
 *
 * What stands under iv__lock() is one step; so are a post, whose wake is
 * inbox.pml's, a push or pop of the pool, as in pool.pml, and a send. What
 * remains is looked at word by word, as is_finished() does. Circles of enders
 * are those of joins in loop.pml.
 *
 * DEADLINE: the first order has one. SECOND: a stricter one follows, or comes
 * first. STOP: a plain stop comes on top. HANGS: the created thread does not
 * end before iv_main() has returned. CHILD_ENDS: it gives an order itself, to
 * the loop that waits for it.
 *
 * Verified: every process comes to its end; iv_main() returns with something
 * undone only behind a deadline or a stop; what begins is completed, what is
 * accepted is delivered, run, dropped or let go once, and under DRAIN nothing
 * is dropped or let go but behind a deadline, a stop or CANCEL; an ender that
 * gets 0 is behind the end, one that is told LEFT behind a deadline, and none
 * is touched when it has gone.
 *
 * -DMUTANT_X breaks one sentence of the claims; each must fail.
 */
#ifndef MESSAGES
#define MESSAGES 1
#endif
#ifndef ITEMS
#define ITEMS 2
#endif

#define NEVER 9
#define LAST_MOMENT 2
#ifdef DEADLINE
#define FIRST_DEADLINE 1
#else
#define FIRST_DEADLINE NEVER
#endif

mtype = { UNTOLD, ENDED, LEFT };

#define BELL 1
#define DONE 2
#define POOL_ENDED 4
#define CHILD 8
#define NODE 16

byte time;

/* The slot. */
bool opened, bell, told, cancel, stop, not_ended = true;
byte deadline = NEVER;
byte list;
mtype answer[2] = UNTOLD;
bool on_stack[2], signalled[2];
bool is_over;			/* truth: a deadline had passed at L3 */

/* Truth about the orders that were given. */
byte strictest = NEVER;
bool any_cancel;

/* The loop's inbox. */
byte posted;
bool returned, ended;

/* The channel. */
bool closed;
chan sent = [MESSAGES + 1] of { byte };
byte num_accepted, num_delivered, num_dropped;

/* The pool. */
bool shut;
#if ITEMS > 0
byte alive = 2;			/* its thread, and the owner */
#else
byte alive = 1;
#endif
chan intake = [ITEMS + 1] of { byte };
chan done = [ITEMS + 1] of { byte };
byte num_submitted, num_begun, num_completed, num_let_go;

inline post(what)
{
	posted = posted | what
}

/* iv_loop_end() by a thread that has no loop. */
proctype ender(byte me; bool mine; byte until)
{
	bool go;

	opened;
#ifdef MUTANT_E2_FIRST
	if
	:: bell -> post(BELL)
	:: else -> skip
	fi;
#endif
	atomic {			/* E1 */
		if
		:: !not_ended -> goto gone
		:: else -> skip
		fi;
#ifdef MUTANT_ORDER_REPLACES
		cancel = mine;
		deadline = until;
#else
		cancel = cancel || mine;
		deadline = (until < deadline -> until : deadline);
#endif
		strictest = (until < strictest -> until : strictest);
		any_cancel = any_cancel || mine;
		told = true;
		on_stack[me] = true;
		list = list | (1 << me);
		go = bell
	}
#ifndef MUTANT_E2_FIRST
	if				/* E2 */
	:: go -> post(BELL)
	:: else -> skip
	fi;
#endif
	if				/* E4 */
	:: signalled[me]
	:: time > until
	fi;
	atomic {			/* E5 */
		if
		:: answer[me] == UNTOLD ->
#ifndef MUTANT_E5_STAYS
		   list = list & (255 - (1 << me))
#else
		   skip
#endif
		:: answer[me] == ENDED -> assert(ended)
		:: answer[me] == LEFT -> assert(is_over)
		fi;
		on_stack[me] = false
	}
gone:
	skip
}

proctype stopper()
{
	bool go;

	opened;
	atomic {
		if
		:: not_ended -> stop = true
		:: else -> skip
		fi;
		go = bell
	}
	if
	:: go -> post(BELL)
	:: else -> skip
	fi
}

proctype sender()
{
	byte n;

	do
	:: n < MESSAGES ->
	   atomic {
		if
		:: !closed -> sent ! n; num_accepted++; post(NODE)
		:: else -> skip
		fi;
		n++
	   }
	:: else -> break
	od
}

/* A thread of the pool. */
proctype worker()
{
	byte n;
	bool last;

	do
	:: atomic { nempty(intake) -> intake ? n; num_begun++ }
	   atomic {			/* W7 */
		done ! n;
		if
		:: len(done) == 1 -> post(DONE)
		:: else -> skip
		fi
	   }
	:: atomic { empty(intake) && shut -> alive--; last = (alive == 0) }
	   break
	od;
#ifndef MUTANT_LAST_ONE_SILENT
	if
	:: last -> post(POOL_ENDED)
	:: else -> skip
	fi
#else
	skip
#endif
}

proctype child()
{
#ifdef CHILD_ENDS
	bool go;

#endif
#ifdef HANGS
	returned;
#endif
#ifdef CHILD_ENDS
	atomic {			/* E1 to E3: an order, and no wait */
		told = true;
		go = bell;
#ifdef MUTANT_CREATOR_NOT_SEEN
		on_stack[1] = true;
		list = list | 2
#endif
	}
	if
	:: go -> post(BELL)
	:: else -> skip
	fi;
#ifdef MUTANT_CREATOR_NOT_SEEN
	signalled[1];
#endif
#endif
#ifndef MUTANT_CHILD_SILENT
	post(CHILD)
#else
	skip
#endif
}

proctype clock()
{
	do
	:: time < LAST_MOMENT -> time++
	:: else -> break
	od
}

/* By the owner, from a completion: a pool that is shut starts a thread. */
inline submit(i)
{
	intake ! i;
	num_submitted++;
	if
	:: alive == 0 -> alive++; run worker()
	:: else -> skip
	fi
}

inline run_completions()
{
	do
	:: atomic {
		nempty(done) -> done ? n;
		n = 0;
		num_completed++;
		if
		:: num_submitted > 0 && num_submitted < ITEMS ->
		   submit(num_submitted)
		:: else -> skip
		fi
	   }
	:: empty(done) -> break
	od
}

inline deliver_one()
{
	atomic {
		if
		:: rest > 0 -> rest--; num_delivered++
		:: rest == 0 && !closed && nempty(sent) ->
		   sent ? n;
		   n = 0;
		   num_delivered++
		:: else -> skip
		fi;
		if			/* D4 */
		:: !closed && nempty(sent) -> post(NODE)
		:: else -> skip
		fi;
#ifndef MUTANT_NO_TASK
		task = (rest > 0)
#else
		task = false
#endif
	}
}

/* What was sent when the channel closes, and nothing later. */
inline close_channel()
{
#ifdef MUTANT_CLOSED_STORED
	if
	:: !closed -> rest = len(sent); closed = true
	:: else -> skip
	fi
#else
	atomic {
		if
		:: !closed -> rest = len(sent); closed = true
		:: else -> skip
		fi
	}
#endif
}

inline discard_items()
{
	atomic {
		do
		:: nempty(intake) -> intake ? n; num_let_go++
		:: empty(intake) -> break
		od;
		n = 0
	}
}

/* T1, T2, and the owner is counted out. */
inline shut_pool()
{
	if
	:: shut -> skip
	:: else ->
	   shut = true;
	   atomic {
		alive--;
		if
		:: alive == 0 -> post(POOL_ENDED)
		:: else -> skip
		fi
	   }
	fi
}

/* B2 */
inline shut_all()
{
	if
	:: heard_cancel -> discard_items()
	:: else -> skip
	fi;
	shut_pool();
	close_channel();
	atomic {
		if
		:: heard_cancel -> num_dropped = num_dropped + rest; rest = 0
		:: else -> skip
		fi;
#ifndef MUTANT_NO_TASK
		task = (rest > 0)
#endif
	}
}

/* B1 and B3 */
inline answer_bell()
{
	atomic {
		if
		:: stop -> quit_stop = true
		:: else -> skip
		fi;
		if
		:: told ->
		   assert(deadline == strictest && cancel == any_cancel);
		   quit_end = true;
		   heard_cancel = cancel;
		   heard_deadline = deadline
		:: else -> skip
		fi
	}
#ifdef MUTANT_STOP_DOES_NOT_CUT
	quit_stop = quit_stop && !quit_end;
#endif
	if
	:: quit_end && !quit_stop -> shut_all()
	:: else -> skip
	fi
}

/* L1: alive first; then nobody but the owner moves items. */
inline look()
{
#ifdef MUTANT_L1_ALIVE_LAST
	if
	:: nempty(intake) || nempty(done) -> remains = true
	:: else -> skip
	fi;
	if
	:: alive > 0 -> remains = true
	:: else -> skip
	fi;
#else
	if
	:: alive > 0 -> remains = true
	:: else ->
	   if
	   :: nempty(intake) -> remains = true
	   :: else -> skip
	   fi;
#ifndef MUTANT_L1_NO_DONE
	   if
	   :: nempty(done) -> remains = true
	   :: else -> skip
	   fi
#endif
	fi;
#endif
#ifndef MUTANT_L1_NO_CHANNELS
	remains = remains || rest > 0;
#endif
#ifndef MUTANT_L1_NO_CHILDREN
	remains = remains || !joined;
#endif
	skip
}

inline tell_one(me, what)
{
	if
	:: list & (1 << me) ->
	   assert(on_stack[me]);
	   answer[me] = what;
	   signalled[me] = true
	:: else -> skip
	fi
}

/* L1 to L4 */
inline ask_whether_to_go_on()
{
	if
	:: quit_stop -> break
	:: quit_end && !quit_stop ->
	   shut_all();
	   remains = false;
	   look();
	   if
	   :: !remains -> break
	   :: remains && time >= heard_deadline ->
	      atomic {			/* L3 */
		is_over = true;
		tell_one(0, LEFT);
		tell_one(1, LEFT);
#ifndef MUTANT_L3_LEAVES_IN_LIST
		list = 0
#endif
	      }
	      break
	   :: else -> skip
	   fi
	:: else -> skip
	fi
}

inline round()
{
	atomic {
#ifdef MUTANT_NO_TIMER
		posted != 0 || task -> got = posted;
#else
		posted != 0 || task || time >= heard_deadline -> got = posted;
#endif
		posted = 0
	}
	if
	:: got & BELL -> answer_bell()
	:: else -> skip
	fi;
	if
	:: (got & NODE) || task -> deliver_one()
	:: else -> skip
	fi;
	if
	:: got & (DONE | POOL_ENDED) -> run_completions()
	:: else -> skip
	fi;
	atomic {
		if
		:: got & CHILD -> joined = true
		:: else -> skip
		fi;
		got = 0
	}
}

inline close_loop()
{
	bell = false;			/* X1 */
	discard_items();
	shut_pool();
	alive == 0;
	close_channel();
	num_dropped = num_dropped + rest;
	rest = 0;
	atomic {			/* C3 */
		ended = true;
		not_ended = false;
		tell_one(0, ENDED);
		tell_one(1, ENDED);
		list = 0
	}
}

active proctype owner()
{
	byte got, n, rest, heard_deadline;
	bool quit_stop, quit_end, heard_cancel, task, joined, remains;

	atomic {
		heard_deadline = NEVER;
#if defined(DEADLINE) || defined(SECOND)
		run clock();
#endif
		run ender(0, false, FIRST_DEADLINE);
#ifdef SECOND
		run ender(1, true, 1);
#endif
#ifdef STOP
		run stopper();
#endif
		opened = true
	}
	atomic {			/* it listens */
		bell = true;
#ifndef MUTANT_LISTEN_NO_LOOK
		if
		:: told || stop -> post(BELL)
		:: else -> skip
		fi
#endif
	}
	atomic {
		run sender();
		run child();
#if ITEMS > 0
		run worker();
		intake ! 0;
		num_submitted++
#endif
	}
	do
	:: round();
	   ask_whether_to_go_on()
	od;

	/* What iv_main() promises when it returns. */
	atomic {
		if
		:: is_over -> assert(time >= strictest)
		:: stop && !is_over -> skip
		:: else ->
		   assert(joined && alive == 0 && rest == 0 && closed);
		   assert(num_completed == num_begun);
		   assert(num_begun + num_let_go == num_submitted);
		   assert(num_delivered + num_dropped == num_accepted);
		   assert(any_cancel || num_let_go + num_dropped == 0)
		fi;
		returned = true
	}
	close_loop();
	assert(num_begun + num_let_go == num_submitted);
	assert(num_delivered + num_dropped == num_accepted);
	assert(!list && num_completed <= num_begun)
}
