/* The loop's time stands still within a callback, unless told otherwise. */
#include <stdio.h>
#include <iv.h>

static double ms_between(struct timespec from, struct timespec to)
{
	return (double)(to.tv_sec - from.tv_sec) * 1e3 +
	       (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

static void measure(void *cookie)
{
	struct timespec start = iv_now;
	volatile long sum = 0;
	long i;

	(void)cookie;
	for (i = 0; i < 1000000; i++)
		sum = sum + i;

	printf("as cached: %g ms\n", ms_between(start, iv_now));
	iv_invalidate_now();
	printf("read anew: %g ms\n", ms_between(start, iv_now));
}

int main(void)
{
	struct iv_task task;

	iv_init();

	IV_TASK_INIT(&task);
	task.handler = measure;
	iv_task_register(&task);

	iv_main();
	iv_deinit();

	return 0;
}
