#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# run.sh RESULTS COMMAND... - run the suite once and keep what became of each
# case in the file RESULTS, as `run CASE`, `failed CASE` or `unavailable CASE`
#
# The exit status is the command's, 77 where nothing could be tried.
set -euo pipefail

results=$1
shift
mkdir -p "$(dirname "$results")"
rm -f "$results"

status=0
"$@" | tee "$results.part" || status=$?
sed -nE 's/^ok ([^ ]+)$/run \1/p
	s/^FAILED ([^ ]+):.*/failed \1/p
	s/^not run ([^ ]+)$/unavailable \1/p' "$results.part" >"$results"
rm "$results.part"
[ "$status" -ne 77 ] || echo "unavailable: no case could be tried"
exit "$status"
