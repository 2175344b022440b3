"""That the guards of conftest.py hold: without them a green run could have used someone's account or state."""

from __future__ import annotations

import os
import socket
import sqlite3
from pathlib import Path

import pytest

Stopped = pytest.fail.Exception


@pytest.mark.parametrize("address", [("192.0.2.1", 443), ("0.0.0.0", 80)])
def test_a_connection_that_leaves_the_machine_is_stopped(address: tuple[str, int]) -> None:
    with socket.socket() as outgoing, pytest.raises(Stopped, match="reaches for the network"):
        outgoing.connect(address)


def test_a_connection_over_ipv6_that_leaves_the_machine_is_stopped() -> None:
    with socket.socket(socket.AF_INET6) as outgoing, pytest.raises(Stopped, match="reaches for the network"):
        outgoing.connect(("2001:db8::1", 443))


def test_a_datagram_that_leaves_the_machine_is_stopped() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as outgoing, pytest.raises(Stopped, match="reaches for the network"):
        outgoing.sendto(b"", ("192.0.2.1", 53))


def test_a_name_that_the_network_would_answer_is_not_looked_up() -> None:
    with pytest.raises(Stopped, match="asks the network for a name"):
        socket.create_connection(("monitoring.us-east-1.amazonaws.com", 443), timeout=1)


def test_a_name_that_never_resolves_fails_as_it_does_for_everyone() -> None:
    with pytest.raises(socket.gaierror):
        socket.create_connection(("graphite.invalid", 2003), timeout=5)


def test_code_that_catches_every_exception_cannot_hide_the_stop() -> None:
    def careless() -> None:
        try:
            socket.getaddrinfo("monitoring.us-east-1.amazonaws.com", 443)
        except Exception:  # noqa: BLE001 - this is the carelessness
            return

    with pytest.raises(Stopped):
        careless()


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        for host in ("127.0.0.1", "localhost"):
            with socket.create_connection((host, port), timeout=5) as outgoing:
                assert outgoing.getpeername()[1] == port


@pytest.mark.parametrize("path", ["/var/lib/cwarchive/state.sqlite", b"/var/lib/cwarchive/lock"])
def test_real_state_is_out_of_reach(path: str | bytes) -> None:
    with pytest.raises(Stopped, match="reaches for real state"):
        open(path, "rb")  # noqa: PTH123, SIM115 - never opens

    with pytest.raises(Stopped, match="reaches for real state"):
        sqlite3.connect(path)

    with pytest.raises(Stopped, match="reaches for real state"):
        Path("/var/lib/cwarchive").mkdir()


def test_the_environment_names_no_account_and_no_settings() -> None:
    names = {name for name in os.environ if name.startswith(("AWS_", "BOTO_", "CWARCHIVE_"))}

    assert names == {"AWS_EC2_METADATA_DISABLED"}
    assert not {name for name in os.environ if name.lower().endswith("_proxy")}


def test_home_is_an_empty_folder_of_this_test(tmp_path: Path) -> None:
    home = Path.home()

    assert home.is_relative_to(tmp_path.parent)
    assert not list(home.iterdir())
    assert Path(os.environ["XDG_STATE_HOME"]).is_relative_to(home)
