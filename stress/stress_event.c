/* SPDX-License-Identifier: MIT */
/*
 * stress_event.c - posts under load: none lost, none doubled, none too late
 *
 * Three acts. `storm`: every poster posts to a few shared events, the owner
 * too; each event's last payload must be seen, and handled plus coalesced is
 * posted. `messages`: one event each, handled exactly once and freed in its
 * own handler, while the poster may still be inside the post. `churn`: loops
 * in threads of their own end by the last post to them and are closed at
 * once, while its poster may still be inside; descriptors that take their
 * numbers must stay untouched.
 */
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <iv.h>
#include <iv_event.h>
#include "stress.h"

static void *allocate(size_t size)
{
	void *memory = calloc(1, size);

	STRESS_CHECK(memory != NULL, "out of memory");

	return memory;
}

static void must_register(struct iv_event *event)
{
	STRESS_CHECK(iv_event_register(event) == 0,
		     "iv_event_register was refused");
}

/* The storm ************************************************************/

enum { NUM_SHARED = 4, OWNER = STRESS_MAX_THREADS };

struct shared_event {
	struct iv_event event;
	atomic_uint posted[STRESS_MAX_THREADS + 1];
	unsigned int seen[STRESS_MAX_THREADS + 1];
	unsigned int handled;
};

struct storm_poster {
	struct iv_event done;
	pthread_t thread;
	unsigned int index;
	unsigned int posted[NUM_SHARED]; /* handed over by `done` */
	bool is_done;
};

static struct storm {
	struct shared_event shared[NUM_SHARED];
	struct storm_poster poster[STRESS_MAX_THREADS];
	struct iv_event never;
	struct iv_task own_posts;
	struct stress_rng rng;
	unsigned int own_left;
	unsigned int own_posted[NUM_SHARED];
	unsigned int posters_left;
	bool over;
} storm;

static uint64_t total_posted;
static uint64_t total_handled;

static void
post_shared(struct stress_rng *rng, unsigned int who, unsigned int *posted)
{
	unsigned int i = stress_random(rng, NUM_SHARED);
	struct shared_event *shared = &storm.shared[i];

	posted[i]++;
	atomic_exchange_explicit(&shared->posted[who], posted[i],
				 memory_order_relaxed);
	iv_event_post(&shared->event);
}

static bool all_seen(void)
{
	unsigned int i;
	unsigned int who;

	if (storm.posters_left > 0 || storm.own_left > 0)
		return false;

	for (i = 0; i < NUM_SHARED; i++) {
		struct shared_event *shared = &storm.shared[i];

		if (shared->seen[OWNER] != storm.own_posted[i])
			return false;
		for (who = 0; who < stress_options.threads; who++) {
			if (shared->seen[who] != storm.poster[who].posted[i])
				return false;
		}
	}

	return true;
}

static void end_storm_when_over(void)
{
	unsigned int i;

	if (storm.over || !all_seen())
		return;

	storm.over = true;
	for (i = 0; i < NUM_SHARED; i++)
		iv_event_unregister(&storm.shared[i].event);
	iv_event_unregister(&storm.never);
}

static void look(struct shared_event *shared, unsigned int who)
{
	unsigned int now = atomic_load_explicit(&shared->posted[who],
						memory_order_relaxed);

	STRESS_CHECK(now >= shared->seen[who],
		     "a payload went back from %u to %u", shared->seen[who],
		     now);
	shared->seen[who] = now;
}

static void got_shared(void *cookie)
{
	struct shared_event *shared = cookie;
	unsigned int who;

	shared->handled++;
	for (who = 0; who < stress_options.threads; who++)
		look(shared, who);
	look(shared, OWNER);
	end_storm_when_over();
}

static void got_storm_done(void *cookie)
{
	struct storm_poster *poster = cookie;

	STRESS_CHECK(!poster->is_done, "an event was handled twice");
	poster->is_done = true;
	storm.posters_left--;
	iv_event_unregister(&poster->done);
	end_storm_when_over();
}

static void got_never(void *cookie)
{
	(void)cookie;
	stress_fail("the handler of an unregistered event was called");
}

