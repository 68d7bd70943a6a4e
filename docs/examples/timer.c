/* A timer that rearms itself, and one that is cancelled in time. */
#include <stdio.h>
#include <iv.h>

struct ticker {
	struct iv_timer timer;
	struct iv_timer *give_up;
	int left;
};

/* @timer must not be registered: its time is frozen while it is. */
static void set_ms(struct iv_timer *timer, long ms)
{
	timer->expires = iv_now;
	timer->expires.tv_sec += ms / 1000;
	timer->expires.tv_nsec += ms % 1000 * 1000000;
	if (timer->expires.tv_nsec >= 1000000000) {
		timer->expires.tv_sec++;
		timer->expires.tv_nsec -= 1000000000;
	}
}

static void tick(void *cookie)
{
	struct ticker *ticker = cookie;

	printf("%d to go\n", --ticker->left);
	if (ticker->left > 0) {
		set_ms(&ticker->timer, 1);
		iv_timer_register(&ticker->timer);
	} else {
		iv_timer_unregister(ticker->give_up);
	}
}

static void give_up(void *cookie)
{
	(void)cookie;
	printf("that took too long\n");
	iv_quit();
}

int main(void)
{
	struct iv_timer limit;
	struct ticker ticker = { .give_up = &limit, .left = 3 };

	iv_init();

	IV_TIMER_INIT(&limit);
	set_ms(&limit, 60000);
	limit.handler = give_up;
	iv_timer_register(&limit);

	IV_TIMER_INIT(&ticker.timer);
	set_ms(&ticker.timer, 1);
	ticker.timer.cookie = &ticker;
	ticker.timer.handler = tick;
	iv_timer_register(&ticker.timer);

	iv_main(); /* returns when no timer is left */
	iv_deinit();

	return 0;
}
