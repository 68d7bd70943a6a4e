/* SPDX-License-Identifier: MIT */
/*
 * loop.h - one thread's loop, as the files of runtime/ see it
 *
 * Every field belongs to the loop's own thread. What other threads may touch
 * lives in threads/, reached through the hook table below: the runtime knows
 * nothing else of other threads.
 */
#ifndef IV__LOOP_H
#define IV__LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <iv.h>
#include "timer_queue.h"
#include "waker.h"

#define IV__PUBLIC __attribute__((visibility("default")))

struct iv__backend;
struct iv__loop;

/*
 * What threads/ wants to be asked by a loop that it attached itself to. One
 * constant table in the whole library; all calls are made on the loop's
 * thread.
 */
struct iv__hooks {
	/* About to block. False: something came in, look but do not block. */
	bool (*before_sleep)(struct iv__loop *loop);

	/* Returned from a wait that before_sleep() had allowed. */
	void (*after_sleep)(struct iv__loop *loop);

	/* Has something come in? Asked again and again instead of a sleep. */
	bool (*has_posts)(struct iv__loop *loop);

	/* The place of a round where what other threads sent is handled. */
	void (*dispatch)(struct iv__loop *loop);

	/* In a forked child: the waker is a new one. */
	void (*reopened)(struct iv__loop *loop);

	/* The loop is to end in order: does anything keep it from that? */
	bool (*goes_on)(struct iv__loop *loop);

	/* The loop closes: nothing may refer to it when this returns. */
	void (*close)(struct iv__loop *loop);
};

/*
 * What threads/ wants to be told of every loop, attached to or not. One
 * constant table, installed while the library is loaded; both calls are made
 * on the loop's thread.
 */
struct iv__process_hooks {
	/* The loop works. 0, or -errno: it is closed again. */
	int (*opened)(struct iv__loop *loop);

	/* The loop still works, but will not any more. */
	void (*closing)(struct iv__loop *loop);

	/* Nothing is left but its memory. */
	void (*closed)(struct iv__loop *loop);
};

/* One level of descriptor dispatch; they nest with iv_main(). */
struct iv__dispatch {
	struct iv_fd *fd; /* NULL: unregistered meanwhile */
	struct iv__dispatch *outer;
};

/* Why iv_main() is to return; bits of loop->quit. */
enum {
	IV__QUIT = 1,	  /* somebody says so: iv_quit(), a stop */
	IV__QUIT_END = 2, /* the loop ends, once the hooks have no objection */
};

/* The largest loop->tag; what is above may mean something else. */
#define IV__MAX_TAG ((unsigned int)INT32_MAX)

struct iv__loop {
	const struct iv__backend *backend;
	void *backend_state;	/* the backend's own */
	struct iv__waker waker; /* open while hooks are attached */

	unsigned int depth; /* iv_main() calls inside each other */
	unsigned char quit;
	unsigned char stopped; /* from outside: what quit begins with */
	bool closing;	       /* inside iv_deinit() */
	bool lent;	       /* to callbacks that do not own the loop */
	bool asleep; /* hooks have allowed a sleep, perhaps our host's */
	bool forked; /* what we wait with is the parent's */
	bool now_valid;
	struct timespec now;
	long numobjs; /* what keeps iv_main() running */

	unsigned int num_skipped; /* rounds without a look */
	uint64_t skipping_since_ns;

	int64_t spin_max_ns; /* 0: sleep at once */
	int64_t spin_ns;     /* what paid lately */

	struct iv_list_head dirty; /* iv_fd: wanted_ != watched_ */
	struct iv_list_head ready; /* iv_fd: fired_ != 0 */
	struct iv__dispatch *dispatching;

	struct iv_list_head tasks;	 /* to run in this round */
	struct iv_list_head tasks_later; /* to run in the next one */
	uintptr_t round;		 /* of tasks; 0 outside */
	uintptr_t num_rounds;

	struct iv__timer_queue timers;
	unsigned int tag; /* tells loops' objects apart; never 0 */

	const struct iv__hooks *hooks; /* NULL: nobody else knows us */
	void *shared;		       /* what threads/ keeps for us */
	uint64_t id;	  /* by which other threads know us; 0: they do not */
	uint64_t last_id; /* the same, while it closes too */

	char *tls_state;
};

