// Who is at the other end of a Unix socket, as the kernel noted it when they connected.
#pragma once

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>

// struct ucred, which glibc declares under _GNU_SOURCE only.
struct cmsr_credentials {
	pid_t process;
	uid_t user;
	gid_t group;
};

// The peer's user id; that of nobody where the kernel does not say.
static inline uid_t cmsr_peer_user(int descriptor)
{
	struct cmsr_credentials credentials;
	socklen_t size = sizeof credentials;
	if (getsockopt(descriptor, SOL_SOCKET, 17 /* SO_PEERCRED */, &credentials, &size) != 0 || size != sizeof credentials)
		return 65534;
	return credentials.user;
}

struct cmsr_user {
	uid_t user;
	int error;
};

// Who began to listen at the socket that this one is connected to.
static inline struct cmsr_user cmsr_server_user(int descriptor)
{
	struct cmsr_credentials credentials;
	struct cmsr_user server = {(uid_t)-1, 0};
	socklen_t size = sizeof credentials;
	if (getsockopt(descriptor, SOL_SOCKET, 17 /* SO_PEERCRED */, &credentials, &size) != 0)
		server.error = errno;
	else
		server.user = credentials.user;
	return server;
}

// Whether the peer is root, or has `group` as its group or among its supplementary groups (SO_PEERCRED, SO_PEERGROUPS): 1,
// or 0, also where the kernel does not say.
static inline int cmsr_peer_is_trusted(int descriptor, int has_group, gid_t group)
{
	enum { peer_credentials = 17 /* SO_PEERCRED */, peer_groups = 59 /* SO_PEERGROUPS */ };
	struct cmsr_credentials credentials;
	socklen_t size = sizeof credentials;
	if (getsockopt(descriptor, SOL_SOCKET, peer_credentials, &credentials, &size) != 0 || size != sizeof credentials)
		return 0;
	if (credentials.user == 0)
		return 1;
	if (!has_group)
		return 0;
	if (credentials.group == group)
		return 1;
	// Asked with no room the kernel says how much there has to be.
	size = 0;
	if (getsockopt(descriptor, SOL_SOCKET, peer_groups, 0, &size) == 0 || errno != ERANGE || size == 0)
		return 0;
	gid_t *groups = malloc(size);
	int found = 0;
	if (groups != 0 && getsockopt(descriptor, SOL_SOCKET, peer_groups, groups, &size) == 0)
		for (size_t i = 0; i < size / sizeof *groups && !found; i++)
			found = groups[i] == group;
	free(groups);
	return found;
}
