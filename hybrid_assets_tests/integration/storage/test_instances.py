"""Problem instances on disk: exact, once each, verified."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hybrid_assets.errors import ConfigurationError, ResultIntegrityError
from hybrid_assets.model.problem import BinaryQuadratic, Fold, LabeledData, OpaqueProblem, ProblemInstance
from hybrid_assets.storage.instances import InstanceStore

FINGERPRINT = "cd" * 32


def instance_of(problem, **values):
    facts = {
        "workload": "maxcut",
        "name": "petersen",
        "fingerprint": FINGERPRINT,
        "num_variables": 2,
        "source": "p.csv",
    }
    return ProblemInstance(**{**facts, **values}, problem=problem, facts={"edges": 1})


# 0.1 + 0.2 has 17 significant digits, all of which must survive.
QUADRATIC = BinaryQuadratic(num_variables=2, linear=(1.0, 0.1 + 0.2), pairs=((0, 1),), weights=(-2.0,), cardinality=1)


@pytest.mark.parametrize("problem", [QUADRATIC, OpaqueProblem(document={"a": [1, {"b": None}]})])
def test_stored_instance_comes_back_exactly(tmp_path, problem):
    store = InstanceStore(tmp_path)
    store.put(instance_of(problem))
    assert repr(store.get(FINGERPRINT)) == repr(instance_of(problem))
    assert [path.name for path in (tmp_path / "cd").iterdir()] == [f"{FINGERPRINT}.json"]


def test_stored_data_set_comes_back_exactly(tmp_path):
    data = LabeledData(
        features=np.array([[0.1, 1e-300], [np.pi, -0.0]]),
        labels=np.array([0, 1]),
        feature_names=("a", "b"),
        class_names=("no", "yes"),
        folds=(Fold(train=(0,), test=(1,)),),
        num_components=2,
    )
    InstanceStore(tmp_path).put(instance_of(data))
    problem = InstanceStore(tmp_path).get(FINGERPRINT).problem
    assert problem.features.tobytes() == data.features.tobytes()
    assert problem.labels.tolist() == [0, 1]
    assert (problem.folds, problem.class_names, problem.num_components) == (data.folds, data.class_names, 2)


def test_second_file_of_the_same_content_keeps_its_own_name(tmp_path):
    store = InstanceStore(tmp_path)
    store.put(instance_of(QUADRATIC))
    store.put(instance_of(QUADRATIC, name="copy", source="copy.csv"))
    assert store.get(FINGERPRINT).name == "petersen"
    copy = store.get(FINGERPRINT, name="copy", source="copy.csv")
    assert (copy.name, copy.source, copy.problem) == ("copy", "copy.csv", QUADRATIC)


def test_missing_instance_says_what_to_do(tmp_path):
    with pytest.raises(
        ResultIntegrityError, match=f"No instance {FINGERPRINT} is stored.*Materialize normalized_inputs"
    ):
        InstanceStore(tmp_path).get(FINGERPRINT)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data.replace(b"-2.0", b"-3.0"), id="value"),
        pytest.param(lambda data: data[:-10], id="cut"),
        pytest.param(lambda _: b"{}", id="other document"),
        pytest.param(lambda _: b"[]", id="no object"),
        pytest.param(lambda _: b"\xff", id="no text"),
    ],
)
def test_damaged_instance_is_refused_and_healed_by_storing_again(tmp_path, damage):
    store = InstanceStore(tmp_path)
    store.put(instance_of(QUADRATIC))
    path = tmp_path / "cd" / f"{FINGERPRINT}.json"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ResultIntegrityError, match="Materialize normalized_inputs again"):
        store.get(FINGERPRINT)
    store.put(instance_of(QUADRATIC))
    assert store.get(FINGERPRINT).problem == QUADRATIC


def test_instance_under_another_fingerprint_is_refused(tmp_path):
    store = InstanceStore(tmp_path)
    store.put(instance_of(QUADRATIC))
    path = tmp_path / "cd" / f"{FINGERPRINT}.json"
    path.rename(tmp_path / "cd" / "cdcd.json")
    with pytest.raises(ResultIntegrityError, match="not what was stored"):
        store.get("cdcd")


def test_fingerprint_that_could_leave_the_folder_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be an id"):
        InstanceStore(tmp_path).put(replace(instance_of(QUADRATIC), fingerprint="../x"))
