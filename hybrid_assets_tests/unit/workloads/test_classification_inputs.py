"""The shipped classification inputs are what their README says and what scikit-learn ships."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine

from hybrid_assets.workloads._labeled_csv import read_labeled_csv

FOLDER = Path(__file__).parents[3] / "data" / "inputs" / "classification"


def test_readme_lists_every_file_with_its_checksum():
    listed = dict(
        re.findall(r"^\| `(\S+\.csv)` .* `([0-9a-f]{64})` \|$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    )
    actual = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.glob("*.csv")}
    assert listed == actual
    assert len(actual) == 2


@pytest.mark.parametrize(("name", "load"), [("wine", load_wine), ("breast_cancer", load_breast_cancer)])
def test_file_holds_the_numbers_of_scikit_learn(name, load):
    bunch = load()
    names = [re.sub(r"[^a-z0-9]+", "_", feature.lower()) for feature in bunch.feature_names]
    table = read_labeled_csv(FOLDER / f"{name}.csv", source=name)
    assert list(table.feature_names) == sorted(names)
    assert np.array_equal(table.features, bunch.data[:, np.argsort(names)])
    assert list(table.classes) == [bunch.target_names[k] for k in bunch.target]
