/* SPDX-License-Identifier: MIT */
/*
 * storm.c - posts from everybody at once to a few events that stay
 */
#include "storm.h"

enum { OWNER = STRESS_MAX_THREADS };

struct shared_event {
	struct storm_event to;
	atomic_uint posted[STRESS_MAX_THREADS + 1];
	unsigned int seen[STRESS_MAX_THREADS + 1];
};

struct poster {
	struct storm_event done;
	pthread_t thread;
	unsigned int index;
	unsigned int posted[STORM_SHARED]; /* handed over by `done` */
	bool is_done;
};

static struct storm {
	const struct storm_means *means;
	struct shared_event shared[STORM_SHARED];
	struct poster poster[STRESS_MAX_THREADS];
	struct storm_event never;
	struct iv_task own_posts;
	struct stress_rng rng;
	unsigned int own_left;
	unsigned int own_posted[STORM_SHARED];
	unsigned int posters_left;
	uint64_t handled;
	bool over;
} storm;

static void
post_shared(struct stress_rng *rng, unsigned int who, unsigned int *posted)
{
	unsigned int i = stress_random(rng, STORM_SHARED);
	struct shared_event *shared = &storm.shared[i];

	posted[i]++;
	atomic_exchange_explicit(&shared->posted[who], posted[i],
				 memory_order_relaxed);
	storm.means->post(&shared->to);
}

/* What the owner has seen *************************************************/

static bool all_seen(void)
{
	unsigned int i;
	unsigned int who;

	if (storm.posters_left > 0 || storm.own_left > 0)
		return false;

	for (i = 0; i < STORM_SHARED; i++) {
		struct shared_event *shared = &storm.shared[i];

		if (shared->seen[OWNER] != storm.own_posted[i])
			return false;
		for (who = 0; who < stress_options.threads; who++)
			if (shared->seen[who] != storm.poster[who].posted[i])
				return false;
	}

	return true;
}

static void end_when_over(void)
{
	unsigned int i;

	if (storm.over || !all_seen())
		return;

	storm.over = true;
	for (i = 0; i < STORM_SHARED; i++)
		storm.means->close(&storm.shared[i].to);
	storm.means->close(&storm.never);
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
	unsigned int who;

	STRESS_CHECK(!storm.over,
		     "the handler of an unregistered event was called");
	storm.handled++;
	for (who = 0; who < stress_options.threads; who++)
		look(cookie, who);
	look(cookie, OWNER);
	end_when_over();
}

static void got_done(void *cookie)
{
	struct poster *poster = cookie;

	STRESS_CHECK(!poster->is_done, "an event was handled twice");
	poster->is_done = true;
	storm.posters_left--;
	storm.means->close(&poster->done);
	end_when_over();
}

static void got_never(void *cookie)
{
	(void)cookie;
	stress_fail("the handler of an unregistered event was called");
}

/* Posts *******************************************************************/

/* Own posts between the foreign ones; some that are taken back. */
static void post_own(void *cookie)
{
	(void)cookie;
	storm.own_left--;
	post_shared(&storm.rng, OWNER, storm.own_posted);
	if (stress_chance(&storm.rng, 20)) {
		storm.means->post(&storm.never);
		storm.means->close(&storm.never);
		storm.means->open(&storm.never);
	}

	if (storm.own_left > 0)
		iv_task_register(&storm.own_posts);
}

static void *run_poster(void *arg)
{
	struct poster *poster = arg;
	unsigned int left = stress_options.count;
	struct stress_rng rng;

	stress_rng_init(&rng, poster->index);
	while (left-- > 0) {
		stress_jitter(&rng);
		post_shared(&rng, poster->index, poster->posted);
	}
	storm.means->post(&poster->done);

	return NULL;
}

/* The storm ***************************************************************/

static void open_events(void)
{
	unsigned int i;

	for (i = 0; i < STORM_SHARED; i++) {
		struct shared_event *shared = &storm.shared[i];

		shared->to.event.cookie = shared;
		shared->to.event.handler = got_shared;
		storm.means->open(&shared->to);
		if (storm.means->share != NULL)
			storm.means->share(&shared->to, i);
	}
	storm.never.event.handler = got_never;
	storm.means->open(&storm.never);
}

static void start_own_posts(void)
{
	stress_rng_init(&storm.rng, OWNER);
	IV_TASK_INIT(&storm.own_posts);
	storm.own_posts.handler = post_own;
	storm.own_left = stress_options.count;
	iv_task_register(&storm.own_posts);
}

static void start_posters(void)
{
	unsigned int i;

	storm.posters_left = stress_options.threads;
	for (i = 0; i < stress_options.threads; i++) {
		struct poster *poster = &storm.poster[i];

		poster->index = i;
		poster->done.event.cookie = poster;
		poster->done.event.handler = got_done;
		storm.means->open(&poster->done);
		poster->thread = stress_spawn(run_poster, poster);
	}
}

struct stress_tally storm_run(const struct storm_means *means)
{
	const uint64_t everybody = stress_options.threads + 1;
	unsigned int i;

	stress_stage("waiting for the last payload of a shared event");
	storm.means = means;
	iv_init();
	open_events();
	start_own_posts();
	start_posters();
	iv_main();
	iv_deinit();

	STRESS_CHECK(storm.over, "iv_main ended with events registered");
	for (i = 0; i < stress_options.threads; i++)
		stress_join(storm.poster[i].thread);

	return (struct stress_tally){
		.posted = everybody * stress_options.count,
		.handled = storm.handled,
	};
}
