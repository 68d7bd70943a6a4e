/* Have the texts of fatal errors in one's own log. */
#include <stdio.h>
#include <stdlib.h>
#include <iv.h>

/* Were it to return, the process would abort. */
static void log_and_end(const char *msg)
{
	printf("fatal: %s\n", msg);
	exit(EXIT_SUCCESS); /* this example wants to end here */
}

int main(void)
{
	struct iv_task task;

	iv_set_fatal_msg_handler(log_and_end);

	IV_TASK_INIT(&task);
	iv_task_register(&task); /* without iv_init() */

	return EXIT_FAILURE;
}
