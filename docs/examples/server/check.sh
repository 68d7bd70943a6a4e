#!/bin/bash
# SPDX-License-Identifier: MIT
#
# check.sh [WRAPPER...] SERVER - does the server keep its promises?
#
# Starts it on free ports of 127.0.0.1 with files of its own, asks it for
# everything and for much that is not allowed, and stops it. A wrapper, such
# as "valgrind --error-exitcode=9", runs the server. Ends with the first
# promise that is broken, in words, and exit status 1.

set -u

if [ $# -lt 1 ] || [ ! -x "${!#}" ]; then
	echo "usage: check.sh [WRAPPER...] SERVER" >&2
	exit 2
fi

# shellcheck source-path=SCRIPTDIR source=harness.sh
source "$(dirname "$(realpath "$0")")/harness.sh" "$@"

big=16777216
long=$(head -c 5000 /dev/zero | tr '\0' a)
host='Host: x\r\n'
bye='Connection: close\r\n'

# The promises ##############################################################

answers() {
	expect "a file" hello "$(get /a.txt)"
	get /big.bin | cmp - "$tree/big.bin" || fail "a large file differs"
	expect "an empty file" 200 "$(code /empty)"
	expect "an escaped name" odd "$(get /odd%20%26%20%3C%25%3E)"
	expect "a page" index "$(get /sub/)"
	expect "no slash" 301 "$(code /sub)"
	expect "followed" index "$(get /sub -L)"
	get / | grep -q 'href="./odd%20%26%20%3C%25%3E"' ||
		fail "the listing lacks an escaped name"
	expect "nothing there" 404 "$(code /none)"
	expect "a file as directory" 404 "$(code /a.txt/)"
	expect "a FIFO" 404 "$(code /fifo)"
	expect "a query" hello "$(get '/a.txt?x=1')"
	expect "a whole URL" hello \
		"$(raw "GET http://x/a.txt HTTP/1.1\r\n$host$bye\r\n" |
		   tail -n 1)"
}

heads() {
	local head

	head=$(raw "HEAD /big.bin HTTP/1.1\r\n$host$bye\r\n")
	[[ $head == *"Content-Length: $big"* ]] || fail "no length: $head"
	expect "lines of the head" 5 "$(wc -l <<<"$head")"
}

hashes() {
	local file

	for file in a.txt big.bin empty; do
		expect "$file" "$(sha256sum <"$tree/$file" | cut -c -64)" \
			"$(get "/sha256/$file" | cut -c -64)"
	done
	expect "a directory" 404 "$(code /sha256/sub)"
	expect "nothing" 404 "$(code /sha256/none)"
}

resolves() {
	local name=localhost

	# A system without /etc/hosts knows no names.
	getent ahosts $name >/dev/null || name=127.0.0.1
	get /resolve/$name | grep -q '127.0.0.1\|::1' ||
		fail "$name has no address"
	expect "numeric" '{ "name": "127.0.0.7", "addresses": ["127.0.0.7"] }' \
		"$(get /resolve/127.0.0.7)"
	expect "no name" 400 "$(code '/resolve/a%20b')"
	# Such a label cannot exist, so no name server is asked.
	expect "too long a label" 404 "$(code "/resolve/${long:0:70}")"
}

statistics() {
	local before after kept

	before=$(stat_of requests)
	get /a.txt >/dev/null
	after=$(stat_of requests)
	expect "requests" $((before + 2)) "$after"
	expect "loops" 2 "$(stat_of loops)"
	# Those before may still be on their way out.
	dial kept
	kept_until "$kept" connections 1 1
	hang_up "$kept"
	expect "jobs" "$(get /stats | grep -c '"submitted": [1-9]')" 1
	expect "queue" 0 "$(stat_of queue_depth)"
	[ "$(stat_of posts)" -gt 0 ] || fail "no posts"
	get /stats | grep -q '"run_us": { "p50": [0-9.]*, "p99"' ||
		fail "no run times"
}

traversal() {
	local path

	for path in /../secret /%2e%2e/secret /..%2fsecret /%2e%2e%2fsecret \
		    /sub/../../secret /sub/%2e./%2e./secret //../secret \
		    /absolute /relative /outside/secret /outside/ /loop \
		    /sub/up/../../secret /absolute/ /sub/./.././../secret; do
		expect "$path" 404 "$(code "$path")"
		expect "sha256$path" 404 "$(code "/sha256$path")"
	done
	for path in /sub/../a.txt /%2e/a.txt //a.txt /inside /sub/up/a.txt \
		    /sub/up/sub/../inside; do
		expect "$path" hello "$(get "$path")"
	done
}

