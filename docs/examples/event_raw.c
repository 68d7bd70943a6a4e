/* A signal handler may post to a raw event; the loop does the work. */
#include <signal.h>
#include <stdio.h>
#include <iv.h>
#include <iv_event_raw.h>

static struct iv_event_raw end;

/* In a signal handler: this is all it does. */
static void on_signal(int signum)
{
	(void)signum;
	iv_event_raw_post(&end);
}

/* On the loop: anything may be done. */
static void got_end(void *cookie)
{
	(void)cookie;
	printf("asked to end\n");
	iv_event_raw_unregister(&end);
}

static void ask(void *cookie)
{
	(void)cookie;
	raise(SIGTERM);
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct iv_task task;

	iv_init();

	IV_EVENT_RAW_INIT(&end);
	end.handler = got_end;
	if (iv_event_raw_register(&end) < 0) {
		perror("iv_event_raw_register");
		return 1;
	}
	sigaction(SIGTERM, &action, NULL);

	IV_TASK_INIT(&task);
	task.handler = ask;
	iv_task_register(&task);

	iv_main();
	action.sa_handler = SIG_DFL;
	sigaction(SIGTERM, &action, NULL);
	iv_deinit();

	return 0;
}
