/* SPDX-License-Identifier: MIT */
/*
 * The cases of bench_channel, written once for every peer. The adapter is the
 * header named by BENCH_ADAPTER: a loop, a channel to it, a sender of it and a
 * message, and seven small functions, inlined so that only the library's own
 * call is measured.
 *
 * Senders start each burst together, when the one before was handled to its
 * last message. The receiver checks every message: who sent it, and that it is
 * the next one of that sender.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#include "peer.h"
#include BENCH_ADAPTER

#define MAX_SENDERS 4
#define MESSAGES 65536 /* of a burst, all senders together */

struct letter {
	struct peer_message message;
	unsigned from;
	unsigned number;
};

struct run;

struct sender {
	struct run *run;
	struct peer_sender end;
	struct letter *letters;
	pthread_t thread;
	sem_t start;
	unsigned next; /* the receiver's: number of the message to come */
};

struct run {
	struct peer_loop loop;
	struct peer_channel channel;
	struct sender sender[MAX_SENDERS];
	unsigned senders;
	unsigned each;	      /* messages of a burst, one sender */
	unsigned long bursts; /* to begin with */
	unsigned long burst;  /* this one */
	unsigned long left;   /* messages of it, not handled yet */
	uint64_t began_ns;
	double *burst_ns;
};

static void begin_burst(struct run *run)
{
	unsigned i;

	run->left = (unsigned long)run->each * run->senders;
	for (i = 0; i < run->senders; i++)
		run->sender[i].next = 0;
	run->began_ns = wall_ns();
	for (i = 0; i < run->senders; i++)
		sem_post(&run->sender[i].start);
}

static void end_burst(struct run *run)
{
	run->burst_ns[run->burst++] = (double)(wall_ns() - run->began_ns);
	if (run->burst < run->bursts)
		begin_burst(run);
	else
		loop_stop(&run->loop);
}

static void handle(void *cookie, struct peer_message *message)
{
	struct letter *letter = (struct letter *)message;
	struct run *run = cookie;
	struct sender *sender = &run->sender[letter->from];

	if (letter->number != sender->next)
		peer_die("sender %u: message %u came in the place of %u",
			 letter->from, letter->number, sender->next);
	sender->next++;
	if (--run->left == 0)
		end_burst(run);
}

static void *send_bursts(void *cookie)
{
	struct sender *self = cookie;
	struct run *run = self->run;
	unsigned long burst;
	unsigned i;

	peer_pin(1 + (unsigned)(self - run->sender));
	for (burst = 0; burst < run->bursts; burst++) {
		sem_wait(&self->start);
		for (i = 0; i < run->each; i++)
			peer_send(&self->end, &self->letters[i].message);
	}
	return NULL;
}

static void start_sender(struct run *run, unsigned from)
{
	struct sender *sender = &run->sender[from];
	unsigned i;

	sender->run = run;
	sender->letters = calloc(run->each, sizeof(struct letter));
	if (!sender->letters)
		peer_die("out of memory");
	for (i = 0; i < run->each; i++) {
		message_init(&sender->letters[i].message);
		sender->letters[i].from = from;
		sender->letters[i].number = i;
	}
	sender_open(&sender->end, &run->channel);
	sem_init(&sender->start, 0, 0);
	if (pthread_create(&sender->thread, NULL, send_bursts, sender))
		peer_die("pthread_create failed");
}

static void end_sender(struct sender *sender)
{
	pthread_join(sender->thread, NULL);
	sender_close(&sender->end);
	sem_destroy(&sender->start);
	free(sender->letters);
}

static void measure(unsigned senders, const char *rate, const char *cpu_of_one)
{
	struct run *run = calloc(1, sizeof(*run));
	double total, cpu_ns;
	unsigned i;

	run->senders = senders;
	run->each = MESSAGES / senders;
	run->bursts = peer_scaled(60);
	run->burst_ns = calloc(run->bursts, sizeof(double));
	peer_pin(0);
	loop_open(&run->loop);
	channel_open(&run->loop, &run->channel, handle, run);
	for (i = 0; i < senders; i++)
		start_sender(run, i);

	cpu_ns = (double)process_cpu_ns();
	begin_burst(run);
	loop_run(&run->loop);
	cpu_ns = (double)process_cpu_ns() - cpu_ns;

	total = (double)run->each * senders;
	peer_report(rate,
		    total * 1e3 /
			    peer_percentile(run->burst_ns, run->bursts, 50));
	peer_report(cpu_of_one, cpu_ns / (total * (double)run->bursts));
	for (i = 0; i < senders; i++)
		end_sender(&run->sender[i]);
	channel_close(&run->channel);
	loop_close(&run->loop);
	free(run->burst_ns);
	free(run);
}

static void send_1(void)
{
	measure(1, "send-1", "send-1-cpu");
}

static void send_2(void)
{
	measure(2, "send-2", "send-2-cpu");
}

static void send_4(void)
{
	measure(4, "send-4", "send-4-cpu");
}

const struct peer_case peer_cases[] = {
	{ "send-1", send_1 },
	{ "send-2", send_2 },
	{ "send-4", send_4 },
	{ NULL, NULL },
};
