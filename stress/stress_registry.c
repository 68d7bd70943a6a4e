/* SPDX-License-Identifier: MIT */
/*
 * stress_registry.c - loops come and go while others look for them
 *
 * Churners open a loop, name it after its number, perhaps rename it, and
 * close it or just end, --count times. --threads lookers go through all loops
 * meanwhile: a name that they read is the one of that loop and of no other, a
 * loop that stays open is found once in each pass, and one that has ended is
 * never seen again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <iv.h>
#include <iv_loop.h>
#include "stress.h"

enum { NUM_CHURNERS = 2 };

static iv_loop_id main_id;
static atomic_uint num_churning;
static atomic_uint num_opened;
static atomic_uint num_passes;
static atomic_uint num_names;
static atomic_uint num_ended;

/* Ids that their loops have outlived; each is stored when it has ended. */
static _Atomic(uint64_t) ended[NUM_CHURNERS];

static void print_name(char *name, iv_loop_id id, char kind)
{
	snprintf(name, IV_LOOP_NAME_SIZE, "%c%" PRIx64, kind, id);
}

static void set_name(iv_loop_id id, char kind)
{
	char name[IV_LOOP_NAME_SIZE];

	print_name(name, id, kind);
	STRESS_CHECK(iv_loop_set_name(name) == 0, "the name %s was refused",
		     name);
}

struct churner {
	pthread_t thread;
	unsigned int index;
	struct stress_rng rng;
	iv_loop_id last;
};

static void *live(void *arg)
{
	struct churner *churner = arg;
	iv_loop_id id;

	iv_init();
	id = iv_loop_self();
	STRESS_CHECK(id != 0 && id != churner->last, "a number came back");
	churner->last = id;
	if (stress_chance(&churner->rng, 80))
		set_name(id, 'a');
	stress_jitter(&churner->rng);
	if (stress_chance(&churner->rng, 50))
		set_name(id, 'b');
	stress_jitter(&churner->rng);
	if (stress_chance(&churner->rng, 50))
		iv_deinit();

	return NULL;
}

static void *churn(void *arg)
{
	struct churner *churner = arg;
	unsigned int left;

	stress_rng_init(&churner->rng, churner->index);
	for (left = stress_options.count; left > 0; left--) {
		if (stress_chance(&churner->rng, 50))
			stress_join(stress_spawn(live, churner));
		else
			live(churner);
		if (iv_inited())
			iv_deinit();
		atomic_exchange(&ended[churner->index], churner->last);
		atomic_fetch_add(&num_opened, 1);
	}
	atomic_fetch_sub(&num_churning, 1);

	return NULL;
}

static void look_at(iv_loop_id id)
{
	char expected[IV_LOOP_NAME_SIZE];
	char name[IV_LOOP_NAME_SIZE];
	int ret;

	ret = iv_loop_get_name(id, name, sizeof(name));
	if (ret == -ESRCH) {
		atomic_fetch_add(&num_ended, 1);
		return;
	}
	STRESS_CHECK(ret == 0, "iv_loop_get_name: %s", strerror(-ret));
	if (name[0] == '\0')
		return;

	print_name(expected, id, name[0]);
	STRESS_CHECK(strcmp(name, expected) == 0,
		     "%#" PRIx64 " has the name %s of another loop", id, name);
	atomic_fetch_add(&num_names, 1);
}

/* One pass; none of those in @gone may turn up. */
static void pass(const iv_loop_id *gone)
{
	unsigned int num_main = 0;
	unsigned int i;
	iv_loop_id id;

	for (id = iv_loop_next(0); id != 0; id = iv_loop_next(id)) {
		num_main += id == main_id;
		for (i = 0; i < NUM_CHURNERS; i++)
			STRESS_CHECK(id != gone[i], "an ended loop is listed");
		look_at(id);
	}
	STRESS_CHECK(num_main == 1, "a loop was listed %u times", num_main);
	atomic_fetch_add(&num_passes, 1);
}

static void *look(void *arg)
{
	char name[IV_LOOP_NAME_SIZE];
	iv_loop_id gone[NUM_CHURNERS];
	iv_loop_id id;
	struct stress_rng rng;
	unsigned int i;

	(void)arg;
	stress_rng_init(&rng, stress_next_stream());
	print_name(name, main_id, 'a');
	while (atomic_load(&num_churning) > 0) {
		for (i = 0; i < NUM_CHURNERS; i++)
			gone[i] = atomic_load(&ended[i]);
		pass(gone);
		stress_jitter(&rng);
		STRESS_CHECK(iv_loop_find(name, &id) == 0 && id == main_id,
			     "a loop that stays open was not found");
	}

	return NULL;
}

int main(int argc, char **argv)
{
	static struct churner churners[NUM_CHURNERS];
	static pthread_t lookers[STRESS_MAX_THREADS];
	unsigned int i;

	stress_begin(argc, argv, "stress_registry",
		     "Opens, names and closes loops while --threads threads "
		     "look at them; --count is\nloops a churner.",
		     1000, 3);
	iv_init();
	main_id = iv_loop_self();
	set_name(main_id, 'a');
	atomic_exchange(&num_churning, NUM_CHURNERS);

	stress_stage("looking at loops that come and go");
	for (i = 0; i < stress_options.threads; i++)
		lookers[i] = stress_spawn(look, NULL);
	for (i = 0; i < NUM_CHURNERS; i++) {
		churners[i].index = i;
		churners[i].thread = stress_spawn(churn, &churners[i]);
	}
	for (i = 0; i < NUM_CHURNERS; i++)
		stress_join(churners[i].thread);
	for (i = 0; i < stress_options.threads; i++)
		stress_join(lookers[i]);
	STRESS_CHECK(iv_loop_count() == 1, "%zu loops are left",
		     iv_loop_count());
	iv_deinit();
	stress_end();

	printf("stress_registry: %u loops opened; %u passes read %u names, "
	       "%u had just ended\n",
	       num_opened, num_passes, num_names, num_ended);

	return 0;
}
