/* End all other loops from one thread: what was submitted is done first. */
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <iv.h>
#include <iv_loop.h>
#include <iv_work.h>

enum { NUM_THREADS = 3, NUM_ITEMS = 100 };

static sem_t opened;
static atomic_int num_completed;

static void work(void *cookie)
{
	(void)cookie;
}

static void complete(void *cookie)
{
	(void)cookie;
	atomic_fetch_add(&num_completed, 1);
}

/* The pool is never put: the end of the loop shuts it. */
static void serve(struct iv_work_pool *pool, struct iv_work_item *items)
{
	int i;

	for (i = 0; i < NUM_ITEMS; i++) {
		items[i].work = work;
		items[i].completion = complete;
		iv_work_pool_submit_work(pool, &items[i]);
	}
	/* From here on it can be ended, and the items are submitted. */
	sem_post(&opened);
	iv_main();
	printf("a loop was told to end: %d\n", iv_loop_stopped());
}

static void *live(void *arg)
{
	struct iv_work_item items[NUM_ITEMS];
	struct iv_work_pool pool;

	iv_init();
	IV_WORK_POOL_INIT(&pool);
	pool.max_threads = 2;
	if (iv_work_pool_create(&pool) == 0)
		serve(&pool, items);
	else
		sem_post(&opened);
	iv_deinit();

	return arg;
}

static void name_it(void *cookie, iv_loop_id id, const char *what)
{
	fprintf(stderr, "%s: loop %#" PRIx64 ": %s\n", (char *)cookie, id,
		what);
}

int main(void)
{
	pthread_t threads[NUM_THREADS];
	char who[] = "loop_end";
	int remain;
	int ret;
	int i;

	sem_init(&opened, 0, 0);
	for (i = 0; i < NUM_THREADS; i++) {
		ret = pthread_create(&threads[i], NULL, live, NULL);
		if (ret != 0) {
			fprintf(stderr, "pthread_create: %s\n", strerror(ret));
			return 1;
		}
	}
	for (i = 0; i < NUM_THREADS; i++)
		sem_wait(&opened);

	/* There is one minute for all of them. */
	remain = iv_loop_end_all(IV_LOOP_DRAIN, INT64_C(60000000000), name_it,
				 who);
	printf("loops that go on: %d\n", remain);
	for (i = 0; i < NUM_THREADS && remain == 0; i++)
		pthread_join(threads[i], NULL);
	printf("items completed: %d\n", atomic_load(&num_completed));

	return remain == 0 && num_completed == NUM_THREADS * NUM_ITEMS ? 0 : 1;
}
