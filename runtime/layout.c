/* SPDX-License-Identifier: MIT */
/*
 * layout.c - the public structures as programs built long ago know them
 *
 * Binaries embed these objects in their own, so neither a size nor the place
 * of a public member may ever change. The numbers are those of LP64 systems,
 * written out on purpose: derived from the members they would check nothing.
 * Also compiled as C++, which must see the same structures.
 */
#include <assert.h>
#include <stddef.h>
#include <iv.h>
#include <iv_avl.h>
#include <iv_event.h>
#include <iv_event_raw.h>
#include <iv_fd_pump.h>
#include <iv_inotify.h>
#include <iv_popen.h>
#include <iv_signal.h>
#include <iv_thread.h>
#include <iv_tls.h>
#include <iv_wait.h>
#include <iv_work.h>

#if defined(__LP64__)

#define SIZE(type, bytes)                             \
	static_assert(sizeof(struct type) == (bytes), \
		      "the size of struct " #type " has changed")

#define PLACE(type, member, offset)                              \
	static_assert(offsetof(struct type, member) == (offset), \
		      "struct " #type ": " #member " has moved")

SIZE(iv_list_head, 16);
PLACE(iv_list_head, next, 0);
PLACE(iv_list_head, prev, 8);

SIZE(iv_avl_node, 32);
PLACE(iv_avl_node, left, 0);
PLACE(iv_avl_node, right, 8);
PLACE(iv_avl_node, parent, 16);
PLACE(iv_avl_node, height, 24);

SIZE(iv_avl_tree, 16);
PLACE(iv_avl_tree, compare, 0);
PLACE(iv_avl_tree, root, 8);

SIZE(iv_fd, 128);
PLACE(iv_fd, fd, 0);
PLACE(iv_fd, cookie, 8);
PLACE(iv_fd, handler_in, 16);
PLACE(iv_fd, handler_out, 24);
PLACE(iv_fd, handler_err, 32);
PLACE(iv_fd, ready_, 40);

SIZE(iv_task, 64);
PLACE(iv_task, cookie, 0);
PLACE(iv_task, handler, 8);
PLACE(iv_task, list_, 16);

SIZE(iv_timer, 64);
PLACE(iv_timer, expires, 0);
PLACE(iv_timer, cookie, 16);
PLACE(iv_timer, handler, 24);
PLACE(iv_timer, next_, 32);

SIZE(iv_event, 40);
PLACE(iv_event, cookie, 0);
PLACE(iv_event, handler, 8);
PLACE(iv_event, owner_, 16);

SIZE(iv_event_raw, 152);
PLACE(iv_event_raw, cookie, 0);
PLACE(iv_event_raw, handler, 8);
PLACE(iv_event_raw, event_rfd, 16);
PLACE(iv_event_raw, event_wfd, 144);

SIZE(iv_tls_user, 48);
PLACE(iv_tls_user, sizeof_state, 0);
PLACE(iv_tls_user, init_thread, 8);
PLACE(iv_tls_user, deinit_thread, 16);
PLACE(iv_tls_user, list_, 24);
PLACE(iv_tls_user, offset_, 40);

SIZE(iv_work_item, 40);
PLACE(iv_work_item, cookie, 0);
PLACE(iv_work_item, work, 8);
PLACE(iv_work_item, completion, 16);
PLACE(iv_work_item, next_, 24);

SIZE(iv_work_pool, 40);
PLACE(iv_work_pool, max_threads, 0);
PLACE(iv_work_pool, cookie, 8);
PLACE(iv_work_pool, thread_start, 16);
PLACE(iv_work_pool, thread_stop, 24);
PLACE(iv_work_pool, pool_, 32);

SIZE(iv_fd_pump, 56);
PLACE(iv_fd_pump, from_fd, 0);
PLACE(iv_fd_pump, to_fd, 4);
PLACE(iv_fd_pump, cookie, 8);
PLACE(iv_fd_pump, set_bands, 16);
PLACE(iv_fd_pump, flags, 24);
PLACE(iv_fd_pump, store_, 32);

SIZE(iv_inotify, 152);
PLACE(iv_inotify, fd_, 0);

SIZE(iv_inotify_watch, 80);
PLACE(iv_inotify_watch, inotify, 0);
PLACE(iv_inotify_watch, pathname, 8);
PLACE(iv_inotify_watch, mask, 16);
PLACE(iv_inotify_watch, cookie, 24);
PLACE(iv_inotify_watch, handler, 32);
PLACE(iv_inotify_watch, wd_, 40);

SIZE(iv_signal, 216);
PLACE(iv_signal, signum, 0);
PLACE(iv_signal, flags, 4);
PLACE(iv_signal, cookie, 8);
PLACE(iv_signal, handler, 16);
PLACE(iv_signal, unused_, 24);

SIZE(iv_wait_interest, 128);
PLACE(iv_wait_interest, pid, 0);
PLACE(iv_wait_interest, cookie, 8);
PLACE(iv_wait_interest, handler, 16);
PLACE(iv_wait_interest, private_, 24);

SIZE(iv_popen_request, 32);
PLACE(iv_popen_request, file, 0);
PLACE(iv_popen_request, argv, 8);
PLACE(iv_popen_request, type, 16);
PLACE(iv_popen_request, popen_, 24);

#endif
