/* SPDX-License-Identifier: MIT */
/*
 * types.hh - print what the headers declare, one fact a line
 *
 * Compiled with the headers of Debian's package and with ours; C++, because
 * there the name of a type says all of it. Functions are added by types.sh as
 * FUNCTION(name) lines in functions.inc. A .hh, as the checkers of C read .cc.
 */
#include <cstddef>
#include <cstdio>
#include <typeinfo>

/* Debian's headers use it as a name. */
#define this self
#include <iv.h>
#include <iv_avl.h>
#include <iv_event.h>
#include <iv_event_raw.h>
#include <iv_fd_pump.h>
#include <iv_inotify.h>
#include <iv_list.h>
#include <iv_popen.h>
#include <iv_signal.h>
#include <iv_thread.h>
#include <iv_tls.h>
#include <iv_wait.h>
#include <iv_work.h>

#define STRUCT(type)                                                    \
	std::printf("struct %s: size %zu, alignment %zu\n", #type,      \
		    sizeof(struct type), alignof(struct type))

#define MEMBER(type, member)                                            \
	std::printf("struct %s: %s at %zu, type %s\n", #type, #member,  \
		    offsetof(struct type, member),                      \
		    typeid(decltype(type::member)).name())

#define FUNCTION(call) \
	std::printf("%s: type %s\n", #call, typeid(decltype(call)).name());

#define FLAG(flag) std::printf("%s: %d\n", #flag, (int)(flag))

static void print_basic()
{
	STRUCT(iv_fd);
	MEMBER(iv_fd, fd);
	MEMBER(iv_fd, cookie);
	MEMBER(iv_fd, handler_in);
	MEMBER(iv_fd, handler_out);
	MEMBER(iv_fd, handler_err);
	STRUCT(iv_task);
	MEMBER(iv_task, cookie);
	MEMBER(iv_task, handler);
	STRUCT(iv_timer);
	MEMBER(iv_timer, expires);
	MEMBER(iv_timer, cookie);
	MEMBER(iv_timer, handler);
	STRUCT(iv_tls_user);
	MEMBER(iv_tls_user, sizeof_state);
	MEMBER(iv_tls_user, init_thread);
	MEMBER(iv_tls_user, deinit_thread);
	STRUCT(iv_avl_node);
	MEMBER(iv_avl_node, left);
	MEMBER(iv_avl_node, right);
	MEMBER(iv_avl_node, parent);
	MEMBER(iv_avl_node, height);
	STRUCT(iv_avl_tree);
	MEMBER(iv_avl_tree, compare);
	MEMBER(iv_avl_tree, root);
	STRUCT(iv_list_head);
	MEMBER(iv_list_head, next);
	MEMBER(iv_list_head, prev);
}

static void print_threads()
{
	STRUCT(iv_event);
	MEMBER(iv_event, cookie);
	MEMBER(iv_event, handler);
	STRUCT(iv_event_raw);
	MEMBER(iv_event_raw, cookie);
	MEMBER(iv_event_raw, handler);
	MEMBER(iv_event_raw, event_rfd);
	MEMBER(iv_event_raw, event_wfd);
	STRUCT(iv_work_pool);
	MEMBER(iv_work_pool, max_threads);
	MEMBER(iv_work_pool, cookie);
	MEMBER(iv_work_pool, thread_start);
	MEMBER(iv_work_pool, thread_stop);
	STRUCT(iv_work_item);
	MEMBER(iv_work_item, cookie);
	MEMBER(iv_work_item, work);
	MEMBER(iv_work_item, completion);
}

static void print_system()
{
	STRUCT(iv_signal);
	MEMBER(iv_signal, signum);
	MEMBER(iv_signal, flags);
	MEMBER(iv_signal, cookie);
	MEMBER(iv_signal, handler);
	FLAG(IV_SIGNAL_FLAG_EXCLUSIVE);
	FLAG(IV_SIGNAL_FLAG_THIS_THREAD);
	STRUCT(iv_wait_interest);
	MEMBER(iv_wait_interest, pid);
	MEMBER(iv_wait_interest, cookie);
	MEMBER(iv_wait_interest, handler);
	STRUCT(iv_popen_request);
	MEMBER(iv_popen_request, file);
	MEMBER(iv_popen_request, argv);
	MEMBER(iv_popen_request, type);
	STRUCT(iv_inotify);
	STRUCT(iv_inotify_watch);
	MEMBER(iv_inotify_watch, inotify);
	MEMBER(iv_inotify_watch, pathname);
	MEMBER(iv_inotify_watch, mask);
	MEMBER(iv_inotify_watch, cookie);
	MEMBER(iv_inotify_watch, handler);
	STRUCT(iv_fd_pump);
	MEMBER(iv_fd_pump, from_fd);
	MEMBER(iv_fd_pump, to_fd);
	MEMBER(iv_fd_pump, cookie);
	MEMBER(iv_fd_pump, set_bands);
	MEMBER(iv_fd_pump, flags);
	FLAG(IV_FD_PUMP_FLAG_RELAY_EOF);
}

static void print_functions()
{
	std::printf("iv_now: type %s\n", typeid(decltype(&iv_now)).name());
#include "functions.inc"
}

int main()
{
	print_basic();
	print_threads();
	print_system();
	print_functions();

	return 0;
}
