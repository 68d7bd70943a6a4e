# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What the drop-in tests share. A script that sources this has a directory of
# its own, `work`, and one process at most, `daemon`; both end with it.

self=${0##*/}
work=$(mktemp -d)
daemon=

finish() {
	local status=$?

	[ -z "$daemon" ] || kill -KILL "$daemon" 2>/dev/null || :
	[ $status -eq 0 ] || tail -n 40 "$work"/*.log 2>/dev/null || :
	rm -rf "$work"
}
trap finish EXIT

fail() {
	echo "$self: $*" >&2
	exit 1
}

# system_library - where Debian's libivykis lies
system_library() {
	dpkg-query -L libivykis0 | grep -m1 '/libivykis\.so\.0$' ||
		fail "Debian's libivykis0 is not installed"
}

# choose LIBRARY METHOD - how the daemon finds this library and this method
choose() {
	whose=$1
	environment=(-u IV_SELECT_POLL_METHOD -u IV_EXCLUDE_POLL_METHOD)
	if [ "$1" != system ]; then
		library=$(realpath "$1/libivykis.so.0")
		environment+=(LD_LIBRARY_PATH="$1" IV_SELECT_POLL_METHOD="$2")
		return
	fi
	library=$(realpath "$(system_library)")
	environment+=(LD_LIBRARY_PATH="$(dirname "$library")")
	# It cannot select a method, only exclude others.
	case $2 in
	epoll-timerfd) ;;
	epoll) environment+=(IV_EXCLUDE_POLL_METHOD="epoll-timerfd") ;;
	ppoll) environment+=(IV_EXCLUDE_POLL_METHOD="epoll-timerfd epoll") ;;
	poll) environment+=(
		IV_EXCLUDE_POLL_METHOD="epoll-timerfd epoll ppoll") ;;
	*) fail "no way to make the system's library use $2" ;;
	esac
}

# launch COMMAND... - in the background, and it never outlives this script
launch() {
	: >"$work/daemon.log"
	setpriv --pdeathsig KILL env "${environment[@]}" "$@" \
		>>"$work/daemon.log" 2>&1 </dev/null &
	daemon=$!
}

# await TEXT - until the daemon's log says so
await() {
	timeout 30 grep -qm1 "$1" < <(
		tail -n +1 -f --pid="$daemon" "$work/daemon.log") ||
		fail "nothing said: $1"
}

# inspect PID METHOD - it has mapped the library that it should, and no other,
# and has what the method needs and nothing else
inspect() {
	local mapped epolls timers

	mapped=$(sed -n 's|^[^/]*\(/.*/libivykis.*\)|\1|p' "/proc/$1/maps" |
		sort -u)
	[ "$mapped" = "$library" ] ||
		fail "mapped is '$mapped', not '$library'"
	epolls=$(find "/proc/$1/fd" -lname 'anon_inode:*eventpoll*' | wc -l)
	timers=$(find "/proc/$1/fd" -lname 'anon_inode:*timerfd*' | wc -l)
	case $2 in
	epoll*) [ "$epolls" -gt 0 ] || fail "$2, but no epoll descriptor" ;;
	*poll) [ "$epolls" -eq 0 ] || fail "$2, but $epolls use epoll" ;;
	esac
	# Debian's makes its timers later.
	case $2 in
	epoll-timerfd) [ "$timers" -ge "$epolls" ] || [ "$whose" = system ] ||
		fail "$2, but $timers timers for $epolls loops" ;;
	esac
	echo "$self: $2, mapped: $mapped"
}

# stop - a polite request, and a clean exit
stop() {
	local status=0

	kill -TERM "$daemon"
	wait "$daemon" || status=$?
	daemon=
	[ $status -eq 0 ] || fail "status $status after SIGTERM"
}
