# SPDX-License-Identifier: MIT
#
# table.awk EXPECTED RESULTS... - the conformance table; see table.sh

function complain(text) {
	print "conformance: " text
	broken = 1
}

# Is it among those that some machines cannot try?
function may_lack(test,    prefix) {
	for (prefix in lacking) {
		if (index(test, prefix) == 1)
			return 1
	}
	return 0
}

function cell(method, waker, test,    key) {
	key = method "." waker " " test
	return key in outcome ? mark[outcome[key]] : "?"
}

function width(method) {
	return length(method) < 9 ? 9 : length(method)
}

function print_row(label, test,    i, text) {
	printf "%-*s", widest + 1, label
	for (i = 1; i <= num_methods; i++) {
		text = cell(methods[i], "eventfd", test) " " \
			cell(methods[i], "pipe", test)
		printf " %-*s", width(methods[i]), text
	}
	print ""
}

function print_header(    i) {
	printf "%-*s", widest + 1, ""
	for (i = 1; i <= num_methods; i++)
		printf " %-*s", width(methods[i]), methods[i]
	print ""
}

# As many as expected, and nothing unavailable that every machine can try?
function check_column(column,    ran, lacked, allowed, i, key) {
	ran = lacked = allowed = 0
	for (i = 1; i <= num_tests; i++) {
		key = column " " tests[i]
		if (!(key in outcome)) {
			complain(column ": " tests[i] " has disappeared")
		} else if (outcome[key] == "failed") {
			complain(column ": " tests[i] " failed")
		} else if (outcome[key] == "unavailable") {
			lacked++
			if (may_lack(tests[i]))
				allowed++
			else if (!(column in forbidden))
				complain(column ": " tests[i] " is unavailable")
		} else {
			ran++
		}
	}
	printf "%-22s %4d run %4d failed %4d unavailable\n", column, ran,
		num_tests - ran - lacked, lacked
	if (ran == 0 && (column in forbidden))
		return
	if (ran + allowed < want_run[column] || ran > want_run[column])
		complain(column ": " ran " ran, expected " want_run[column])
	if (lacked - allowed > want_lacked[column])
		complain(column ": " lacked " unavailable, expected " \
			want_lacked[column])
}

BEGIN {
	mark["run"] = "run"
	mark["failed"] = "FAIL"
	mark["unavailable"] = "n/a"
}

/^#/ || NF == 0 { next }

FNR == NR && $1 == "expect" {
	column = $2 "." $3
	columns[++num_columns] = column
	want_run[column] = $4
	want_lacked[column] = $5
	if ($6 == "or-forbidden")
		forbidden[column] = 1
	if ($3 == "eventfd")
		methods[++num_methods] = $2
}

FNR == NR && $1 == "may-lack" { lacking[$2] = 1 }

FNR == NR { next }

{
	column = FILENAME
	sub(/.*\//, "", column)
	outcome[column " " $2] = $1
	if (!($2 in known)) {
		known[$2] = 1
		tests[++num_tests] = $2
		if (length($2) > widest)
			widest = length($2)
	}
}

END {
	print_header()
	for (i = 1; i <= num_tests; i++)
		print_row(tests[i], tests[i])
	print "Left: eventfd, or the method's own waker; right: pipe. " \
		"n/a: unavailable here, not tried. ?: missing."
	print ""
	for (i = 1; i <= num_columns; i++)
		check_column(columns[i])
	if (broken)
		exit 1
	print "conformance: as expected"
}
