// Giving up privileges: each function is one step, 0 or an errno value. Capabilities belong to a thread, so all of this
// is for a process that still has exactly one.
#pragma once

#include <errno.h>
#include <grp.h>
#include <linux/securebits.h>
#include <stdint.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

// glibc declares these under _GNU_SOURCE only.
int setresuid(uid_t real, uid_t effective, uid_t saved);
int setresgid(gid_t real, gid_t effective, gid_t saved);

// The bit of CAP_SYS_RAWIO (17) in the masks of /proc/PID/status.
static inline uint64_t cmsr_raw_io_mask(void) { return (uint64_t)1 << CAP_SYS_RAWIO; }

// Whether a set of this thread's holds a capability: 1 or 0, or -1 and errno.
static inline int cmsr_holds(cap_value_t capability, cap_flag_t set)
{
	cap_flag_value_t value = CAP_CLEAR;
	cap_t now = cap_get_proc();
	if (now == 0)
		return -1;
	int result = cap_get_flag(now, capability, set, &value);
	cap_free(now);
	return result != 0 ? -1 : value == CAP_SET;
}

// Sets the permitted, effective and inheritable sets to what a text says, see cap_from_text(3).
static inline int cmsr_set_capabilities(const char *text)
{
	cap_t wanted = cap_from_text(text);
	if (wanted == 0)
		return errno;
	int error = cap_set_proc(wanted) == 0 ? 0 : errno;
	cap_free(wanted);
	return error;
}

// Whether bounding set and securebits may be changed: 1 or 0.
static inline int cmsr_has_setpcap(void) { return cmsr_holds(CAP_SETPCAP, CAP_EFFECTIVE) == 1; }

// Whether user and group ids may be changed: 1 or 0.
static inline int cmsr_has_setuid_and_setgid(void)
{
	return cmsr_holds(CAP_SETUID, CAP_EFFECTIVE) == 1 && cmsr_holds(CAP_SETGID, CAP_EFFECTIVE) == 1;
}

// Whether the bounding set holds nothing but CAP_SYS_RAWIO, and CAP_PERFMON, which is of use only before the drop: 1 or 0.
static inline int cmsr_bounding_set_is_limited(void)
{
	int held;
	for (cap_value_t capability = 0; (held = prctl(PR_CAPBSET_READ, capability, 0, 0, 0)) >= 0; capability++)
		if (held == 1 && capability != CAP_SYS_RAWIO && capability != CAP_PERFMON)
			return 0;
	return 1;
}

// Takes every capability out of the bounding set, CAP_SYS_RAWIO only if it is not to be kept. Needs CAP_SETPCAP.
static inline int cmsr_limit_bounding_set(int keep_raw_io)
{
	for (cap_value_t capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
		if (!(keep_raw_io && capability == CAP_SYS_RAWIO) && cap_drop_bound(capability) != 0)
			return errno;
	return 0;
}

// Puts CAP_SYS_RAWIO into the inheritable and the ambient set, so that a program started from here has it: 0, or EPERM
// if this thread does not have it itself, or if the securebits forbid it already. If a service manager has made it
// inheritable before, capset is not called, because a system-call filter may forbid that.
static inline int cmsr_make_raw_io_ambient(void)
{
	static const cap_value_t raw_io[] = {CAP_SYS_RAWIO};
	cap_flag_value_t held = CAP_CLEAR;
	int error = 0;
	cap_t now = cap_get_proc();
	if (now == 0 || cap_get_flag(now, CAP_SYS_RAWIO, CAP_INHERITABLE, &held) != 0 ||
	    (held != CAP_SET && (cap_set_flag(now, CAP_INHERITABLE, 1, raw_io, CAP_SET) != 0 || cap_set_proc(now) != 0)) ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_RAWIO, 0, 0) != 0)
		error = errno;
	if (now != 0)
		cap_free(now);
	return error;
}

// Empties the ambient set.
static inline int cmsr_clear_ambient_set(void)
{
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 ? 0 : errno;
}

// Root is an ordinary user id, a change of user id leaves capabilities alone, nothing can become ambient; all locked.
static inline int cmsr_locked_securebits(void)
{
	return SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |
	       SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
}

// Sets exactly these bits. Needs CAP_SETPCAP.
static inline int cmsr_lock_securebits(void)
{
	return prctl(PR_SET_SECUREBITS, (unsigned long)cmsr_locked_securebits(), 0, 0, 0) == 0 ? 0 : errno;
}

// The securebits as they are now.
static inline int cmsr_securebits(void) { return prctl(PR_GET_SECUREBITS, 0, 0, 0, 0); }

// No supplementary groups. Needs CAP_SETGID.
static inline int cmsr_clear_groups(void) { return setgroups(0, 0) == 0 ? 0 : errno; }

// Real, effective and saved group id. Needs CAP_SETGID.
static inline int cmsr_set_group(gid_t group) { return setresgid(group, group, group) == 0 ? 0 : errno; }

// Real, effective and saved user id. Needs CAP_SETUID. Leaves capabilities alone once the securebits are locked.
static inline int cmsr_set_user(uid_t user) { return setresuid(user, user, user) == 0 ? 0 : errno; }

// Permitted and effective become CAP_SYS_RAWIO, as far as it is permitted now; inheritable becomes the same if
// children are to have it, else empty. What leaves the inheritable set leaves the ambient set as well.
static inline int cmsr_keep_only_raw_io(int for_children)
{
	int held = cmsr_holds(CAP_SYS_RAWIO, CAP_PERMITTED);
	if (held < 0)
		return errno;
	return cmsr_set_capabilities(held == 0 ? "=" : for_children ? "cap_sys_rawio=eip" : "cap_sys_rawio=ep");
}

// Every set becomes empty: 0, EPERM if a system-call filter forbids capset. If every set is empty already, capset is not called.
static inline int cmsr_keep_no_capability(void)
{
	cap_t now = cap_get_proc(), none = cap_init();
	int error = now == 0 || none == 0 ? errno : 0;
	if (error == 0 && cap_compare(now, none) != 0 && cap_set_proc(none) != 0)
		error = errno;
	cap_free(now);
	cap_free(none);
	return error;
}

// No program started from here can gain privileges.
static inline int cmsr_set_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno; }

// No core dump, no ptrace by the same user.
static inline int cmsr_set_not_dumpable(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : errno; }

static inline int cmsr_is_dumpable(void) { return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0); }
