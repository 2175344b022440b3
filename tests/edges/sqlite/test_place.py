"""Where the state lies when the config does not say, and which file systems it may lie on."""

from __future__ import annotations

from pathlib import Path

import pytest

from cwarchive.edges.sqlite import file_system, local_file_system, state_path
from cwarchive.errors import NetworkFileSystem
from tests.edges.sqlite.example import unprivileged

MOUNTINFO = """\
22 27 0:20 / /proc rw,nosuid shared:5 - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 27 0:33 / /mnt/shared\\040folder rw shared:9 master:2 - nfs4 server:/export rw,vers=4.2
41 27 0:34 / /mnt rw - tmpfs tmpfs rw
42 27 0:35 / /home rw - ext4 /dev/vdb rw
43 27 0:36 / /home rw - fuse.sshfs host:/home rw
44 27 0:37 / /mnt/shared\\040folder/local rw - xfs /dev/vdc rw
garbage
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/cwarchive/state.sqlite", "ext4"),
        ("/", "ext4"),
        ("/mnt/state.sqlite", "tmpfs"),
        ("/mnt/shared folder/state.sqlite", "nfs4"),
        ("/mnt/shared folder/local/state.sqlite", "xfs"),
        ("/mnt/shared", "tmpfs"),
        ("/home/me/state.sqlite", "fuse.sshfs"),
        ("/homework/state.sqlite", "ext4"),
    ],
)
def test_a_path_lies_on_the_innermost_and_latest_mount_above_it(path: str, kind: str) -> None:
    assert file_system(Path(path), MOUNTINFO) == kind


def mounted(folder: Path, kind: str) -> Path:
    mountinfo = folder / "mountinfo"
    mountinfo.write_text(f"27 1 254:0 / / rw - {kind} source rw\n")
    return mountinfo


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse", "fuse.s3fs", "ceph", "glusterfs", "lustre"]
)
def test_a_state_on_a_network_file_system_is_a_mistake_in_the_config(tmp_path: Path, kind: str) -> None:
    with pytest.raises(NetworkFileSystem, match=rf"network file system \({kind}\).*local disk") as told:
        local_file_system(tmp_path / "state.sqlite", mounted(tmp_path, kind))

    assert told.value.exit_code == 78


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "fuseblk", "nfsd"])
def test_any_other_file_system_is_named(tmp_path: Path, kind: str) -> None:
    assert local_file_system(tmp_path / "state.sqlite", mounted(tmp_path, kind)) == kind


def test_a_link_lies_where_it_leads(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    link = tmp_path / "link"
    link.symlink_to(target)
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text(f"1 0 8:1 / / rw - ext4 a rw\n2 1 0:9 / {target.resolve()} rw - nfs b rw\n")

    with pytest.raises(NetworkFileSystem):
        local_file_system(link / "state.sqlite", mountinfo)


def test_a_system_that_does_not_tell_its_mounts_is_trusted(tmp_path: Path) -> None:
    assert local_file_system(tmp_path / "state.sqlite", tmp_path / "mountinfo") == ""


def test_the_folder_that_systemd_gives_comes_first(tmp_path: Path) -> None:
    environ = {"STATE_DIRECTORY": "/srv/first:/srv/second", "XDG_STATE_HOME": "/xdg", "HOME": "/home/me"}

    assert state_path(environ, tmp_path) == Path("/srv/first/state.sqlite")


def test_the_folder_of_the_system_comes_next_where_it_is_writable(tmp_path: Path) -> None:
    environ = {"XDG_STATE_HOME": "/xdg", "HOME": "/home/me"}

    assert state_path(environ, tmp_path) == tmp_path / "state.sqlite"
    assert state_path(environ, tmp_path / "missing") == Path("/xdg/cwarchive/state.sqlite")


def test_a_state_of_the_system_that_may_only_be_read_is_not_doubled(public: Path) -> None:
    environ = {"HOME": "/home/me"}
    public.chmod(0o555)
    with unprivileged():
        before = state_path(environ, public)
    public.chmod(0o755)
    (public / "state.sqlite").touch()
    public.chmod(0o555)

    with unprivileged():
        assert before == Path("/home/me/.local/state/cwarchive/state.sqlite")
        assert state_path(environ, public) == public / "state.sqlite"


@pytest.mark.parametrize("relative", ["", "state", "./state"])
def test_a_state_home_that_is_not_absolute_is_ignored(tmp_path: Path, relative: str) -> None:
    environ = {"XDG_STATE_HOME": relative, "HOME": "/home/me"}

    assert state_path(environ, tmp_path / "missing") == Path("/home/me/.local/state/cwarchive/state.sqlite")
