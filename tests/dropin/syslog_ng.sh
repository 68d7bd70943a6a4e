#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# syslog_ng.sh PROGRAMS LIBRARY METHOD COUNT [--steady]
#
# Debian's syslog-ng as it is, on the libivykis of the directory LIBRARY (or
# `system`): COUNT messages from each source of syslog_plan.h arrive exactly
# once, across a reload in their middle (none with --steady), and it ends
# cleanly. PROGRAMS is where syslog_load and syslog_check are. Everything is in
# a temporary directory and on an address of the loopback network that nobody
# else uses; a syslog-ng of the system is not touched.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source=tests/dropin/common.sh
. "$here/common.sh"

[ $# -ge 4 ] || fail "usage: syslog_ng.sh PROGRAMS LIBRARY METHOD COUNT"
programs=$1 method=$3 count=$4 steady=${5:-}
syslog_ng=$(PATH=$PATH:/usr/sbin:/sbin command -v syslog-ng) ||
	fail "please install Debian's syslog-ng-core"

mkdir "$work/in" "$work/out"
touch "$work"/out/{tcp,udp,unix,dgram,file,watched} "$work"/in/{file,watched}
export DROPIN_DIRECTORY=$work DROPIN_PORT=5140
DROPIN_ADDRESS=127.$(($$ >> 14 & 255)).$(($$ >> 7 & 127)).$((($$ & 127) + 1))
export DROPIN_ADDRESS

choose "$2" "$method"
launch "$syslog_ng" --foreground --stderr --no-caps --worker-threads=4 \
	--cfgfile="$here/syslog_ng.conf" --persist-file="$work/persist" \
	--pidfile="$work/pid" --control="$work/control"
await "syslog-ng starting up"
inspect "$daemon" "$method"

reloaded=$daemon
[ "$steady" ] && reloaded=0
"$programs/syslog_load" "$work" "$DROPIN_ADDRESS" "$DROPIN_PORT" "$count" \
	"$reloaded"
[ "$steady" ] || await "Configuration reload finished"
awk -v hertz="$(getconf CLK_TCK)" '{ print "cpu_s", ($14 + $15) / hertz }' \
	"/proc/$daemon/stat"
stop
grep -q "syslog-ng shutting down" "$work/daemon.log" || fail "no orderly end"
"$programs/syslog_check" "$work" "$count"