/* Local posts between the foreign ones; some that are taken back. */
static void post_own(void *cookie)
{
	(void)cookie;
	storm.own_left--;
	post_shared(&storm.rng, OWNER, storm.own_posted);
	if (stress_chance(&storm.rng, 20)) {
		iv_event_post(&storm.never);
		iv_event_unregister(&storm.never);
		must_register(&storm.never);
	}

	if (storm.own_left > 0)
		iv_task_register(&storm.own_posts);
}

static void *run_storm_poster(void *arg)
{
	struct storm_poster *poster = arg;
	unsigned int left = stress_options.count;
	struct stress_rng rng;

	stress_rng_init(&rng, poster->index);
	while (left-- > 0) {
		stress_jitter(&rng);
		post_shared(&rng, poster->index, poster->posted);
	}
	iv_event_post(&poster->done);

	return NULL;
}

static void open_storm(void)
{
	unsigned int i;

	stress_rng_init(&storm.rng, OWNER);
	for (i = 0; i < NUM_SHARED; i++) {
		storm.shared[i].event.cookie = &storm.shared[i];
		storm.shared[i].event.handler = got_shared;
		must_register(&storm.shared[i].event);
	}
	storm.never.handler = got_never;
	must_register(&storm.never);

	IV_TASK_INIT(&storm.own_posts);
	storm.own_posts.handler = post_own;
	storm.own_left = stress_options.count;
	iv_task_register(&storm.own_posts);
}

static void start_storm_posters(void)
{
	unsigned int i;

	storm.posters_left = stress_options.threads;
	for (i = 0; i < stress_options.threads; i++) {
		struct storm_poster *poster = &storm.poster[i];

		poster->index = i;
		poster->done.cookie = poster;
		poster->done.handler = got_storm_done;
		must_register(&poster->done);
		poster->thread = stress_spawn(run_storm_poster, poster);
	}
}

static void run_storm(void)
{
	uint64_t posted;
	unsigned int i;

	stress_stage("waiting for the last payload of a shared event");
	iv_init();
	open_storm();
	start_storm_posters();
	iv_main();
	iv_deinit();

	STRESS_CHECK(storm.over, "iv_main ended with events registered");
	for (i = 0; i < stress_options.threads; i++)
		stress_join(storm.poster[i].thread);
	for (i = 0; i < NUM_SHARED; i++)
		total_handled += storm.shared[i].handled;
	posted = (stress_options.threads + 1) * (uint64_t)stress_options.count;
	total_posted += posted;
	STRESS_CHECK(total_handled <= posted,
		     "%" PRIu64 " posts were handled %" PRIu64 " times", posted,
		     total_handled);
}

/* Messages *************************************************************/

enum { NUM_READY = 16 };

struct message {
	struct iv_event event;
	struct message_poster *poster;
	struct message *next;
	uint64_t payload;
	uint64_t complement;
};

struct message_poster {
	pthread_mutex_t lock;
	struct message *ready; /* m: registered, to be posted */
	pthread_t thread;
	unsigned int index;
	unsigned int made;    /* owner */
	unsigned int handled; /* owner */
	uint64_t sum;	      /* owner */
	uint64_t sum_posted;  /* poster, until joined */
};

static struct message_poster message_poster[STRESS_MAX_THREADS];

static void got_message(void *cookie);

static void make_message(struct message_poster *poster)
{
	struct message *message = allocate(sizeof(*message));

	message->poster = poster;
	message->event.cookie = message;
	message->event.handler = got_message;
	must_register(&message->event);
	poster->made++;

	pthread_mutex_lock(&poster->lock);
	message->next = poster->ready;
	poster->ready = message;
	pthread_mutex_unlock(&poster->lock);
}

static void got_message(void *cookie)
{
	struct message *message = cookie;
	struct message_poster *poster = message->poster;

	STRESS_CHECK(message->payload == ~message->complement,
		     "a message was handled before it was written");
	poster->handled++;
	poster->sum += message->payload;
	iv_event_unregister(&message->event);
	free(message);

	if (poster->made < stress_options.count)
		make_message(poster);
}

static struct message *next_message(struct message_poster *poster)
{
	struct message *message;

	for (;;) {
		pthread_mutex_lock(&poster->lock);
		message = poster->ready;
		if (message != NULL)
			poster->ready = message->next;
		pthread_mutex_unlock(&poster->lock);
		if (message != NULL)
			return message;
		sched_yield();
	}
}

