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

// Reads the peer's credentials; a server's are those of the process that began to listen. 0, or an errno value: ENOTSOCK if the
// descriptor is not a socket, EPROTO if the kernel's answer has another size.
static inline int cmsr_peer_credentials(int descriptor, struct cmsr_credentials *credentials)
{
	socklen_t size = sizeof *credentials;
	if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, credentials, &size) != 0)
		return errno;
	return size == sizeof *credentials ? 0 : EPROTO;
}

// Whether the peer is root, or has `group` as its group or among its supplementary groups (SO_PEERCRED, SO_PEERGROUPS): 1,
// or 0, also if the kernel does not tell.
static inline int cmsr_peer_is_trusted(int descriptor, int has_group, gid_t group)
{
	struct cmsr_credentials credentials;
	if (cmsr_peer_credentials(descriptor, &credentials) != 0)
		return 0;
	if (credentials.user == 0)
		return 1;
	if (!has_group)
		return 0;
	if (credentials.group == group)
		return 1;
	// Asked without room for an answer, the kernel gives the size that it needs.
	socklen_t size = 0;
	if (getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, 0, &size) == 0 || errno != ERANGE || size == 0)
		return 0;
	gid_t *groups = malloc(size);
	int found = 0;
	if (groups != 0 && getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
		for (size_t i = 0; i < size / sizeof *groups && !found; i++)
			found = groups[i] == group;
	free(groups);
	return found;
}
