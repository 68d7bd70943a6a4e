/* SPDX-License-Identifier: MIT */
/*
 * answers.h - where the contract lets methods differ
 */
#ifndef CONFORMANCE_ANSWERS_H
#define CONFORMANCE_ANSWERS_H

enum answer {
	WORKS,	 /* registered, and called */
	REFUSED, /* an error; of what cannot say so, a fatal one */
};

struct answers {
	const char *method;

	/* A regular file, a directory, /dev/null: never not ready. */
	enum answer always_ready;

	/* A second object on a number that is registered in this thread. */
	enum answer twice;

	/* iv_loop_prepare(): a descriptor, or -ENOTSUP. */
	enum answer hosted;
};

/* Of the method that the loop of the calling thread runs on. */
const struct answers *answers(void);

#endif
