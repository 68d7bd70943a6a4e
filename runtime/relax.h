/* SPDX-License-Identifier: MIT */
/*
 * relax.h - tell the processor that we only wait for another one
 */
#ifndef IV__RELAX_H
#define IV__RELAX_H

static inline void iv__cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb");
#else
	__asm__ volatile("");
#endif
}

#endif
