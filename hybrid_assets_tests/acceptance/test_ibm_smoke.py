"""The smoke gate and a night against IBM's client and service: the cap cuts jobs off there, fractional gates work."""

from __future__ import annotations

import pytest

from hybrid_assets.errors import BudgetExceededError
from hybrid_assets.runner.smoke import run_smoke
from hybrid_assets_tests.acceptance.emulated import BACKEND, open_project
from hybrid_assets_tests.acceptance.loopback_nights import loopback, write_night


@pytest.mark.parametrize("size", [6, 3])
def test_what_takes_longer_than_estimated_is_cut_off_at_the_cap(tmp_path, size):
    """Each execution takes 40 times what is estimated; the whole gate in one job, and in two."""
    with loopback(device="fake_perth", seconds_per_execution=0.01) as service:
        folder = write_night(tmp_path / "night", service)
        settings = folder / "sweep.yaml"
        settings.write_text(settings.read_text().replace("batch_size: 2", f"batch_size: {size}"))
        project = open_project(folder)
        report = run_smoke(project, backend=BACKEND, max_qpu_s=30.0, wait_s=60.0)
        project.close()
    assert service.billed_s == pytest.approx(report.billed_s)
    assert 0 < report.billed_s <= 30.0
    assert report.exit_code == BudgetExceededError.exit_code


def test_fractional_gates_pass(tmp_path):
    with loopback(device="fake_perth", has_fractional_gates=True) as service:
        folder = write_night(tmp_path / "night", service)
        settings = folder / "sweep.yaml"
        settings.write_text(settings.read_text().replace("slots: 2", "slots: 2, fractional_gates: true"))
        project = open_project(folder)
        report = run_smoke(project, backend=BACKEND, max_qpu_s=30.0, wait_s=60.0)
        assert any(op.name == "rzz" for op in project.target(BACKEND).operations)
        project.close()
    assert report.exit_code == 0, report
