/* SPDX-License-Identifier: MIT */
/*
 * actors_bed.h - what several threads want of one loop at the same time
 *
 * A target is a loop in a thread of its own, with one of everything that can
 * be posted or sent to. Actors do one thing each, all at once, round by round;
 * then everything that was accepted must have arrived, or been handed back.
 */
#ifndef ACTORS_BED_H
#define ACTORS_BED_H

#include <signal.h>
#include <iv_channel.h>
#include <iv_loop.h>
#include "meets_bed.h"

enum { MAX_ACTORS = 4 };

struct target {
	pthread_t thread;
	iv_loop_id id;
	sem_t open;
	sem_t go;		 /* behind iv_main() */
	pthread_barrier_t start; /* with the main thread */
	struct meeting meeting;
	int rounds;
	bool may_end; /* at any moment; else it waits behind iv_main() */
	atomic_bool told_to_stop;

	struct iv_event plain;
	struct iv_event other;
	iv_event_handle handle;
	atomic_int num_posted;
	atomic_int num_posted_by_handle;
	int seen, seen_by_handle; /* of these, by the handlers */

	/* In memory that its handler frees. */
	struct iv_event *brief;
	_Atomic(iv_event_handle) brief_handle;

	struct iv_channel channel;
	struct iv_channel_sender sender;
	int delivered, dropped;
};

struct actor;

typedef void act(struct actor *self, int round);

struct actor {
	act *act;
	pthread_t thread;
	struct actor *next;
	int num_sent, num_called;
	/* The target's: */
	int num_arrived;	  /* letters */
	int num_ran, num_dropped; /* calls */
};

static struct target target;
static struct actor actors[MAX_ACTORS];
static int num_actors;

/* The target **************************************************************/

struct letter {
	struct iv_channel_message message;
	struct actor *from;
	int number;
	bool in_order; /* of the same sender as the last */
};

static inline void take_letter(struct iv_channel_message *message)
{
	struct letter *letter =
		iv_container_of(message, struct letter, message);

	letter->from->num_arrived++;
	MUST(!letter->in_order || letter->from->num_arrived == letter->number);
	memset(letter, 0xa5, sizeof(*letter));
	free(letter);
}

static inline void got_letter(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	target.delivered++;
	take_letter(message);
}

static inline void
dropped_letter(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	target.dropped++;
	take_letter(message);
}

static inline void see(void *cookie)
{
	(void)cookie;
	target.seen = atomic_load(&target.num_posted);
}

static inline void see_by_handle(void *cookie)
{
	(void)cookie;
	target.seen_by_handle = atomic_load(&target.num_posted_by_handle);
}

static inline void free_and_replace(void *cookie);

static inline void open_brief(void)
{
	target.brief = malloc(sizeof(*target.brief));
	MUST(target.brief != NULL);
	atomic_store(&target.brief_handle,
		     open_handle(target.brief, free_and_replace, target.brief));
}

static inline void close_brief(struct iv_event *event)
{
	MUST(event == target.brief);
	iv_event_unregister(event);
	MUST(iv_event_handle_post(atomic_load(&target.brief_handle)) ==
	     -ENOENT);
	memset(event, 0xa5, sizeof(*event));
	free(event);
}

static inline void free_and_replace(void *cookie)
{
	close_brief(cookie);
	open_brief();
}

static inline void *live(void *arg)
{
	iv_init();
	target.id = iv_loop_self();
	open_event(&target.plain, see, NULL);
	target.handle = open_handle(&target.other, see_by_handle, NULL);
	open_brief();
	IV_CHANNEL_INIT(&target.channel);
	target.channel.handler = got_letter;
	target.channel.dropped = dropped_letter;
	MUST(iv_channel_register(&target.channel) == 0);
	IV_CHANNEL_SENDER_INIT(&target.sender);
	iv_channel_sender_open(&target.sender, &target.channel);
	sem_post(&target.open);
	iv_main();
	if (!target.may_end)
		await(&target.go);

	/* The channel and the event by handle are left to iv_deinit(). */
	iv_event_unregister(&target.plain);
	close_brief(target.brief);
	iv_deinit();

	return arg;
}

static inline void start_target(bool may_end)
{
	memset(&target, 0, sizeof(target));
	target.may_end = may_end;
	sem_init(&target.open, 0, 0);
	sem_init(&target.go, 0, 0);
	target.thread = start_thread(live, NULL);
	await(&target.open);
}

