"""Options of `kernel_classification`: defaults, every key, and refusals that name the key."""

from __future__ import annotations

import pytest

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.workloads._kernel_options import KernelOptions, parse_kernel_options

GRID = "a list of 1 to 32 different finite numbers above 0, such as [0.1, 1, 10]"


def test_options_default():
    assert parse_kernel_options({}) == KernelOptions(
        num_components=4,
        samples=40,
        folds=3,
        repetitions_of_map=2,
        entanglement="linear",
        bandwidths=(0.01, 0.03, 0.1, 0.3, 1.0),
        costs=(0.1, 1.0, 10.0, 100.0),
        seed=7,
    )


def test_options_take_every_key():
    """Grids are sorted, so that their order in the settings means nothing."""
    raw = {
        "num_components": 6,
        "samples": "all",
        "folds": 5,
        "repetitions_of_map": 1,
        "entanglement": "full",
        "bandwidths": [1, 0.5],
        "C": [10, 1],
        "seed": 0,
    }
    assert parse_kernel_options(raw) == KernelOptions(
        num_components=6,
        samples=None,
        folds=5,
        repetitions_of_map=1,
        entanglement="full",
        bandwidths=(0.5, 1.0),
        costs=(1.0, 10.0),
        seed=0,
    )


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        pytest.param(
            {"bandwidth": [1]},
            "kernel_classification.bandwidth: unknown key. Did you mean 'bandwidths'? Known: num_components, samples, "
            "folds, repetitions_of_map, entanglement, bandwidths, C, seed.",
            id="near key",
        ),
        pytest.param(
            {3: 1},
            "kernel_classification.3: unknown key. Known: num_components, samples, folds, repetitions_of_map, "
            "entanglement, bandwidths, C, seed.",
            id="key that is no text",
        ),
        pytest.param(
            {"num_components": 11},
            "kernel_classification.num_components: 11 is wrong; expected a whole number from 1 to 10.",
            id="too many components",
        ),
        pytest.param(
            {"num_components": True},
            "kernel_classification.num_components: True is wrong; expected a whole number from 1 to 10.",
            id="bool",
        ),
        pytest.param(
            {"samples": "some"},
            "kernel_classification.samples: 'some' is wrong; expected all or a whole number from 4 to 5000.",
            id="samples",
        ),
        pytest.param(
            {"samples": None},
            "kernel_classification.samples: None is wrong; expected all or a whole number from 4 to 5000.",
            id="samples left empty",
        ),
        pytest.param(
            {"folds": 1},
            "kernel_classification.folds: 1 is wrong; expected a whole number from 2 to 20.",
            id="one fold",
        ),
        pytest.param(
            {"repetitions_of_map": 2.0},
            "kernel_classification.repetitions_of_map: 2.0 is wrong; expected a whole number from 1 to 10.",
            id="float",
        ),
        pytest.param(
            {"entanglement": "none"},
            "kernel_classification.entanglement: 'none' is wrong; expected linear or full.",
            id="the control is a baseline",
        ),
        pytest.param(
            {"bandwidths": []}, f"kernel_classification.bandwidths: [] is wrong; expected {GRID}.", id="empty grid"
        ),
        pytest.param(
            {"bandwidths": [0.1, float("nan")]},
            f"kernel_classification.bandwidths: [0.1, nan] is wrong; expected {GRID}.",
            id="nan",
        ),
        pytest.param(
            {"C": [1, 1.0]}, f"kernel_classification.C: [1, 1.0] is wrong; expected {GRID}.", id="equal values"
        ),
        pytest.param({"C": "1"}, f"kernel_classification.C: '1' is wrong; expected {GRID}.", id="text"),
        pytest.param({"C": [0]}, f"kernel_classification.C: [0] is wrong; expected {GRID}.", id="zero"),
        pytest.param(
            {"seed": -1},
            "kernel_classification.seed: -1 is wrong; expected a whole number from 0 to 9223372036854775807.",
            id="seed",
        ),
    ],
)
def test_options_refuse(raw, message):
    with pytest.raises(ConfigurationError) as caught:
        parse_kernel_options(raw)
    assert str(caught.value) == message
