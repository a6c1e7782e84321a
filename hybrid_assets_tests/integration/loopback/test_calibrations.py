"""Calibrations as the genuine client sees them."""

from __future__ import annotations

from datetime import UTC, timedelta

from hybrid_assets_tests.integration.loopback.clients import PLACE, backend_of, bell, finished, sampler
from hybrid_assets_tests.loopback import Fault


def error(properties, qubit=PLACE[0]):
    return properties.gate_error("sx", qubit)


def test_properties_are_those_of_their_date(start):
    service, client = start()
    backend = backend_of(client)
    old = backend.properties()
    new = service.recalibrate(factor=2.0, qubits=[PLACE[0]])
    assert error(backend.properties()) == error(old)  # the client keeps what it has
    current = backend.properties(refresh=True)
    assert error(current) == 2 * error(old)
    assert error(current, PLACE[1]) == error(old, PLACE[1])
    assert current.readout_error(PLACE[0]) == 2 * old.readout_error(PLACE[0])
    assert current.last_update_date.astimezone(UTC) == new.calibrated_at
    before = backend.properties(datetime=new.calibrated_at - timedelta(seconds=1))
    assert error(before) == error(old)
    assert backend.properties(datetime=old.last_update_date - timedelta(days=1)) is None


def test_refreshing_a_backend_renews_its_target(start):
    service, client = start()
    backend = backend_of(client)
    old = backend.target["sx"][PLACE[:1]].error
    service.recalibrate(factor=3.0)
    backend.refresh()
    assert backend.target["sx"][PLACE[:1]].error == 3 * old


def test_a_job_knows_the_calibration_it_ran_under(start):
    """The submit itself may trigger a new one: what was compiled for is not what was used."""
    service, client = start()
    backend = backend_of(client)
    compiled_for = backend.properties()
    fault = service.inject(Fault("post_job", "recalibrated", factor=2.0))
    job = sampler(backend).run([bell()], shots=1)
    record = finished(service, job)
    first, second = (calibration.id for calibration in service.calibrations)
    assert (fault.happened, record.calibration_at_submit, record.calibration) == (1, first, second)
    assert error(job.properties()) == 2 * error(compiled_for)


def test_errors_stop_at_a_half(start):
    service, _ = start()
    calibration = service.recalibrate(factor=1e6)
    values = [p["value"] for gate in calibration.properties["gates"] for p in gate["parameters"]
              if p["name"] == "gate_error" and p["value"] < 1]  # fmt: skip
    assert max(values) == 0.5
