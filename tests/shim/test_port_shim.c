/* SPDX-License-Identifier: MIT */
/*
 * test_port_shim.c - event ports as port_create(3c) and its kin have them:
 * associations, what is sent, alerts
 */
#include <port.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include "port_bed.h"

static void a_port_is_a_descriptor(void **state)
{
	int port;

	(void)state;
	port = make_port();
	assert_int_equal(fcntl(port, F_GETFD), 0);
	assert_int_equal(close(port), 0);
	assert_int_equal(fcntl(port, F_GETFD), -1);
}

static void other_descriptors_are_no_ports(void **state)
{
	port_event_t event;
	uint_t num = 1;
	int pipe[2];

	(void)state;
	make_pipe(pipe);
	assert_error(port_get(pipe[0], &event, &no_time), EBADFD);
	assert_error(port_getn(pipe[0], &event, 1, &num, &no_time), EBADFD);
	assert_error(port_send(pipe[0], 1, NULL), EBADFD);
	assert_error(port_alert(pipe[0], PORT_ALERT_SET, 1, NULL), EBADFD);
	close_both(pipe);
	assert_error(port_get(pipe[0], &event, &no_time), EBADF);
	assert_error(port_associate(pipe[0], PORT_SOURCE_FD, 0, POLLIN, NULL),
		     EBADF);
	assert_error(port_dissociate(pipe[0], PORT_SOURCE_FD, 0), EBADF);
	assert_error(port_send(pipe[0], 1, NULL), EBADF);
	assert_error(port_alert(pipe[0], PORT_ALERT_SET, 1, NULL), EBADF);
}

static void an_event_says_what_happened_to_what(void **state)
{
	port_event_t event;
	int port;
	int pipe[2];

	(void)state;
	port = make_port();
	make_pipe(pipe);
	associate(port, pipe[0], POLLIN, "cookie");
	assert_nothing(port);
	put_byte(pipe[1]);
	assert_int_equal(port_get(port, &event, NULL), 0);
	assert_int_equal(event.portev_source, PORT_SOURCE_FD);
	assert_int_equal(event.portev_object, pipe[0]);
	assert_int_equal(event.portev_events, POLLIN);
	assert_string_equal(event.portev_user, "cookie");
	close_both(pipe);
	close(port);
}

static void what_is_ready_already_is_told_at_once(void **state)
{
	int port;
	int sock[2];

	(void)state;
	port = make_port();
	make_socketpair(sock);
	put_byte(sock[1]);
	associate(port, sock[0], POLLIN | POLLOUT, NULL);
	assert_descriptor(port, sock[0], POLLIN | POLLOUT);
	close_both(sock);
	close(port);
}

static void an_association_ends_with_its_event(void **state)
{
	struct pollfd pfd = { .events = POLLIN };
	int port;
	int pipe[2];

	(void)state;
	port = make_port();
	make_pipe(pipe);
	put_byte(pipe[1]);
	associate(port, pipe[0], POLLIN, NULL);
	assert_descriptor(port, pipe[0], POLLIN);
	assert_nothing(port);
	put_byte(pipe[1]);
	assert_nothing(port);
	pfd.fd = port;
	assert_int_equal(poll(&pfd, 1, 0), 0);
	assert_error(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)pipe[0]),
		     ENOENT);

	associate(port, pipe[0], POLLIN, NULL);
	assert_descriptor(port, pipe[0], POLLIN);
	close_both(pipe);
	close(port);
}

static void associating_again_replaces_events_and_user(void **state)
{
	port_event_t event;
	int port;
	int sock[2];

	(void)state;
	port = make_port();
	make_socketpair(sock);
	associate(port, sock[0], POLLIN, "first");
	associate(port, sock[0], POLLOUT, "second");
	put_byte(sock[1]);
	assert_int_equal(port_get(port, &event, &no_time), 0);
	assert_int_equal(event.portev_events, POLLOUT);
	assert_string_equal(event.portev_user, "second");
	assert_nothing(port);
	close_both(sock);
	close(port);
}

static void associating_again_replaces_an_event_that_waits(void **state)
{
	uint_t num;
	int port;
	int sock[2];

	(void)state;
	port = make_port();
	make_socketpair(sock);
	associate(port, sock[0], POLLOUT, NULL);
	assert_int_equal(port_getn(port, NULL, 0, &num, NULL), 0);
	assert_int_equal(num, 1);
	associate(port, sock[0], POLLIN, NULL);
	assert_nothing(port);
	close_both(sock);
	close(port);
}

static void dissociating_ends_an_association(void **state)
{
	int port;
	int pipe[2];

	(void)state;
	port = make_port();
	make_pipe(pipe);
	associate(port, pipe[0], POLLIN, NULL);
	assert_int_equal(
		port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)pipe[0]), 0);
	put_byte(pipe[1]);
	assert_nothing(port);
	assert_error(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)pipe[0]),
		     ENOENT);
	close_both(pipe);
	close(port);
}

