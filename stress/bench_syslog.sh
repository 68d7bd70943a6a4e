#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# bench_syslog.sh PROGRAMS LIBRARY [ROUNDS [COUNT]]
#
# Debian's syslog-ng on the libivykis in the directory LIBRARY and on Debian's
# own, in turn, round after round, as in tests/dropin/syslog_ng.sh but with no
# reload: COUNT messages from each of its sources. Medians of messages a second
# from the stream connections and from all sources, the slowest of which is a
# datagram socket with a queue of ten, and of syslog-ng's CPU time; a ratio
# above 1 speaks for LIBRARY. Exit status: 0 the run is complete, whatever the figures.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
if [ $# -lt 2 ]; then
	echo "usage: bench_syslog.sh PROGRAMS LIBRARY [ROUNDS [COUNT]]" >&2
	exit 2
fi
programs=$1 library=$2 rounds=${3:-5} count=${4:-50000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# measure WHO LIBRARY METHOD
measure() {
	"$here/../tests/dropin/syslog_ng.sh" "$programs" "$2" "$3" "$count" \
		--steady >"$work/said" || { cat "$work/said"; exit 1; }
	awk -v who="$1" -v method="$3" '/^(streams_per_s|all_per_s|cpu_s) / {
		print method, $1, who, $2
	}' "$work/said" >>"$work/figures"
}

# median METHOD METRIC WHO
median() {
	grep "^$1 $2 $3 " "$work/figures" | cut -d' ' -f4 | sort -g |
		awk '{ x[NR] = $1 } END {
			print (x[int((NR + 1) / 2)] + x[int(NR / 2) + 1]) / 2
		}'
}

for ((round = 0; round < rounds; round++)); do
	for method in epoll poll; do
		if ((round % 2)); then
			measure debian system "$method"
			measure ours "$library" "$method"
		else
			measure ours "$library" "$method"
			measure debian system "$method"
		fi
	done
done

printf '%-6s %-15s %10s %10s %7s\n' method metric ours debian ratio
for method in epoll poll; do
	for metric in streams_per_s all_per_s cpu_s; do
		ours=$(median $method $metric ours)
		debian=$(median $method $metric debian)
		awk -v method=$method -v metric=$metric -v ours="$ours" \
			-v debian="$debian" 'BEGIN {
			ratio = metric == "cpu_s" ? debian / ours : ours / debian
			printf "%-6s %-15s %10.6g %10.6g %7.3f\n",
				method, metric, ours, debian, ratio
		}'
	done
done
