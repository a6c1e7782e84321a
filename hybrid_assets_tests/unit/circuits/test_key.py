"""The compile key holds what changes a compiled circuit, and a miss can be explained by it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hybrid_assets.circuits import plugins
from hybrid_assets.circuits.key import compile_key, explain_miss
from hybrid_assets.model.circuits import CompileOptions
from hybrid_assets_tests.unit.circuits.samples import ideal_target, line_target

STRUCTURE = "ab" * 32


def _parts(options=None, target=None, structure=STRUCTURE):
    return compile_key(structure, target or line_target(), options or CompileOptions()).parts


def test_key_names_every_part():
    assert list(_parts()) == [
        "schema",
        "structure",
        "target",
        "optimization_level",
        "seed",
        "layout_method",
        "routing_method",
        "plugins",
        "approximation_degree",
        "trials",
        "qiskit",
        "architecture",
    ]
    assert all(isinstance(value, str) for value in _parts().values())


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"optimization_level": 3}, id="level"),
        pytest.param({"seed": 8}, id="seed"),
        pytest.param({"layout_method": "dense"}, id="layout"),
        pytest.param({"routing_method": "basic"}, id="routing"),
        pytest.param({"approximation_degree": 0.999}, id="approximation"),
        pytest.param({"calibration_id": "cd" * 32}, id="calibration"),
        pytest.param({"relayout": "ef" * 32}, id="relayout"),
    ],
)
def test_key_changes_with_each_option(change):
    first = compile_key(STRUCTURE, line_target(), CompileOptions())
    second = compile_key(STRUCTURE, line_target(), replace(CompileOptions(), **change))
    assert first.digest != second.digest
    assert len(first.digest) == 64


def test_key_ignores_errors_but_not_couplings():
    """A fresh calibration keeps the key; a lost qubit, another width or no couplings at all do not."""
    digest = compile_key(STRUCTURE, line_target(), CompileOptions()).digest
    assert compile_key(STRUCTURE, line_target(cz_error=0.02), CompileOptions()).digest == digest
    others = [line_target(faulty_qubits=[2]), line_target(6), ideal_target()]
    assert digest not in {compile_key(STRUCTURE, target, CompileOptions()).digest for target in others}


def test_key_ignores_plugins_nobody_asked_for(monkeypatch):
    """Installed SDKs register stages of their own; only one asked for by name may change a circuit."""
    entry = type("Entry", (), {"group": "qiskit.transpiler.layout", "name": "best", "module": "vendor.layout"})()
    entry.dist = type("Dist", (), {"version": "1.2"})()
    monkeypatch.setattr(plugins, "_foreign", lambda: (entry,))
    assert _parts()["plugins"] == "none"
    assert _parts(CompileOptions(layout_method="best"))["plugins"] == "qiskit.transpiler.layout:best vendor 1.2"


def test_key_of_a_moved_circuit_names_the_one_that_was_moved():
    """No other key has this part, so that keys made before there were moved circuits stay."""
    moved = _parts(CompileOptions(calibration_id="cd" * 32, relayout="ef" * 32))
    assert moved == {**_parts(), "calibration": "cd" * 32, "relayout": "ef" * 32}
    assert "the circuit that is moved is efefefef here and absent there" in explain_miss(moved, [_parts()])


def test_miss_without_neighbours_was_never_compiled():
    assert explain_miss(_parts(), []) == "This circuit structure was never compiled before."


def test_miss_names_the_part_that_changed_with_both_values():
    assert explain_miss(_parts(CompileOptions(seed=9)), [_parts()]) == (
        "It was compiled before, but not so: the transpiler seed is 9 here and 7 there."
    )


def test_miss_shortens_hashes():
    old, new = line_target(), line_target(faulty_qubits=[0])
    assert explain_miss(_parts(target=new), [_parts(target=old)]) == (
        "It was compiled before, but not so: the target structure (qubits, gates, couplings or faulty qubits) "
        f"is {new.structure_sha[:8]} here and {old.structure_sha[:8]} there."
    )


def test_miss_is_explained_by_the_nearest_key():
    """Of several stored keys the one with the fewest changes counts."""
    stored = [_parts(CompileOptions(seed=1, optimization_level=1)), {**_parts(), "qiskit": "2.5.0"}]
    message = explain_miss(_parts(), stored)
    assert message.startswith("It was compiled before, but not so: the Qiskit version is 2.")


def test_miss_names_all_changes():
    message = explain_miss(_parts(CompileOptions(seed=9, routing_method="basic")), [_parts()])
    assert "the transpiler seed is 9 here and 7 there and the routing method is basic here and default there" in message


def test_miss_of_a_key_that_was_stored_says_so():
    assert "gone or was set aside as corrupt" in explain_miss(_parts(), [_parts()])


def test_miss_takes_keys_of_an_older_schema():
    """Parts that one side does not have are named, not a crash."""
    older = {name: value for name, value in _parts().items() if name != "trials"} | {"scheduling": "alap"}
    message = explain_miss(_parts(), [older])
    assert "the trial policy is sabre all threads off here and absent there" in message
    assert "scheduling is absent here and alap there" in message
