"""What differs between two calibrations, and which circuits use it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_assets.calibration.diffing import Change, ChangeKind, diff, touched, touches
from hybrid_assets.circuits.exposure import expected_success
from hybrid_assets.circuits.targets import build_target_document
from hybrid_assets.model.circuits import TargetOperation

ERRORS = {
    ("sx", (0,)): 1e-4,
    ("sx", (1,)): 1e-4,
    ("cz", (0, 1)): 1e-2,
    ("measure", (0,)): 2e-2,
    ("measure", (1,)): 2e-2,
}


def target(errors, *, faulty=(), **facts):
    return build_target_document(
        backend="qpu",
        num_qubits=3,
        operations=[TargetOperation(name=name, qubits=on, error=error) for (name, on), error in errors.items()],
        faulty_qubits=faulty,
        **facts,
    )


def changed(**places):
    """Return the errors with some replaced, for example ``cz_0_1=0.03``; None takes the operation away."""
    found = dict(ERRORS)
    for place, error in places.items():
        name, *qubits = place.split("_")
        key = (name, tuple(map(int, qubits)))
        if error is None:
            del found[key]
        else:
            found[key] = error
    return target(found)


def test_equal_calibrations_do_not_differ():
    assert diff(target(ERRORS), target(ERRORS)) == []


def test_changes_are_told_by_what_one_use_costs_the_largest_first():
    """The error of sx grows tenfold, but a use of cz or of the readout loses far more."""
    found = diff(target(ERRORS), changed(sx_0=1e-3, cz_0_1=3e-2, measure_1=1e-2))
    assert [(change.operation, change.qubits) for change in found] == [("cz", (0, 1)), ("measure", (1,)), ("sx", (0,))]
    assert [change.ratio for change in found] == pytest.approx([3.0, 0.5, 10.0])
    successes = [(0.99, 0.97), (0.98, 0.99), (0.9999, 0.999)]
    assert [change.size for change in found] == pytest.approx([abs(math.log(old / new)) for old, new in successes])
    assert {change.kind for change in found} == {ChangeKind.ERROR}


def test_what_stops_circuits_comes_first_and_what_is_new_last():
    new = target({key: error for key, error in {**ERRORS, ("x", (0,)): 1e-4}.items() if key != ("cz", (0, 1))})
    found = diff(target(ERRORS), new)
    assert [(change.kind.value, change.operation, change.ratio) for change in found] == [
        ("vanished", "cz", None),
        ("new", "x", None),
    ]
    assert [change.size for change in found] == [math.inf, 0.0]


@pytest.mark.parametrize(("before", "after", "kind"), [((), (1,), "faulty"), ((1,), (), "repaired")])
def test_a_faulty_qubit_is_one_change(before, after, kind):
    """Its operations may vanish or change too, but cannot run in any case."""
    others = {key: error for key, error in ERRORS.items() if 1 not in key[1]} | {("sx", (1,)): 0.9}
    (found,) = diff(target(ERRORS, faulty=before), target(others, faulty=after))
    assert (found.kind.value, found.operation, found.qubits, found.size) == (kind, "qubit", (1,), math.inf)


def test_an_error_that_becomes_known_is_a_change_without_a_ratio():
    (found,) = diff(changed(sx_0=math.nan), target(ERRORS))
    assert (found.error_before, found.error_after, found.ratio) == (None, 1e-4, None)
    assert found.size == pytest.approx(1e-4, rel=1e-3)


def test_an_operation_that_always_fails_is_infinitely_larger():
    assert diff(target(ERRORS), changed(cz_0_1=1.0))[0].size == math.inf
    assert Change(kind=ChangeKind.ERROR, operation="x", qubits=(0,), error_before=1.0, error_after=1.0).size == 0.0


def test_durations_and_coherence_times_are_no_changes():
    """They enter the id of the calibration, but no score."""
    old = target(ERRORS)
    new = target(ERRORS, t1_t2_s=[(1e-4, 1e-4)] * 3)
    assert old.calibration_id != new.calibration_id
    assert diff(old, new) == []


CIRCUIT = (("cz", (0, 1), 3), ("measure", (0,), 1), ("sx", (0,), 8))


@pytest.mark.parametrize(
    ("operation", "qubits", "expected"),
    [
        pytest.param("cz", (0, 1), True, id="used"),
        pytest.param("cz", (1, 0), False, id="other direction"),
        pytest.param("measure", (1,), False, id="qubit used, not read out"),
        pytest.param("sx", (1,), False, id="same operation elsewhere"),
        pytest.param("qubit", (1,), True, id="fault of a used qubit"),
        pytest.param("qubit", (2,), False, id="fault elsewhere"),
        pytest.param("cz", None, True, id="operation on any qubits"),
        pytest.param("ecr", None, False, id="another one on any qubits"),
    ],
)
def test_a_change_touches_what_uses_it(operation, qubits, expected):
    change = Change(kind=ChangeKind.ERROR, operation=operation, qubits=qubits)
    assert touches(change, CIRCUIT) is expected
    assert touched([change], {"other": (), "c": CIRCUIT}) == [("c",) if expected else ()]


PLACES = sorted(ERRORS)
EXPOSURES = st.lists(st.tuples(st.sampled_from(PLACES), st.integers(1, 9)), max_size=5, unique_by=lambda one: one[0])


@given(
    new=st.dictionaries(st.sampled_from(PLACES), st.floats(1e-5, 0.5)),
    faulty=st.sets(st.integers(0, 2)),
    tables=st.lists(EXPOSURES, max_size=4),
)
def test_a_circuit_that_nothing_touches_keeps_its_score(new, faulty, tables):
    """The index and the question one by one agree; a score changes only by changes that touch its circuit."""
    old, new = target(ERRORS), target({**ERRORS, **new}, faulty=faulty)
    exposures = {str(i): tuple((*place, times) for place, times in table) for i, table in enumerate(tables)}
    changes = diff(old, new)
    hits = touched(changes, exposures)
    assert hits == [tuple(name for name, one in exposures.items() if touches(c, one)) for c in changes]
    for name, one in exposures.items():
        if not any(name in names for names in hits):
            assert expected_success(one, new) == expected_success(one, old)
