"""What lies on the machine: to be the same before an installation and after a removal."""

import glob
import grp
import os
import pwd
import stat

# The machine's own life, logs, and what dpkg keeps about everything.
_OTHERS = ("/proc", "/sys", "/dev", "/run", "/mnt", "/tmp", "/var/log", "/var/lib/dpkg", "/var/tmp", "/var/cache/ldconfig")


def files():
    """Every path on the disk."""
    found = set()
    for folder, folders, names in os.walk("/"):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in _OTHERS]
        found.update(os.path.join(folder, name) for name in folders + names)
    return found


def state():
    """Files, users, groups, sockets, and who may read registers."""
    return {
        "files": files(),
        "users": {user.pw_name for user in pwd.getpwall()},
        "groups": {group.gr_name for group in grp.getgrall()},
        "sockets": {path for path in ["/run/pkg-watt-stat", "/tmp/pkg-watt-stat.sock"] if os.path.exists(path)},
        "nodes": _access("/dev/cpu/*/msr") | _access("/sys/class/powercap/intel-rapl*:*/energy_uj"),
    }


def _access(pattern):
    found = set()
    for path in glob.glob(pattern):
        status = os.stat(path)
        found.add((path, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid))
    return found
