/* Start a child process and learn how it ended. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <iv.h>
#include <iv_wait.h>

/* In the child; usually ends in exec. */
static void be_child(void *cookie)
{
	char *const *argv = cookie;

	execvp(argv[0], argv);
	_exit(127);
}

static void got_status(void *cookie, int status, const struct rusage *rusage)
{
	struct iv_wait_interest *child = cookie;

	if (!WIFEXITED(status) && !WIFSIGNALED(status))
		return; /* stopped or continued */

	printf("exit status %d, used memory: %s\n", WEXITSTATUS(status),
	       rusage->ru_maxrss > 0 ? "yes" : "no");
	iv_wait_interest_unregister(child);
}

int main(void)
{
	char *argv[] = { "sh", "-c", "exit 3", NULL };
	struct iv_wait_interest child;

	iv_init();

	IV_WAIT_INTEREST_INIT(&child);
	child.cookie = &child;
	child.handler = got_status;
	if (iv_wait_interest_register_spawn(&child, be_child, argv) < 0) {
		perror("iv_wait_interest_register_spawn");
		return 1;
	}

	iv_main();
	iv_deinit();

	return 0;
}
