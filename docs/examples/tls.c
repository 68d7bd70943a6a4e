/* A module that counts something for each loop, without a lock. */
#include <pthread.h>
#include <stdio.h>
#include <iv.h>
#include <iv_tls.h>

struct counters {
	unsigned long connections;
};

static void report(void *state)
{
	struct counters *counters = state;

	printf("this loop had %lu connections\n", counters->connections);
}

static struct iv_tls_user module = {
	.sizeof_state = sizeof(struct counters), /* zeroed by the library */
	.deinit_thread = report,
};

/* Before the first iv_init() of the process. */
__attribute__((constructor)) static void register_module(void)
{
	iv_tls_user_register(&module);
}

static void count_connection(void)
{
	struct counters *counters = iv_tls_user_ptr(&module);

	counters->connections++;
}

static void *live(void *arg)
{
	(void)arg;
	iv_init();
	count_connection();
	iv_deinit(); /* calls report() */

	return NULL;
}

int main(void)
{
	pthread_t thread;

	iv_init();
	count_connection();
	count_connection();
	if (pthread_create(&thread, NULL, live, NULL) == 0)
		pthread_join(thread, NULL);
	iv_deinit();

	return 0;
}
