"""The smoke gate and a night against IBM's client and service: the cap cuts jobs off there, fractional gates work."""

from __future__ import annotations

import pytest

from hybrid_assets.errors import BudgetExceededError
from hybrid_assets.runner.executing import execute_kernels
from hybrid_assets.runner.smoke import run_smoke
from hybrid_assets_tests.acceptance.emulated import (
    BACKEND,
    NIGHT,
    WORKLOAD,
    kernels_of,
    open_project,
    prepare,
    published_rows,
)
from hybrid_assets_tests.acceptance.loopback_nights import loopback, write_night


@pytest.mark.parametrize("size", [6, 3])
def test_what_takes_longer_than_estimated_is_cut_off_at_the_cap(tmp_path, size):
    """Each execution takes 40 times what is estimated; the whole gate in one job, and in two."""
    with loopback(device="fake_perth", seconds_per_execution=0.01) as service:
        folder = write_night(tmp_path / "night", service)
        _set(folder, "batch_size: 2", f"batch_size: {size}")
        project = open_project(folder)
        report = run_smoke(project, backend=BACKEND, max_qpu_s=30.0, wait_s=60.0)
        project.close()
    assert service.billed_s == pytest.approx(report.billed_s)
    assert 0 < report.billed_s <= 30.0
    assert report.exit_code == BudgetExceededError.exit_code


def test_fractional_gates_pass(tmp_path):
    with loopback(device="fake_perth", has_fractional_gates=True) as service:
        folder = write_night(tmp_path / "night", service)
        _set(folder, "slots: 2", "slots: 2, fractional_gates: true")
        project = open_project(folder)
        report = run_smoke(project, backend=BACKEND, max_qpu_s=30.0, wait_s=60.0)
        assert any(op.name == "rzz" for op in project.target(BACKEND).operations)
        project.close()
    assert report.exit_code == 0, report


def test_a_backend_that_gets_other_gates_has_its_circuits_made_of_them(tmp_path):
    """And back again: the circuits of before stand once more, nothing is compiled."""
    with loopback(has_fractional_gates=True) as service:
        folder = write_night(tmp_path / "night", service)
        plain, fractional = "slots: 2", "slots: 2, fractional_gates: true"
        before = _compiled(folder)
        assert before
        _set(folder, plain, fractional)
        assert _compiled(folder).isdisjoint(before)
        project = open_project(folder)
        assert execute_kernels(project, night=NIGHT, workload=WORKLOAD, backend=BACKEND).pending is None
        assert list(published_rows(project)) == []
        project.close()
        _set(folder, fractional, plain)
        assert _compiled(folder) == before


def _set(folder, old, new):
    settings = folder / "sweep.yaml"
    settings.write_text(settings.read_text().replace(old, new))


def _compiled(folder):
    """Compile a night; return the keys of its circuits."""
    prepare(folder)
    project = open_project(folder)
    _, kernels = kernels_of(project)
    project.close()
    return {kernel.facts.compile_key for kernel in kernels}
