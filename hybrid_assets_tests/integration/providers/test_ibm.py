"""What the IBM backend does when nothing goes wrong, and what it keeps to itself, against the loopback service."""

from __future__ import annotations

import logging
import math
import traceback
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from requests.adapters import HTTPAdapter

from hybrid_assets.errors import (
    ConfigurationError,
    CredentialsError,
    HybridAssetsError,
    PermanentProviderError,
)
from hybrid_assets.model.diagnosis import FindingState
from hybrid_assets.model.jobs import JobHandle
from hybrid_assets.protocols import ErrorExplainingProvider, Provider, SelfCheckingProvider
from hybrid_assets.providers import _ibm_client
from hybrid_assets_tests.integration.providers.ibm_loopback import (
    TOKEN_ENV,
    done,
    impatient,
    isa,
    provider,
    service,
    two_pubs,
)
from hybrid_assets_tests.loopback import Fault
from hybrid_assets_tests.unit.providers.pubs import compiled, direct_distributions, pub, qaoa, request


@pytest.fixture
def running(monkeypatch):
    with service(monkeypatch) as started:
        yield started


def test_the_outcomes_are_the_circuits_bit_i_of_them_classical_bit_i(running, tmp_path):
    """Against the statevector, over a circuit whose bits differ; 4000 shots, so 5 sigma are at most 0.04."""
    circuit = qaoa(3, ((0, 1), (1, 2)), 1)
    values = np.array([[0.3, 0.8], [1.1, -0.4]])
    asked = pub(compiled(circuit, provider(running, tmp_path).target()), values, kernel_id="k", shots=4000)
    backend = provider(running, tmp_path)
    (got,) = backend.fetch(done(backend, request(asked, backend="ibm"))).pubs
    for row, expected in enumerate(direct_distributions(circuit, values)):
        outcomes, counts = got.counts.row(row)
        seen = np.bincount(outcomes.astype(int), weights=counts, minlength=8) / 4000
        assert np.abs(seen - expected).max() < 5 * math.sqrt(0.25 / 4000)


def test_a_thousand_rows_are_one_job_of_one_circuit(running, tmp_path):
    values = np.random.default_rng(1).uniform(0, 1, (1000, 2))
    backend = provider(running, tmp_path)
    asked = request(pub(isa(2), values, kernel_id="k", shots=20), backend="ibm")
    result = backend.fetch(done(backend, asked))
    assert result.pubs[0].counts.num_rows == 1000
    assert [(job.num_pubs, job.executions) for job in running.book] == [(1, 20_000)]


def test_rows_without_a_parameter_are_all_executed(running, tmp_path):
    """The service knows no rows of a circuit without parameters, so each is sent as a circuit of its own."""
    fixed = isa(2).assign_parameters([0.4, 0.9])
    asked = request(
        pub(fixed, np.zeros((3, 0)), kernel_id="fixed", shots=50),
        pub(isa(2), [[0.1, 0.2]], kernel_id="one row", shots=50),
        backend="ibm",
    )
    backend = provider(running, tmp_path)
    result = backend.fetch(done(backend, asked))
    assert [done_.counts.num_rows for done_ in result.pubs] == [3, 1]


def test_a_job_takes_one_number_of_shots(running, tmp_path):
    mixed = request(*(pub(isa(2), [[0.1, 0.2]], kernel_id=str(n), shots=n) for n in (10, 20)), backend="ibm")
    with pytest.raises(PermanentProviderError, match=r"\[10, 20\] shots"):
        provider(running, tmp_path).submit(mixed)
    assert running.posts == []


@pytest.mark.parametrize(
    ("shots", "options"),
    [
        (1000, {"dynamical_decoupling": "XY4"}),
        (1000, {"twirling": {"gates": True, "measure": False}}),
        (100, {"twirling": {"gates": True, "measure": True}, "dynamical_decoupling": "XX", "mode": "job"}),
    ],
)
def test_suppression_gives_exactly_the_shots_asked_for(running, tmp_path, shots, options):
    """Twirling rounds up to whole randomizations: 1000 shots are 16 of 63, 8 more than asked for."""
    backend = provider(running, tmp_path, **options)
    asked = two_pubs(shots=shots)
    result = backend.fetch(done(backend, asked))
    for sent, got in zip(asked.pubs, result.pubs, strict=True):
        got.counts.verify(num_bits=len(sent.measured_qubits), rows=2, shots=shots)


