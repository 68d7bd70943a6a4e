/* Open a loop, run it until it is told to end, close it. */
#include <stdio.h>
#include <iv.h>

static void greet(void *cookie)
{
	printf("hello from the loop, which waits by %s\n", (char *)cookie);
	iv_quit(); /* what this round has collected still runs */
}

int main(void)
{
	char method[32];
	struct iv_task task;

	iv_init();
	snprintf(method, sizeof(method), "%s", iv_poll_method_name());

	IV_TASK_INIT(&task);
	task.cookie = method;
	task.handler = greet;
	iv_task_register(&task);

	iv_main();
	iv_deinit();

	return 0;
}
