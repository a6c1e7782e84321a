"""A service, and a genuine client of it."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from hybrid_assets_tests.integration.loopback.clients import DEVICE, connect
from hybrid_assets_tests.loopback import LoopbackService


@pytest.fixture
def start(monkeypatch):
    """Return a function that starts a service with options and connects a client: (service, client)."""
    with ExitStack() as stack:

        def begin(**options):
            service = stack.enter_context(LoopbackService(**{"device": DEVICE} | options))
            for name, value in service.environment().items():
                monkeypatch.setenv(name, value)
            return service, connect(service)

        yield begin


@pytest.fixture(scope="module")
def one():
    """A service and a client for all tests that leave both as they were."""
    with LoopbackService(device=DEVICE) as service, pytest.MonkeyPatch.context() as patch:
        for name, value in service.environment().items():
            patch.setenv(name, value)
        yield service, connect(service)


@pytest.fixture
def shared(one):
    """The same, with a book that begins empty."""
    service, client = one
    service.wait_for(lambda: all(job.is_final for job in service.book))
    for kept in (service.book, service.posts, service.requests):
        kept.clear()
    return service, client
