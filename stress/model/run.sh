#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# run.sh [--long] [--huge] [MODEL...] - check the models of our protocols
#
# Each model is verified by Spin over all interleavings within its bounds, and
# each of its mutants must fail. One line of a table for each; the exit status
# is 1 when a model fails or a mutant survives. --long: larger bounds too.
# --huge: what takes ten minutes and eleven gigabytes.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
effort=1
models=()

usage() {
	sed -n '4,9s/^# \{0,1\}//p' "$here/run.sh"
}

for arg in "$@"; do
	case $arg in
	--long) effort=2 ;;
	--huge) effort=3 ;;
	-h | --help) usage; exit 0 ;;
	-*) echo "run.sh: there is no option '$arg'; see --help" >&2; exit 2 ;;
	*) models+=("$arg") ;;
	esac
done
[ ${#models[@]} -gt 0 ] || models=(inbox merge handle channel gate pool thread signal registry
	loop loop_end)
for model in "${models[@]}"; do
	[ -e "$here/$model.pml" ] ||
		{ echo "run.sh: there is no model '$model'" >&2; exit 2; }
done
for tool in spin gcc; do
	command -v "$tool" >/dev/null ||
		{ echo "run.sh: please install $tool" >&2; exit 1; }
done

# Most of the models are run through in less time than gcc takes to compile
# their verifier.
quick=(gcc -O0)
! command -v tcc >/dev/null || quick=(tcc)

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

# verify MODEL quick|fast FLAGS - leave the verifier's output in $dir/log
verify() {
	local flags how=(-DSAFETY -DCOLLAPSE) search=() compiler=(gcc -O2)
	[ "$2" = fast ] || compiler=("${quick[@]}")
	read -ra flags <<<"$3"
	# A formula about what must come to pass, not only a state to avoid.
	if grep -q '^ltl' "$here/$1.pml"; then
		how=(-DNOREDUCE -DNFAIR=3)
		search=(-a -f)
	fi

	(
		cd "$dir"
		spin -a "${flags[@]}" "$here/$1.pml"
		"${compiler[@]}" -w "${how[@]}" -DVECTORSZ=2048 -o pan pan.c
		./pan -m1000000 -w22 "${search[@]}"
	) >"$dir/log" 2>&1
}

# row MODEL MUTANT FLAGS EXPECTED [quick|fast]
row() {
	local start=$EPOCHREALTIME errors states took verdict=ok

	verify "$1" "${5:-quick}" "$3" || verdict='NOT VERIFIED'
	errors=$(sed -n 's/.*errors: \([0-9]*\)$/\1/p' "$dir/log")
	states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$dir/log")
	took=$(((${EPOCHREALTIME/./} - ${start/./}) / 100000))
	if [ "$verdict" != ok ] || [ -z "$errors" ] ||
		grep -qE 'search depth too small|out of memory' "$dir/log"; then
		verdict='NOT VERIFIED'
		tail -n 5 "$dir/log" >&2
	elif [ "$4" = right ] && [ "$errors" -ne 0 ]; then
		verdict=FAILS
		grep -m 3 '^pan:' "$dir/log" >&2
	elif [ "$4" = mutant ] && [ "$errors" -eq 0 ]; then
		verdict=SURVIVES
	fi
	[ "$verdict" = ok ] || failed=1
	[ "$verdict" != ok ] || [ "$4" = right ] || verdict=killed
	printf '%-8s %-24s %12s %5s s  %-12s %s\n' "$1" "${2:--}" \
		"${states:-?}" "$((took / 10)).$((took % 10))" "$verdict" "$3"
}

# right MODEL EFFORT FLAGS - the protocol as it is. The verifier is compiled for
# speed only where it runs for longer than the compiler.
right() {
	local compiled=quick
	[ "$2" -eq 1 ] || compiled=fast
	[[ " ${models[*]} " == *" $1 "* ]] && [ "$effort" -ge "$2" ] || return 0
	row "$1" '' "$3" right "$compiled"
}

# mutant MODEL NAME FLAGS [EFFORT] - one sentence of its claims broken
mutant() {
	[[ " ${models[*]} " == *" $1 "* ]] && [ "$effort" -ge "${4:-1}" ] ||
		return 0
	row "$1" "$2" "-DMUTANT_$2 $3" mutant
}

printf '%-8s %-24s %12s %7s  %-12s %s\n' model mutant states time verdict flags

right inbox 1 "-DSHARED_ONLY"
right inbox 1 "-DOWN_ONLY"
right inbox 1 "-DPOSTERS=2"
right inbox 3 ""
for name in P1_LOAD P1_STORE P3_STORE NO_WAKE O2_LATE O4_STORE O6_STORE NO_DEBT \
	CLOSE_AT_ONCE UNREGISTER_AT_ONCE FORGET_QUEUE DRAIN_ALL \
	TOUCH_BEHIND_P3 TOUCH_BEHIND_P4 NO_O7 O7_ALWAYS; do
	mutant inbox "$name" "-DPOSTERS=2"
done

right merge 1 ""
right merge 1 "-DLANES=1"
right merge 1 "-DPOSTERS=3 -DPOSTS=1"
right merge 2 "-DPOSTERS=3 -DLANES=1"
for name in M0_LATE M2_LATE NO_M2 NO_M3 C2_EARLY C2_NUM_EARLY NO_C2; do
	mutant merge "$name" ""
done
mutant merge M2_STORE "-DLANES=1"

right handle 1 "-DSTAY"
right handle 1 ""
for name in D1_LATE H3_LOAD; do
	mutant handle "$name" "-DSTAY"
done
for name in GIVE_BACK_ALWAYS NO_LIVE H3_BLIND NO_CLOSED; do
	mutant handle "$name" ""
done

right channel 1 ""
right channel 1 "-DROOM"
right channel 1 "-DSTAYS"
right channel 1 "-DSTAYS -DROOM"
right channel 1 "-DGOODBYE"
right channel 1 "-DGOODBYE -DSTAYS"
for name in U1_STORE D2_LEAVES_NULL LINK_ALWAYS U3_NO_REFERENCE C2_FIRST \
	S2_NO_LOOK; do
	mutant channel "$name" ""
done
for name in D4_STORE D4_NO_LOOK C1_SILENT TOLD_AT_ONCE; do
	mutant channel "$name" "-DSTAYS"
done
for name in S1_ADD WANT_STORE WANT_NO_LOOK; do
	mutant channel "$name" "-DSTAYS -DROOM"
done

right gate 1 "-DROUNDS=1"
mutant gate NO_TAG "-DROUNDS=1"
mutant gate BELOW_ONCE "-DROUNDS=1"

# busy: nobody idles while items wait; then what disturbs that; then the end.
busy="-DNO_PUT -DIDLE=0"
right pool 1 "$busy -DITEMS=3"
right pool 1 "$busy -DITEMS=2 -DLONG -DSTART"
right pool 1 "$busy -DITEMS=2 -DLONG -DLOOPS=1"
right pool 1 "-DNO_PUT -DITEMS=1 -DIDLE=1 -DEXITS=1"
right pool 1 "$busy -DITEMS=2 -DREFUSED=1"
right pool 1 "-DITEMS=2 -DIDLE=0 -DREFUSED=255 -DNO_THREADS"
right pool 1 "-DITEMS=1 -DIDLE=1 -DJOINS"
right pool 2 "-DITEMS=2 -DIDLE=0 -DLONG"
right pool 2 "$busy -DITEMS=2 -DREFUSED=2"
right pool 2 "$busy -DITEMS=3 -DLONG -DLOOPS=1"
right pool 2 "-DNO_PUT -DITEMS=2 -DIDLE=1 -DEXITS=1"
right pool 2 "-DNO_PUT -DITEMS=3 -DIDLE=1 -DLONG"
right pool 2 "$busy -DITEMS=2 -DWORKERS=3"
right pool 2 "$busy -DITEMS=5"
mutant pool PUT_ALWAYS "$busy -DITEMS=5" 2
mutant pool REST_FORGOTTEN "$busy -DITEMS=5" 2
mutant pool NO_LOOK_AT_W3 "$busy -DITEMS=3 -DLONG"
mutant pool NO_WAKE_AT_W4 "$busy -DITEMS=3 -DLONG"
mutant pool NO_LOOK_AT_K3 "$busy -DITEMS=3 -DLONG"
mutant pool LOOK_AT_INTAKE_ONLY "$busy -DITEMS=3 -DLONG"
mutant pool SEARCH_WHILE_WORKING "$busy -DITEMS=2 -DLONG"
mutant pool SEARCH_TO_IN_LOOP "$busy -DITEMS=2 -DLONG -DLOOPS=1"
mutant pool G4_CLEARS_LATE "$busy -DITEMS=3 -DLONG -DLOOPS=1"
mutant pool G4_KEEPS_SEARCH "$busy -DITEMS=2 -DREFUSED=2"
mutant pool NO_HELP "$busy -DITEMS=2 -DREFUSED=2"
mutant pool K4_STORE "-DNO_PUT -DITEMS=2 -DIDLE=1"
mutant pool CALL_NOT_AWAITED "-DNO_PUT -DITEMS=3 -DIDLE=1"
mutant pool SLEEP_BEHIND_SHUT "-DITEMS=1 -DIDLE=0"
mutant pool NO_SHUT "-DITEMS=1 -DIDLE=0"
mutant pool NO_LOOK_AT_T3 "-DITEMS=2 -DIDLE=0 -DLONG"
mutant pool NO_JOIN "-DITEMS=1 -DIDLE=0 -DJOINS"
mutant pool NO_LAST_JOIN "-DITEMS=1 -DIDLE=0 -DJOINS"

right thread 1 "-DCHILDREN=2"
for name in POST_BEFORE_C1 C1_NO_SWAP ORPHAN_NOT_FREED TOUCH_BEHIND_C2 \
	NO_JOIN L1_NO_SWAP L2_FREES; do
	mutant thread "$name" "-DCHILDREN=2"
done

right signal 1 "-DREADERS=2"
for name in R3_EARLY R4_EARLY U1_LATE NO_U4 NO_FLIP; do
	mutant signal "$name" "-DREADERS=2"
done

right registry 1 ""
for name in NO_GRACE GRACE_FIRST R3_FIRST C1_LATE SLOT_BACK_FIRST; do
	mutant registry "$name" ""
done

# A loop that is stopped, called, joined, that meets others, and its end.
calls="-DWAITS=2 -DSPARE=0"
joins="-DJOINS=2 -DPOSTS=1"
circle="-DLOOPS=2 -DSPARE=0"
right loop 1 "-DSTOP"
right loop 1 "-DSTOP -DCALLS=1"
right loop 1 "-DSTAYS -DWAITS=1 -DJOINS=1"
right loop 1 "-DEXITS -DWAITS=1"
right loop 1 "$joins"
right loop 1 "$circle"
right loop 1 "$circle -DGOODBYE"
right loop 2 "$calls"
right loop 2 "-DCALLS=1 -DWAITS=1"
right loop 2 "-DEXITS -DCALLS=1 -DWAITS=1"
right loop 2 "-DSTOP -DWAITS=1 -DJOINS=1"
right loop 2 "-DSTOP -DPOSTS=1 -DJOINS=1"
for name in STOP_RINGS_FIRST LISTEN_NO_LOOK LISTEN_LOOKS_FIRST \
	STOP_NOT_CLEARED STOP_NOT_KEPT; do
	mutant loop "$name" "-DSTOP"
done
for name in S1_MARKS_LATE C4_NO_LOOK C4_FREES E1_KEEPS_QUEUE C1_NO_NUMBER; do
	mutant loop "$name" "$calls"
done
mutant loop E1_DROPS_FIRST "-DCALLS=1"
mutant loop C2_FIRST "-DSTAYS -DWAITS=1"
mutant loop E1_FORGETS_RUNNING "-DEXITS -DWAITS=1"
for name in JOIN_BY_ID JOIN_STAYS_IN_LIST JOIN_TOLD_EARLY C3_IN_TWO \
	C3_TELLS_UNLOCKED C3_LIST_STAYS BACK_FIRST NO_DEBT CLOSE_AT_ONCE \
	HANDLES_LIVE_ON; do
	mutant loop "$name" "$joins"
done
for name in CIRCLE_NOT_SEEN CIRCLE_LOOK_EARLY JOIN_SEES_NO_CIRCLE \
	WAITS_FOR_STAYS; do
	mutant loop "$name" "$circle"
done
mutant loop CIRCLE_BY_ID "$circle -DGOODBYE"

# Its orderly end: an item, a message or two, a child; then deadlines and more.
item="-DITEMS=1 -DMESSAGES=0"
messages="-DITEMS=0 -DMESSAGES=2"
right loop_end 1 "-DITEMS=1"
right loop_end 1 "$messages"
right loop_end 1 "$item -DDEADLINE -DHANGS"
right loop_end 1 "$item -DSTOP"
right loop_end 1 "$item -DCHILD_ENDS"
right loop_end 1 "-DITEMS=0 -DMESSAGES=0 -DSECOND"
right loop_end 2 "-DITEMS=2"
right loop_end 2 "-DITEMS=1 -DDEADLINE -DHANGS"
right loop_end 2 "-DITEMS=1 -DSTOP"
right loop_end 2 "-DITEMS=1 -DSTOP -DHANGS"
right loop_end 2 "$item -DSECOND"
right loop_end 2 "-DITEMS=0 -DSECOND"
for name in E2_FIRST LISTEN_NO_LOOK CHILD_SILENT LAST_ONE_SILENT \
	L1_ALIVE_LAST L1_NO_CHILDREN L1_NO_DONE; do
	mutant loop_end "$name" "$item"
done
for name in CLOSED_STORED NO_TASK L1_NO_CHANNELS; do
	mutant loop_end "$name" "$messages"
done
for name in NO_TIMER L3_LEAVES_IN_LIST E5_STAYS; do
	mutant loop_end "$name" "$item -DDEADLINE -DHANGS"
done
mutant loop_end ORDER_REPLACES "-DITEMS=0 -DMESSAGES=0 -DSECOND"
mutant loop_end STOP_DOES_NOT_CUT "$item -DSTOP -DHANGS"
mutant loop_end CREATOR_NOT_SEEN "$item -DCHILD_ENDS"

exit "$failed"
