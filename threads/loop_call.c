/* SPDX-License-Identifier: MIT */
/*
 * loop_call.c - functions that other threads run on a loop
 *
 * The protocol, its claims and its step numbers are in loop_call.h.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include "lock.h"
#include "loop_call.h"
#include "pool.h"
#include "registry.h"
#include "semaphore.h"

struct iv__call {
	struct iv__call *next; /* m; of one that runs: the outer one */
	enum { QUEUED, RUNNING, DONE } state; /* m */
	int refs;			      /* m: the owner's, a waiter's */
	void *cookie;			      /* c */
	void (*run)(void *cookie);	      /* c: or NULL, then */
	int (*run_for_result)(void *cookie);  /* c: somebody waits */
	void (*dropped)(void *cookie);	      /* c: or NULL */
	int status; /* m: of a DONE one: 0 or -errno */
	int result; /* m: with status 0 */
	sem_t done; /* of a waiter */
};

/* Records *****************************************************************/

static struct iv__call *make(void *cookie)
{
	struct iv__call *call;

	call = calloc(1, sizeof(*call));
	if (call == NULL)
		return NULL;

	call->state = QUEUED;
	call->refs = 1;
	call->cookie = cookie;

	return call;
}

static void destroy(struct iv__call *call)
{
	if (call->run_for_result != NULL)
		sem_destroy(&call->done);
	free(call);
}

static void release(struct iv__call *call)
{
	bool last;

	iv__lock();
	last = --call->refs == 0;
	iv__unlock();
	if (last)
		destroy(call);
}

static void append_locked(struct iv__calls *calls, struct iv__call *call)
{
	calls->num++;
	if (calls->first == NULL)
		calls->first = call;
	else
		calls->last->next = call;
	calls->last = call;
}

static void remove_locked(struct iv__calls *calls, struct iv__call *call)
{
	struct iv__call **link = &calls->first;
	struct iv__call *before = NULL;

	while (*link != call) {
		before = *link;
		link = &before->next;
	}
	*link = call->next;
	calls->num--;
	if (calls->last == call)
		calls->last = before;
}

/* S1; a fork finds what @runs in one of the two lists. */
static struct iv__call *take_first(struct iv__calls *calls, bool runs)
{
	struct iv__call *call;

	iv__lock();
	call = calls->first;
	if (call != NULL) {
		calls->first = call->next;
		calls->num--;
		call->state = RUNNING;
		if (runs) {
			call->next = calls->running;
			calls->running = call;
		}
	}
	iv__unlock();

	return call;
}

/* The owner ******************************************************************/

/* S3, and E1 with -ESRCH. */
static void finish(struct iv__calls *calls, struct iv__call *call, int status)
{
	iv__lock();
	if (calls->running == call)
		calls->running = call->next;
	call->state = DONE;
	call->status = status;
	iv__unlock();

	if (call->run_for_result != NULL)
		sem_post(&call->done);
	else if (status < 0 && call->dropped != NULL)
		call->dropped(call->cookie);
	release(call);
}

/* S2. A function that ends its thread leaves the record to E1. */
static void run(struct iv__calls *calls, struct iv__call *call)
{
	if (call->run_for_result != NULL)
		call->result = call->run_for_result(call->cookie);
	else
		call->run(call->cookie);

	finish(calls, call, 0);
}

static unsigned int num_of(struct iv__calls *calls)
{
	unsigned int num;

	iv__lock();
	num = calls->num;
	iv__unlock();

	return num;
}

/* The calls that are there now; later ones have their turn in the next round. */
static void answer_bell(void *cookie)
{
	struct iv__calls *calls = &iv__loop_slot_of(iv__self->id)->calls;
	struct iv__bell *bell = cookie;
	struct iv__call *call;
	unsigned int num;

	iv__loop_end_hear(iv__self);
	for (num = num_of(calls); num > 0; num--) {
		call = take_first(calls, true);
		if (call == NULL)
			return;
		/* Its function may run a nested iv_main() for the next. */
		if (num_of(calls) > 0)
			iv_event_post(&bell->event);
		run(calls, call);
	}
}

int iv__calls_listen(struct iv__loop *loop, struct iv__bell *bell)
{
	struct iv__loop_slot *slot = iv__loop_slot_of(loop->id);
	iv_event_handle handle;

	bell->event.cookie = bell;
	bell->event.handler = answer_bell;
	if (iv_event_register(&bell->event) < 0)
		return -errno;
	bell->registered = true;
	/* It does not keep the loop running. */
	loop->numobjs--;

	handle = iv_event_handle_of(&bell->event);
	if (handle == 0) {
		iv__calls_unlisten(loop, bell);
		return -ENOMEM;
	}

	iv__lock();
	slot->calls.bell = handle;
	iv__unlock();
	/* It may have been told to end before it could hear. */
	if (iv_loop_stopped())
		iv_event_post(&bell->event);

	return 0;
}

void iv__calls_unlisten(struct iv__loop *loop, struct iv__bell *bell)
{
	if (!bell->registered)
		return;

	loop->numobjs++;
	iv_event_unregister(&bell->event);
	bell->registered = false;
}

void iv__calls_end(struct iv__loop_slot *slot)
{
	struct iv__calls *calls = &slot->calls;
	struct iv__call *call;

	iv__lock();
	calls->bell = 0;
	calls->waits_for = 0;
	iv__unlock();

	while ((call = take_first(calls, false)) != NULL)
		finish(calls, call, -ESRCH);
	while ((call = calls->running) != NULL) {
		/* It had its turn. */
		call->dropped = NULL;
		finish(calls, call, -ESRCH);
	}
}

