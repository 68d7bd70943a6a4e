/* SPDX-License-Identifier: MIT */
/*
 * syslog_check DIRECTORY COUNT - did every message arrive exactly once?
 *
 * Reads the output files below DIRECTORY/out. Each source must have COUNT
 * messages there, numbered from 0, none missing, none twice, in the order in
 * which they were sent, and nothing else may be there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "syslog_plan.h"

/* What has arrived from one source. */
struct tally {
	unsigned char *times; /* by number */
	long next;	      /* one above the last number */
	long lost;
	long twice;
	long disordered;
};

static struct tally tallies[NUM_PLANS];
static long count;
static long garbled;

static int find_plan(const char *name, size_t len)
{
	int i;

	for (i = 0; i < NUM_PLANS; i++)
		if (strlen(plans[i].name) == len &&
		    memcmp(plans[i].name, name, len) == 0)
			return i;
	return -1;
}

static int is_padding(const char *text)
{
	return text[strspn(text, "x")] == '\n';
}

static void take(const char *line, const char *output)
{
	size_t name_len = strcspn(line, " ");
	int plan = find_plan(line, name_len);
	struct tally *tally = &tallies[plan < 0 ? 0 : plan];
	char *end;
	long number;

	number = strtol(line + name_len, &end, 10);
	if (plan < 0 || strcmp(plans[plan].output, output) != 0 || number < 0 ||
	    number >= count || *end != ' ' || !is_padding(end + 1) ||
	    strlen(line) != LINE_BYTES) {
		if (garbled++ == 0)
			printf("%s: not sent like this: %s", output, line);
		return;
	}
	if (tally->times[number] < 255)
		tally->times[number]++;
	if (number < tally->next)
		tally->disordered++;
	tally->next = number + 1;
}

static void read_output(const char *directory, const char *output)
{
	char path[4096], line[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/out/%s", directory, output);
	file = fopen(path, "r");
	if (!file) {
		perror(path);
		exit(2);
	}
	while (fgets(line, sizeof(line), file))
		take(line, output);
	fclose(file);
}

static int judge(const struct plan *plan, struct tally *tally)
{
	long i;

	for (i = 0; i < count; i++) {
		tally->lost += tally->times[i] == 0;
		tally->twice += tally->times[i] > 1;
	}
	if (tally->lost == 0 && tally->twice == 0 && tally->disordered == 0)
		return 0;
	printf("%s: of %ld messages %ld lost, %ld more than once, "
	       "%ld behind a later one\n",
	       plan->name, count, tally->lost, tally->twice, tally->disordered);
	return 1;
}

int main(int argc, char **argv)
{
	int i, failed = 0;

	count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
	if (count < 1) {
		fprintf(stderr, "usage: syslog_check DIRECTORY COUNT\n");
		return 2;
	}
	for (i = 0; i < NUM_PLANS; i++) {
		tallies[i].times = calloc((size_t)count, 1);
		if (!tallies[i].times) {
			perror("syslog_check");
			return 2;
		}
	}
	for (i = 0; i < NUM_PLANS; i++)
		if (i == 0 || strcmp(plans[i].output, plans[i - 1].output) != 0)
			read_output(argv[1], plans[i].output);
	for (i = 0; i < NUM_PLANS; i++)
		failed |= judge(&plans[i], &tallies[i]);
	if (garbled > 0)
		printf("%ld lines that nobody sent\n", garbled);
	if (failed || garbled > 0)
		return 1;
	printf("all %ld messages of each of %d sources arrived once\n", count,
	       NUM_PLANS);
	return 0;
}
