#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# run.sh [MUTANT...] - would the stress programs notice?
#
# Breaks one step of a protocol at a time, in a copy of the sources, builds
# library and stress programs, for the end of loops their tests, and wants one
# of these to fail within a bound of time. A mutant that needs a schedule which does not come up is left to
# the model that has the same mutant; the table says so. `idle_1ms` breaks
# nothing and must pass. The exit status is 1 when a mutant survives.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
root=$(realpath "$here/../..")
case ${1:-} in
-h | --help) sed -n '4,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
wanted=("$@")

for tool in cmake ninja perl; do
	command -v "$tool" >/dev/null ||
		{ echo "mutate: please install $tool" >&2; exit 1; }
done

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/pristine"
tar -C "$root" --exclude=./build --exclude=./.git -cf - . |
	tar -C "$dir/pristine" -xf -
cp -a "$dir/pristine" "$dir/source"
failed=0

targets=()
for program in event handle work thread channel; do
	for flavour in '' _asan _tsan; do
		targets+=("stress_$program$flavour")
	done
done
for program in all channel drain odd remains; do
	targets+=("test_loop_end_$program" "test_loop_end_${program}_asan")
done
for program in call call_wait end nested; do
	targets+=("test_loop_$program" "test_loop_${program}_asan")
done
targets+=(test_loop_end_tsan)

build() {
	cmake --build "$dir/build" --target "${targets[@]}" >"$dir/log" 2>&1
}

# How much each program does, and how often, before a mutant has survived it.
declare -A counts=([event]=3000 [handle]=20000 [work]=60 [thread]=150 [channel]=1500)
tries=3

# dies PROGRAM - does it report anything?
dies() {
	local name=${1#stress_} i
	local run=("$dir/build/stress/$1" --timeout 15)
	name=${name%_*san}

	case $1 in
	test_*) run=("$dir/build/tests/$1" --timeout 5) ;;
	*) run+=(--count "${counts[$name]}") ;;
	esac
	for ((i = 0; i < tries; i++)); do
		ASAN_OPTIONS=detect_leaks=1 TSAN_OPTIONS=halt_on_error=1 \
			timeout 180 "${run[@]}" >"$dir/log" 2>&1 || return 0
	done

	return 1
}

# apply FILE PERL - change the copy; it is an error when nothing changes
apply() {
	perl -0pi -e "$2" "$dir/source/$1"
	! cmp -s "$dir/pristine/$1" "$dir/source/$1"
}

# killer MODEL PROGRAM... - who kills the mutant that has been built
killer() {
	local model=$1 program
	shift

	for program in "$@"; do
		if dies "$program"; then
			echo "$program"
			return
		fi
	done
	[ "$model" != - ] && grep -q "MUTANT_${model#*:}\b" \
		"$dir/pristine/stress/model/${model%:*}.pml" &&
		echo "model $model"
}

# row NAME MODEL PROGRAMS FILE PERL - break, build, run, restore
row() {
	local name=$1 by programs start=$SECONDS expected=killed
	read -ra programs <<<"$3"
	[ "$name" != idle_1ms ] || expected=passes

	if ! apply "$4" "$5"; then
		by='NO LONGER APPLIES'
		expected=another
	elif ! build; then
		by='DOES NOT BUILD'
		expected=another
		grep -m 3 'error' "$dir/log" >&2
	elif by=$(killer "$2" "${programs[@]}"); then
		[ "$expected" = killed ] || { expected=another; cat "$dir/log" >&2; }
	elif [ "$expected" = passes ]; then
		by='nobody, as it must be'
	else
		by=SURVIVES
		expected=another
	fi
	[ "$expected" != another ] || failed=1
	cp "$dir/pristine/$4" "$dir/source/$4"
	printf '%-26s %-30s %4d s\n' "$name" "$by" $((SECONDS - start))
}

cmake -S "$dir/source" -B "$dir/build" -G Ninja >"$dir/log" 2>&1 ||
	{ cat "$dir/log" >&2; exit 1; }
build || { tail -n 20 "$dir/log" >&2; exit 1; }

printf '%-26s %-30s %s\n' mutant 'killed by' time
while read -r name model programs; do
	case $name in '' | '#') continue ;; esac
	read -r file
	IFS= read -r change
	[ ${#wanted[@]} -eq 0 ] || [[ " ${wanted[*]} " == *" $name "* ]] ||
		continue
	row "$name" "$model" "$programs" "$file" "$change" </dev/null
done <"$dir/pristine/stress/mutate/mutants"
exit "$failed"
