"""On which file system a path lies, and whether locks and shared memory can be trusted there."""

from __future__ import annotations

import re
from pathlib import Path

from cwarchive.errors import NetworkFileSystem

MOUNTINFO = Path("/proc/self/mountinfo")

_NETWORK = re.compile(r"(?:nfs4?|cifs|smb3|smbfs|9p|fuse|fuse\..*|ceph|glusterfs|lustre)\Z")
_OCTAL = re.compile(r"\\([0-7]{3})")


def local_file_system(path: Path, mountinfo: Path = MOUNTINFO) -> str:
    """The type of the file system under `path`, "" where the system does not tell; raises NetworkFileSystem."""
    try:
        text = mountinfo.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return ""
    kind = file_system(path.resolve(), text)
    if _NETWORK.match(kind):
        raise NetworkFileSystem(
            f"the state {path} lies on a network file system ({kind}), where locks cannot be trusted: "
            "put it on a local disk or a block volume"
        )
    return kind


def file_system(path: Path, mountinfo: str) -> str:
    """The type (ext4, tmpfs, overlay, nfs4, ...) of the mount under an absolute path without symbolic links.

    `mountinfo` is text in the format of /proc/self/mountinfo (man proc): the fifth field is the mount point, and the
    first after " - " the type.
    """
    best, kind = Path(), ""
    for line in mountinfo.splitlines():
        mount, separator, source = line.partition(" - ")
        fields = mount.split(" ")
        if not separator or len(fields) < 5:
            continue
        point = Path(_OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[4]))
        # Of two mounts on one point the later one hides the earlier.
        if path.is_relative_to(point) and len(point.parts) >= len(best.parts):
            best, kind = point, source.split(" ")[0]
    return kind
