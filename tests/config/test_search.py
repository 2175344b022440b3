"""Which file is read, and what is said when there is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cwarchive.config.find import find, others_may_write, usual_places
from cwarchive.config.loading import load_from
from cwarchive.errors import ConfigError
from tests.config.writing import ONE_ENTRY, written


def test_the_file_that_is_named_goes_first(tmp_path: Path) -> None:
    written(tmp_path, ONE_ENTRY)
    environ = {"CWARCHIVE_CONFIG": "/from/variable.yaml"}

    assert find(Path("/named.yaml"), environ, tmp_path).path == Path("/named.yaml")
    assert find(None, environ, tmp_path).path == Path("/from/variable.yaml")
    assert find(None, {}, tmp_path).path == tmp_path / "cwarchive.yaml"


def test_a_config_is_found_in_the_users_folder(tmp_path: Path) -> None:
    (tmp_path / "xdg" / "cwarchive").mkdir(parents=True)
    path = written(tmp_path / "xdg" / "cwarchive", ONE_ENTRY)
    (tmp_path / "elsewhere").mkdir()

    config = load_from(None, {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}, folder=tmp_path / "elsewhere")

    assert config.source == str(path)


def test_the_usual_places_follow_the_environment() -> None:
    etc = Path("/etc/cwarchive/cwarchive.yaml")

    assert usual_places({"HOME": "/home/me"}) == (Path("/home/me/.config/cwarchive/cwarchive.yaml"), etc)
    assert usual_places({"HOME": "/h", "XDG_CONFIG_HOME": "/x"}) == (Path("/x/cwarchive/cwarchive.yaml"), etc)
    assert usual_places({"HOME": "/h", "XDG_CONFIG_HOME": "rel"}) == (Path("/h/.config/cwarchive/cwarchive.yaml"), etc)


@pytest.mark.parametrize(("mode", "others"), [(0o700, False), (0o755, False), (0o777, True), (0o1777, True)])
def test_a_folder_says_whether_others_may_write_in_it(tmp_path: Path, mode: int, *, others: bool) -> None:
    tmp_path.chmod(mode)

    assert others_may_write(tmp_path) is others


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder to another group")
def test_a_group_of_several_is_others_but_a_users_own_is_not(tmp_path: Path) -> None:
    tmp_path.chmod(0o775)
    os.chown(tmp_path, 4_711, 4_711)
    assert not others_may_write(tmp_path)

    os.chown(tmp_path, 4_711, 100)
    assert others_may_write(tmp_path)


def test_a_config_in_a_folder_of_everybody_is_skipped_with_a_warning(tmp_path: Path) -> None:
    shared, own = tmp_path / "shared", tmp_path / "own" / "cwarchive"
    shared.mkdir()
    own.mkdir(parents=True)
    written(shared, "metrics: [{namespace: Theirs}]\n")
    written(own, "metrics: [{namespace: Mine}]\n")
    shared.chmod(0o777)

    config = load_from(None, {"XDG_CONFIG_HOME": str(own.parent)}, folder=shared)

    assert config.specs[0].namespace == "Mine"
    (warning,) = config.warnings
    assert warning.startswith(f"{shared}/cwarchive.yaml is skipped: others may write in its folder")


def test_a_config_that_is_named_may_lie_in_a_folder_of_everybody(tmp_path: Path) -> None:
    path = written(tmp_path, ONE_ENTRY)
    tmp_path.chmod(0o777)

    assert load_from(path, {}).warnings == ()


def test_without_any_config_the_places_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        find(None, {"HOME": str(tmp_path)}, tmp_path)

    told = refused.value.lines()[0]
    assert told.startswith(f"cwarchive.yaml: no config file; looked for {tmp_path}/cwarchive.yaml, {tmp_path}/.config/")
    assert told.endswith("/etc/cwarchive/cwarchive.yaml; name one with -c FILE or CWARCHIVE_CONFIG")
    assert refused.value.exit_code == 78


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load_from(tmp_path / "no.yaml", {})

    assert refused.value.lines()[0].startswith(f"{tmp_path}/no.yaml: there is no such file")


def test_a_folder_is_not_a_config(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="this is a folder; name the file in it"):
        load_from(tmp_path, {})


def test_a_name_that_no_file_can_have_is_told() -> None:
    with pytest.raises(ConfigError, match="this is not the name of a file"):
        load_from(Path("a\0b"), {})


def test_a_name_too_long_for_any_file_is_told() -> None:
    with pytest.raises(ConfigError, match="the file cannot be read: File name too long"):
        load_from(Path("a" * 300), {})