static void *run_message_poster(void *arg)
{
	struct message_poster *poster = arg;
	unsigned int left = stress_options.count;
	struct stress_rng rng;

	stress_rng_init(&rng, 1000 + poster->index);
	while (left-- > 0) {
		struct message *message = next_message(poster);

		message->payload = stress_random(&rng, UINT32_MAX);
		message->complement = ~message->payload;
		poster->sum_posted += message->payload;
		stress_jitter(&rng);
		iv_event_post(&message->event);
	}

	return NULL;
}

static void start_message_poster(unsigned int index)
{
	struct message_poster *poster = &message_poster[index];
	unsigned int i;

	poster->index = index;
	pthread_mutex_init(&poster->lock, NULL);
	for (i = 0; i < NUM_READY && i < stress_options.count; i++)
		make_message(poster);
	poster->thread = stress_spawn(run_message_poster, poster);
}

static void end_message_poster(struct message_poster *poster)
{
	stress_join(poster->thread);
	pthread_mutex_destroy(&poster->lock);
	STRESS_CHECK(poster->handled == stress_options.count,
		     "%u messages were posted, %u handled",
		     stress_options.count, poster->handled);
	STRESS_CHECK(poster->sum == poster->sum_posted,
		     "a message was handled twice and another one never");
	total_posted += poster->handled;
	total_handled += poster->handled;
}

static void run_messages(void)
{
	unsigned int i;

	stress_stage("waiting for a message");
	iv_init();
	for (i = 0; i < stress_options.threads; i++)
		start_message_poster(i);
	iv_main();
	iv_deinit();
	for (i = 0; i < stress_options.threads; i++)
		end_message_poster(&message_poster[i]);
}

/* Churn ****************************************************************/

enum { NUM_CHURNERS = 2 };

/* One loop in a thread of its own, with an event for every poster. */
struct life {
	struct churner *churner;
	struct stress_rng rng;
	struct iv_timer tick;
	unsigned int left;
	bool quits;
};

struct last_post {
	struct iv_event event;
	struct life *life;
};

/* Events for one poster to post to; no churner has two for it at a time. */
struct mailbox {
	pthread_mutex_t lock;
	struct last_post *post[NUM_CHURNERS]; /* m */
	bool closed;			      /* m */
	pthread_t thread;
	unsigned int posted;
};

struct churner {
	pthread_t thread;
	unsigned int index;
	unsigned int loops_left;
	unsigned int handled;
	struct stress_canary canary;
};

static struct mailbox mailbox[STRESS_MAX_THREADS];
static struct churner churner[NUM_CHURNERS];

static void got_last_post(void *cookie)
{
	struct last_post *post = cookie;
	struct life *life = post->life;

	iv_event_unregister(&post->event);
	free(post);
	life->churner->handled++;
	if (--life->left > 0)
		return;

	if (iv_timer_registered(&life->tick))
		iv_timer_unregister(&life->tick);
	if (life->quits)
		iv_quit();
}

/*
 * A loop that only posts can wake handles none before its wake has come. One
 * that also wakes by itself may be closed before.
 */
static void got_tick(void *cookie)
{
	struct life *life = cookie;
	long delay_ns = stress_random(&life->rng, 100000);

	life->tick.expires = iv_now;
	life->tick.expires.tv_nsec += delay_ns;
	if (life->tick.expires.tv_nsec >= 1000000000L) {
		life->tick.expires.tv_nsec -= 1000000000L;
		life->tick.expires.tv_sec++;
	}
	iv_timer_register(&life->tick);
}

static void start_ticking(struct life *life)
{
	IV_TIMER_INIT(&life->tick);
	life->tick.cookie = life;
	life->tick.handler = got_tick;
	if (stress_chance(&life->rng, 75))
		got_tick(life);
}

static void send_last_post(struct life *life, struct mailbox *box)
{
	struct last_post *post = allocate(sizeof(*post));

	post->life = life;
	post->event.cookie = post;
	post->event.handler = got_last_post;
	must_register(&post->event);

	pthread_mutex_lock(&box->lock);
	box->post[life->churner->index] = post;
	pthread_mutex_unlock(&box->lock);
}

