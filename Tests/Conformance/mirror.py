"""The newest of a package that this machine's Debian mirror has, whichever suite has it: downloaded by apt into a folder.

Nothing of this machine's own apt is changed: lists, cache and status are the folder's.
"""

import functools
import os
import re
import shutil
import subprocess
import tarfile

from places import DOWNLOADS

SUITES = ("sid", "trixie-backports")
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Mirror:
    def __init__(self):
        self._folder = os.path.join(DOWNLOADS, "apt")
        for folder in ("lists/partial", "cache/archives/partial", "preferences"):
            os.makedirs(os.path.join(self._folder, folder), exist_ok=True)
        with open(os.path.join(self._folder, "sources.list"), "w") as file:
            for suite in SUITES:
                file.write(f"deb [signed-by={KEYS}] {self._address()} {suite} main\n")
        # An empty status: nothing is installed, so that a program comes with all its libraries.
        open(os.path.join(self._folder, "status"), "w").close()
        with open(os.path.join(self._folder, "apt.conf"), "w") as file:
            for name, value in {
                "State": "", "State::lists": "lists", "State::status": "status", "Cache": "cache",
                "Etc::sourcelist": "sources.list", "Etc::sourceparts": "-", "Etc::preferencesparts": "preferences",
            }.items():
                file.write(f'Dir::{name} "{os.path.join(self._folder, value)}";\n')
            file.write('Debug::NoLocking "true";\nAPT::Install-Recommends "false";\n')
        self._apt("apt-get", "update", "-qq")

    @staticmethod
    def _address():
        shown = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"], check=True,
            stdout=subprocess.PIPE, text=True).stdout
        for address in shown.split():
            if address.rstrip("/").endswith("/debian"):
                return address
        raise SystemExit("This machine's apt knows no Debian mirror.")

    def _apt(self, *command, cwd=None):
        return subprocess.run(
            command, check=True, cwd=cwd, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "APT_CONFIG": os.path.join(self._folder, "apt.conf"), "LC_ALL": "C"}).stdout

    @functools.lru_cache(None)
    def newest(self, package):
        """The newest version of a package."""
        versions = [line.split("|")[1].strip() for line in self._apt("apt-cache", "madison", package).splitlines()]
        if not versions:
            raise SystemExit(f"The mirror has no package {package}.")
        best = versions[0]
        for version in versions[1:]:
            if subprocess.run(["dpkg", "--compare-versions", version, "gt", best]).returncode == 0:
                best = version
        return best

    def depends(self, package, pattern):
        """The package that the newest version of `package` depends on and whose name matches."""
        shown = self._apt("apt-cache", "show", f"{package}={self.newest(package)}")
        return re.search(rf"^Depends:.*?\b({pattern})\b", shown, re.M).group(1)

    def file_of(self, package, version):
        """The package as a file; not again if it is there."""
        name = f"{package}_{version}"
        folder = os.path.join(DOWNLOADS, "packages", name)
        if not os.path.isdir(folder):
            os.makedirs(folder + ".part", exist_ok=True)
            self._apt("apt-get", "download", "-qq", f"{package}={version}", cwd=folder + ".part")
            os.rename(folder + ".part", folder)
        return os.path.join(folder, os.listdir(folder)[0])

    def root_of(self, *packages):
        """A folder with the newest of these packages, all from one source, and of all that they need, unpacked."""
        version = self.newest(packages[0])
        root = os.path.join(DOWNLOADS, "roots", f"{packages[0]}_{version}")
        if os.path.isdir(root):
            return root, version
        archives = os.path.join(self._folder, "cache", "archives")
        shutil.rmtree(archives)
        os.makedirs(os.path.join(archives, "partial"))
        self._apt("apt-get", "install", "-qq", "-y", "--download-only", *(f"{each}={version}" for each in packages))
        os.makedirs(root + ".part", exist_ok=True)
        for name in os.listdir(archives):
            if name.endswith(".deb"):
                subprocess.run(["dpkg-deb", "-x", os.path.join(archives, name), root + ".part"], check=True)
        os.rename(root + ".part", root)
        return root, version


def kernel_sources(*names):
    """The texts of files of the newest kernel's source, by name, and its version."""
    mirror = Mirror()
    version = mirror.newest("linux-source")
    folder = os.path.join(DOWNLOADS, "sources", f"linux_{version}")
    if not all(os.path.exists(os.path.join(folder, name)) for name in names):
        package = mirror.file_of(mirror.depends("linux-source", r"linux-source-[\d.]+"), version)
        os.makedirs(folder, exist_ok=True)
        _unpack(package, folder, names)
    texts = {}
    for name in names:
        with open(os.path.join(folder, name)) as file:
            texts[name] = file.read()
    return texts, version


def _unpack(package, folder, names):
    """Takes files out of the source archive inside the package."""
    wanted = set(names)
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as process:
        with tarfile.open(fileobj=process.stdout, mode="r|") as outer:
            archive = next(each for each in outer if each.name.endswith(".tar.xz"))
            with tarfile.open(fileobj=outer.extractfile(archive), mode="r|xz") as inner:
                for member in inner:
                    name = member.name.partition("/")[2]
                    if name in wanted:
                        path = os.path.join(folder, name)
                        os.makedirs(os.path.dirname(path), exist_ok=True)
                        with open(path, "wb") as file:
                            file.write(inner.extractfile(member).read())
                        wanted.remove(name)
                    if not wanted:
                        break
        # What follows in the package is not needed.
        process.kill()
    if wanted:
        raise SystemExit(f"{package} does not have {', '.join(sorted(wanted))}.")
