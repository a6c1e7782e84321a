"""Workload, baseline and provider of somebody else's package, made by following the pages that tell how."""

from __future__ import annotations

import pytest

from hybrid_assets_tests.acceptance.following import follow


def test_a_workload_of_another_package_gets_rows_and_a_verdict(tmp_path):
    done = follow("howto/add_a_workload.md", tmp_path)
    assert (done.folder / "inputs" / "independent_set" / "talks.json").is_file()
    verdicts = done.sql("select workload, backend, verdict from verdicts order by all")
    assert [(row["workload"], row["backend"]) for row in verdicts] == [
        ("independent_set", "aer"),
        ("independent_set", "emulator"),
    ]
    assert {row["verdict"] for row in verdicts} <= {"no_advantage", "inconclusive"}
    # The graph is a ring of six with a chord that joins both halves: every second node of the ring, three.
    reference = done.sql("select distinct reference_value, reference_kind from comparisons")
    assert reference == [{"reference_value": 3.0, "reference_kind": "proved"}]
    methods = done.sql("select distinct method from comparisons where role <> 'classical' order by 1")
    assert {"qaoa_p1", "qaoa_p2", "random_bits"} <= {row["method"] for row in methods}


@pytest.mark.slow
def test_a_baseline_of_another_package_solves_the_instances(tmp_path):
    done = follow("howto/add_a_baseline.md", tmp_path)
    (row,) = done.sql("select instance, value, proved from classical_baselines where baseline = 'one_ascent'")
    assert (row["instance"], row["proved"]) == ("petersen", False)
    assert 9 <= row["value"] <= 12  # one flip up: at least half of the 15 edges and one; the largest cut is 12


@pytest.mark.slow
def test_a_provider_of_another_package_executes_a_night(tmp_path):
    done = follow("howto/add_a_provider.md", tmp_path)
    rows = done.sql("select distinct backend, source, execution from quantum_results")
    assert rows == [{"backend": "mine", "source": "backend", "execution": "statevector"}]
    assert done.sql("select verdict from verdicts")[0]["verdict"] in {"no_advantage", "inconclusive"}
