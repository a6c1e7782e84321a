"""Calibrations on disk: whole, once each, verified, in the order they were seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from hybrid_assets.circuits.targets import build_target_document
from hybrid_assets.errors import ConfigurationError, ResultIntegrityError
from hybrid_assets.model.circuits import TargetOperation
from hybrid_assets.storage.calibrations import CalibrationStore

AT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def calibration(error=0.1 + 0.2, *, backend="qpu"):
    """0.1 + 0.2 has 17 significant digits, all of which must survive."""
    return build_target_document(
        backend=backend,
        num_qubits=2,
        operations=[TargetOperation(name="cz", qubits=(0, 1), error=error, duration_s=7e-8)],
        readout=[(0.01, 0.02), (0.03, 0.04)],
        t1_t2_s=[(1e-4, None), (None, 2e-4)],
        faulty_qubits=[1],
        calibrated_at=AT,
    )


def test_a_calibration_comes_back_whole(tmp_path):
    document = calibration()
    assert CalibrationStore(tmp_path).put(document, AT)
    assert CalibrationStore(tmp_path).get("qpu", document.calibration_id) == document
    names = {path.name for path in (tmp_path / "qpu").iterdir()}
    assert names == {f"{document.calibration_id}.json", "sightings"}


def test_a_second_look_changes_nothing(tmp_path):
    """The time of the first is kept, in UTC."""
    store, document = CalibrationStore(tmp_path), calibration()
    store.put(document, AT.astimezone(timezone(2 * HOUR)))
    path = tmp_path / "qpu" / f"{document.calibration_id}.json"
    before = path.read_bytes()
    assert b"2026-11-24T02:00:00+00:00" in before
    assert not store.put(document, AT + HOUR)
    assert path.read_bytes() == before
    assert store.observed_at("qpu", document.calibration_id) == AT


def test_history_ends_with_the_calibration_in_force(tmp_path):
    """One that came back is the present one again, and seen twice."""
    store = CalibrationStore(tmp_path)
    seen = [calibration(error) for error in (0.3, 0.1, 0.2)]
    for number, document in enumerate(seen):
        store.put(document, AT + number * HOUR)
    store.put(seen[2], AT + 8 * HOUR)
    store.put(calibration(0.4, backend="other"), AT)
    first, second, third = (document.calibration_id for document in seen)
    assert store.history("qpu") == [first, second, third]
    store.put(seen[0], AT + 9 * HOUR)
    assert store.history("qpu") == [second, third, first]
    assert store.sightings("qpu") == [first, second, third, first]
    assert store.history("never") == []


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b"half", b"other"])
def test_a_damaged_calibration_is_refused_and_stored_again(tmp_path, damage):
    """What cannot be read at all is no part of the history either."""
    store, document = CalibrationStore(tmp_path), calibration()
    store.put(document, AT)
    path = tmp_path / "qpu" / f"{document.calibration_id}.json"
    sound = path.read_bytes()
    path.write_bytes({b"half": sound[:200], b"other": sound.replace(b"0.01", b"0.02", 1)}.get(damage, damage))
    with pytest.raises(ResultIntegrityError, match="Materialize calibration_snapshots again"):
        store.get("qpu", document.calibration_id)
    assert store.history("qpu") == ([document.calibration_id] if damage == b"other" else [])
    assert store.put(document, AT + HOUR)
    assert store.get("qpu", document.calibration_id) == document
    assert len(list((tmp_path / "qpu").glob("*.corrupt-*"))) == 1


def test_a_file_under_another_name_is_refused(tmp_path):
    store, document = CalibrationStore(tmp_path), calibration()
    store.put(document, AT)
    (tmp_path / "qpu" / f"{document.calibration_id}.json").rename(tmp_path / "qpu" / "abc.json")
    with pytest.raises(ResultIntegrityError, match=f"holds {document.calibration_id} of qpu"):
        store.get("qpu", "abc")
    with pytest.raises(ResultIntegrityError, match="No calibration"):
        store.get("qpu", document.calibration_id)


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".x", "-x"])
def test_names_that_could_leave_the_folder_are_refused(tmp_path, name):
    store = CalibrationStore(tmp_path / "store")
    for ask in (lambda: store.get("qpu", name), lambda: store.get(name, "abc"), lambda: store.history(name)):
        with pytest.raises(ConfigurationError, match="cannot name a backend or calibration"):
            ask()
