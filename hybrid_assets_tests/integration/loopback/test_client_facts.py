"""What the genuine client does by itself when the line or the server misbehaves: facts the IBM provider is built on.

A release of the client that changes one of them must be noticed here before anybody pays twice.
"""

from __future__ import annotations

import math
import threading

import pytest
from qiskit_ibm_runtime import SamplerV2
from qiskit_ibm_runtime.api.exceptions import RequestsApiError
from qiskit_ibm_runtime.exceptions import (
    IBMNotAuthorizedError,
    IBMRuntimeError,
)
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from hybrid_assets_tests.integration.loopback.clients import backend_of, bell, connect, finished, routes, sampler
from hybrid_assets_tests.loopback import Fault


def test_the_top_level_sampler_is_deprecated(shared):
    with pytest.warns(DeprecationWarning, match="SamplerV2 class is deprecated"):
        SamplerV2(mode=backend_of(shared[1]))


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("sampler", ["usage", "status", "post_job"]),
        ("executor", ["backends", "usage", "status", "post_job"]),
    ],
)
def test_a_run_costs_these_requests(shared, program, expected):
    service, client = shared
    made = sampler(backend_of(client), program=program)
    backend_of(client).target  # noqa: B018 - so that the properties are there
    made.run([bell()], shots=1)
    service.requests.clear()
    made.run([bell()], shots=1)
    assert routes(service)[: len(expected)] == expected


def test_an_error_after_the_job_was_made_makes_two_jobs(shared):
    """The client sends the POST again; both jobs are executed and paid, and nobody is told."""
    service, client = shared
    fault = service.inject(Fault("post_job", "error_after"))
    job = sampler(backend_of(client), tags=["twice"]).run([bell()], shots=1)
    finished(service, job)
    service.wait_for(lambda: service.executions_of("twice") == 2)
    assert (fault.happened, len(service.jobs_of("twice"))) == (1, 2)
    assert service.book[1].id == job.job_id()


def test_with_post_retries_off_it_is_one_job_and_an_error(start):
    """The recipe of the IBM provider: own retries without POST."""
    service, client = start()
    fault = service.inject(Fault("post_job", "error_after", times=2))
    backend = backend_of(client)
    client._active_api_client._session.mount("http://", HTTPAdapter(max_retries=Retry(total=5, status_forcelist=[503])))
    with pytest.raises(IBMRuntimeError):
        sampler(backend).run([bell()], shots=1)
    assert (fault.happened, len(service.book)) == (1, 1)


def test_an_error_before_the_job_was_made_is_sent_again(shared):
    service, client = shared
    fault = service.inject(Fault("post_job", "error"))
    sampler(backend_of(client)).run([bell()], shots=1)
    assert (fault.happened, [post.job_id is not None for post in service.posts]) == (1, [False, True])


def test_a_rate_limit_without_a_time_is_an_error_at_once(shared):
    service, client = shared
    backend = backend_of(client)
    service.inject(Fault("post_job", "rate_limited"))
    with pytest.raises(IBMRuntimeError, match="429"):
        sampler(backend).run([bell()], shots=1)
    service.inject(Fault("usage", "rate_limited"))
    with pytest.raises(RequestsApiError, match="429"):
        client.usage()
    assert len(service.posts) == 1


def test_a_rate_limit_with_a_time_is_obeyed_by_get_only(shared):
    service, client = shared
    backend = backend_of(client)
    service.inject(Fault("post_job", "rate_limited", retry_after_s=0))
    with pytest.raises(IBMRuntimeError, match="429"):
        sampler(backend).run([bell()], shots=1)
    fault = service.inject(Fault("usage", "rate_limited", retry_after_s=0))
    client.usage()
    assert fault.happened == 1


def test_a_lost_connection_is_retried_by_get(shared):
    service, client = shared
    fault = service.inject(Fault("usage", "drop"))
    client.usage()
    assert fault.happened == 1


