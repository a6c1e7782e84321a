"""The workload `kernel_classification` and its classical rivals keep every promise of their protocols."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybrid_assets import registry
from hybrid_assets.model.results import Role
from hybrid_assets.testing.baseline import assert_baseline_api
from hybrid_assets.testing.workload import assert_workload_api
from hybrid_assets.workloads.kernel_classification import KernelClassification

SHIPPED = sorted((Path(__file__).parents[2] / "data" / "inputs" / "classification").glob("*.csv"))
RIVALS = (
    "dummy",
    "random_forest",
    "svm_linear",
    "svm_linear_all",
    "svm_rbf",
    "svm_rbf_all",
    "unentangled_kernel",
)


def load(path, raw):
    workload = KernelClassification()
    return workload.load(path, source=path.name, options=workload.parse_options(raw))


def test_kernel_classification_is_registered():
    assert isinstance(registry.workload("kernel_classification"), KernelClassification)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="defaults"),
        pytest.param(
            {"num_components": 3, "samples": 16, "folds": 2, "entanglement": "full", "repetitions_of_map": 1},
            id="full map, one layer",
        ),
        pytest.param({"num_components": 1, "samples": 12, "bandwidths": [0.5], "C": [1]}, id="one qubit, no grid"),
    ],
)
def test_kernel_classification_conforms_on_the_shipped_data(options):
    assert len(SHIPPED) == 2
    assert_workload_api(KernelClassification(), SHIPPED, options)


def test_kernel_classification_conforms_on_the_least_instance(tmp_path):
    """Two classes of two rows and one column: one row of each class to learn from."""
    path = tmp_path / "least.csv"
    path.write_text("a,label\n1,x\n2,x\n3,y\n4,y\n")
    assert_workload_api(KernelClassification(), [path], {"num_components": 1, "folds": 2})


@pytest.mark.parametrize("name", RIVALS)
def test_classification_baseline_keeps_its_promises(name):
    assert_baseline_api(registry.baseline(name), load(SHIPPED[1], {"samples": 20, "folds": 2}))


@pytest.mark.parametrize("name", RIVALS)
def test_classification_baseline_keeps_its_promises_on_the_least_instance(name, tmp_path):
    path = tmp_path / "least.csv"
    path.write_text("a,label\n1,x\n2,x\n3,y\n4,y\n")
    assert_baseline_api(registry.baseline(name), load(path, {"num_components": 1, "folds": 2}))


def test_controls_of_the_quantum_kernel_exist():
    """The baseline among them is registered, supports the instance and calls itself a control."""
    instance = load(SHIPPED[1], {"samples": 12, "bandwidths": [0.1], "C": [1]})
    solvers = {solver.name: solver for solver in registry.baselines_for(instance)}
    assert set(RIVALS) <= set(solvers)
    baselines = [name for name in KernelClassification().controls_of("quantum_kernel") if name in solvers]
    assert baselines == ["unentangled_kernel"]
    assert solvers["unentangled_kernel"].solve(instance, seed=1, limit_s=60).role is Role.CONTROL