/* The calling thread's loop, or NULL. */
extern _Thread_local struct iv__loop *iv__self
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* The calling thread's loop; iv_fatal() in the name of @call without one. */
static inline struct iv__loop *iv__loop_self(const char *call)
{
	struct iv__loop *loop = iv__self;

	if (__builtin_expect(loop == NULL, 0))
		iv_fatal("%s: this thread has no loop; call iv_init() in it "
			 "first",
			 call);

	return loop;
}

/*
 * The calling thread's loop, which must be @owner: the loop that an object is
 * registered with, or NULL when it is not registered.
 */
static inline struct iv__loop *
iv__loop_of(const struct iv__loop *owner, const char *call)
{
	struct iv__loop *loop = iv__loop_self(call);

	if (__builtin_expect(owner != loop, 0)) {
		if (owner == NULL)
			iv_fatal("%s: the object is not registered; register "
				 "it first",
				 call);
		iv_fatal("%s: the object belongs to another thread's loop; "
			 "make this call there",
			 call);
	}

	return loop;
}

/* loop.c */

/* Open the calling thread's loop. 0 or -errno. */
int iv__loop_open(void);

/*
 * Callbacks were left by pthread_exit() or cancellation, and the stack frames
 * that the loop refers to are gone.
 */
void iv__loop_unwound(struct iv__loop *loop);

/* Close it, wherever the thread is. */
void iv__loop_close(struct iv__loop *loop);

/* In a forked child: get descriptors of our own to wait with. */
void iv__loop_reopen(struct iv__loop *loop);

/* Run rounds until quit or nothing is registered; the inside of iv_main(). */
void iv__loop_run(struct iv__loop *loop);

/* quit is set: is this level to return now? */
bool iv__loop_quits(struct iv__loop *loop, bool outermost);

/* Run the timers that are due and the tasks. */
void iv__loop_run_due(struct iv__loop *loop);

/* Run one round, which may block for @timeout_ns at most; -1: for ever. */
void iv__loop_turn(struct iv__loop *loop, int64_t timeout_ns);

/* Nanoseconds until something is due here; 0: now; -1: nothing is. */
int64_t iv__loop_time_to_sleep_ns(const struct iv__loop *loop);

/* The sleep that hooks have allowed is over. */
static inline void iv__loop_wake_up(struct iv__loop *loop)
{
	if (loop->asleep) {
		loop->asleep = false;
		loop->hooks->after_sleep(loop);
	}
}

/* Open the waker and install @hooks. 0 or -errno; once a loop. */
int iv__loop_attach(struct iv__loop *loop, const struct iv__hooks *hooks,
		    void *shared);

/* Have them called for loops that open from now on. Once a process. */
void iv__loop_set_process_hooks(const struct iv__process_hooks *hooks);

/* How long a loop may go without a look at the kernel. */
enum { IV__MAX_SKIPPING_NS = 50000 };

/*
 * spin.c: wait for posts without sleeping. True: some have come, and may be
 * handled without a look at the kernel. False: *@timeout_ns is what is left of
 * it; negative: for ever; 0: look, but do not sleep.
 */
bool iv__loop_spin(struct iv__loop *loop, int64_t *timeout_ns);

/* What the environment says; 0: nothing. */
int64_t iv__loop_spin_default_ns(void);

/* clock.c */
uint64_t iv__clock_ns(void);

/* A timeout in milliseconds, rounded up and cut to an int; -1 stays -1. */
int iv__clock_to_ms(int64_t timeout_ns);
const struct timespec *iv__loop_now(struct iv__loop *loop);

/* fd.c */

/*
 * iv_fd_register_try() of a descriptor that the library has made itself, which
 * does not block, is not inherited and is no socket. 0 or -errno.
 */
int iv__fd_register_own(struct iv_fd *fd);

void iv__fd_ready(struct iv__loop *loop, struct iv_fd *fd, unsigned int bands);
void iv__fds_flush(struct iv__loop *loop);
void iv__fds_dispatch(struct iv__loop *loop);

/* task.c */
void iv__tasks_run(struct iv__loop *loop);

/* timer.c */
void iv__timers_run(struct iv__loop *loop);

/* tls.c */
int iv__tls_open(struct iv__loop *loop);
void iv__tls_start(struct iv__loop *loop);
void iv__tls_stop(struct iv__loop *loop);
void iv__tls_close(struct iv__loop *loop);
void iv__tls_freeze(void);

#endif
