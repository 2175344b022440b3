"""Keys that open nothing, for every test that makes a client."""

from __future__ import annotations

import pytest

from tests.edges.aws.wire import KEY_ID, SECRET, TOKEN


@pytest.fixture(autouse=True)
def credentials(_an_environment_of_its_own: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
