/* Threads with loops of their own; ours runs until they have all ended. */
#include <stdio.h>
#include <iv.h>
#include <iv_thread.h>

static void print(void *cookie)
{
	printf("%s runs in thread %lu\n", (char *)cookie, iv_get_thread_id());
}

static void live(void *arg)
{
	struct iv_task task;

	iv_init();

	IV_TASK_INIT(&task);
	task.cookie = arg;
	task.handler = print;
	iv_task_register(&task);

	iv_main();
	iv_deinit();
}

int main(void)
{
	static char names[][8] = { "left", "right" };
	int i;

	iv_init();
	for (i = 0; i < 2; i++) {
		if (iv_thread_create(names[i], live, names[i]) < 0)
			perror("iv_thread_create");
	}

	iv_main(); /* returns when both have ended and are joined */
	iv_deinit();

	return 0;
}
