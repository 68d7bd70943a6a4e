/* Ask another thread's loop for something; be refused a circle of waits. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <iv.h>
#include <iv_event.h>
#include <iv_loop.h>

static iv_loop_id main_loop;
static iv_loop_id storage;
static sem_t opened;

/* Only the storage's thread uses it: hence no lock. */
static int num_stored;

static int store(void *cookie)
{
	printf("storing '%s'\n", (char *)cookie);

	return ++num_stored;
}

static int answer(void *cookie)
{
	return *(int *)cookie;
}

/* On the storage's loop, while main waits: neither would ever go on. */
static int ask_back(void *cookie)
{
	return iv_loop_call_wait(main_loop, answer, cookie, -1, NULL);
}

/* Back on main's loop. */
static void stored(void *cookie)
{
	printf("stored, now %d\n", *(int *)cookie);
	iv_quit();
}

/* On the storage's loop, and nobody waits. */
static void store_and_say_so(void *cookie)
{
	store(cookie);
	if (iv_loop_call(main_loop, stored, &num_stored, NULL) != 0)
		iv_quit();
}

static void *serve(void *arg)
{
	struct iv_event stay = { .handler = NULL };

	iv_init();
	/* Keeps iv_main() going, and has the loop listen to calls. */
	if (iv_event_register(&stay) == 0) {
		storage = iv_loop_self();
		sem_post(&opened);
		iv_main();
		iv_event_unregister(&stay);
	}
	sem_post(&opened);
	iv_deinit();

	return arg;
}

static int ask(void)
{
	int number = 7;
	int num = 0;
	int ret;

	ret = iv_loop_call_wait(storage, store, "apples", -1, &num);
	printf("the storage says %d, %d stored\n", ret, num);
	if (ret != 0 || num != 1)
		return 1;

	ret = iv_loop_call_wait(storage, ask_back, &number, -1, &num);
	printf("asked back: %s\n", num == -EDEADLK ? "refused" : "answered");

	return ret == 0 && num == -EDEADLK ? 0 : 1;
}

int main(void)
{
	struct iv_event stay = { .handler = NULL };
	pthread_t thread;
	int ret;

	sem_init(&opened, 0, 0);
	iv_init();
	if (iv_event_register(&stay) != 0) {
		perror("iv_event_register");
		return 1;
	}
	main_loop = iv_loop_self();
	ret = pthread_create(&thread, NULL, serve, NULL);
	if (ret != 0) {
		fprintf(stderr, "pthread_create: %s\n", strerror(ret));
		return 1;
	}
	sem_wait(&opened);

	ret = ask();
	/* Without a wait there is no circle. */
	if (iv_loop_call(storage, store_and_say_so, "pears", NULL) == 0)
		iv_main();

	iv_loop_stop(storage);
	pthread_join(thread, NULL);
	printf("asked once more: %s\n",
	       iv_loop_call(storage, stored, NULL, NULL) == -ESRCH
		       ? "it has ended"
		       : "?");
	iv_event_unregister(&stay);
	iv_deinit();

	return ret;
}
