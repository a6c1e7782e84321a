"""A plan without credentials, of a backend that nobody has ever asked."""

from __future__ import annotations

import math

import pytest

from hybrid_assets.errors import CredentialsError
from hybrid_assets.runner.compiling import compile_circuits
from hybrid_assets.runner.normalizing import normalize_inputs
from hybrid_assets.runner.planning import plan_night
from hybrid_assets.runner.project import Project
from hybrid_assets.settings import load_settings
from hybrid_assets_tests.integration.runner.nights import NIGHT, PRISM, SQUARE

SETTINGS = """
start: 2026-11-01
workloads:
  maxcut: {inputs: "in/*.csv", depths: [1], angles: {policy: ramp}, shots: 4000}
backends:
  real: {provider: ibm, device: ibm_torino, instance: "crn:v1:x", token_env: NO_SUCH_TOKEN, price_per_s: 1.6}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name in ("NO_SUCH_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    (tmp_path / "in").mkdir()
    for name, text in {"square": SQUARE, "prism": PRISM}.items():
        (tmp_path / "in" / f"{name}.csv").write_text(text)
    (tmp_path / "sweep.yaml").write_text(SETTINGS)
    opened = Project.open(load_settings(tmp_path / "sweep.yaml"))
    yield opened
    opened.close()


def test_it_counts_kernels_shots_seconds_and_money(project):
    """Two graphs, a kernel each: 4000 x 250 us are 1 s, a job is 2 s more; 1.60 a second."""
    plan = plan_night(project, NIGHT)
    (cell,) = plan.cells
    assert (cell.kernels, cell.new_kernels, cell.cached_kernels, cell.instances) == (2, 2, 0, 2)
    assert (cell.shots, cell.compile_hits, cell.compile_misses) == (8000, 0, 2)
    assert cell.qpu_s.low == pytest.approx(4.0)
    assert math.isclose(cell.money.low, 6.4)
    assert cell.is_metered
    assert (
        "real was never seen, so nothing can be compiled for it: The environment variable NO_SUCH_TOKEN" in cell.reason
    )
    assert plan_night(project, NIGHT).hash_of("maxcut") == plan.hash_of("maxcut")


def test_what_even_the_provider_cannot_tell_is_not_known(project, monkeypatch):
    def refuses(_request):
        raise CredentialsError("No token.")

    monkeypatch.setattr(project.provider("real"), "estimate", refuses)
    (cell,) = plan_night(project, NIGHT).cells
    assert (cell.kernels, cell.qpu_s, cell.money) == (2, None, None)
    assert cell.buys


def test_a_night_says_what_to_do_where_nothing_can_stand_in(project):
    normalize_inputs(project, night=NIGHT, workload="maxcut")
    with pytest.raises(CredentialsError, match=r"real was never seen, .* Then run the night again"):
        compile_circuits(project, night=NIGHT, workload="maxcut", backend="real")


def test_a_device_that_is_billed_in_money_shows_its_price(tmp_path, project):
    """Two kernels of one row and 4000 shots: one task of 0.30 or more, and 8000 shots at 0.0009."""
    settings = (tmp_path / "sweep.yaml").read_text().partition("backends:")[0]
    device = "arn:aws:braket:us-west-1::device/qpu/rigetti/Ankaa-3"
    keys = (
        f'provider: braket, device: "{device}", s3_bucket: amazon-braket-x, price_per_task: 0.3, price_per_shot: 0.0009'
    )
    (tmp_path / "sweep.yaml").write_text(f"{settings}backends:\n  ankaa: {{{keys}}}\n")
    (cell,) = plan_night(Project.open(load_settings(tmp_path / "sweep.yaml")), NIGHT).cells
    assert cell.money.low == pytest.approx(0.3 + 8000 * 0.0009)
    assert "ankaa was never seen" in cell.reason
