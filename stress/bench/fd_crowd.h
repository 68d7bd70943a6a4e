/* SPDX-License-Identifier: MIT */
/*
 * Many descriptors, few of them active: write to some, run until each of
 * these has had its callback, write to others. Part of fd_cases.c.
 */
static struct crowd {
	struct peer_fd *members;
	size_t *order; /* a random permutation, gone through in turn */
	size_t count, among, next;
	unsigned long active, pending, rounds;
} crowd;

/* xorshift: the same numbers for every peer and run. */
static uint64_t draw(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void stir(void)
{
	uint64_t one = 1;
	unsigned long i;

	crowd.pending = crowd.active;
	for (i = 0; i < crowd.active; i++) {
		int fd = fd_number(&crowd.members[crowd.order[crowd.next]]);

		must_be(write(fd, &one, sizeof(one)) == sizeof(one), "write");
		if (++crowd.next == crowd.among)
			crowd.next = 0;
	}
}

static void heard(void *cookie)
{
	int fd = fd_number(cookie);
	uint64_t count;

	must_be(read(fd, &count, sizeof(count)) == sizeof(count), "read");
	if (--crowd.pending)
		return;
	if (--crowd.rounds)
		stir();
	else
		loop_stop();
}

/* Nanoseconds an event, @active at a time among the first @among. */
static double crowd_time(size_t among, unsigned long active, unsigned long num)
{
	uint64_t start;

	crowd.among = among;
	crowd.active = active;
	crowd.rounds = num / active;
	crowd.next = 0;
	start = thread_cpu_ns();
	stir();
	loop_run();
	return (double)(thread_cpu_ns() - start) / (double)num;
}

static void crowd_grow(size_t count)
{
	size_t i, j;

	for (i = crowd.count; i < count; i++) {
		struct peer_fd *p = &crowd.members[i];
		int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

		must_be(fd >= 0, "eventfd");
		fd_open(p, fd, heard, p);
		fd_register(p);
		j = draw() % (i + 1);
		crowd.order[i] = crowd.order[j];
		crowd.order[j] = i;
	}
	crowd.count = count;
}

static void crowd_open(size_t most)
{
	struct rlimit limit = { most + 100, most + 100 };

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < most + 100) {
		limit.rlim_cur = most + 100;
		must_be(!setrlimit(RLIMIT_NOFILE, &limit),
			"setrlimit(RLIMIT_NOFILE)");
	}
	crowd.members = must(calloc(most, sizeof(*crowd.members)));
	crowd.order = must(calloc(most, sizeof(*crowd.order)));
	peer_pin_one();
	loop_open();
}

static void crowd_case(size_t count, const char *suffix)
{
	static const unsigned long active[] = { 1, 100 };
	char metric[64];
	size_t i;

	crowd_open(count);
	crowd_grow(count);
	crowd_time(count, 100, 2 * count);
	for (i = 0; i < 2; i++) {
		snprintf(metric, sizeof(metric), "%s-%lu", suffix, active[i]);
		peer_report(metric, crowd_time(count, active[i],
					       peer_scaled(1000) * 100));
	}
}

/* The same hundred, alone and among 9,900 that are idle, again and again. */
static void idle_case(void)
{
	double alone, crowded;

	crowd_open(10000);
	crowd_grow(100);
	crowd_time(100, 100, 10000);
	alone = crowd_time(100, 100, peer_scaled(1000) * 100);
	crowd_grow(100 + 9900);
	crowd_time(10000, 100, 20000);
	for (crowd.among = 0; crowd.among < 100; crowd.among++)
		crowd.order[crowd.among] = crowd.among;
	crowd_time(100, 100, 10000);
	crowded = crowd_time(100, 100, peer_scaled(1000) * 100);
	peer_report("idle", crowded / alone);
}