static inline int look_at_what_came(void *cookie)
{
	int num_sent = 0;
	int i;

	(void)cookie;
	for (i = 0; i < num_actors; i++)
		num_sent += actors[i].num_sent;

	return target.seen == atomic_load(&target.num_posted) &&
	       target.seen_by_handle ==
		       atomic_load(&target.num_posted_by_handle) &&
	       target.delivered == num_sent;
}

/* What has to come has had every chance in that many rounds of the loop. */
static inline void assert_all_came(void)
{
	int all_came = 0;
	int left = 1000;

	while (!all_came && left-- > 0)
		assert_int_equal(iv_loop_call_wait(target.id, look_at_what_came,
						   NULL, -1, &all_came),
				 0);
	assert_true(all_came);
}

static inline void end_target(void)
{
	int i;

	assert_int_equal(iv_loop_stop(target.id), target.may_end ? -ESRCH : 0);
	sem_post(&target.go);
	join_thread(target.thread);
	pthread_barrier_destroy(&target.start);
	sem_destroy(&target.open);
	sem_destroy(&target.go);
	assert_int_equal(iv_event_handle_post(target.handle), -ENOENT);
	for (i = 0; i < num_actors; i++) {
		assert_int_equal(actors[i].num_arrived, actors[i].num_sent);
		assert_int_equal(actors[i].num_ran + actors[i].num_dropped,
				 actors[i].num_called);
		if (!target.told_to_stop)
			assert_int_equal(actors[i].num_dropped, 0);
	}
	iv_channel_sender_close(&target.sender);
}

/* Done, or refused with @error by one that has ended. */
static inline bool is_done(int ret, int error)
{
	MUST(ret == 0 || (ret == error && target.may_end));

	return ret == 0;
}

/* The actors **************************************************************/

static inline void post(struct actor *self, int round)
{
	(void)self;
	(void)round;
	atomic_fetch_add(&target.num_posted, 1);
	iv_event_post(&target.plain);
}

static inline void post_by_handle(struct actor *self, int round)
{
	(void)self;
	(void)round;
	atomic_fetch_add(&target.num_posted_by_handle, 1);
	is_done(iv_event_handle_post(target.handle), -ENOENT);
}

static inline void post_to_brief(struct actor *self, int round)
{
	int ret = iv_event_handle_post(atomic_load(&target.brief_handle));

	(void)self;
	(void)round;
	MUST(ret == 0 || ret == -ENOENT);
}

static inline void
send_by(struct iv_channel_sender *sender, struct actor *self, bool in_order)
{
	struct letter *letter = malloc(sizeof(*letter));
	int ret;

	MUST(letter != NULL);
	IV_CHANNEL_MESSAGE_INIT(&letter->message);
	letter->from = self;
	letter->number = ++self->num_sent;
	letter->in_order = in_order;
	ret = iv_channel_send(sender, &letter->message);
	if (ret == 0)
		return;

	MUST(ret == -EPIPE && atomic_load(&target.told_to_stop));
	self->num_sent--;
	free(letter);
}

static inline void send_letter(struct actor *self, int round)
{
	(void)round;
	send_by(&target.sender, self, true);
}

static inline void clone_send_close(struct actor *self, int round)
{
	struct iv_channel_sender sender;

	(void)round;
	IV_CHANNEL_SENDER_INIT(&sender);
	iv_channel_sender_clone(&sender, &target.sender);
	send_by(&sender, self, false);
	iv_channel_sender_close(&sender);
}

static inline void ran(void *cookie)
{
	struct actor *caller = cookie;

	caller->num_ran++;
}

static inline void was_dropped(void *cookie)
{
	struct actor *caller = cookie;

	caller->num_dropped++;
}

static inline void call(struct actor *self, int round)
{
	(void)round;
	self->num_called += is_done(
		iv_loop_call(target.id, ran, self, was_dropped), -ESRCH);
}

static inline int count_up(void *cookie)
{
	ran(cookie);

	return 7;
}

static inline void call_wait(struct actor *self, int round)
{
	int before = self->num_called++;
	int result = 0;

	(void)round;
	MUST(iv_loop_call_wait(target.id, count_up, self, -1, &result) == 0);
	MUST(result == 7 && self->num_ran == before + 1);
}

