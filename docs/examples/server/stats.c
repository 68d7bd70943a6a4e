/* SPDX-License-Identifier: MIT */
/* stats.c - counters, and histograms of times */
#include "stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The three bits below the highest one choose among eight buckets. */
static unsigned bucket_of(uint64_t value)
{
	unsigned high;

	if (value < 8)
		return (unsigned)value;
	high = 63 - (unsigned)__builtin_clzll(value);
	return (high - 2) * 8 + ((value >> (high - 3)) & 7);
}

static uint64_t bucket_end(unsigned bucket)
{
	unsigned high = bucket / 8 + 2;

	if (bucket < 8)
		return bucket;
	return ((uint64_t)(bucket % 8 + 9) << (high - 3)) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t value_ns)
{
	histogram->count++;
	histogram->bucket[bucket_of(value_ns)]++;
	if (value_ns > histogram->max_ns)
		histogram->max_ns = value_ns;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	into->count += from->count;
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
}

uint64_t histogram_share_ns(const struct histogram *histogram, double share)
{
	uint64_t wanted = (uint64_t)((double)histogram->count * share);
	uint64_t seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->bucket[i];
		if (seen > wanted && bucket_end(i) < histogram->max_ns)
			return bucket_end(i);
		if (seen > wanted)
			break;
	}
	return histogram->max_ns;
}

void counters_merge(struct counters *into, const struct counters *from)
{
	into->accepted += from->accepted;
	into->closed += from->closed;
	into->accept_pauses += from->accept_pauses;
	into->requests += from->requests;
	for (int i = 0; i < 6; i++)
		into->answers[i] += from->answers[i];
	into->timeouts += from->timeouts;
	into->bytes_sent += from->bytes_sent;
	into->posts += from->posts;
	into->submitted += from->submitted;
	into->completed += from->completed;
	into->queued += from->queued;
	into->threads += from->threads;
	histogram_merge(&into->wait, &from->wait);
	histogram_merge(&into->run, &from->run);
}

static void
render_times(FILE *out, const char *name, const struct histogram *times)
{
	fprintf(out,
		"    \"%s\": { \"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f }",
		name, (double)histogram_share_ns(times, 0.50) / 1000,
		(double)histogram_share_ns(times, 0.99) / 1000,
		(double)times->max_ns / 1000);
}

static void render_number(FILE *out, const char *name, uint64_t value)
{
	fprintf(out, "  \"%s\": %llu,\n", name, (unsigned long long)value);
}

static void render_work(FILE *out, const struct counters *sum)
{
	fprintf(out, "  \"work\": {\n");
	fprintf(out, "    \"threads\": %llu,\n    \"queue_depth\": %llu,\n",
		(unsigned long long)sum->threads,
		(unsigned long long)sum->queued);
	fprintf(out, "    \"submitted\": %llu,\n    \"completed\": %llu,\n",
		(unsigned long long)sum->submitted,
		(unsigned long long)sum->completed);
	render_times(out, "wait_us", &sum->wait);
	fprintf(out, ",\n");
	render_times(out, "run_us", &sum->run);
	fprintf(out, "\n  },\n");
}

static void
render_loops(FILE *out, const struct counters *const *loops, size_t count)
{
	fprintf(out, "  \"by_loop\": [");
	for (size_t i = 0; i < count; i++) {
		const struct counters *c = loops[i];

		fprintf(out,
			"%s\n    { \"connections\": %llu, \"requests\": %llu }",
			i == 0 ? "" : ",",
			(unsigned long long)(c->accepted - c->closed),
			(unsigned long long)c->requests);
	}
	fprintf(out, "\n  ]\n");
}

static void render(FILE *out, const struct counters *sum,
		   const struct counters *const *loops, size_t count)
{
	fprintf(out, "{\n");
	render_number(out, "loops", count);
	render_number(out, "connections", sum->accepted - sum->closed);
	render_number(out, "accepted", sum->accepted);
	render_number(out, "accept_pauses", sum->accept_pauses);
	render_number(out, "requests", sum->requests);
	render_number(out, "answers_2xx", sum->answers[2]);
	render_number(out, "answers_3xx", sum->answers[3]);
	render_number(out, "answers_4xx", sum->answers[4]);
	render_number(out, "answers_5xx", sum->answers[5]);
	render_number(out, "timeouts", sum->timeouts);
	render_number(out, "bytes_sent", sum->bytes_sent);
	render_number(out, "posts", sum->posts);
	render_work(out, sum);
	render_loops(out, loops, count);
	fprintf(out, "}\n");
}

char *counters_render(const struct counters *const *loops, size_t count,
		      uint64_t posts)
{
	struct counters *sum = calloc(1, sizeof(*sum));
	char *text = NULL;
	size_t length;
	FILE *out = sum == NULL ? NULL : open_memstream(&text, &length);

	if (out != NULL) {
		for (size_t i = 0; i < count; i++)
			counters_merge(sum, loops[i]);
		sum->posts += posts;
		render(out, sum, loops, count);
		if (fclose(out) != 0) {
			free(text);
			text = NULL;
		}
	}
	free(sum);
	return text;
}
