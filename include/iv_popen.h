/* SPDX-License-Identifier: MIT */
/*
 * iv_popen.h - run a program and read what it writes, or write what it reads
 */
#ifndef IV_POPEN_H
#define IV_POPEN_H

#ifdef __cplusplus
extern "C" {
#endif

struct iv__popen;

struct iv_popen_request {
	char *file;
	char **argv;
	char *type;

	/* The library's own. */
	struct iv__popen *popen_;
};

/* Nothing to initialise: kept because programs call it. */
static inline void IV_POPEN_REQUEST_INIT(struct iv_popen_request *request)
{
	(void)request;
}

/*
 * iv_popen_request_submit - start a program with a pipe to it
 * @request: file, argv and type set; the caller's memory, kept until
 *           iv_popen_request_close() returns
 *
 * The program is looked for and started as by execvp(3), with argv ending in
 * NULL. With type "r" its standard output can be read from the descriptor
 * returned, with type "w" its standard input written to. Its other standard
 * streams are /dev/null, and no signal is blocked in it. When it cannot be
 * started, the reader sees end of file, a writer EPIPE.
 *
 * The descriptor blocks, is closed on exec, and is the caller's to close. The
 * calling loop stays alive until the program has ended.
 *
 * Returns the descriptor, or -1 with errno set and no child: EINVAL (the type
 * is neither "r" nor "w"), EAGAIN, EMFILE, ENFILE, ENOMEM.
 *
 * Threads: one that called iv_init().
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_popen(3)
 */
int iv_popen_request_submit(struct iv_popen_request *request);

/*
 * iv_popen_request_close - have the program end, if it has not yet
 *
 * Once for each request that was submitted. The program is sent SIGTERM at
 * once and then every 5 seconds, SIGKILL after 25 seconds. The request may be
 * freed at once; the loop stays alive until the program has ended. Does not
 * close the descriptor.
 *
 * Threads: the one that submitted it.
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_popen(3)
 */
void iv_popen_request_close(struct iv_popen_request *request);

#ifdef __cplusplus
}
#endif

#endif
