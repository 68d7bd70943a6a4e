/* SPDX-License-Identifier: MIT */
/* Starting a peer and reading what it prints. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver.h"

/* No case takes more than a few seconds; a hang must not be for ever. */
#define TIMEOUT_S 120

static void become(char *const argv[], const int pipe_fds[2])
{
	close(pipe_fds[0]);
	if (dup2(pipe_fds[1], STDOUT_FILENO) < 0)
		_exit(127);
	close(pipe_fds[1]);
	alarm(TIMEOUT_S); /* outlives the exec */
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

static int explain(const char *name, int status)
{
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (WIFEXITED(status))
		fprintf(stderr, "%s: exit status %d\n", name,
			WEXITSTATUS(status));
	else
		fprintf(stderr, "%s: killed by SIG%s\n", name,
			sigabbrev_np(WTERMSIG(status)));
	return -1;
}

int bench_spawn(char *const argv[], void (*line)(void *cookie, char *text),
		void *cookie)
{
	char *text = NULL;
	size_t size = 0;
	int fds[2], status;
	FILE *output;
	pid_t pid;

	if (pipe(fds) || (pid = fork()) < 0) {
		perror("starting a peer");
		return -1;
	}
	if (!pid)
		become(argv, fds);
	close(fds[1]);
	output = fdopen(fds[0], "r");
	while (output && getline(&text, &size, output) > 0)
		line(cookie, text);
	if (output)
		fclose(output);
	free(text);
	if (waitpid(pid, &status, 0) < 0)
		return -1;
	return explain(argv[0], status);
}
