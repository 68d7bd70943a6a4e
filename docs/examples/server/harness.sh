#!/bin/bash
# SPDX-License-Identifier: MIT
#
# harness.sh - a server to ask, and clients that ask it; for check.sh
#
# Its arguments are the command that runs the server. Sets $work, a directory
# that vanishes at the end, and $tree in it, which is what the server serves.

server=("$@")
current=preparation	# the promise at hand
trap '' PIPE

work=$(mktemp -d)
tree=$work/tree
log=$work/log
pid=
patience=60	# seconds that anything may take, with the slowest wrapper

finish() {
	[ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null && wait "$pid"
	rm -rf "$work"
} 2>/dev/null
trap finish EXIT

fail() {	# also from a subshell, whose exit status nobody looks at
	: >"$work/failed"
	echo "not ok - $current: $*" >&2
	[ -s "$log" ] && sed 's/^/  server: /' "$log" >&2
	exit 1
}

expect() {	# WHAT WANTED GOT
	[ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"
}

# The server ################################################################

start() {	# [OPTION...]
	local line

	mkfifo "$work/out"
	"${server[@]}" --port 0 --loops 2 "$@" "$tree" \
		>"$work/out" 2>"$log" &
	pid=$!
	exec {out}<"$work/out"
	rm "$work/out"
	read -rt "$patience" -u "$out" line || fail "the server does not start"
	url=${line#listening on }
	port=${url##*:}
}

ended() {	# STATUS: the server has ended, or soon will, with this one
	local status

	timeout "$patience" tail --pid="$pid" -s 0.05 -f /dev/null ||
		fail "the server does not end"
	wait "$pid"
	status=$?
	pid=
	exec {out}<&-
	expect "exit status" "$1" "$status"
}

stop() {
	kill -TERM "$pid"
	ended 0
}

# The clients ###############################################################

get() {		# PATH [CURL OPTION...]
	curl -sS -m "$patience" --path-as-is "${@:2}" "$url$1"
}

code() {	# PATH [CURL OPTION...]
	get "$1" -o "$work/body" -w '%{http_code}' "${@:2}"
}

stat_of() {	# NAME: a number of /stats
	get /stats | sed -n "s/^ *\"$1\": \([0-9.]*\),\$/\1/p"
}

dial() {	# VARIABLE: a connection of its own
	exec {fd}<>"/dev/tcp/127.0.0.1/$port" || fail "cannot connect"
	printf -v "$1" %s "$fd"
}

say() {		# DESCRIPTOR FORMAT: what printf makes of it
	# shellcheck disable=SC2059
	printf "$2" >&"$1"
}

hear() {	# DESCRIPTOR: all that comes, until the server closes
	timeout "$patience" cat <&"$1" | tr -d '\r'
	[ "${PIPESTATUS[0]}" = 0 ] || fail "the server does not close"
}

hang_up() {	# DESCRIPTOR
	local sock=$1

	exec {sock}<&-
}

raw() {		# FORMAT: one connection, everything said at once
	local sock

	dial sock
	say "$sock" "$1"
	hear "$sock"
	hang_up "$sock"
}

raw_code() {
	raw "$1" | sed -n '1s/^HTTP\/1.1 \([0-9]*\) .*/\1/p'
}

line() {	# DESCRIPTOR: one line
	local text

	IFS= read -rt "$patience" -u "$1" text || fail "no answer"
	printf %s "${text%$'\r'}"
}

fetch() {	# DESCRIPTOR PATH: the body of an answer, and stay connected
	local text length=0

	say "$1" "GET $2 HTTP/1.1\r\nHost: x\r\n\r\n"
	while text=$(line "$1") && [ -n "$text" ]; do
		[[ $text == Content-Length:* ]] && length=${text#*: }
	done
	timeout "$patience" head -c "$length" <&"$1"
}

kept_stat() {	# DESCRIPTOR NAME: a number of /stats, from this connection
	fetch "$1" /stats | sed -n "s/^ *\"$2\": \([0-9.]*\),\$/\1/p"
}

kept_until() {	# DESCRIPTOR NAME FIRST LAST: it gets into this range
	local value until=$((SECONDS + patience))

	while value=$(kept_stat "$1" "$2"); do
		[ -n "$value" ] || fail "no answer"
		[ "$value" -ge "$3" ] && [ "$value" -le "$4" ] && break
		[ $SECONDS -lt $until ] || fail "$2 stays at $value"
	done
}

refused() {	# new connections are, or soon will be
	local until=$((SECONDS + patience))

	while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
		[ $SECONDS -lt $until ] || fail "still accepts connections"
	done
}

at_least() {	# NAME NUMBER: a number of /stats gets that high
	local until=$((SECONDS + patience))

	until [ "$(stat_of "$1")" -ge "$2" ]; do
		[ $SECONDS -lt $until ] || fail "$1 stays below $2"
	done
}
