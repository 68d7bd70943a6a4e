# SPDX-License-Identifier: MIT
#
# One test program becomes many tests. It is built up to four times:
#
#   plain      nothing instrumented; what the valgrind tools run as well
#   tsan       program and library with -fsanitize=thread
#   tsan-user  the program alone, as a user of the installed library has it
#   asan       program and library with -fsanitize=address,undefined
#
# and run on each backend with each kind of waker, under each tool, as
# NAME.BACKEND.WAKER[@TOOL]: event.poll.pipe, event.epoll.eventfd@helgrind.
#
# Labels, for `ctest -L`: the tool (`plain` without one), and `long` for what
# only `./dev test --long` runs. The short selection has everything plain,
# everything under asan, and what is THREADED under every tool; the last two
# with eventfd only. What shares its code with epoll or poll, and io_uring, it
# has plain and with eventfd only.
#
# io_uring may be forbidden, and is refused on valgrind: there it has no tests,
# and they are skipped as "unavailable" where a loop does not open.

set(iv_backends epoll epoll-timerfd ppoll poll)
set(iv_relatives epoll-timerfd ppoll io_uring)
set(iv_backends_if_allowed io_uring)
set(iv_wakers eventfd pipe)
set(iv_valgrind_tools memcheck helgrind drd)
set(iv_tools plain asan tsan tsan-user ${iv_valgrind_tools})

set(iv_flags_tsan -fsanitize=thread)
set(iv_flags_asan -fsanitize=address,undefined -fno-sanitize-recover=all
	-fno-omit-frame-pointer)

find_program(VALGRIND valgrind)
if(NOT VALGRIND)
	message(WARNING "valgrind is missing: no tests under its tools")
	list(REMOVE_ITEM iv_tools ${iv_valgrind_tools})
endif()

# A tool that reports anything makes the program's exit status 99.
set(iv_valgrind ${VALGRIND} -q --error-exitcode=99 --fair-sched=try
	--child-silent-after-fork=no)
set(iv_command_memcheck ${iv_valgrind} --tool=memcheck --leak-check=full
	--errors-for-leak-kinds=definite,indirect,possible)
set(iv_command_helgrind ${iv_valgrind} --tool=helgrind)
set(iv_command_drd ${iv_valgrind} --tool=drd)

set(iv_environment_asan
	"ASAN_OPTIONS=exitcode=99:detect_leaks=1:detect_stack_use_after_return=1"
	"LSAN_OPTIONS=exitcode=99"
	"UBSAN_OPTIONS=print_stacktrace=1")
set(iv_environment_tsan "TSAN_OPTIONS=exitcode=99:second_deadlock_stack=1")
set(iv_environment_tsan-user "${iv_environment_tsan}")

# The library once more for each instrumentation, static.
foreach(flavour asan tsan)
	iv_library_objects(ivykis_objects_${flavour}
		-UNDEBUG ${iv_flags_${flavour}})
	set_target_properties(ivykis_objects_${flavour} PROPERTIES
		EXPORT_COMPILE_COMMANDS OFF)
	add_library(ivykis_${flavour} STATIC
		$<TARGET_OBJECTS:ivykis_objects_${flavour}>)
	target_include_directories(ivykis_${flavour}
		INTERFACE "${PROJECT_SOURCE_DIR}/include")
	target_link_libraries(ivykis_${flavour}
		PRIVATE ${needed_libraries})
endforeach()

