"""Options of the provider `isolated`, scrubbing, and what an adapter's answers must look like."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hybrid_assets.errors import ConfigurationError, PermanentProviderError, ResultIntegrityError
from hybrid_assets.model.jobs import ExecutionKind, JobHandle, JobStatus
from hybrid_assets.providers import _isolated_answers as answers
from hybrid_assets.providers._isolated_link import ERROR_CLASSES
from hybrid_assets.providers._isolated_options import IsolatedOptions
from hybrid_assets.providers._isolated_secrets import Scrubber, worker_environment
from hybrid_assets.providers.isolated import IsolatedProvider
from hybrid_assets.providers.outside import AdapterError, Result, counts_of_rows
from hybrid_assets.providers.outside.errors import KINDS
from hybrid_assets.runner.project import Project

GOOD = {"python": sys.executable, "adapter": "iqm_fake"}
HANDLE = JobHandle(provider="isolated", backend="b", request_id="r", provider_job_id="r")
START, END = "2026-11-24T02:00:00+00:00", "2026-11-24T02:00:05+00:00"


def test_options_have_defaults():
    options = IsolatedOptions.parse(GOOD, "iqm")
    assert (options.python, options.adapter) == (Path(sys.executable), "iqm_fake")
    assert (options.call_timeout_s, options.start_timeout_s) == (60.0, 120.0)
    assert (options.memory_limit_bytes, options.environment, options.options) == (None, (), {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"pyhton": "x"}, "Did you mean 'python'", id="unknown key"),
        pytest.param({"python": None}, r"backends\.iqm\.python", id="no interpreter"),
        pytest.param({"python": "no/such/python"}, "Create the environment first", id="no environment"),
        pytest.param({"python": __file__}, "a program that may be executed", id="no program"),
        pytest.param({"adapter": "no/such.py"}, "a Python file with a class Adapter", id="no adapter"),
        pytest.param({"adapter": ""}, "adapter", id="empty adapter"),
        pytest.param({"options": ["device"]}, "a mapping", id="options"),
        pytest.param({"call_timeout_s": 0}, "call_timeout_s", id="call"),
        pytest.param({"start_timeout_s": "soon"}, "start_timeout_s", id="start"),
        pytest.param({"memory_limit_bytes": 1000}, "memory_limit_bytes", id="memory"),
        pytest.param({"environment": "TOKEN"}, "a list of texts", id="environment"),
    ],
)
def test_a_wrong_option_is_named(change, message):
    with pytest.raises(ConfigurationError, match=message):
        IsolatedOptions.parse({**GOOD, **change}, "iqm")


def test_paths_are_relative_to_the_settings():
    """What has no slash is a name; a link to an interpreter must not be followed, for it is what makes a venv."""
    project = SimpleNamespace(settings=SimpleNamespace(folder=Path("/sweeps")))
    raw = {"python": ".venvs/iqm/bin/python", "adapter": "mine", "environment": ["a/b"], "call_timeout_s": 3}
    assert Project._with_paths(project, IsolatedProvider, raw) == {**raw, "python": "/sweeps/.venvs/iqm/bin/python"}
    absolute = {"python": "/opt/python", "adapter": "adapters/mine.py"}
    assert Project._with_paths(project, IsolatedProvider, absolute) == {
        "python": "/opt/python",
        "adapter": "/sweeps/adapters/mine.py",
    }
    assert Project._with_paths(project, object, raw) == raw


def test_an_environment_is_clean_but_for_what_is_named(monkeypatch):
    monkeypatch.setenv("NAMED", "value")
    monkeypatch.setenv("UNNAMED", "value")
    environment = worker_environment(["NAMED", "MISSING"], home=Path("/state/home"))
    assert {k: environment.get(k) for k in ("NAMED", "UNNAMED", "MISSING", "HOME")} == {
        "NAMED": "value",
        "UNNAMED": None,
        "MISSING": None,
        "HOME": "/state/home",
    }


def test_secrets_are_masked_wherever_they_stand(monkeypatch):
    """Raw and as a URL writes them, the longer of two that overlap first; a short value is no secret."""
    monkeypatch.setenv("TOKEN", "abc/def+1")
    monkeypatch.setenv("LONGER", "abc/def+1-more")
    monkeypatch.setenv("SHORT", "on")
    scrubber = Scrubber(["TOKEN", "LONGER", "SHORT", "MISSING"])
    told = {"abc/def+1": ["x=abc%2Fdef%2B1", {"on": "abc/def+1-more on"}, 7, None]}
    assert scrubber.answer(told) == {"***": ["x=***", {"on": "*** on"}, 7, None]}


def test_every_kind_of_adapter_error_has_a_class_of_ours():
    assert set(ERROR_CLASSES) == set(KINDS) - {"unexpected"}
    with pytest.raises(ValueError, match="no kind of AdapterError"):
        AdapterError("surprising", "x")


def describe(**changes):
    facts = {
        "version": "1",
        "identity": "sim 1",
        "is_metered": False,
        "is_simulator": True,
        "supports_find": True,
        "supports_cancel": True,
    }
    return answers.description({**facts, **changes}, backend="b", adapter="/x/mine.py", qiskit="2.1.2")


def test_the_identity_names_adapter_and_qiskit_but_no_folder():
    assert describe().identity == "isolated, mine.py, qiskit 2.1.2: sim 1"


@pytest.mark.parametrize(
    "changes",
    [
        {"identity": ""},
        {"identity": None},
        {"is_metered": "no"},
        {"supports_find": None},
        {"listing_lag_s": "20"},
        {"listing_lag_s": float("nan")},
        {"version": 1},
        {"surprise": 1},
        {"backend_name": "x"},
    ],
)
def test_a_malformed_description_is_refused(changes):
    with pytest.raises(PermanentProviderError, match="'describe' is not understood"):
        describe(**changes)


def test_a_target_is_built_with_its_digests():
    answer = {
        "num_qubits": 2,
        "operations": [["r", [0], 0.001, 4e-8], ["cz", [0, 1], None, float("nan")], ["measure", [0], 0.05, None]],
        "readout": [[0.05, 0.04], [0.03, 0.02]],
        "t1_t2_s": [[5e-5, 9e-6], [None, None]],
        "calibrated_at": START,
    }
    target = answers.target(answer, backend="b")
    assert [(op.name, op.qubits, op.error, op.duration_s) for op in target.operations] == [
        ("cz", (0, 1), None, None),
        ("measure", (0,), 0.05, None),
        ("r", (0,), 0.001, 4e-8),
    ]
    assert target.calibrated_at == datetime(2026, 11, 24, 2, tzinfo=UTC)
    assert answers.target({**answer, "readout": []}, backend="b").calibration_id != target.calibration_id
    with pytest.raises(PermanentProviderError, match="'target' is not understood"):
        answers.target({**answer, "operations": [["r", [0]]]}, backend="b")
    with pytest.raises(PermanentProviderError, match="has no offset"):
        answers.target({**answer, "calibrated_at": "2026-11-24T02:00:00"}, backend="b")


def test_a_report_says_what_a_failure_lets_us_do():
    report = answers.report(
        {"status": "FAILED", "error_kind": "capacity", "blamed_kernel_ids": ["k"], "started_at": START}
    )
    assert (report.status, report.error_class, report.blamed_kernel_ids) == (JobStatus.FAILED, "CapacityError", ("k",))
    assert report.started_at == datetime(2026, 11, 24, 2, tzinfo=UTC)
    assert answers.report({"status": "FAILED", "error_kind": "of next year"}).error_class is None


@pytest.mark.parametrize(
    "answer", [{}, {"status": "DONE"}, {"status": "SUBMITTING"}, {"status": "QUEUED", "x": 1}, [], None]
)
def test_a_malformed_report_is_refused(answer):
    with pytest.raises(PermanentProviderError, match="'poll' is not understood"):
        answers.report(answer)


def test_counts_of_rows_are_ordered_and_survive_a_parcel():
    """Rows {3: 1, 0: 2} and {} and {2**63: 5}: entries 0, 3 | | 2**63; offsets 0, 2, 2, 3."""
    counts = counts_of_rows([{3: 1, 0: 2}, {}, {2**63: 5}], kernel_id="k", num_bits=64)
    again = Result.from_parcel(*Result((counts,), START, END, 1.5).to_parcel())
    assert again.pubs[0].outcomes.tolist() == [0, 3, 2**63]
    assert again.pubs[0].counts.tolist() == [2, 1, 5]
    assert again.pubs[0].offsets.tolist() == [0, 2, 2, 3]
    result = answers.result(again, handle=HANDLE, calibration_id=lambda at: at.isoformat())
    assert (result.calibration_id, result.billed_s) == (START, 1.5)
    assert result.pubs[0].execution is ExecutionKind.QPU


@pytest.mark.parametrize(
    "change",
    [
        {"execution": "magic"},
        {"num_bits": 65},
        {"num_bits": True},
        {"kernel_id": 3},
        {"counts": np.array([1.0])},
        {"outcomes": np.array([[1]], dtype=np.uint64)},
    ],
)
def test_malformed_counts_are_refused(change):
    counts = counts_of_rows([{1: 1}], kernel_id="k", num_bits=1, execution="statevector")
    facts = {name: getattr(counts, name) for name in counts.__dataclass_fields__}
    found = Result((SimpleNamespace(**{**facts, **change}),), START, END)
    with pytest.raises(ResultIntegrityError, match="not understood"):
        answers.result(found, handle=HANDLE, calibration_id=lambda _: "")


@pytest.mark.parametrize(
    ("started_at", "finished_at", "billed_s"), [(END, START, 0.0), (START, END, -1.0), (START, END, float("nan"))]
)
def test_a_result_before_its_start_or_with_a_negative_bill_is_refused(started_at, finished_at, billed_s):
    with pytest.raises(ResultIntegrityError, match="negative times"):
        answers.result(Result((), started_at, finished_at, billed_s), handle=HANDLE, calibration_id=lambda _: "")