def test_suppression_is_part_of_the_identity_and_not_of_the_target(running, tmp_path):
    plain, other = provider(running, tmp_path), provider(running, tmp_path, dynamical_decoupling="XX")
    assert plain.describe().identity != other.describe().identity
    assert plain.target() == other.target()


def test_fractional_gates_change_the_target(monkeypatch, tmp_path):
    with service(monkeypatch, has_fractional_gates=True) as running:
        plain, fractional = provider(running, tmp_path), provider(running, tmp_path, fractional_gates=True)
        assert plain.target().structure_sha != fractional.target().structure_sha
        more, fewer = ({op.name for op in backend.target().operations} for backend in (fractional, plain))
        assert more - fewer == {"rx", "rzz"}
        assert plain.describe().identity != fractional.describe().identity


@pytest.mark.parametrize("options", [{}, {"twirling": {"measure": True}, "dynamical_decoupling": "XX"}])
def test_fractional_gates_take_any_angle(monkeypatch, tmp_path, options):
    """The device takes 0 to pi/2 only and refuses others; 4000 shots, so 5 sigma are at most 0.04."""
    with service(monkeypatch, has_fractional_gates=True) as running:
        backend = provider(running, tmp_path, fractional_gates=True, **options)
        circuit, values = qaoa(3, ((0, 1), (1, 2)), 1), np.array([[0.5, 0.3], [-2.0, 0.4], [3.6, -0.7], [9.0, 1.0]])
        isa_circuit = compiled(circuit, backend.target())
        assert "rzz" in isa_circuit.count_ops()
        asked = pub(isa_circuit, values, kernel_id="k", shots=4000)
        (got,) = backend.fetch(done(backend, request(asked, backend="ibm"))).pubs
    for row, expected in enumerate(direct_distributions(circuit, values)):
        outcomes, counts = got.counts.row(row)
        seen = np.bincount(outcomes.astype(int), weights=counts, minlength=8) / 4000
        assert np.abs(seen - expected).max() < 5 * math.sqrt(0.25 / 4000)


def test_fractional_gates_that_a_device_lacks_are_refused(running, tmp_path):
    with pytest.raises(ConfigurationError, match="has no fractional gates"):
        provider(running, tmp_path, fractional_gates=True).target()


def test_a_listing_is_read_to_its_end_oldest_first(running, tmp_path, monkeypatch):
    """The client by itself shows the ten newest."""
    monkeypatch.setattr(_ibm_client, "PAGE", 2)
    backend = provider(running, tmp_path)
    for _ in range(5):
        backend.submit(two_pubs())
    backend.submit(two_pubs("other"))
    assert [handle.provider_job_id for handle in backend.find("req")] == [job.id for job in running.jobs_of("req")]
    middle = running.book[2].created_at
    since = middle.astimezone(UTC).astimezone(tz=None)  # another offset, which the client would take for local time
    assert len(backend.find("req", since=since)) == 3


def test_questions_share_a_connection_and_each_submission_has_its_own(running, tmp_path, monkeypatch):
    """A handshake a question would be slow; a kept connection that the service closed would make a POST doubtful."""
    backend = provider(running, tmp_path, mode="job")
    backend.submit(two_pubs("first"))
    accepted, accept = [], running._server.process_request
    monkeypatch.setattr(running._server, "process_request", lambda *a: (accepted.append(a), accept(*a)))
    for _ in range(3):
        backend.status()
    assert len(accepted) == 0
    for number in range(3):
        backend.submit(two_pubs(f"req{number}"))
    assert len(accepted) == 3


