/* SPDX-License-Identifier: MIT */
/*
 * valgrind.h - are we running on valgrind, which lacks new system calls?
 */
#ifndef IV__VALGRIND_H
#define IV__VALGRIND_H

#include <stdbool.h>
#ifdef IV__HAVE_VALGRIND
#include <valgrind/valgrind.h>
#endif

static inline bool iv__on_valgrind(void)
{
#ifdef IV__HAVE_VALGRIND
	return RUNNING_ON_VALGRIND;
#else
	return false;
#endif
}

#endif
