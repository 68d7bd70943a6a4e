/* Stop all other loops from one thread, and wait until they have ended. */
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <iv.h>
#include <iv_event.h>
#include <iv_loop.h>

enum { NUM_THREADS = 3 };

static sem_t opened;

static void *serve(void *arg)
{
	struct iv_event stay = { .handler = NULL };

	iv_init();
	/* From here on it can be stopped. */
	if (iv_event_register(&stay) == 0) {
		sem_post(&opened);
		iv_main();
		printf("a loop was told to stop: %d\n", iv_loop_stopped());
		iv_event_unregister(&stay);
	}
	sem_post(&opened);
	iv_deinit();

	return arg;
}

static void name_it(void *cookie, iv_loop_id id)
{
	fprintf(stderr, "%s: loop %#" PRIx64 " goes on\n", (char *)cookie, id);
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
		ret = pthread_create(&threads[i], NULL, serve, NULL);
		if (ret != 0) {
			fprintf(stderr, "pthread_create: %s\n", strerror(ret));
			return 1;
		}
	}
	for (i = 0; i < NUM_THREADS; i++)
		sem_wait(&opened);

	/* One alone; then the others, for which there is one minute. */
	ret = iv_loop_stop(iv_loop_next(0));
	remain = iv_loop_stop_all(INT64_C(60000000000), name_it, who);
	printf("loops that go on: %d\n", remain);
	for (i = 0; i < NUM_THREADS && remain == 0; i++)
		pthread_join(threads[i], NULL);

	return ret == 0 && remain == 0 ? 0 : 1;
}
