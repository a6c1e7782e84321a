"""Faults of the line, seen with a plain HTTP library: each one happens as it says, as often as it says."""

from __future__ import annotations

import math
import time

import pytest
import requests

from hybrid_assets_tests.loopback import Fault, LoopbackService


@pytest.fixture(scope="module")
def server():
    with LoopbackService() as service:
        yield service


@pytest.fixture
def get(server):
    """Return a function that asks for the usage, with the key instead of a token."""
    headers = {"Authorization": f"apikey {server.token}", "Service-CRN": server.instance}
    with requests.Session() as session:
        yield lambda timeout_s=10.0: session.get(
            f"{server.api_url}/instances/usage", headers=headers, timeout=timeout_s
        )


@pytest.mark.parametrize(
    ("what", "options", "status", "body"),
    [
        ("rate_limited", {}, 429, "1202"),
        ("error", {"status": 500}, 500, "Injected"),
        ("error_after", {"status": 504}, 504, "Injected"),
        ("empty", {}, 200, ""),
        ("no_content", {}, 204, ""),
        ("null", {}, 200, "null"),
        ("html", {}, 200, "<html>"),
        ("garbled", {}, 200, "\x00"),
    ],
)
def test_an_answer_is_replaced(server, get, what, options, status, body):
    fault = server.inject(Fault("usage", what, **options))
    reply = get()
    assert (fault.happened, reply.status_code) == (1, status)
    assert body in reply.text
    assert get().json()["usage_consumed_seconds"] == 0


@pytest.mark.parametrize("what", ["drop", "drop_after", "cut"])
def test_a_connection_is_lost(server, get, what):
    fault = server.inject(Fault("any", what))
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        get()
    assert fault.happened == 1
    assert get().status_code == 200


def test_a_silence_outlasts_the_clients_patience(server, get):
    fault = server.inject(Fault("usage", "silence_after"))
    with pytest.raises(requests.ReadTimeout):
        get(timeout_s=0.05)
    assert fault.happened == 1


def test_a_trickling_body_never_meets_a_read_timeout(server, get):
    """Each piece comes in time, so only a deadline for the whole call ends it."""
    server.inject(Fault("usage", "trickle", for_s=0.64))  # a piece every 10 ms
    began_s = time.monotonic()
    assert get(timeout_s=0.5).status_code == 200
    assert time.monotonic() - began_s > 0.5


def test_a_retry_after_is_told(server, get):
    server.inject(Fault("usage", "rate_limited", retry_after_s=7))
    assert get().headers["Retry-After"] == "7"


def test_faults_pass_some_requests_and_end(server, get):
    fault = server.inject(Fault("usage", "error", skip=1, times=2))
    assert [get().status_code for _ in range(4)] == [200, 503, 503, 200]
    endless = server.inject(Fault("usage", "error", times=math.inf))
    assert [get().status_code for _ in range(3)] == [503] * 3
    endless.lift()
    assert (get().status_code, fault.happened, endless.happened) == (200, 2, 3)


def test_misnamed_faults_are_refused():
    with pytest.raises(ValueError, match="No route 'jobs'"):
        Fault("jobs", "error")
    with pytest.raises(ValueError, match="No fault 'flipped' at 'usage'"):
        Fault("usage", "flipped")


def test_requests_need_a_credential_and_the_instance(server):
    url = f"{server.api_url}/instances/usage"
    assert requests.get(url, timeout=10).status_code == 401
    wrong = {"Authorization": "Bearer nonsense", "Service-CRN": server.instance}
    assert requests.get(url, headers=wrong, timeout=10).status_code == 401
    elsewhere = {"Authorization": f"apikey {server.token}", "Service-CRN": "crn:v1:other"}
    assert requests.get(url, headers=elsewhere, timeout=10).status_code == 403
    key = requests.post(f"{server.base_url}/identity/token", data={"apikey": "wrong"}, timeout=10)
    assert key.status_code == 400
    assert [request.scheme for request in server.requests[-4:]] == ["", "Bearer", "apikey", ""]


def test_closing_does_not_wait_for_a_silence():
    with LoopbackService() as service:
        service.inject(Fault("token", "silence"))
        with pytest.raises(requests.ReadTimeout):
            requests.post(f"{service.base_url}/identity/token", timeout=0.05)
        began_s = time.monotonic()
    assert time.monotonic() - began_s < 5


def test_an_unknown_route_is_the_services_own_failure():
    """A client that asks for more than the service knows must not look like a client that met a fault."""
    with pytest.raises(ExceptionGroup, match="loopback service itself"), LoopbackService() as service:
        assert requests.get(f"{service.api_url}/workloads", timeout=10).status_code == 404
