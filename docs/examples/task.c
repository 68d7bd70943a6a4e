/* Gather output within a round, and write it once before the loop sleeps. */
#include <stdio.h>
#include <string.h>
#include <iv.h>

static struct iv_task flush_task;
static char buffer[256];

static void flush(void *cookie)
{
	(void)cookie;
	fputs(buffer, stdout);
	buffer[0] = '\0';
}

static void say(const char *text)
{
	strncat(buffer, text, sizeof(buffer) - strlen(buffer) - 1);
	if (!iv_task_registered(&flush_task))
		iv_task_register(&flush_task);
}

static void speak(void *cookie)
{
	(void)cookie;
	say("one line ");
	say("of three words ");
	say("and one write\n");
}

int main(void)
{
	struct iv_task speak_task;

	iv_init();

	IV_TASK_INIT(&flush_task);
	flush_task.handler = flush;

	IV_TASK_INIT(&speak_task);
	speak_task.handler = speak;
	iv_task_register(&speak_task);

	iv_main(); /* returns when no task is left */
	iv_deinit();

	return 0;
}
