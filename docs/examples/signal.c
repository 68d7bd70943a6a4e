/* Signals become calls on the loop, where anything may be done. */
#include <signal.h>
#include <stdio.h>
#include <iv.h>
#include <iv_signal.h>

static struct iv_signal hup, term;

static void reload(void *cookie)
{
	(void)cookie;
	printf("reloading\n");
	raise(SIGTERM);
}

static void end(void *cookie)
{
	(void)cookie;
	printf("ending\n");
	iv_signal_unregister(&hup);
	iv_signal_unregister(&term); /* nothing is left: iv_main() returns */
}

static int expect(struct iv_signal *sig, int signum, void (*handler)(void *))
{
	IV_SIGNAL_INIT(sig);
	sig->signum = signum;
	sig->flags = 0;
	sig->handler = handler;

	return iv_signal_register(sig);
}

int main(void)
{
	iv_init();

	if (expect(&hup, SIGHUP, reload) < 0 ||
	    expect(&term, SIGTERM, end) < 0) {
		perror("iv_signal_register");
		return 1;
	}
	raise(SIGHUP);

	iv_main();
	iv_deinit();

	return 0;
}