/* The child's only thread may be the one that waits, in a signal handler. */
static void answer_waiters(struct iv__call *call)
{
	for (; call != NULL; call = call->next) {
		if (call->run_for_result == NULL || call->state == DONE)
			continue;
		call->state = DONE;
		call->status = -ESRCH;
		call->refs--;
		sem_post(&call->done);
	}
}

void iv__calls_forked(struct iv__calls *calls, bool own)
{
	answer_waiters(calls->first);
	if (!own)
		answer_waiters(calls->running);
	calls->first = NULL;
	calls->num = 0;
	calls->waits_for = 0;
	if (!own) {
		calls->bell = 0;
		calls->running = NULL;
	}
}

/* Callers *********************************************************************/

bool iv__calls_circle_locked(iv_loop_id id, iv_loop_id self)
{
	while (id != 0 && id != self) {
		struct iv__loop_slot *slot = iv__loop_slot_of(id);

		if (slot == NULL || slot->not_ended != id)
			return false;
		id = slot->calls.waits_for;
	}

	return id != 0;
}

int iv__calls_check_locked(iv_loop_id id)
{
	struct iv__loop_slot *slot = iv__loop_slot_of(id);

	if (slot == NULL || atomic_load(&slot->id) != id)
		return -ESRCH;

	return slot->calls.bell != 0 ? 0 : -ENOTCONN;
}

/* C1 and C2. 0 or -errno. */
static int enqueue(iv_loop_id id, struct iv__call *call)
{
	struct iv__loop_slot *slot = iv__loop_slot_of(id);
	iv_loop_id self = iv__loop_own_id();
	iv_event_handle bell = 0;
	int ret;

	iv__lock();
	ret = iv__calls_check_locked(id);
	if (ret == 0 && call->run_for_result != NULL && self != 0) {
		if (iv__calls_circle_locked(id, self))
			ret = -EDEADLK;
		else
			iv__loop_slot_of(self)->calls.waits_for = id;
	}
	if (ret == 0) {
		append_locked(&slot->calls, call);
		bell = slot->calls.bell;
	}
	iv__unlock();

	if (ret == 0)
		iv_event_handle_post(bell);

	return ret;
}

IV__PUBLIC int iv_loop_listen(void)
{
	struct iv__shared *shared;

	if (iv__self == NULL)
		return -ESRCH;
	shared = iv__shared_get(iv__self);
	if (shared == NULL)
		return -errno;
	if (shared->bell.registered)
		return 0;

	return iv__pool_of_this_thread() == NULL
		       ? iv__calls_listen(iv__self, &shared->bell)
		       : -ENOTSUP;
}

IV__PUBLIC int iv_loop_call(iv_loop_id id, void (*function)(void *cookie),
			    void *cookie, void (*dropped)(void *cookie))
{
	struct iv__call *call;
	int ret;

	if (function == NULL)
		return -EINVAL;
	call = make(cookie);
	if (call == NULL)
		return -ENOMEM;
	call->run = function;
	call->dropped = dropped;

	ret = enqueue(id, call);
	if (ret < 0)
		destroy(call);

	return ret;
}

struct waiter {
	iv_loop_id id;
	struct iv__call *call;
	int ret;
	int result; /* with ret 0 */
};

/* C4 */
static void stop_waiting(struct waiter *waiter)
{
	struct iv__call *call = waiter->call;
	iv_loop_id self = iv__loop_own_id();

	iv__lock();
	if (self != 0)
		iv__loop_slot_of(self)->calls.waits_for = 0;
	if (call->state == QUEUED) {
		remove_locked(&iv__loop_slot_of(waiter->id)->calls, call);
		call->refs--;
		waiter->ret = -ETIMEDOUT;
	} else if (call->state == RUNNING) {
		waiter->ret = -EINPROGRESS;
	} else {
		waiter->ret = call->status;
		waiter->result = call->result;
	}
	iv__unlock();
	release(call);
}

/* C3 and C4 of one that is enqueued. The call is no cancellation point. */
static void wait_for(struct waiter *waiter, int64_t timeout_ns)
{
	int cancel_state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	iv__sem_wait(&waiter->call->done, timeout_ns);
	pthread_setcancelstate(cancel_state, NULL);
	stop_waiting(waiter);
}

static int call_and_wait(iv_loop_id id, struct iv__call *call,
			 int64_t timeout_ns, int *result)
{
	struct waiter waiter = { .id = id, .call = call };
	int ret;

	ret = enqueue(id, call);
	if (ret < 0) {
		destroy(call);
		return ret;
	}

	wait_for(&waiter, timeout_ns);
	if (waiter.ret == 0 && result != NULL)
		*result = waiter.result;

	return waiter.ret;
}

/* With no time at all nothing is begun. */
static int answer_without_time(iv_loop_id id)
{
	int ret;

	iv__lock();
	ret = iv__calls_check_locked(id);
	if (ret == 0 && iv__calls_circle_locked(id, iv__loop_own_id()))
		ret = -EDEADLK;
	iv__unlock();

	return ret == 0 ? -ETIMEDOUT : ret;
}

IV__PUBLIC int iv_loop_call_wait(iv_loop_id id, int (*function)(void *cookie),
				 void *cookie, int64_t timeout_ns, int *result)
{
	struct iv__call *call;
	int ret;

	if (function == NULL)
		return -EINVAL;
	if (id != 0 && id == iv_loop_self()) {
		ret = function(cookie);
		if (result != NULL)
			*result = ret;
		return 0;
	}
	if (timeout_ns == 0)
		return answer_without_time(id);

	call = make(cookie);
	if (call == NULL)
		return -ENOMEM;
	if (sem_init(&call->done, 0, 0) < 0) {
		free(call);
		return -ENOMEM;
	}
	call->run_for_result = function;
	call->refs = 2;

	return call_and_wait(id, call, timeout_ns, result);
}