static void dissociating_takes_a_waiting_event_along(void **state)
{
	uint_t num;
	int port;
	int pipe[2];

	(void)state;
	port = make_port();
	make_pipe(pipe);
	associate(port, pipe[1], POLLOUT, NULL);
	assert_int_equal(port_getn(port, NULL, 0, &num, NULL), 0);
	assert_int_equal(num, 1);
	assert_int_equal(
		port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)pipe[1]), 0);
	assert_nothing(port);
	close_both(pipe);
	close(port);
}

static void a_hangup_is_told_unasked(void **state)
{
	int port;
	int pipe[2];

	(void)state;
	port = make_port();
	make_pipe(pipe);
	associate(port, pipe[0], 0, NULL);
	assert_nothing(port);
	close(pipe[1]);
	assert_descriptor(port, pipe[0], POLLHUP);
	close(pipe[0]);
	close(port);
}

static void a_regular_file_is_always_ready(void **state)
{
	FILE *file;
	int port;

	(void)state;
	port = make_port();
	file = tmpfile();
	assert_non_null(file);
	associate(port, fileno(file), POLLIN, NULL);
	assert_descriptor(port, fileno(file), POLLIN);
	assert_nothing(port);
	associate(port, fileno(file), POLLIN | POLLOUT, NULL);
	assert_descriptor(port, fileno(file), POLLIN | POLLOUT);
	fclose(file);
	close(port);
}

static void what_is_closed_cannot_be_associated(void **state)
{
	int port;
	int pipe[2];

	(void)state;
	port = make_port();
	make_pipe(pipe);
	close_both(pipe);
	assert_error(port_associate(port, PORT_SOURCE_FD, (uintptr_t)pipe[0],
				    POLLIN, NULL),
		     EBADFD);
	assert_error(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)pipe[0]),
		     EBADFD);
	assert_error(port_associate(port, PORT_SOURCE_FD, (uintptr_t)-1, POLLIN,
				    NULL),
		     EBADFD);
	close(port);
}

static void only_descriptors_are_associated(void **state)
{
	int port;
	int pipe[2];

	(void)state;
	port = make_port();
	make_pipe(pipe);
	assert_error(port_associate(port, PORT_SOURCE_USER, (uintptr_t)pipe[0],
				    POLLIN, NULL),
		     EINVAL);
	assert_error(port_dissociate(port, 77, (uintptr_t)pipe[0]), EINVAL);
	close_both(pipe);
	close(port);
}

static void closing_a_descriptor_ends_its_association(void **state)
{
	int port;
	int pipe[2];
	int other[2];

	(void)state;
	port = make_port();
	make_pipe(pipe);
	make_pipe(other);
	associate(port, pipe[0], POLLIN, NULL);
	put_byte(other[1]);
	assert_int_equal(dup2(other[0], pipe[0]), pipe[0]);
	assert_nothing(port);
	associate(port, pipe[0], POLLIN, NULL);
	assert_descriptor(port, pipe[0], POLLIN);
	close_both(pipe);
	close_both(other);
	close(port);
}

static void a_duplicate_keeps_no_association(void **state)
{
	int port;
	int duplicate;
	int pipe[2];
	int other[2];

	(void)state;
	port = make_port();
	make_pipe(pipe);
	make_pipe(other);
	associate(port, pipe[0], POLLIN, NULL);
	duplicate = dup(pipe[0]);
	assert_int_equal(dup2(other[0], pipe[0]), pipe[0]);
	associate(port, pipe[0], POLLIN, NULL);
	put_byte(pipe[1]);
	assert_nothing(port);
	put_byte(other[1]);
	assert_descriptor(port, pipe[0], POLLIN);
	close(duplicate);
	close_both(pipe);
	close_both(other);
	close(port);
}

static void what_is_sent_is_retrieved(void **state)
{
	port_event_t event;
	int port;

	(void)state;
	port = make_port();
	assert_int_equal(port_send(port, 5, "user"), 0);
	assert_int_equal(port_send(port, 6, NULL), 0);
	assert_int_equal(port_get(port, &event, NULL), 0);
	assert_int_equal(event.portev_source, PORT_SOURCE_USER);
	assert_int_equal(event.portev_events, 5);
	assert_string_equal(event.portev_user, "user");
	assert_user(port, 6);
	assert_nothing(port);
	close(port);
}

static void what_is_sent_to_several_comes_to_each(void **state)
{
	int ports[3];
	int errors[3];
	int i;

	(void)state;
	ports[0] = make_port();
	ports[1] = open("/dev/null", O_RDONLY);
	ports[2] = make_port();
	assert_int_equal(port_sendn(ports, errors, 3, 9, NULL), 2);
	assert_int_equal(errors[0], 0);
	assert_int_equal(errors[1], EBADFD);
	assert_int_equal(errors[2], 0);
	assert_user(ports[0], 9);
	assert_user(ports[2], 9);
	assert_error(port_sendn(ports, errors, 0, 9, NULL), EINVAL);
	for (i = 0; i < 3; i++)
		close(ports[i]);
}

