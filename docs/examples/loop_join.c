/* A loop with nothing but a timer is stopped from outside, and waited for. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <iv.h>
#include <iv_loop.h>

enum { PATIENCE_S = 60 };

static sem_t opened;
static iv_loop_id ticker;

static void tick(void *cookie)
{
	struct iv_timer *timer = cookie;

	timer->expires.tv_sec += 3600;
	iv_timer_register(timer);
}

static void *keep_time(void *arg)
{
	struct iv_timer timer;

	iv_init();
	/* Neither event nor pool: what wakes it has to be asked for. */
	if (iv_loop_listen() == 0)
		ticker = iv_loop_self();
	sem_post(&opened);

	IV_TIMER_INIT(&timer);
	timer.expires = iv_now;
	timer.cookie = &timer;
	timer.handler = tick;
	iv_timer_register(&timer);
	iv_main();
	iv_timer_unregister(&timer);
	iv_deinit();

	return arg;
}

int main(void)
{
	pthread_t thread;
	int ret;

	sem_init(&opened, 0, 0);
	ret = pthread_create(&thread, NULL, keep_time, NULL);
	if (ret != 0) {
		fprintf(stderr, "pthread_create: %s\n", strerror(ret));
		return 1;
	}
	sem_wait(&opened);

	ret = iv_loop_join(ticker, 0);
	printf("before the stop: %s\n",
	       ret == -ETIMEDOUT ? "it runs" : strerror(-ret));
	ret = iv_loop_stop(ticker);
	if (ret != 0) {
		fprintf(stderr, "iv_loop_stop: %s\n", strerror(-ret));
		return 1;
	}

	/* It may end before the join, which is told apart. */
	ret = iv_loop_join(ticker, PATIENCE_S * INT64_C(1000000000));
	printf("behind the stop: %s\n",
	       ret == 0 || ret == -ESRCH ? "it has ended" : strerror(-ret));
	pthread_join(thread, NULL);

	return ret == 0 || ret == -ESRCH ? 0 : 1;
}