malformed() {
	expect "no HTTP" 400 "$(raw_code 'hello\r\n')"
	expect "no version" 400 "$(raw_code 'FOO BAR\r\n\r\n')"
	expect "bytes" 400 "$(raw_code '\026\003\001\002\n')"
	expect "no host" 400 "$(raw_code 'GET / HTTP/1.1\r\n\r\n')"
	expect "two hosts" 400 \
		"$(raw_code "GET / HTTP/1.1\r\n$host$host\r\n")"
	expect "bad header" 400 \
		"$(raw_code "GET / HTTP/1.1\r\n$host"'a(b: c\r\n\r\n')"
	expect "space before colon" 400 \
		"$(raw_code "GET / HTTP/1.1\r\n$host"'a : c\r\n\r\n')"
	expect "bad length" 400 \
		"$(raw_code "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n")"
	expect "two lengths" 400 "$(raw_code "POST / HTTP/1.1\r\n${host}$(
		)Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")"
	expect "bad chunk" 400 "$(raw_code "POST / HTTP/1.1\r\n${host}$(
		)Transfer-Encoding: chunked\r\n\r\nzz\r\n")"
	expect "bad escape" 400 "$(code /%4)"
	expect "NUL" 400 "$(code /a.txt%00)"
	expect "version" 505 "$(raw_code "GET / HTTP/2.0\r\n$host\r\n")"
}

methods() {
	local method

	for method in FOO get BREW PROPFINDER; do
		expect "$method" 501 \
			"$(raw_code "$method / HTTP/1.1\r\n$host\r\n")"
	done
	for method in POST PUT DELETE OPTIONS PATCH; do
		expect "$method" 405 \
			"$(raw_code "$method / HTTP/1.1\r\n$host$bye\r\n")"
	done
}

too_long() {
	local header

	expect "address" 414 "$(code "/$long")"
	expect "long address" 414 \
		"$(raw_code "GET /$long$long$long$long$long HTTP/1.1\r\n\r\n")"
	expect "one header" 431 "$(code / -H "A: $long$long$long$long")"
	header="A: ${long:0:100}\r\n"
	for _ in 1 2 3 4 5 6 7 8; do
		header=$header$header
	done
	expect "many headers" 431 \
		"$(raw_code "GET / HTTP/1.1\r\n$host$header\r\n")"
	expect "not too long" 200 "$(code / -H "A: $long$long")"
}

bodies() {
	local sock

	head -c 65536 "$tree/big.bin" >"$work/fits"
	head -c 65537 "$tree/big.bin" >"$work/large"
	expect "drained" 405 "$(code / --data-binary "@$work/fits")"
	expect "too large" 413 "$(code / --data-binary "@$work/large")"
	expect "chunked" 405 "$(code / --data-binary "@$work/fits" \
		-H 'Transfer-Encoding: chunked')"
	expect "chunked, too large" 413 "$(code / \
		--data-binary "@$work/large" -H 'Transfer-Encoding: chunked')"
	expect "very large" 413 "$(code / --data-binary "@$tree/big.bin" \
		-H 'Expect:')"
	expect "asks first" 413 "$(code / --data-binary "@$tree/big.bin" \
		-H 'Expect: 100-continue')"
	dial sock
	say "$sock" "POST / HTTP/1.1\r\n${host}${bye}Expect: 100-continue\r\n$(
		)Content-Length: 5\r\n\r\n"
	expect "encouraged" "HTTP/1.1 100 Continue" "$(line "$sock")"
	say "$sock" 12345
	hear "$sock" | grep -q '^HTTP/1.1 405 ' || fail "body not drained"
	hang_up "$sock"
	expect "a GET with a body" hello "$(get /a.txt -X GET -d 12345)"
}

keep_alive() {
	local sock

	expect "connections made" "1 0 0 " "$(curl -sS -m "$patience" \
		-w '%{stderr}%{num_connects} ' "$url/a.txt" "$url/none" \
		"$url/sub/" 2>&1 >/dev/null)"
	expect "after a body" "1 0 " "$(curl -sS -m "$patience" -d 12345 \
		-w '%{stderr}%{num_connects} ' "$url/" "$url/" \
		2>&1 >/dev/null)"
	raw 'GET /a.txt HTTP/1.0\r\n\r\n' | grep -q '^Connection: close$' ||
		fail "HTTP/1.0 is kept alive"
	dial sock
	say "$sock" 'GET /a.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'
	say "$sock" "GET /a.txt HTTP/1.1\r\n$host$bye\r\n"
	expect "both answered" 2 "$(hear "$sock" | grep -c hello)"
	hang_up "$sock"
}

