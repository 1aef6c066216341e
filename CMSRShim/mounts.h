// Mounts by descriptor (Linux 5.4), and namespaces for one command: each function is one step. Descriptors are close-on-exec.
// glibc has no wrappers for most of this before 2.36, and its header's constants are the kernel's own in another form, which
// Swift's Glibc module would see twice; so the few that are needed are here, from linux/mount.h, linux/sched.h and linux/fcntl.h.
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sockets.h"

enum {
	cmsr_new_mounts = 0x00020000,     // CLONE_NEWNS
	cmsr_new_users = 0x10000000,      // CLONE_NEWUSER
	cmsr_slave_recursive = 0x84000,   // MS_SLAVE | MS_REC
	cmsr_detach_at_once = 2,          // MNT_DETACH
	cmsr_tree_clone = 1,              // OPEN_TREE_CLONE; OPEN_TREE_CLOEXEC is O_CLOEXEC
	cmsr_at_empty_path = 0x1000,      // AT_EMPTY_PATH
	cmsr_at_recursive = 0x8000,       // AT_RECURSIVE
	cmsr_from_descriptor = 4,         // MOVE_MOUNT_F_EMPTY_PATH
	cmsr_to_descriptor = 0x40,        // MOVE_MOUNT_T_EMPTY_PATH
	cmsr_set_flag = 0,                // FSCONFIG_SET_FLAG
	cmsr_set_string = 1,              // FSCONFIG_SET_STRING
	cmsr_create = 6,                  // FSCONFIG_CMD_CREATE
	cmsr_only_files = 1 | 2 | 4 | 8,  // MOUNT_ATTR_RDONLY | NOSUID | NODEV | NOEXEC
};

// New namespaces for this process, which must have one thread: its mounts, and with `with_users` its users, among which it then
// has every capability. What is mounted elsewhere still appears, and nothing that is mounted here appears elsewhere.
static inline int cmsr_leave_namespaces(int with_users)
{
	return syscall(SYS_unshare, cmsr_new_mounts | (with_users ? cmsr_new_users : 0)) == 0 ? 0 : errno;
}

static inline int cmsr_make_mounts_slaves(void)
{
	return syscall(SYS_mount, "none", "/", 0, cmsr_slave_recursive, 0) == 0 ? 0 : errno;
}

static inline int cmsr_write_file(const char *path, const char *text)
{
	int descriptor = open(path, O_WRONLY | O_CLOEXEC);
	if (descriptor < 0)
		return errno;
	int error = write(descriptor, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : errno;
	close(descriptor);
	return error;
}

// In a new user namespace: this user and this group keep their numbers, as everyone may arrange for themselves; all others have
// none. See user_namespaces(7).
static inline int cmsr_keep_own_numbers(uid_t user, gid_t group)
{
	char map[64];
	int error = cmsr_write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof map, "%u %u 1", user, user);
	if (error == 0)
		error = cmsr_write_file("/proc/self/uid_map", map);
	snprintf(map, sizeof map, "%u %u 1", group, group);
	return error != 0 ? error : cmsr_write_file("/proc/self/gid_map", map);
}

// A FUSE connection. It must be opened in the user namespace in which it is mounted.
static inline struct cmsr_descriptor cmsr_open_fuse(void)
{
	return cmsr_descriptor_of(open("/dev/fuse", O_RDWR | O_CLOEXEC));
}

static inline int cmsr_configure(int context, unsigned command, const char *key, const char *value)
{
	return syscall(SYS_fsconfig, context, command, key, value, 0) == 0 ? 0 : errno;
}

// A mount of a file system with these settings ("key=value" or "key", each with its zero, and one more zero at the end), not
// attached anywhere yet.
static inline struct cmsr_descriptor cmsr_new_mount(const char *type, const char *settings, unsigned attributes)
{
	struct cmsr_descriptor context = cmsr_descriptor_of(syscall(SYS_fsopen, type, 1 /* FSOPEN_CLOEXEC */));
	if (context.error != 0)
		return context;
	int error = 0;
	for (const char *setting = settings; *setting != 0 && error == 0; setting += strlen(setting) + 1) {
		char key[64];
		const char *equals = strchr(setting, '=');
		size_t length = equals == 0 ? strlen(setting) : (size_t)(equals - setting);
		if (length >= sizeof key)
			error = EINVAL;
		else {
			memcpy(key, setting, length);
			key[length] = 0;
			error = cmsr_configure(context.descriptor, equals == 0 ? cmsr_set_flag : cmsr_set_string, key,
					       equals == 0 ? 0 : equals + 1);
		}
	}
	if (error == 0)
		error = cmsr_configure(context.descriptor, cmsr_create, 0, 0);
	struct cmsr_descriptor mount = {-1, error};
	if (error == 0)
		mount = cmsr_descriptor_of(syscall(SYS_fsmount, context.descriptor, 1 /* FSMOUNT_CLOEXEC */, attributes));
	close(context.descriptor);
	return mount;
}

