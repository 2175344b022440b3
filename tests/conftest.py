"""What every test stands on: an empty environment, a home of its own, no network but loopback, no state but its own."""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

LOOPBACK_NAMES = ("localhost", "localhost.localdomain")
REAL_STATE = "/var/lib/cwarchive"
PREFIXES_OF_OTHERS = ("AWS_", "BOTO_", "CWARCHIVE_", "XDG_")
NAMES_OF_OTHERS = ("STATE_DIRECTORY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")

# A slow machine is no defect, so no deadline; CI draws the same examples each time, so that red means the change.
settings.register_profile("default", deadline=None, max_examples=60)
settings.register_profile(
    "ci",
    deadline=None,
    max_examples=200,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "default"))


@pytest.fixture(autouse=True)
def _an_environment_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No credentials, no settings, no proxy and no home of whoever runs the tests; the time zone stays theirs."""
    for name in list(os.environ):
        if name.upper().startswith(PREFIXES_OF_OTHERS) or name.upper() in NAMES_OF_OTHERS:
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name, folder in (
        ("XDG_CONFIG_HOME", ".config"),
        ("XDG_STATE_HOME", ".local/state"),
        ("XDG_CACHE_HOME", ".cache"),
        ("XDG_DATA_HOME", ".local/share"),
    ):
        monkeypatch.setenv(name, str(home / folder))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")  # botocore would look for a role on the network


def _guard(event: str, arguments: tuple[object, ...]) -> None:
    """Fail whatever would leave this machine, or touch the state of a cwarchive installed on it.

    pytest.fail raises what `except Exception` does not catch, so code under test cannot swallow it.
    """
    if event in {"socket.connect", "socket.sendto"}:
        if not _is_here(arguments[1]):
            pytest.fail(f"a test reaches for the network: {arguments[1]!r}")
    elif event == "socket.getaddrinfo":
        if not _is_answered_here(arguments[0]):
            pytest.fail(f"a test asks the network for a name: {arguments[0]!r}")
    elif event in {"open", "os.mkdir", "sqlite3.connect"} and _is_real_state(arguments[0]):
        pytest.fail(f"a test reaches for real state: {arguments[0]!r}")


def _is_here(address: object) -> bool:
    """Whether an address, as connect() takes it, is a path (AF_UNIX) or on loopback."""
    if not isinstance(address, tuple):
        return True
    ip = _ip(address[0])
    return address[0] in LOOPBACK_NAMES if ip is None else ip.is_loopback


def _is_answered_here(host: object) -> bool:
    """Whether looking `host` up asks nobody: no name at all, or one that never resolves (RFC 6761)."""
    return host is None or host in LOOPBACK_NAMES or _ip(host) is not None or str(host).endswith(".invalid")


def _ip(host: object) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(os.fsdecode(host) if isinstance(host, bytes) else str(host))
    except ValueError:
        return None


def _is_real_state(path: object) -> bool:
    if not isinstance(path, str | bytes | os.PathLike):
        return False
    return Path(os.fsdecode(path)).is_relative_to(REAL_STATE)


sys.addaudithook(_guard)
