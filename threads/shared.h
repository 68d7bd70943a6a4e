/* SPDX-License-Identifier: MIT */
/*
 * shared.h - what threads/ keeps for one loop
 *
 * Made when a loop first needs it: to register an event or start a thread.
 * The memory goes with the loop, once no other thread can refer to it.
 *
 * Key: o owner's thread only; the inbox has its own.
 */
#ifndef IV__SHARED_H
#define IV__SHARED_H

#include "inbox.h"
#include "loop_call.h"
#include "loop_end.h"

struct iv__waits;

struct iv__shared {
	struct iv__inbox *inbox;
	struct iv_list_head children; /* o: threads it has created */
	struct iv_list_head pools;    /* o: pools whose threads may live */
	struct iv_list_head signals;  /* o: signal.c's interests */
	struct iv_list_head channels; /* o: that it receives from */
	struct iv__waits *waits;      /* o: NULL until wait.c needs it */
	struct iv__bell bell;	      /* o: loop_call.c's */
	struct iv__ending ending;     /* its own */
};

/*
 * The part of @loop, the calling thread's, made when there is none. NULL with
 * errno set: EMFILE, ENFILE, ENOMEM.
 */
struct iv__shared *iv__shared_get(struct iv__loop *loop);

/*
 * For the orderly end of a loop, loop_end.h: let nothing new come in from
 * other threads, and say what has not ended. @cancel: let go what has not
 * begun.
 */
void iv__pool_shut_all(struct iv__shared *shared, bool cancel);
void iv__pool_describe_all(struct iv__shared *shared,
			   struct iv__remains *remains);
void iv__channels_shut(struct iv__shared *shared, bool cancel);
void iv__channels_describe(struct iv__shared *shared,
			   struct iv__remains *remains);
void iv__thread_describe_children(struct iv__shared *shared,
				  struct iv__remains *remains);

/* pool_owner.c: end the pools of a closing loop; what runs is waited for. */
void iv__pool_end_all(struct iv__shared *shared);

/* thread.c: let the threads go that a closing loop has created. */
void iv__thread_orphan_children(struct iv__shared *shared);

/* signal.c, wait.c: forget what a closing loop still has registered. */
void iv__signal_let_go(struct iv__shared *shared);
void iv__wait_let_go(struct iv__shared *shared);

/* channel.c: close the channels that a closing loop still has. */
void iv__channels_let_go(struct iv__shared *shared);

#endif