static void a_full_port_takes_nothing_more(void **state)
{
	int port;
	int pipe[2];

	(void)state;
	make_pipe(pipe);
	shim_port_set_max_events(2);
	port = make_port();
	shim_port_set_max_events(65536);
	assert_int_equal(port_send(port, 1, NULL), 0);
	associate(port, pipe[0], POLLIN, NULL);
	assert_error(port_send(port, 2, NULL), EAGAIN);
	assert_error(port_associate(port, PORT_SOURCE_FD, (uintptr_t)pipe[1],
				    POLLOUT, NULL),
		     EAGAIN);
	assert_user(port, 1);
	assert_int_equal(port_send(port, 2, NULL), 0);
	close_both(pipe);
	close(port);
}

static void an_alert_stands_before_everything(void **state)
{
	port_event_t events[2];
	uint_t num = 2;
	int port;

	(void)state;
	port = make_port();
	assert_int_equal(port_send(port, 1, NULL), 0);
	assert_int_equal(port_send(port, 1, NULL), 0);
	assert_int_equal(port_alert(port, PORT_ALERT_SET, 3, "alert"), 0);
	assert_int_equal(port_getn(port, events, 2, &num, NULL), 0);
	assert_int_equal(num, 1);
	assert_int_equal(events[0].portev_source, PORT_SOURCE_ALERT);
	assert_int_equal(events[0].portev_events, 3);
	assert_string_equal(events[0].portev_user, "alert");
	assert_int_equal(port_get(port, events, NULL), 0);
	assert_int_equal(events[0].portev_source, PORT_SOURCE_ALERT);

	assert_int_equal(port_alert(port, PORT_ALERT_SET, 0, NULL), 0);
	assert_user(port, 1);
	close(port);
}

static void an_alert_is_updated_or_not(void **state)
{
	port_event_t event;
	int port;

	(void)state;
	port = make_port();
	assert_int_equal(port_alert(port, PORT_ALERT_UPDATE, 1, NULL), 0);
	assert_error(port_alert(port, PORT_ALERT_UPDATE, 2, NULL), EBUSY);
	assert_int_equal(port_alert(port, PORT_ALERT_SET, 3, NULL), 0);
	assert_int_equal(port_get(port, &event, NULL), 0);
	assert_int_equal(event.portev_events, 3);
	assert_error(port_alert(port, PORT_ALERT_SET | PORT_ALERT_UPDATE, 1,
				NULL),
		     EINVAL);
	close(port);
}

static int use_the_parents_port(void *arg)
{
	int *fds = arg;
	bool right;

	right = port_dissociate(fds[0], PORT_SOURCE_FD, (uintptr_t)fds[1]) ==
			-1 &&
		errno == EACCES && close(fds[0]) == 0;
	fds[0] = port_create();
	right = right && port_send(fds[0], 1, NULL) == 0 && close(fds[0]) == 0;

	return !right;
}

static void a_child_leaves_its_parents_associations(void **state)
{
	int port;
	int pipe[2];
	int fds[2];

	(void)state;
	port = make_port();
	make_pipe(pipe);
	associate(port, pipe[0], POLLIN, NULL);
	assert_int_equal(port_send(port, 1, NULL), 0);
	fds[0] = port;
	fds[1] = pipe[0];
	in_child(use_the_parents_port, fds);
	assert_user(port, 1);
	assert_nothing(port);
	put_byte(pipe[1]);
	assert_descriptor(port, pipe[0], POLLIN);
	close_both(pipe);
	close(port);
}

static const struct test_case cases[] = {
	TEST(a_port_is_a_descriptor),
	TEST(other_descriptors_are_no_ports),
	TEST(an_event_says_what_happened_to_what),
	TEST(what_is_ready_already_is_told_at_once),
	TEST(an_association_ends_with_its_event),
	TEST(associating_again_replaces_events_and_user),
	TEST(associating_again_replaces_an_event_that_waits),
	TEST(dissociating_ends_an_association),
	TEST(dissociating_takes_a_waiting_event_along),
	TEST(a_hangup_is_told_unasked),
	TEST(a_regular_file_is_always_ready),
	TEST(what_is_closed_cannot_be_associated),
	TEST(only_descriptors_are_associated),
	TEST(closing_a_descriptor_ends_its_association),
	TEST(a_duplicate_keeps_no_association),
	TEST(what_is_sent_is_retrieved),
	TEST(what_is_sent_to_several_comes_to_each),
	TEST(a_full_port_takes_nothing_more),
	TEST(an_alert_stands_before_everything),
	TEST(an_alert_is_updated_or_not),
	TEST(a_child_leaves_its_parents_associations),
};

TEST_MAIN(cases)
