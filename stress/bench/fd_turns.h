/* SPDX-License-Identifier: MIT */
/*
 * Changes: a descriptor that is always readable ends each wait of the loop at
 * once, and its callback, a turn, does what is measured. Part of fd_cases.c.
 */
static struct turns {
	struct peer_fd p;
	unsigned long left, number;
	uint64_t unmeasured_ns;
	void (*act)(unsigned long number);
} turns;

static void turn(void *cookie)
{
	(void)cookie;
	if (turns.left-- == 0)
		loop_stop();
	else
		turns.act(turns.number++);
}

/* Nanoseconds a turn in which @act is called. */
static double turns_time(unsigned long num, void (*act)(unsigned long number))
{
	uint64_t start = thread_cpu_ns();

	turns.act = act;
	turns.left = num;
	turns.number = 0;
	turns.unmeasured_ns = 0;
	loop_run();
	return (double)(thread_cpu_ns() - start - turns.unmeasured_ns) /
	       (double)num;
}

static void turns_open(void)
{
	int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);

	must_be(fd >= 0, "eventfd");
	peer_pin_one();
	loop_open();
	fd_open(&turns.p, fd, turn, NULL);
	fd_register(&turns.p);
}

/* Registering ############################################################## */

enum { PAIRS = 64, LIVES = 16 };

static struct peer_fd pairs[PAIRS];
static int pair_fds[PAIRS][2];
static void (*prepare)(int fd); /* NULL: they come prepared */

static void nothing(void *cookie)
{
	(void)cookie;
}

/* As accept() and pipe() give them; not to be measured. */
static void make_blocking(void)
{
	uint64_t start = thread_cpu_ns();
	int i;

	for (i = 0; i < PAIRS; i++) {
		must_be(!fcntl(pair_fds[i][0], F_SETFL, 0) &&
				!fcntl(pair_fds[i][0], F_SETFD, 0),
			"fcntl");
	}
	turns.unmeasured_ns += thread_cpu_ns() - start;
}

static void register_pairs(unsigned long number)
{
	int i;

	(void)number;
	if (prepare)
		make_blocking();
	for (i = 0; i < PAIRS; i++) {
		if (prepare)
			prepare(pair_fds[i][0]);
		fd_register(&pairs[i]);
		fd_unregister(&pairs[i]);
	}
}

static void open_pairs(int with_pipes)
{
	int i;

	for (i = 0; i < PAIRS; i++) {
		if (with_pipes)
			must_be(!pipe(pair_fds[i]), "pipe");
		else
			open_pair(pair_fds[i], SOCK_NONBLOCK | SOCK_CLOEXEC);
		fd_open(&pairs[i], pair_fds[i][0], nothing, NULL);
	}
}

static void close_pairs(void)
{
	int i;

	for (i = 0; i < PAIRS; i++) {
		close(pair_fds[i][0]);
		close(pair_fds[i][1]);
	}
}

static double register_time(int with_pipes, void (*how)(int fd))
{
	double ns;

	open_pairs(with_pipes);
	prepare = how;
	turns_time(10, register_pairs);
	ns = turns_time(peer_scaled(400), register_pairs) / PAIRS;
	close_pairs();
	return ns;
}

/* New connections, watched for a turn, then closed. */
static void live(unsigned long number)
{
	/* libuv has those of the last turn until this one ends. */
	int now = number & 1 ? LIVES : 0, before = LIVES - now, i;

	for (i = before; number && i < before + LIVES; i++) {
		fd_finish(&pairs[i]);
		close(pair_fds[i][1]);
	}
	for (i = now; i < now + LIVES; i++) {
		open_pair(pair_fds[i], SOCK_NONBLOCK | SOCK_CLOEXEC);
		fd_open(&pairs[i], pair_fds[i][0], nothing, NULL);
		fd_register(&pairs[i]);
	}
}

static void register_case(void)
{
	turns_open();
	peer_report("register-socket", register_time(0, fd_prepare_socket));
	peer_report("register-pipe", register_time(1, fd_prepare));
	peer_report("register-short", register_time(0, fd_prepare_shortly));
	peer_report("register-bare", register_time(0, NULL));
	peer_report("life", turns_time(peer_scaled(2000), live) / LIVES);
}

/* Interest ################################################################# */

static struct peer_fd subject, writer;
static int subject_fds[2];
static int asked;
static unsigned long answered;

enum { FLIPS = 10 };

static void change_out(unsigned long number)
{
	want_out(&subject, !(number & 1));
}

static void change_in(unsigned long number)
{
	want_in(&subject, number & 1);
}

static void flip_out(unsigned long number)
{
	int i;

	(void)number;
	for (i = 0; i < FLIPS; i++) {
		want_out(&subject, 1);
		want_out(&subject, 0);
	}
}

static void no_change(unsigned long number)
{
	(void)number;
}

static void ask(unsigned long number)
{
	(void)number;
	if (asked)
		return;
	asked = 1;
	must_be(write(subject_fds[1], "", 1) == 1, "write");
	want_in(&subject, 1);
}

static void answer(void *cookie)
{
	char byte;

	(void)cookie;
	if (!asked)
		return;
	must_be(read(subject_fds[0], &byte, 1) == 1, "read");
	asked = 0;
	answered++;
	want_in(&subject, 0);
}

static void ask_to_write(unsigned long number)
{
	(void)number;
	if (asked)
		return;
	asked = 1;
	want_out(&writer, 1);
}

static void written(void *cookie)
{
	(void)cookie;
	asked = 0;
	answered++;
	want_out(&writer, 0);
}

/* Nanoseconds an answer: how many turns it takes is the library's affair. */
static double answer_time(unsigned long num, void (*act)(unsigned long number))
{
	double ns;

	answered = 0;
	ns = turns_time(num, act) * (double)num;
	return ns / (double)answered;
}

/* Nothing to read and no room to write: no band of it is ready. */
static void fill(int fd)
{
	char block[4096] = "";

	while (write(fd, block, sizeof(block)) > 0)
		;
	while (write(fd, block, 1) > 0)
		;
}

static void interest_case(void)
{
	unsigned long num = peer_scaled(100) * 1000;

	turns_open();
	open_pair(subject_fds, SOCK_NONBLOCK | SOCK_CLOEXEC);
	fd_open(&subject, subject_fds[0], answer, NULL);
	fd_register(&subject);
	fill(subject_fds[0]);
	peer_report("turn", turns_time(num, no_change));
	peer_report("toggle", turns_time(num, change_out));
	peer_report("flip", turns_time(num / FLIPS, flip_out) / FLIPS);
	peer_report("pause", turns_time(num, change_in));
	want_in(&subject, 0);
	peer_report("serve", answer_time(num, ask));
	open_pair(subject_fds, SOCK_NONBLOCK | SOCK_CLOEXEC);
	fd_open(&writer, subject_fds[0], written, NULL);
	fd_register(&writer);
	peer_report("write", answer_time(num, ask_to_write));
}
