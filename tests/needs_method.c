/* SPDX-License-Identifier: MIT */
/*
 * needs_method COMMAND... - run a test where its method is to be had
 *
 * Where a loop does not open with the method of IV_SELECT_POLL_METHOD, say that
 * it is unavailable and end with the status that CTest counts as skipped.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <iv.h>

enum { STATUS_UNAVAILABLE = 77, STATUS_BROKEN = 1 };

static void say_unavailable(const char *text)
{
	printf("unavailable: %s\n", text);
	fflush(NULL);
	_exit(STATUS_UNAVAILABLE);
}

/* In a child, for the first iv_init() changes its process. */
static int status_of_open(void)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		iv_set_fatal_msg_handler(say_unavailable);
		iv_init();
		iv_deinit();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return STATUS_BROKEN;

	return WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_BROKEN;
}

int main(int argc, char **argv)
{
	int status;

	if (argc < 2) {
		fprintf(stderr, "usage: needs_method COMMAND [ARGUMENT]...\n");
		return 2;
	}

	status = status_of_open();
	if (status != 0)
		return status;

	execv(argv[1], argv + 1);
	perror(argv[1]);

	return STATUS_BROKEN;
}