def test_jobs_of_another_device_or_with_a_longer_tag_are_not_ours(running, tmp_path):
    backend = provider(running, tmp_path)
    backend.submit(two_pubs("req-2"))
    assert backend.find("req") == ()


def test_a_young_job_is_promised_to_be_listed_after_the_lag_that_is_described(running, tmp_path):
    """The POST may leave until ``deadline_s`` - ``post_timeout_s``, and take ``post_timeout_s``."""
    backend = provider(running, tmp_path, listing_lag_s=7.0, deadline_s=15.0)
    assert backend.describe().listing_lag_s == 22.0


def test_describing_needs_neither_token_nor_network(monkeypatch, tmp_path):
    with service(monkeypatch) as running:
        backend = provider(running, tmp_path)
    monkeypatch.delenv(TOKEN_ENV)
    assert (backend.describe().is_metered, backend.describe().is_simulator) == (True, False)
    assert backend.limits().posts_per_minute == 5
    assert isinstance(backend, Provider)


def test_an_estimate_is_the_documented_formula(running, tmp_path):
    backend = provider(running, tmp_path)
    estimate = backend.estimate(two_pubs(shots=4000))
    # 2 s + 2 kernels x 2 rows x 4000 shots x (250 us + a circuit of a few microseconds), rounded up to whole seconds
    assert all(2.0 < seconds < 2.2 for seconds in estimate.pubs_s)
    assert estimate.qpu_s == math.ceil(2.0 + sum(estimate.pubs_s)) == 7


def test_a_result_is_read_only_where_its_request_is_known(running, tmp_path):
    handle = done(provider(running, tmp_path), two_pubs())
    with pytest.raises(PermanentProviderError, match="not submitted from this state folder"):
        provider(running, tmp_path / "elsewhere").fetch(handle)


def test_an_id_serves_for_one_request(running, tmp_path):
    backend = provider(running, tmp_path)
    backend.submit(two_pubs())
    with pytest.raises(PermanentProviderError, match="submitted before with other PUBs"):
        backend.submit(two_pubs(shots=401))
    assert len(running.posts) == 1


def test_a_job_of_another_request_is_not_fetched_as_ours(running, tmp_path):
    backend = provider(running, tmp_path)
    other = done(backend, two_pubs("other"))
    done(backend, two_pubs())
    swapped = JobHandle(provider="ibm", backend="ibm", request_id="req", provider_job_id=other.provider_job_id)
    with pytest.raises(HybridAssetsError, match="was asked for"):
        backend.fetch(swapped)


def test_an_unbounded_session_sends_nothing(running, tmp_path):
    """After an upgrade of the client that renames what is bounded, a POST could be sent twice."""
    backend = provider(running, tmp_path)
    backend.status()
    session = backend._service._client._api._session
    session.mount("http://", HTTPAdapter())
    with pytest.raises(ConfigurationError, match="not bounded"):
        backend.submit(two_pubs())
    assert running.posts == []


def test_every_api_client_is_bounded_before_its_first_request(running, tmp_path):
    backend = provider(running, tmp_path)
    backend.status()
    service_object = backend._service._client._service
    for client in [service_object._active_api_client, *service_object._api_clients.values()]:
        assert _ibm_client._ibm_transport.is_mounted(client._session, client._session.base_url)


# --- credentials and diagnosis


def test_a_missing_token_names_its_variable(running, tmp_path, monkeypatch):
    monkeypatch.delenv(TOKEN_ENV)
    with pytest.raises(CredentialsError, match=TOKEN_ENV):
        provider(running, tmp_path).target()


def test_a_wrong_token_is_a_credentials_error(running, tmp_path, monkeypatch):
    monkeypatch.setenv(TOKEN_ENV, "no-such-key-0123456789")
    with pytest.raises(CredentialsError, match="IAM refused"):
        provider(running, tmp_path).target()


def test_an_instance_that_the_token_does_not_open_is_a_matter_of_the_settings(running, tmp_path):
    with pytest.raises(ConfigurationError, match="instance"):
        provider(running, tmp_path, instance=running.instance.replace("2c9f1a57", "00000000")).target()