pipelining() {
	local all one

	one="GET /sha256/big.bin HTTP/1.1\r\n$host\r\n"
	one+="GET /a.txt HTTP/1.1\r\n$host\r\n"
	one+="\r\nPOST / HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabc"
	one+="HEAD /big.bin HTTP/1.1\r\n$host\r\n"
	one+="GET /stats HTTP/1.1\r\n$host\r\n"
	one+="GET /none HTTP/1.1\r\n$host$bye\r\n"
	one+="GET /never HTTP/1.1\r\n$host\r\n"
	expect "in order" "200 200 405 200 200 404 " "$(raw "$one" |
		sed -n 's/^HTTP\/1.1 \([0-9]*\) .*/\1/p' | tr '\n' ' ')"

	one="GET /a.txt HTTP/1.1\r\n$host\r\n"
	all=$one
	for _ in 1 2 3 4 5 6 7 8; do
		all=$all$all
	done
	expect "256 at once" 257 \
		"$(raw "${all}GET /a.txt HTTP/1.1\r\n$host$bye\r\n" |
		   grep -c hello)"
}

in_pieces() {
	local sock text i

	text="GET /a.txt HTTP/1.1"$'\r\n'"Host: x"$'\r\n'
	text+="Connection: close"$'\r\n\r\n'
	dial sock
	for ((i = 0; i < ${#text}; i++)); do
		read -rt 0.005 -u "$sock" && fail "an early answer"
		printf %s "${text:i:1}" >&"$sock"
	done
	expect "byte by byte" hello "$(hear "$sock" | tail -n 1)"
	hang_up "$sock"
}

many_at_once() {
	local i children=()

	for i in 1 2 3 4 5 6 7 8; do
		get /big.bin | cmp -s - "$tree/big.bin" &
		children+=($!)
	done
	for i in "${children[@]}"; do
		wait "$i" || fail "a large file differs"
	done
}

# They go before their answers are ready, and leave requests behind.
hang_ups() {
	local one="GET /a.txt HTTP/1.1\r\n$host\r\n" i kept sock

	for ((i = 0; i < 50; i++)); do
		dial sock
		say "$sock" "$one$one$one$one"
		hang_up "$sock"
	done
	dial kept
	kept_until "$kept" connections 1 1
	hang_up "$kept"
}

slow_senders() {	# needs short times
	local sock answer part=

	dial sock
	expect "an idle client hears" "" "$(hear "$sock")"
	hang_up "$sock"
	expect "half a line" 408 "$(raw_code 'GET / HT')"
	expect "half a head" 408 "$(raw_code "GET / HTTP/1.1\r\n$host")"
	expect "half a body" 408 "$(raw_code "POST / HTTP/1.1\r\n${host}$(
		)Content-Length: 9\r\n\r\n1234")"

	dial sock
	say "$sock" "GET / HTTP/1.1\r\n$host"
	# What came before a time-out is in answer, and not read again.
	until IFS= read -rt 0.05 -u "$sock" answer; do
		part+=$answer
		say "$sock" 'A: b\r\n' 2>/dev/null || break
	done
	answer=$part$answer
	expect "drop by drop" "HTTP/1.1 408 Request Timeout" "${answer%?}"
	hang_up "$sock"
}

slow_readers() {	# needs short times
	local sock before

	before=$(stat_of timeouts)
	dial sock
	say "$sock" "GET /big.bin HTTP/1.1\r\n$host\r\n"
	at_least timeouts $((before + 1))
	hang_up "$sock"
}

# With one worker in all: if a client could hold it, nothing else would run.
stalled_readers() {
	local i sock socks=()

	for i in 1 2 3 4 5 6; do
		dial sock
		say "$sock" "GET /big.bin HTTP/1.1\r\n$host\r\n"
		expect "a stalled download" "HTTP/1.1 200 OK" "$(line "$sock")"
		socks+=("$sock")
	done
	expect "a file meanwhile" hello "$(get /a.txt)"
	expect "a hash meanwhile" 200 "$(code /sha256/big.bin)"
	for sock in "${socks[@]}"; do
		hang_up "$sock"
	done
}

# Needs few files. Accepting pauses so early that who is here can be served.
few_descriptors() {
	local i kept late sock before socks=()

	dial kept
	before=$(kept_stat "$kept" accept_pauses)
	for ((i = 0; i < 100; i++)); do
		dial sock
		socks+=("$sock")
	done
	dial late
	say "$late" "GET /a.txt HTTP/1.1\r\n$host$bye\r\n"
	kept_until "$kept" accept_pauses $((before + 1)) 1000000

	fetch "$kept" /big.bin | cmp - "$tree/big.bin" ||
		fail "who is here gets no file"
	for sock in "${socks[@]}"; do
		hang_up "$sock"
	done
	expect "who had to wait" hello "$(hear "$late" | tail -n 1)"
	hang_up "$late"
	expect "afterwards" hello "$(get /a.txt)"
	hang_up "$kept"
}

# Takes from the server all descriptors that it does not use yet. They are
# numbered from the lowest free one, so other connections must be gone first.
take_descriptors() {
	local free=0

	kept_until "$kept" connections 1 1
	while [ -e "/proc/$pid/fd/$free" ]; do
		free=$((free + 1))
	done
	prlimit --pid "$pid" --nofile="$free":
}

# Not one is left: accept itself fails, until the limit is higher again.
no_descriptors() {
	local kept sock before

	dial kept
	before=$(kept_stat "$kept" accept_pauses)
	take_descriptors
	dial sock
	say "$sock" "GET /a.txt HTTP/1.1\r\n$host$bye\r\n"
	kept_until "$kept" accept_pauses $((before + 1)) 1000000
	read -rt 0 -u "$sock" && fail "a descriptor was left"
	prlimit --pid "$pid" --nofile=1024:
	expect "afterwards" hello "$(hear "$sock" | tail -n 1)"
	hang_up "$sock"
	hang_up "$kept"
}

drain() {	# SIGNAL
	local idle sock

	dial idle
	expect "a first answer" hello "$(fetch "$idle" /a.txt)"
	dial sock
	say "$sock" "GET /big.bin HTTP/1.1\r\n$host\r\n"
	expect "a download" "HTTP/1.1 200 OK" "$(line "$sock")"
	kill "-$1" "$pid"
	refused
	expect "an idle client hears" "" "$(hear "$idle")"
	timeout "$patience" cat <&"$sock" | tail -c "$big" |
		cmp - "$tree/big.bin" || fail "the download was cut"
	hang_up "$sock"
	hang_up "$idle"
	ended 0
}

stall() {	# VARIABLE: a client that does not read
	dial "$1"
	say "${!1}" "GET /big.bin HTTP/1.1\r\n$host\r\n"
	expect "a download" "HTTP/1.1 200 OK" "$(line "${!1}")"
}

drain_deadline() {
	local sock

	stall sock
	kill -TERM "$pid"
	ended 0
	grep -q "does not end" "$log" && fail "the client is not cut off"
	hang_up "$sock"
}

second_signal() {
	local sock

	stall sock
	kill -TERM "$pid"
	refused
	kill -TERM "$pid"
	ended 143
	hang_up "$sock"
}

options() {
	local bad text status

	for bad in --what --port --port=x --port=65536 --port=-1 --port= \
		   --loops=0 --threads=0 --idle-ms=1x "a b" --bind=nowhere; do
		text=$(timeout "$patience" "${server[@]}" "$bad" 2>&1 >/dev/null)
		status=$?
		[ $status -ne 0 ] || fail "accepts $bad"
		[ -n "$text" ] || fail "says nothing about $bad"
		[ "$bad" = --bind=nowhere ] || expect "$bad" 2 $status
	done
	"${server[@]}" --help 2>/dev/null | grep -q -- --drain-ms ||
		fail "--help does not help"
	text=$(timeout "$patience" "${server[@]}" --port "$port" "$tree" \
		2>&1 >/dev/null) && fail "shares a port"
	[[ $text == *"in use"* ]] || fail "says nothing about the port: $text"
}

# All of it #################################################################

prove() {	# NAME [ARGUMENT...]
	current=$1
	"$@"
	[ ! -e "$work/failed" ] || exit 1
	echo "ok - $*"
}

make_tree() {
	mkdir -p "$tree/sub" "$work/outside"
	echo hello >"$tree/a.txt"
	: >"$tree/empty"
	echo odd >"$tree/odd & <%>"
	echo index >"$tree/sub/index.html"
	echo secret >"$work/secret"
	echo secret >"$work/outside/secret"
	head -c "$big" /dev/urandom >"$tree/big.bin"
	mkfifo "$tree/fifo"
	ln -s "$work/secret" "$tree/absolute"
	ln -s ../secret "$tree/relative"
	ln -s ../outside "$tree/outside"
	ln -s loop "$tree/loop"
	ln -s sub/../a.txt "$tree/inside"
	ln -s .. "$tree/sub/up"
}

make_tree

start
for promise in answers heads hashes resolves statistics traversal malformed \
	       methods too_long bodies keep_alive pipelining in_pieces \
	       many_at_once hang_ups options no_descriptors; do
	prove $promise
done
prove stop

start --portable-open
prove traversal
prove answers
prove drain TERM

start --max-files 90
prove few_descriptors
prove drain INT

start --idle-ms 400 --header-ms 400 --body-ms 400 --write-ms 400
prove slow_senders
prove slow_readers
prove stop

start --loops 1 --threads 1
prove stalled_readers
prove second_signal

start --drain-ms 300
prove drain_deadline
echo "The server keeps its promises."
