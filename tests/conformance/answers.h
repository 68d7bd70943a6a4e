/* SPDX-License-Identifier: MIT */
/*
 * answers.h - where the contract lets methods differ
 */
#ifndef CONFORMANCE_ANSWERS_H
#define CONFORMANCE_ANSWERS_H

enum answer {
	WORKS,	 /* registered, and called */
	REFUSED, /* register_try fails, register is fatal */
};

struct answers {
	const char *method;

	/* A regular file, a directory, /dev/null: never not ready. */
	enum answer always_ready;

	/* A second object on a number that is registered in this thread. */
	enum answer twice;
};

/* Of the method that the loop of the calling thread runs on. */
const struct answers *answers(void);

#endif