// A FUSE file system that everyone may read and nobody may write, whose server answers at `connection`. The server is not asked.
static inline struct cmsr_descriptor cmsr_new_fuse_mount(int connection, uid_t user, gid_t group)
{
	char settings[256];
	// The last zero is the string's own.
	snprintf(settings, sizeof settings,
		 "source=pkg-watt-stat%csubtype=pkg-watt-stat%cfd=%d%crootmode=40000%cuser_id=%u%cgroup_id=%u%callow_other%c"
		 "default_permissions%c",
		 0, 0, connection, 0, 0, user, 0, group, 0, 0, 0);
	return cmsr_new_mount("fuse", settings, cmsr_only_files);
}

// Attaches a mount to a folder that is open, whatever its path is by now.
static inline int cmsr_attach_mount(int mount, int folder)
{
	return syscall(SYS_move_mount, mount, "", folder, "", cmsr_from_descriptor | cmsr_to_descriptor) == 0 ? 0 : errno;
}

// A second mount of the same, of a descriptor's own (name "") or of a name in a folder, with all that is mounted below it.
static inline struct cmsr_descriptor cmsr_clone_mount(int folder, const char *name)
{
	return cmsr_descriptor_of(syscall(SYS_open_tree, folder, name,
					  cmsr_tree_clone | O_CLOEXEC | cmsr_at_recursive | (*name == 0 ? cmsr_at_empty_path : 0)));
}

// Takes a mount away, at once for everyone who looks it up from now on.
static inline int cmsr_detach_mount(int mount)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", mount);
	return syscall(SYS_umount2, path, cmsr_detach_at_once) == 0 ? 0 : errno;
}

// The number of the mount that an open file is on, as in /proc/self/mountinfo; -1 if the kernel does not tell. The file system itself
// is not asked, because its server may hang.
static inline int cmsr_mount_number(int descriptor)
{
	char path[64], text[512];
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", descriptor);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t count = file < 0 ? -1 : read(file, text, sizeof text - 1);
	if (file >= 0)
		close(file);
	if (count < 0)
		return -1;
	text[count] = 0;
	const char *line = strstr(text, "mnt_id:");
	int number = -1;
	return line != 0 && sscanf(line, "mnt_id: %d", &number) == 1 ? number : -1;
}

// Takes a mount of a FUSE file system away, and ends the file system: everyone who waits for its server gets an error, and nobody
// waits for it from now on, wherever else it is mounted.
static inline int cmsr_end_mount(int mount)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", mount);
	return syscall(SYS_umount2, path, 1 /* MNT_FORCE */ | cmsr_detach_at_once) == 0 ? 0 : errno;
}

// Puts a folder in the place of an open one (`path` is its path) that has all its entries, and an empty folder `name` more: for a
// file system, such as sysfs, in which nobody can make a folder. Gives the new folder `name`.
static inline struct cmsr_descriptor cmsr_add_folder(const char *path, const char *name)
{
	static const char settings[] = "source=pkg-watt-stat\0mode=755\0size=1m\0";
	struct cmsr_descriptor old = cmsr_descriptor_of(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (old.error != 0)
		return old;
	struct cmsr_descriptor new = cmsr_new_mount("tmpfs", settings, 2 | 4 | 8 /* all but MOUNT_ATTR_RDONLY */);
	int error = new.error != 0 ? new.error : cmsr_attach_mount(new.descriptor, old.descriptor);
	// Its own descriptor, because closedir closes it.
	int copy = error == 0 ? fcntl(old.descriptor, F_DUPFD_CLOEXEC, 0) : -1;
	DIR *folder = copy < 0 ? 0 : fdopendir(copy);
	if (error == 0 && folder == 0)
		error = errno;
	for (struct dirent *entry; error == 0 && (errno = 0, entry = readdir(folder)) != 0;) {
		char target[4096];
		struct stat status;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (fstatat(old.descriptor, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
			continue; // it has just disappeared
		if (S_ISLNK(status.st_mode)) {
			ssize_t length = readlinkat(old.descriptor, entry->d_name, target, sizeof target - 1);
			if (length < 0)
				continue;
			target[length] = 0;
			error = symlinkat(target, new.descriptor, entry->d_name) == 0 ? 0 : errno;
			continue;
		}
		struct cmsr_descriptor copied = cmsr_clone_mount(old.descriptor, entry->d_name);
		if (copied.error == ENOENT)
			continue;
		int made = S_ISDIR(status.st_mode)
			       ? mkdirat(new.descriptor, entry->d_name, 0755)
			       : mknodat(new.descriptor, entry->d_name, S_IFREG | 0444, 0);
		error = copied.error != 0 ? copied.error : made != 0 ? errno : 0;
		int place = error == 0 ? openat(new.descriptor, entry->d_name, __O_PATH | O_CLOEXEC | O_NOFOLLOW) : -1;
		if (error == 0)
			error = place < 0 ? errno : cmsr_attach_mount(copied.descriptor, place);
		if (place >= 0)
			close(place);
		if (copied.error == 0)
			close(copied.descriptor);
	}
	if (error == 0 && errno != 0)
		error = errno;
	struct cmsr_descriptor result = {-1, error};
	if (error == 0)
		result = mkdirat(new.descriptor, name, 0755) == 0
			     ? cmsr_descriptor_of(openat(new.descriptor, name, __O_PATH | O_DIRECTORY | O_CLOEXEC))
			     : cmsr_descriptor_of(-1);
	if (folder != 0)
		closedir(folder);
	close(old.descriptor);
	if (new.error == 0)
		close(new.descriptor);
	return result;
}