/* A loop that has left iv_main() for ever has no answer. */
static inline void call_wait_a_moment(struct actor *self, int round)
{
	int result = 0;
	int ret = iv_loop_call_wait(target.id, count_up, self, 1000 * round,
				    &result);

	MUST(ret == 0 ? result == 7 : result == 0);
	if (ret == 0 || ret == -EINPROGRESS)
		self->num_called++;
	else
		MUST(ret == -ETIMEDOUT || (ret == -ESRCH && target.may_end));
}

static inline void join_a_moment(struct actor *self, int round)
{
	(void)self;
	MUST(iv_loop_join(target.id, round * 500) == -ETIMEDOUT ||
	     target.may_end);
}

/* Amid the rounds, and again and again. */
static inline void stop(struct actor *self, int round)
{
	(void)self;
	if (round < target.rounds / 2)
		return;
	atomic_store(&target.told_to_stop, true);
	is_done(iv_loop_stop(target.id), -ESRCH);
}

/* As stop(), each time with more time, the last one to the end. */
static inline void end_in_order(struct actor *self, int round)
{
	int how = round % 4 == 3 ? IV_LOOP_CANCEL : IV_LOOP_DRAIN;
	bool last = round == target.rounds - 1;
	int ret;

	(void)self;
	if (round < target.rounds / 2)
		return;
	atomic_store(&target.told_to_stop, true);
	ret = iv_loop_end(target.id, how, last ? -1 : round * 10000, NULL,
			  NULL);
	MUST(ret == 0 || ret == -ESRCH || (ret == -ETIMEDOUT && !last));
}

/* The next actor, wherever it is. */
static inline void interrupt(struct actor *self, int round)
{
	(void)round;
	MUST(pthread_kill(self->next->thread, SIGUSR1) == 0);
}

static inline void post_in_handler(int signum)
{
	(void)signum;
	post_by_handle(NULL, 0);
}

/* All at once *************************************************************/

static inline void *run_actor(void *arg)
{
	struct actor *self = arg;
	int round;

	pthread_barrier_wait(&target.start);
	for (round = 0; round < target.rounds; round++) {
		meet(&target.meeting);
		self->act(self, round);
	}
	/* Those that interrupt find every thread still there. */
	meet(&target.meeting);

	return NULL;
}

static inline void start_actors(void)
{
	int i;

	target.meeting.num = (unsigned int)num_actors;
	pthread_barrier_init(&target.start, NULL, (unsigned int)num_actors + 1);
	for (i = 0; i < num_actors; i++) {
		actors[i].next = &actors[(i + 1) % num_actors];
		actors[i].thread = start_thread(run_actor, &actors[i]);
	}
	pthread_barrier_wait(&target.start);
}

/* Up to four things at once, to @loops loops. */
static inline void
act_together_on(int loops, int rounds, act *const acts[MAX_ACTORS])
{
	int i;

	while (loops-- > 0) {
		start_target(acts[0] == end_in_order);
		target.rounds = rounds;
		memset(actors, 0, sizeof(actors));
		for (num_actors = 0; num_actors < MAX_ACTORS; num_actors++) {
			if (acts[num_actors] == NULL)
				break;
			actors[num_actors].act = acts[num_actors];
		}
		start_actors();
		for (i = 0; i < num_actors; i++)
			join_thread(actors[i].thread);
		if (!atomic_load(&target.told_to_stop))
			assert_all_came();
		end_target();
	}
}

#define TOGETHER(...)                                      \
	act_together_on(rounds_of(2, 1), rounds_of(50, 6), \
			(act *const[MAX_ACTORS]){ __VA_ARGS__ })

/* Each loop stops once: more loops, fewer rounds. */
#define AROUND_A_STOP(...)                                  \
	act_together_on(rounds_of(15, 1), rounds_of(10, 6), \
			(act *const[MAX_ACTORS]){ stop, __VA_ARGS__ })

#define AROUND_AN_END(...)                                \
	act_together_on(rounds_of(8, 1), rounds_of(8, 6), \
			(act *const[MAX_ACTORS]){ end_in_order, __VA_ARGS__ })

static inline void catch_signals(void)
{
	struct sigaction action = { .sa_handler = post_in_handler };

	/* helgrind reports each wait that a signal interrupts. */
	if (under_a_tool())
		action.sa_flags = SA_RESTART;
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
}

#endif