def test_a_lost_reply_to_a_post_is_an_error_and_the_job_exists(shared):
    service, client = shared
    service.inject(Fault("post_job", "drop_after"))
    with pytest.raises(IBMRuntimeError):
        sampler(backend_of(client), tags=["lost"]).run([bell()], shots=1)
    assert [(post.status, post.job_id) for post in service.posts] == [(None, service.jobs_of("lost")[0].id)]
    assert [job.job_id() for job in client.jobs(job_tags=["lost"])] == [service.book[0].id]


def test_reads_have_no_timeout_and_a_post_waits_fifteen_minutes(start):
    """Seen where an adapter sees it, which is where a provider can bound it."""
    _, client = start()
    seen = {}

    class Watching(HTTPAdapter):
        def send(self, request, **kwargs):
            seen[request.method] = kwargs["timeout"]
            return super().send(request, **kwargs)

    client._active_api_client._session.mount("http://", Watching())
    sampler(backend_of(client)).run([bell()], shots=1)
    assert seen == {"GET": (5.0, None), "POST": 900}


def test_a_silent_server_holds_the_client(start):
    """Until the connection ends; closing the service ends it."""
    service, client = start()
    fault = service.inject(Fault("usage", "silence", times=math.inf))

    def ask():
        with pytest.raises(RequestsApiError):
            client.usage()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    service.wait_for(lambda: fault.happened == 1)
    assert thread.is_alive()
    fault.lift()


def test_maintenance_is_a_warning_only_if_the_backend_still_takes_jobs(shared):
    """A backend that is not operational is told of by nobody: the job is sent, and waits."""
    service, client = shared
    backend = backend_of(client)
    fault = service.inject(Fault("status", "maintenance"))
    sampler(backend).run([bell()], shots=1)
    assert (fault.happened, len(service.book)) == (1, 1)


def test_a_revoked_token_is_an_error_and_never_renewed_by_this_object(start):
    service, client = start()
    fault = service.inject(Fault("usage", "revoked"))
    for _ in range(2):
        with pytest.raises(IBMNotAuthorizedError):
            client.usage()
    assert fault.happened == 1
    connect(service).usage()


def test_a_short_token_is_renewed_for_every_call(start):
    """It is within 10 s of its end from the start."""
    service, client = start(token_life_s=5)
    service.requests.clear()
    for _ in range(3):
        client.usage()
    assert routes(service) == ["token", "usage"] * 3


def test_the_key_itself_is_sent_when_iam_is_down(start):
    """Under TLS, but to another host than the one that keeps keys, and with a warning only."""
    service, client = start(token_life_s=5)
    service.requests.clear()
    fault = service.inject(Fault("token", "error"))
    with pytest.warns(UserWarning, match="API Key will be used instead"):
        client.usage()
    assert fault.happened == 1
    assert [(request.route, request.scheme, request.status) for request in service.requests] == [
        ("token", "", 503),
        ("usage", "apikey", 200),
    ]


def test_a_failed_token_request_counts_as_under_way_for_a_minute(start):
    """So the next call of the same object, its token past its end, sleeps until then; a new object does not."""
    service, client = start(token_life_s=5)
    manager = client._active_api_client._session.auth.tm
    assert manager.request_time == 0
    service.inject(Fault("token", "error"))
    with pytest.warns(UserWarning, match="API Key will be used instead"):
        client.usage()
    assert manager.request_time > 0
    connect(service).usage()
    assert service.requests[-1].scheme == "Bearer"


def test_a_server_clock_behind_costs_two_tokens_for_every_call(start):
    """One as the token is past its end, one as it is past 80 % of its life."""
    service, client = start(clock_skew_s=-7200)
    service.requests.clear()
    for _ in range(2):
        client.usage()
    assert routes(service) == ["token", "token", "usage"] * 2
    job = sampler(backend_of(client)).run([bell()], shots=1)
    finished(service, job)
    assert job.result() is not None
