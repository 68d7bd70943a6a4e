/* SPDX-License-Identifier: MIT */
/*
 * annotate.h - tell race detectors what our atomics order
 *
 * helgrind and drd know nothing of C11 atomics, and ThreadSanitizer knows
 * only those of code that it compiled. Every hand-over of the library
 * therefore names itself at run time, so that a distribution's binary is
 * silent in its user's hands:
 *
 *	iv__hb_before(key)	ahead of the atomic operation that publishes
 *	iv__hb_after(key)	behind the one that receives
 *
 * Everything done ahead of any before happens before what follows a later
 * after of the same key. A read-modify-write that does both gets both.
 *
 * helgrind and drd take an atomic read-modify-write for a read. So a word
 * that threads share is written by read-modify-writes only, once it is known
 * to a second thread: then no report is left to silence. (Where a tool is told
 * nobody looks first, merge.h, so its plain stores are none to them.)
 */
#ifndef IV__ANNOTATE_H
#define IV__ANNOTATE_H

#include <stdbool.h>
#include <stddef.h>

/* Compiled so that a detector sees our atomics; descriptors it does not. */
#define IV__IS_INSTRUMENTED false
#ifdef __SANITIZE_THREAD__
#undef IV__IS_INSTRUMENTED
#define IV__IS_INSTRUMENTED true
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#undef IV__IS_INSTRUMENTED
#define IV__IS_INSTRUMENTED true
#endif
#endif

/* 0 on bare metal, or what watches us. Constant once the library is loaded. */
enum { IV__WATCH_VALGRIND = 1, IV__WATCH_TSAN = 2 };
extern unsigned char iv__watch __attribute__((visibility("hidden")));

/* Is there one that knows of our atomics only what we tell it? */
static inline bool iv__is_told(void)
{
	return IV__IS_INSTRUMENTED ? iv__watch == IV__WATCH_VALGRIND
				   : iv__watch != 0;
}

void iv__hb_before_slow(const void *key);
void iv__hb_after_slow(const void *key);
void iv__hb_forget_slow(const void *key);

static inline void iv__hb_before(const void *key)
{
	if (__builtin_expect(iv__watch != 0, 0))
		iv__hb_before_slow(key);
}

static inline void iv__hb_after(const void *key)
{
	if (__builtin_expect(iv__watch != 0, 0))
		iv__hb_after_slow(key);
}

/*
 * The C library gives the stack of a thread that was joined to the next one
 * that is created, under a lock that helgrind does not see.
 */
void iv__hb_joined(void);
void iv__hb_creating(void);

/*
 * In a forked child: whoever was using @memory in the parent is not here.
 */
void iv__hb_inherit(const void *memory, size_t size);

/* The memory of @key is about to be used for something else. */
static inline void iv__hb_forget(const void *key)
{
	if (__builtin_expect(iv__watch != 0, 0))
		iv__hb_forget_slow(key);
}

#endif