def test_an_instance_may_be_given_by_name(running, tmp_path):
    assert provider(running, tmp_path, instance="loopback-instance").status().operational


def test_a_look_at_the_set_up_finds_it_in_order(running, tmp_path):
    backend = provider(running, tmp_path)
    found = backend.check()
    assert isinstance(backend, SelfCheckingProvider)
    assert [finding.name for finding in found] == ["credentials", "service", "clock", "usage", "device", "limits"]
    assert {finding.state for finding in found} == {FindingState.OK}


def test_a_look_at_the_set_up_says_what_is_wrong(monkeypatch, tmp_path):
    with service(monkeypatch, clock_skew_s=-7200.0, usage_limit_s=0.0) as running:
        running.set_maintenance(on=True)
        found = {finding.name: finding for finding in provider(running, tmp_path).check()}
        odd = {name: finding.state for name, finding in found.items() if finding.state is not FindingState.OK}
        assert odd == dict.fromkeys(["clock", "usage", "device"], FindingState.WARNING)
        assert "72" in found["clock"].detail  # 7200 s, and a few more on a busy machine
        assert "behind" in found["clock"].detail
        monkeypatch.delenv(TOKEN_ENV)
        (only,) = provider(running, tmp_path).check()
        assert (only.state, TOKEN_ENV in only.detail) == (FindingState.WRONG, True)


@pytest.mark.parametrize("where", ["token", "usage"])
def test_a_service_that_does_not_answer_is_no_fault_of_the_set_up(running, tmp_path, where):
    running.inject(Fault(where=where, what="error", times=math.inf))
    (_, found) = provider(running, tmp_path).check()
    assert (found.name, found.state) == ("service", FindingState.UNREACHABLE)
    assert found.detail.endswith("Try again later.")


def test_the_table_of_error_codes_can_be_asked_for_without_settings():
    from hybrid_assets.providers.ibm import IbmProvider

    assert issubclass(IbmProvider, ErrorExplainingProvider)
    rows = {row.code: row for row in IbmProvider.error_table()}
    assert rows["3458"].error_class == "RateLimitedError"
    assert "a person looks" in IbmProvider.error_table()[-1].action


@pytest.mark.parametrize(
    ("where", "what"),
    [("post_job", "error_after"), ("post_job", "rate_limited"), ("token", "error"), ("get_job", "silence")],
)
def test_the_token_appears_nowhere(running, tmp_path, caplog, capfd, where, what):
    """A canary: neither in errors and what is behind them, nor in logs, output, files or representations."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("qiskit_ibm_runtime").setLevel(logging.DEBUG)
    texts = []
    backend = provider(running, tmp_path)
    handle = backend.submit(two_pubs("before"))
    impatient(backend)
    backend._service._client._api._session.auth._renew_at_s = 0.0
    running.inject(Fault(where=where, what=what, times=math.inf))
    for ask in (lambda: backend.submit(two_pubs()), lambda: backend.poll(handle), backend.target):
        try:
            ask()
        except HybridAssetsError as exc:
            texts += ["".join(traceback.TracebackException.from_exception(exc, capture_locals=True).format())]
            texts += [repr(exc), repr(exc.facts), repr(exc.__cause__), repr(exc.__context__)]
    assert texts
    texts += [repr(backend), repr(vars(backend)), repr(vars(backend._service)), repr(backend._service.secret())]
    texts += [repr(finding) for finding in backend.check()]
    texts += [record.getMessage() for record in caplog.records] + list(capfd.readouterr())
    texts += [path.read_bytes().decode(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert [text for text in texts if running.token in text] == []


def test_times_of_a_job_are_those_of_the_service(running, tmp_path):
    backend = provider(running, tmp_path)
    result = backend.fetch(done(backend, two_pubs()))
    job = running.book[0]
    assert (result.started_at, result.finished_at) == (job.running_at, job.finished_at)
    assert datetime.now(UTC) - result.finished_at < timedelta(minutes=1)
