/* Two loops that answer each other, and look for the answer before sleeping. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <iv.h>
#include <iv_event.h>
#include <iv_loop.h>

enum { NUM_ROUNDS = 1000, SPIN_US = 50 };

/* One side's loop has one event, posted by the other side. */
struct side {
	struct iv_event ball;
	struct side *other;
	int num_balls;
};

static sem_t ready;

static void return_ball(void *cookie)
{
	struct side *side = cookie;

	iv_event_post(&side->other->ball);
	if (++side->num_balls == NUM_ROUNDS)
		iv_event_unregister(&side->ball);
}

static int open_side(struct side *side)
{
	int ret;

	iv_init();
	/* On one CPU nobody could answer meanwhile: then it just sleeps. */
	ret = iv_loop_set_spin(SPIN_US);
	if (ret < 0)
		printf("no spinning: %s\n", strerror(-ret));

	IV_EVENT_INIT(&side->ball);
	side->ball.cookie = side;
	side->ball.handler = return_ball;

	return iv_event_register(&side->ball);
}

static void *play(void *arg)
{
	int ret = open_side(arg);

	sem_post(&ready);
	if (ret == 0)
		iv_main();
	iv_deinit();

	return NULL;
}

/* The last ball is the one that nobody returns. */
static void serve_ball(void *cookie)
{
	struct side *side = cookie;

	if (++side->num_balls == NUM_ROUNDS)
		iv_event_unregister(&side->ball);
	else
		iv_event_post(&side->other->ball);
}

int main(void)
{
	struct side sides[2] = { { .other = &sides[1] },
				 { .other = &sides[0] } };
	pthread_t thread;
	int ret;

	sem_init(&ready, 0, 0);
	if (open_side(&sides[0]) != 0) {
		perror("iv_event_register");
		return 1;
	}
	sides[0].ball.handler = serve_ball;
	ret = pthread_create(&thread, NULL, play, &sides[1]);
	if (ret != 0) {
		fprintf(stderr, "pthread_create: %s\n", strerror(ret));
		return 1;
	}
	sem_wait(&ready);
	iv_event_post(&sides[1].ball);
	iv_main();
	iv_deinit();
	pthread_join(thread, NULL);
	printf("%d and %d balls\n", sides[0].num_balls, sides[1].num_balls);

	return sides[0].num_balls == sides[1].num_balls ? 0 : 1;
}
