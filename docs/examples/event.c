/* Another thread posts; the handler runs on this thread's loop. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <iv.h>
#include <iv_event.h>

static struct iv_event news;
static int figures[3];

/* Needs no loop. What it writes before the post, the handler sees. */
static void *work_out(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 3; i++)
		figures[i] = (i + 1) * (i + 1);
	iv_event_post(&news);

	return NULL;
}

static void got_news(void *cookie)
{
	printf("%s %d, %d, %d\n", (char *)cookie, figures[0], figures[1],
	       figures[2]);
	iv_event_unregister(&news); /* nothing else: iv_main() returns */
}

int main(void)
{
	char word[] = "squares:";
	pthread_t thread;
	int ret;

	iv_init();

	IV_EVENT_INIT(&news);
	news.cookie = word;
	news.handler = got_news;
	if (iv_event_register(&news) < 0) {
		perror("iv_event_register");
		return 1;
	}

	ret = pthread_create(&thread, NULL, work_out, NULL);
	if (ret != 0) {
		fprintf(stderr, "pthread_create: %s\n", strerror(ret));
		return 1;
	}

	iv_main();
	iv_deinit(); /* legal also while the poster is still inside */
	pthread_join(thread, NULL);

	return 0;
}
