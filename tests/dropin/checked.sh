#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# checked.sh PROGRAMS - syslog_check finds each kind of fault
#
# PROGRAMS is where syslog_check is; the outputs are made here.
set -euo pipefail
check=$1/syslog_check
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/out"

fail() {
	echo "checked.sh: $*" >&2
	exit 1
}

# outputs - what three messages from each source look like
outputs() {
	local source

	rm -f "$work"/out/*
	for source in tcp{0..3} unix{0..3} dgram udp file watched; do
		awk -v name="$source" 'BEGIN {
			for (i = 0; i < 3; i++) {
				line = sprintf("%s %08d ", name, i)
				while (length(line) < 99)
					line = line "x"
				print line
			}
		}' >>"$work/out/${source%[0-3]}"
	done
}

# must_find TEXT OUTPUT SED_SCRIPT - the check says TEXT once OUTPUT is edited
must_find() {
	local said status=0

	outputs
	sed -i "$3" "$work/out/$2"
	said=$("$check" "$work" 3) || status=$?
	[ $status -eq 1 ] || fail "status $status, wanted 1: $1"
	grep -qF "$1" <<<"$said" || fail "said '$said', wanted '$1'"
}

outputs
"$check" "$work" 3 || fail "it dislikes what is sound"
must_find "udp: of 3 messages 1 lost, 0 more" udp 2d
must_find "tcp1: of 3 messages 1 lost, 0 more" tcp 6d
must_find "unix0: of 3 messages 0 lost, 1 more" unix 2p
must_find "file: of 3 messages 0 lost, 0 more than once, 1 behind" file '2{h;d};3G'
must_find "1 lines that nobody sent" watched '1i more'
must_find "1 lines that nobody sent" dgram '2s/xx$/x/'
must_find "dgram: of 3 messages 1 lost, 1 more" dgram '2s/1/2/'
