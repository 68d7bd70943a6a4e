/* Run a slow function on a pool while the loop stays free. */
#include <stdio.h>
#include <iv.h>
#include <iv_work.h>

static struct iv_work_pool pool;
static long sum;

/* In a thread of the pool: may block or compute for as long as it likes. */
static void add_up(void *cookie)
{
	long i;

	(void)cookie;
	for (i = 1; i <= 1000000; i++)
		sum += i;
}

/* Back on the loop, which sees all that add_up() has written. */
static void print(void *cookie)
{
	(void)cookie;
	printf("the sum is %ld\n", sum);
	iv_work_pool_put(&pool);
}

int main(void)
{
	struct iv_work_item item = { .work = add_up, .completion = print };

	iv_init();

	IV_WORK_POOL_INIT(&pool);
	pool.max_threads = 4;
	if (iv_work_pool_create(&pool)) {
		perror("iv_work_pool_create");
		return 1;
	}
	iv_work_pool_submit_work(&pool, &item);

	iv_main(); /* returns when nothing is left to wait for */
	iv_deinit();

	return 0;
}