# Runs a test, or says that its method is unavailable.
add_executable(needs_method "${CMAKE_CURRENT_LIST_DIR}/needs_method.c")
target_link_libraries(needs_method PRIVATE ivykis ivykis_flags)
set_target_properties(needs_method PROPERTIES
	RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")

# iv_flavoured_objects(<name> SOURCES <file>... [WHITE_BOX])
#
# Object libraries <name>_plain_objects, _asan_objects and _tsan_objects.
# WHITE_BOX: they may include the headers of runtime/ and threads/.
function(iv_flavoured_objects name)
	cmake_parse_arguments(PARSE_ARGV 1 arg "WHITE_BOX" "" "SOURCES")

	foreach(flavour plain asan tsan)
		set(objects ${name}_${flavour}_objects)
		add_library(${objects} OBJECT ${arg_SOURCES})
		target_compile_options(${objects}
			PRIVATE -UNDEBUG ${iv_flags_${flavour}})
		target_link_libraries(${objects}
			PRIVATE ivykis ivykis_flags Threads::Threads)
		if(NOT flavour STREQUAL "plain")
			# clang-tidy reads each file once.
			set_target_properties(${objects} PROPERTIES
				EXPORT_COMPILE_COMMANDS OFF)
		endif()
		if(arg_WHITE_BOX)
			target_include_directories(${objects}
				PRIVATE "${PROJECT_SOURCE_DIR}")
		endif()
	endforeach()
endfunction()

# iv_add_flavours(<target> SOURCES <file>... [OBJECTS <name>...]
#                 [LIBRARIES <library>...] [LIBRARY <name>] [WHITE_BOX])
#
# Builds <target>, <target>_asan, <target>_tsan and <target>_tsan-user.
# OBJECTS: names given to iv_flavoured_objects() before. WHITE_BOX as there;
# the program is then linked with the static library. LIBRARY: with this one,
# <name>_asan and <name>_tsan in place of ours.
function(iv_add_flavours target)
	cmake_parse_arguments(PARSE_ARGV 1 arg "WHITE_BOX" "LIBRARY"
		"SOURCES;OBJECTS;LIBRARIES")

	set(library ivykis)
	set(instrumented ivykis)
	set(white_box)
	if(arg_WHITE_BOX)
		set(library ivykis_static)
		set(white_box WHITE_BOX)
	endif()
	if(arg_LIBRARY)
		set(library ${arg_LIBRARY})
		set(instrumented ${arg_LIBRARY})
	endif()
	iv_flavoured_objects(${target} SOURCES ${arg_SOURCES} ${white_box})

	foreach(program plain asan tsan tsan-user)
		string(REPLACE "-user" "" flavour ${program})
		set(executable ${target}_${program})
		if(program STREQUAL "plain")
			set(executable ${target})
		endif()

		add_executable(${executable})
		foreach(objects ${target} ${arg_OBJECTS})
			target_sources(${executable} PRIVATE
				$<TARGET_OBJECTS:${objects}_${flavour}_objects>)
		endforeach()
		if(program MATCHES "^(asan|tsan)$")
			set(linked ${instrumented}_${flavour})
		else()
			set(linked ${library})
		endif()
		target_link_options(${executable}
			PRIVATE ${iv_flags_${flavour}})
		target_link_libraries(${executable} PRIVATE ${linked}
			${arg_LIBRARIES} Threads::Threads)
	endforeach()
endfunction()

# iv_tool_command(<variable> <target> <tool>) - how to run it under a tool
function(iv_tool_command variable target tool)
	if(tool IN_LIST iv_valgrind_tools)
		set(command ${iv_command_${tool}} $<TARGET_FILE:${target}>)
	elseif(tool STREQUAL "plain")
		set(command $<TARGET_FILE:${target}>)
	else()
		set(command $<TARGET_FILE:${target}_${tool}>)
	endif()
	set(${variable} ${command} PARENT_SCOPE)
endfunction()

# iv_labels(<variable> <backend> <waker> <tool> <under tools>)
#
# A test's labels. <under tools>: whether the short selection has it not only
# plain.
function(iv_labels variable backend waker tool under_tools)
	set(short OFF)
	if(tool STREQUAL "plain")
		if(waker STREQUAL "eventfd" OR NOT backend IN_LIST iv_relatives)
			set(short ON)
		endif()
	elseif(under_tools AND waker STREQUAL "eventfd" AND
			NOT backend IN_LIST iv_relatives)
		set(short ON)
	endif()

	set(labels ${tool})
	if(NOT short)
		list(APPEND labels long)
	endif()
	set(${variable} ${labels} PARENT_SCOPE)
endfunction()

# iv_add_variants(<name> <target> [THREADED] [ONE_METHOD] [TIMEOUT <seconds>]
#                 [WITHOUT <tool>...] [ARGS <arg>...] [LONG_ARGS <arg>...])
#
# Registers the tests of a program that iv_add_flavours() built. THREADED: its
# runs under the tools belong to the short selection; ONE_METHOD: those on epoll
# only, for how a loop waits is not what it is about. TIMEOUT is three times as
# long under valgrind. WITHOUT: tools that it has no tests under. LONG_ARGS: one
# more plain test on each backend, NAME.BACKEND.WAKER.long, with these arguments.
function(iv_add_variants name target)
	cmake_parse_arguments(PARSE_ARGV 2 arg "THREADED;ONE_METHOD" "TIMEOUT"
		"WITHOUT;ARGS;LONG_ARGS")
	if(NOT arg_TIMEOUT)
		set(arg_TIMEOUT 120)
	endif()

	foreach(backend IN LISTS iv_backends iv_backends_if_allowed)
		set(tools ${iv_tools})
		list(REMOVE_ITEM tools ${arg_WITHOUT})
		set(wrapper)
		if(backend IN_LIST iv_backends_if_allowed)
			list(REMOVE_ITEM tools ${iv_valgrind_tools})
			set(wrapper $<TARGET_FILE:needs_method>)
		endif()
		foreach(waker IN LISTS iv_wakers)
			foreach(tool IN LISTS tools)
				iv_add_variant()
			endforeach()
			if(arg_LONG_ARGS)
				iv_add_long_variant()
			endif()
		endforeach()
	endforeach()
endfunction()

# The two below work on the variables of iv_add_variants().
macro(iv_add_variant)
	set(test ${name}.${backend}.${waker})
	set(under_tools ${arg_THREADED})
	if(tool STREQUAL "asan")
		set(under_tools ON)
	endif()
	if(arg_ONE_METHOD AND NOT backend STREQUAL "epoll")
		set(under_tools OFF)
	endif()
	if(NOT tool STREQUAL "plain")
		string(APPEND test @${tool})
	endif()
	iv_labels(labels ${backend} ${waker} ${tool} ${under_tools})
	iv_tool_command(command ${target} ${tool})
	add_test(NAME ${test} COMMAND ${wrapper} ${command} ${arg_ARGS})
	iv_set_variant_properties()
endmacro()

macro(iv_add_long_variant)
	set(test ${name}.${backend}.${waker}.long)
	set(tool plain)
	set(labels plain long)
	add_test(NAME ${test} COMMAND ${wrapper} $<TARGET_FILE:${target}>
		${arg_LONG_ARGS})
	iv_set_variant_properties()
endmacro()

macro(iv_set_variant_properties)
	set(force_pipe unset:)
	if(waker STREQUAL "pipe")
		set(force_pipe set:1)
	endif()
	set(timeout ${arg_TIMEOUT})
	if(tool IN_LIST iv_valgrind_tools)
		math(EXPR timeout "3 * ${timeout}")
	endif()
	set_tests_properties(${test} PROPERTIES
		TIMEOUT ${timeout}
		LABELS "${labels}"
		ENVIRONMENT "IV_SELECT_POLL_METHOD=${backend};${iv_environment_${tool}}"
		ENVIRONMENT_MODIFICATION "IV_FORCE_PIPE=${force_pipe};IV_EXCLUDE_POLL_METHOD=unset:")
	if(wrapper)
		set_tests_properties(${test} PROPERTIES SKIP_RETURN_CODE 77)
	endif()
endmacro()
