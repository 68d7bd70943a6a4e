#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# redis.sh PROGRAMS LIBRARY METHOD COUNT
#
# Debian's hiredis with the ivykis adapter that it ships, on the libivykis of
# the directory LIBRARY (or `system`), against a redis-server of this test's
# own, on a socket in a temporary directory: COUNT commands for each of four
# workers, published news, and the end of the server; see redis_client.c, which
# is in PROGRAMS.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source=tests/dropin/common.sh
. "$here/common.sh"

[ $# -eq 4 ] || fail "usage: redis.sh PROGRAMS LIBRARY METHOD COUNT"
programs=$1 method=$3 count=$4
redis=$(command -v redis-server) || fail "please install redis-server"

choose "$2" "$method"
launch "$redis" --port 0 --unixsocket "$work/socket" --dir "$work" \
	--daemonize no --save '' --appendonly no
await "ready to accept connections"

status=0
env "${environment[@]}" "$programs/redis_client" "$work/socket" "$daemon" \
	"$count" >"$work/client.log" || status=$?
cat "$work/client.log"
[ $status -eq 0 ] || fail "the client ended with status $status"
[ "$(sed -n 's/^mapped //p' "$work/client.log")" = "$library" ] ||
	fail "mapped is not $library"
grep -qx "method $method" "$work/client.log" || fail "the method is not $method"

{ wait "$daemon" || status=$?; } 2>/dev/null # says "Killed"
daemon=
[ $status -eq $((128 + 9)) ] || fail "redis-server ended with status $status"
