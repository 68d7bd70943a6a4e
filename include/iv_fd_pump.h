/* SPDX-License-Identifier: MIT */
/*
 * iv_fd_pump.h - move a stream of bytes from one descriptor to another
 *
 * A pump moves what can be moved now, keeps what the far side has no room
 * for, and says through set_bands what it waits for. It registers nothing
 * and needs no loop: the program watches both descriptors and calls
 * iv_fd_pump_pump() when one of them is ready.
 */
#ifndef IV_FD_PUMP_H
#define IV_FD_PUMP_H

#ifdef __cplusplus
extern "C" {
#endif

/* At end of file, shut down the writing side of to_fd, a socket. */
#define IV_FD_PUMP_FLAG_RELAY_EOF 1

struct iv_fd_pump {
	int from_fd;
	int to_fd;
	void *cookie;

	/*
	 * Told after each step: pump again when from_fd is readable (pollin)
	 * or when to_fd is writable (pollout).
	 */
	void (*set_bands)(void *cookie, int pollin, int pollout);
	unsigned int flags;

	/* The library's own. */
	struct iv__pump_store *store_;
	int held_;
	int full_;
	int phase_;
};

/* Nothing to initialise: kept because programs call it. */
static inline void IV_FD_PUMP_INIT(struct iv_fd_pump *pump)
{
	(void)pump;
}

/*
 * iv_fd_pump_init - make a pump ready to move bytes
 * @pump: all public members set; the caller's memory, kept until
 *        iv_fd_pump_destroy()
 *
 * Both descriptors should be non-blocking, as registering them makes them;
 * with others a call may block. Calls set_bands(cookie, 1, 0). Takes nothing
 * from the system: the first pump call does that.
 *
 * Errors:  set_bands is NULL: iv_fatal().
 * Threads: any, with a loop or without; one at a time for each pump.
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_fd_pump(3)
 */
void iv_fd_pump_init(struct iv_fd_pump *pump);

/*
 * iv_fd_pump_destroy - give back what a pump holds
 *
 * Legal at any time after iv_fd_pump_init(), also from set_bands and after
 * an error. Bytes that were taken from from_fd and not yet delivered are
 * lost. Calls set_bands(cookie, 0, 0), as its last act, unless the pump was
 * done. Closes neither descriptor of the caller's.
 *
 * Errors:  none.
 * Threads: any, one at a time for each pump.
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_fd_pump(3)
 */
void iv_fd_pump_destroy(struct iv_fd_pump *pump);

/*
 * iv_fd_pump_pump - take one step
 *
 * Takes at most 65536 bytes from from_fd and delivers what to_fd has room
 * for; a descriptor that has nothing or no room is no error. Then calls
 * set_bands. pollin stays off while there is no room to keep more, pollout
 * is on while there is something to deliver: a program that waits as it is
 * told never spins.
 *
 * Returns  1 when there is more to come,
 *          0 when from_fd has ended and everything was delivered (and, with
 *            IV_FD_PUMP_FLAG_RELAY_EOF, to_fd was shut down for writing),
 *         -1 with errno set when a descriptor failed, or with ENOMEM;
 *            set_bands is not called then. After ENOMEM the call may be
 *            repeated and nothing was lost.
 *
 * Bytes go through a pipe by splice(2) and are not copied; where the system,
 * a kind of file or a lack of descriptors does not allow that, by read(2) and
 * write(2). A pump holds two descriptors or 64 KB from its first call until
 * it is done or destroyed.
 *
 * Writing to a connection that the peer has closed raises SIGPIPE as well,
 * in a program that does not ignore it; iv_init() does that.
 *
 * Threads: any, one at a time for each pump.
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_fd_pump(3)
 */
int iv_fd_pump_pump(struct iv_fd_pump *pump);

/*
 * iv_fd_pump_is_done - non-zero once iv_fd_pump_pump() has returned 0
 *
 * Threads: any, one at a time for each pump.
 * Source:  ivykis iv_fd_pump(3)
 */
int iv_fd_pump_is_done(const struct iv_fd_pump *pump);

#ifdef __cplusplus
}
#endif

#endif
