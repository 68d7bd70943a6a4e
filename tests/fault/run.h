/* SPDX-License-Identifier: MIT */
/*
 * run.h - one run of a scenario, in a process of its own
 */
#ifndef RUN_H
#define RUN_H

#include "bed.h"
#include "shim.h"

struct run {
	const struct scenario *scenario;
	const char *method;
	struct shim_fault fault;
	int free_fds; /* how many descriptors are left; -1: enough */
	bool late;    /* only once the loop is open */
};

enum verdict {
	WORKED,	       /* all that was promised has happened */
	REFUSED,       /* a call has returned an error, and nothing was kept */
	ALLOWED_FATAL, /* iv_fatal(), as the documentation says */
	DEFECT,
	NUM_VERDICTS
};

struct outcome {
	enum verdict verdict;
	bool reached; /* the fault has happened */
	char text[512];
	unsigned int calls[SHIM_NUM_FUNCTIONS];
};

/* Those that can be swept, as the library prefers them; NULL ends them. */
extern const char *const run_methods[];

/* Is it swept only if it is asked for? */
bool run_on_request(const char *method);

/* Seconds after which a run counts as hanging. */
extern unsigned int run_timeout_s;

/* Once. */
void run_begin(void);

void run_scenario(const struct run *run, struct outcome *outcome);

/* The fatal errors that are allowed, for --help. */
void run_list_fatals(void);

#endif
