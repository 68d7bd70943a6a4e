/* SPDX-License-Identifier: MIT */
/*
 * suite.h - the groups of cases, one in each file
 */
#ifndef CONFORMANCE_SUITE_H
#define CONFORMANCE_SUITE_H

#include "bed.h"

struct group {
	const char *name;
	const struct test_case *cases;
	size_t num;
};

/* At the end of a file whose cases are in cases[]. */
#define GROUP(word)                                      \
	const struct group word##_group = {              \
		.name = #word,                           \
		.cases = cases,                          \
		.num = sizeof(cases) / sizeof(cases[0]), \
	}

extern const struct group level_group;
extern const struct group bands_group;
extern const struct group siblings_group;
extern const struct group numbers_group;
extern const struct group dup_group;
extern const struct group hangup_group;
extern const struct group kinds_group;
extern const struct group stream_group;
extern const struct group timers_group;
extern const struct group wake_group;
extern const struct group many_group;
extern const struct group eintr_group;
extern const struct group fork_group;
extern const struct group loops_group;
extern const struct group host_group;

#endif
