// What a service manager hands over: listening sockets, and a socket to answer it by.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sockets.h"

// Whether a descriptor is a listening Unix stream socket: 0, else ENOTSOCK, EPROTOTYPE, EINVAL (not listening), or another.
static inline int cmsr_check_listener(int descriptor)
{
	static const struct { int option, wanted, error; } checks[] = {
		{SO_DOMAIN, AF_UNIX, EPROTOTYPE}, {SO_TYPE, SOCK_STREAM, EPROTOTYPE}, {SO_ACCEPTCONN, 1, EINVAL}};
	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
		int value = 0;
		socklen_t length = sizeof value;
		if (getsockopt(descriptor, SOL_SOCKET, checks[i].option, &value, &length) != 0)
			return errno;
		if (value != checks[i].wanted)
			return checks[i].error;
	}
	return 0;
}

// Copies the path that a Unix socket is bound to, with its terminating zero; empty if it has none. With a size below 109 a
// long path is ENAMETOOLONG.
static inline int cmsr_socket_path(int descriptor, char *path, size_t size)
{
	struct sockaddr_un address;
	socklen_t length = sizeof address;
	if (getsockname(descriptor, (struct sockaddr *)&address, &length) != 0)
		return errno;
	size_t count = length > offsetof(struct sockaddr_un, sun_path) ? length - offsetof(struct sockaddr_un, sun_path) : 0;
	if (count > sizeof address.sun_path)
		count = sizeof address.sun_path;
	if (count >= size)
		return ENAMETOOLONG;
	memcpy(path, address.sun_path, count);
	path[count] = 0;
	return 0;
}

// Opens a datagram socket connected to an address: a path, or a name behind '@'. EINVAL for any other address.
static inline struct cmsr_descriptor cmsr_open_notify_socket(const char *name)
{
	struct sockaddr_un address;
	socklen_t length = offsetof(struct sockaddr_un, sun_path) + strlen(name);
	if ((*name != '/' && *name != '@') || cmsr_unix_address(name, &address) != 0)
		return (struct cmsr_descriptor){-1, EINVAL};
	if (*name == '@')
		address.sun_path[0] = 0;
	int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, length) == 0)
		return cmsr_descriptor_of(descriptor);
	struct cmsr_descriptor failed = cmsr_descriptor_of(-1);
	close(descriptor);
	return failed;
}

// Sends a datagram with a descriptor, and waits until there is room for it: 0, or an errno value.
static inline int cmsr_notify_with(int descriptor, const void *bytes, size_t count, int passed)
{
	struct iovec text = {(void *)bytes, count};
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &passed, sizeof passed);
	ssize_t sent;
	do
		sent = sendmsg(descriptor, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? errno : 0;
}

// Sends a datagram with the writing end of a pipe, and waits until the receiver has closed it: it has then done all that it was
// told before. 0, ETIMEDOUT, or another errno value.
static inline int cmsr_notify_and_wait(int descriptor, const void *bytes, size_t count, int milliseconds)
{
	int ends[2];
	if (pipe(ends) != 0)
		return errno;
	int error = cmsr_notify_with(descriptor, bytes, count, ends[1]);
	close(ends[1]);
	struct pollfd end = {ends[0], 0, 0};
	int got = 1;
	if (error == 0)
		do
			got = poll(&end, 1, milliseconds);
		while (got < 0 && errno == EINTR);
	if (got <= 0)
		error = got == 0 ? ETIMEDOUT : errno;
	close(ends[0]);
	return error;
}

// Sends a datagram without waiting: 0, or an errno value.
static inline int cmsr_notify(int descriptor, const void *bytes, size_t count)
{
	ssize_t sent;
	do
		sent = send(descriptor, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? errno : 0;
}
