/* SPDX-License-Identifier: MIT */
/*
 * annotate.c - tell race detectors what our atomics order
 *
 * Which detector watches is found once, when the library is loaded: valgrind
 * answers a request, ThreadSanitizer's runtime has two symbols. Without
 * valgrind's headers at build time its tools cannot be told anything.
 */
#include <stddef.h>
#include "../runtime/valgrind.h"
#include "annotate.h"
#ifdef IV__HAVE_VALGRIND
#include <valgrind/helgrind.h>
#endif

extern void __tsan_acquire(void *addr) __attribute__((weak));
extern void __tsan_release(void *addr) __attribute__((weak));

unsigned char iv__watch;

__attribute__((constructor(101))) static void find_watcher(void)
{
	if (iv__on_valgrind())
		iv__watch = IV__WATCH_VALGRIND;
	if (__tsan_acquire != NULL && __tsan_release != NULL)
		iv__watch = IV__WATCH_TSAN;
}

void iv__hb_before_slow(const void *key)
{
	if (iv__watch == IV__WATCH_TSAN) {
		__tsan_release((void *)key);
		return;
	}
#ifdef IV__HAVE_VALGRIND
	ANNOTATE_HAPPENS_BEFORE(key);
#endif
}

void iv__hb_after_slow(const void *key)
{
	if (iv__watch == IV__WATCH_TSAN) {
		__tsan_acquire((void *)key);
		return;
	}
#ifdef IV__HAVE_VALGRIND
	ANNOTATE_HAPPENS_AFTER(key);
#endif
}

void iv__hb_forget_slow(const void *key)
{
	(void)key;
#ifdef IV__HAVE_VALGRIND
	if (iv__watch == IV__WATCH_VALGRIND)
		ANNOTATE_HAPPENS_BEFORE_FORGET_ALL(key);
#endif
}

/* The others do not look at what comes behind such a fork. */
void iv__hb_inherit(const void *memory, size_t size)
{
	(void)memory;
	(void)size;
#ifdef IV__HAVE_VALGRIND
	if (iv__watch == IV__WATCH_VALGRIND)
		VALGRIND_HG_CLEAN_MEMORY(memory, size);
#endif
}

static const char stacks;

void iv__hb_joined(void)
{
	iv__hb_before(&stacks);
}

void iv__hb_creating(void)
{
	iv__hb_after(&stacks);
}
