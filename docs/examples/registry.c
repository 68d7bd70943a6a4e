/* Name loops, list those of all threads, find one of them by its name. */
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <iv.h>
#include <iv_loop.h>

static sem_t named;
static sem_t listed;

static void *serve(void *arg)
{
	iv_init();
	iv_loop_set_name(arg);
	sem_post(&named);
	sem_wait(&listed);
	iv_deinit();

	return NULL;
}

static void list(void)
{
	char name[IV_LOOP_NAME_SIZE];
	iv_loop_id id;

	for (id = iv_loop_next(0); id != 0; id = iv_loop_next(id)) {
		if (iv_loop_get_name(id, name, sizeof(name)) < 0)
			continue; /* it has ended meanwhile */
		printf("loop %#" PRIx64 " is '%s'\n", id, name);
	}
}

int main(void)
{
	char word[] = "storage";
	pthread_t thread;
	iv_loop_id id;
	int ret;

	sem_init(&named, 0, 0);
	sem_init(&listed, 0, 0);
	iv_init();
	iv_loop_set_name("main");
	ret = pthread_create(&thread, NULL, serve, word);
	if (ret != 0) {
		fprintf(stderr, "pthread_create: %s\n", strerror(ret));
		return 1;
	}

	sem_wait(&named);
	list();
	if (iv_loop_find("storage", &id) == 0)
		printf("'storage' is %#" PRIx64 "\n", id);
	sem_post(&listed);
	pthread_join(thread, NULL);
	printf("loops left: %zu\n", iv_loop_count());
	iv_deinit();

	return 0;
}