/* A loop's thread may also just end: then the library closes the loop. */
static void *live(void *arg)
{
	struct life *life = arg;
	unsigned int i;

	iv_init();
	life->left = stress_options.threads;
	for (i = 0; i < stress_options.threads; i++)
		send_last_post(life, &mailbox[i]);
	start_ticking(life);
	iv_main();
	STRESS_CHECK(life->left == 0, "iv_main ended with %u events to come",
		     life->left);
	if (stress_chance(&life->rng, 75)) {
		iv_deinit();
		stress_canary_open(&life->churner->canary);
	}

	return NULL;
}

/*
 * The canary of one life is looked at after the next, by the end of which
 * every poster has left the post to the first.
 */
static void *run_churner(void *arg)
{
	struct churner *self = arg;
	struct stress_canary before = { .open = false };
	struct stress_rng rng;

	stress_rng_init(&rng, 2000 + self->index);
	while (self->loops_left-- > 0) {
		struct life *life = allocate(sizeof(*life));

		life->churner = self;
		life->quits = stress_chance(&rng, 30);
		stress_rng_init(&life->rng, stress_random(&rng, UINT32_MAX));
		stress_join(stress_spawn(live, life));
		free(life);
		stress_canary_check(&before);
		before = self->canary;
		self->canary.open = false;
	}
	self->canary = before;

	return NULL;
}

static struct last_post *next_last_post(struct mailbox *box, bool *closed)
{
	struct last_post *post = NULL;
	unsigned int i;

	pthread_mutex_lock(&box->lock);
	for (i = 0; i < NUM_CHURNERS && post == NULL; i++) {
		post = box->post[i];
		box->post[i] = NULL;
	}
	*closed = box->closed;
	pthread_mutex_unlock(&box->lock);

	return post;
}

static void *run_last_poster(void *arg)
{
	struct mailbox *box = arg;
	struct stress_rng rng;
	bool closed = false;

	stress_rng_init(&rng, stress_next_stream());
	while (!closed) {
		struct last_post *post = next_last_post(box, &closed);

		if (post != NULL) {
			stress_jitter(&rng);
			iv_event_post(&post->event);
			box->posted++;
		} else {
			sched_yield();
		}
	}

	return NULL;
}

static void close_mailbox(struct mailbox *box)
{
	pthread_mutex_lock(&box->lock);
	box->closed = true;
	pthread_mutex_unlock(&box->lock);
	stress_join(box->thread);
	pthread_mutex_destroy(&box->lock);
}

static unsigned int loops_per_churner(void)
{
	return stress_options.count / 20 + 1;
}

static void start_churn(void)
{
	unsigned int i;

	for (i = 0; i < stress_options.threads; i++) {
		pthread_mutex_init(&mailbox[i].lock, NULL);
		mailbox[i].thread = stress_spawn(run_last_poster, &mailbox[i]);
	}
	for (i = 0; i < NUM_CHURNERS; i++) {
		churner[i].index = i;
		churner[i].loops_left = loops_per_churner();
		churner[i].thread = stress_spawn(run_churner, &churner[i]);
	}
}

static void run_churn(void)
{
	unsigned int posted = 0;
	unsigned int handled = 0;
	unsigned int i;

	stress_stage("closing loops whose last poster is still in its post");
	start_churn();
	for (i = 0; i < NUM_CHURNERS; i++) {
		stress_join(churner[i].thread);
		handled += churner[i].handled;
	}
	for (i = 0; i < stress_options.threads; i++) {
		close_mailbox(&mailbox[i]);
		posted += mailbox[i].posted;
	}
	for (i = 0; i < NUM_CHURNERS; i++)
		stress_canary_check(&churner[i].canary);

	STRESS_CHECK(posted == handled, "%u posts ended loops, %u were handled",
		     posted, handled);
	total_posted += posted;
	total_handled += handled;
}

int main(int argc, char **argv)
{
	stress_begin(argc, argv, "stress_event",
		     "Posts events to busy, sleeping and ending loops; --count "
		     "is posts a thread.",
		     2000, 4);
	run_storm();
	run_messages();
	run_churn();
	stress_end();

	printf("stress_event: %" PRIu64 " posted = %" PRIu64
	       " handled + %" PRIu64
	       " coalesced; %u loops ended under a post\n",
	       total_posted, total_handled, total_posted - total_handled,
	       NUM_CHURNERS * loops_per_churner());

	return 0;
}
