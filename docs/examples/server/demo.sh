#!/bin/bash
# SPDX-License-Identifier: MIT
#
# demo.sh SERVER [DIRECTORY] - shows what the server can do, and checks it
#
# Serves DIRECTORY (default: the current one) on a free port of 127.0.0.1
# and asks for a page, a large file, a hash, a name and the statistics. Each
# answer is compared with what the system's own tools say. On a terminal it
# then serves until Ctrl-C.

set -euo pipefail

if [ $# -lt 1 ] || [ $# -gt 2 ] || [ ! -x "$1" ]; then
	echo "usage: demo.sh SERVER [DIRECTORY]" >&2
	exit 2
fi
server=$(realpath "$1")
loadgen=$(dirname "$server")/loadgen
directory=$(realpath "${2:-.}")
work=$(mktemp -d)
pid=

finish() {
	[ -z "$pid" ] || kill -TERM "$pid" 2>/dev/null || :
	rm -rf "$work"
}
trap finish EXIT

fail() {
	echo "demo: $*" >&2
	exit 1
}

show() {	# WHAT RESULT
	printf '  %-10s %s\n' "$@"
}

start() {	# DIRECTORY
	local line

	[ -d "$1" ] || fail "there is no directory $1"
	exec {out}< <(exec "$server" --port 0 "$1")
	pid=$!
	read -rt 20 -u "$out" line || fail "the server did not start"
	url=${line#listening on }
}

stop() {
	local status=0

	kill -TERM "$pid"
	wait "$pid" || status=$?
	pid=
	exec {out}<&-
	[ $status -eq 0 ] || fail "the server ended with status $status"
}

get() {		# PATH [CURL OPTION...]
	curl -sSf -m 60 "${@:2}" "$url$1"
}

escape() {	# PATH: as it is written in a URL
	local LC_ALL=C i

	for ((i = 0; i < ${#1}; i++)); do
		case ${1:i:1} in
		[A-Za-z0-9/._~-]) printf %s "${1:i:1}" ;;
		*) printf '%%%02X' "'${1:i:1}" ;;
		esac
	done
}

choose() {	# FIND OPTION...: a file of the directory that all may see
	(cd "$directory" && find . -name '.?*' -prune -o -type f \
		-readable "$@" -size -262144k -print 2>/dev/null |
		LC_ALL=C sort | sed -n '1s/^\.//p')
}

# What is asked #############################################################

page() {
	get / -o "$work/page"
	if [ -f "$directory/index.html" ]; then
		cmp "$work/page" "$directory/index.html" || fail "/ differs"
	else
		grep -q '<h1>/</h1>' "$work/page" || fail "/ is no listing"
	fi
	show page "/, $(wc -c <"$work/page") bytes"
}

file() {	# DIRECTORY PATH
	local speed

	speed=$(get "$(escape "$2")" -o "$work/file" -w '%{speed_download}')
	cmp "$work/file" "$1$2" || fail "$2 differs"
	show file "$2, $(wc -c <"$work/file") identical bytes,$(
		) $((${speed%.*} / 1000000)) MB/s"
}

hash() {	# DIRECTORY PATH
	local ours theirs

	ours=$(get "/sha256$(escape "$2")" | cut -c -64)
	theirs=$(sha256sum <"$1$2" | cut -c -64)
	[ "$ours" = "$theirs" ] || fail "$2: $ours is not $theirs"
	show hash "$2, $ours, as sha256sum says"
}

name() {
	local answer name=localhost

	# A system without /etc/hosts knows no names.
	getent ahosts $name >/dev/null || name=127.0.0.1
	answer=$(get /resolve/$name)
	[[ $answer == *'"127.0.0.1"'* || $answer == *'"::1"'* ]] ||
		fail "$name is $answer"
	show name "$answer"
}

load() {	# PATH
	local line

	[ -x "$loadgen" ] || fail "$loadgen is not built"
	line=$("$loadgen" --seconds 2 "$url$(escape "$1")") ||
		fail "under load: $line"
	show load "$1, 32 connections"
	show "" "$line"
}

statistics() {
	get /stats -o "$work/stats"
	grep -q '"requests": [1-9]' "$work/stats" || fail "no requests counted"
	show statistics ""
	sed 's/^/             /' "$work/stats"
}

small=$(choose -size -64k)
large=$(choose -size +1024k)
small=${small:-$large}

if [ -z "$large" ]; then
	mkdir "$work/tree"
	head -c 33554432 /dev/urandom >"$work/tree/random"
	start "$work/tree"
	echo "Serving a large file of its own on $url"
	file "$work/tree" /random
	hash "$work/tree" /random
	stop
fi

start "$directory"
echo "Serving $directory on $url"
page
[ -z "$large" ] || file "$directory" "$large"
[ -z "$small" ] || hash "$directory" "$small"
name
load "${small:-/}"
statistics

if [ -t 1 ]; then
	echo "Serving $directory on $url until Ctrl-C"
	trap : INT
	status=0
	wait "$pid" || status=$?
	# The signal reached the server too: wait for its end, not for ours.
	while kill -0 "$pid" 2>/dev/null; do
		status=0
		wait "$pid" || status=$?
	done
	pid=
	exit "$status"
fi
stop
