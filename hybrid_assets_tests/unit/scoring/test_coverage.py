"""Every interval holds the truth as often as docs/statistics.md states, and verdicts seldom claim what is not there.

`make bench-stats` in small: 2,000 draws with fixed seeds. A share may differ from the stated one by 5 standard errors
of 2,000 draws (2.4 points at 95 %) and the rounding of what is stated.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hybrid_assets_tests.bench import statistics_claims as claims
from hybrid_assets_tests.bench import statistics_coverage as coverage

DRAWS = 2000
STUDIES = coverage.studies()
#: The tests by themselves, one method, and the hardest case: skewed effects of several methods.
NULLS = {
    "signed-rank p alone, 12 instances": DRAWS,
    "the least of 6 Holm-adjusted p, 12 instances": DRAWS,
    "alike, 1 method, 12 instances": DRAWS,
    "median 0, skewed, 4 methods, 15 instances": DRAWS // 2,
}


@pytest.mark.parametrize("study", STUDIES, ids=[f"{s.interval}, {s.drawn}, n={s.n}" for s in STUDIES])
def test_interval_covers_as_stated(study):
    found = coverage.measure(study, draws=DRAWS, seed=7)
    assert found.holds, f"{100 * found.share:.1f} %: {found.words}"


@pytest.mark.parametrize("name", NULLS)
def test_claims_without_an_effect_are_as_rare_as_stated(name):
    (null,) = (null for null in claims.nulls() if null.name == name)
    rate = claims.false_claims(null, nights=NULLS[name], seed=7)
    assert rate.holds, f"{100 * rate.share:.1f} %: {rate.words}"


@pytest.mark.parametrize("null", claims.nulls(), ids=lambda null: null.name)
def test_no_stated_rate_of_false_claims_is_above_the_level(null):
    assert null.stated <= claims.ALPHA


def test_a_large_planted_effect_is_claimed():
    """Two standard deviations on 15 instances: a win in 98 of 100, and 12 of 15 are enough (99 % of nights)."""
    assert claims.power(2.0, instances=15, nights=100, seed=7) >= 0.9


def test_an_effect_is_harder_to_claim_for_one_of_many_methods():
    alone, among = (claims.power(1.0, instances=12, methods=methods, nights=100, seed=7) for methods in (1, 6))
    assert 0.2 < among < alone - 0.1


@pytest.mark.parametrize("factor", [0.8, 1.4])
def test_a_study_notices_intervals_of_another_width(factor):
    """Student's interval of 10 normal values at .8 and 1.4 times its width covers 89.6 and 98.9 %."""
    (study,) = (s for s in STUDIES if (s.interval, s.drawn, s.n) == ("mean (Student)", "normal", 10))

    def draw(rng, draws):
        low, high, truth = study.draw(rng, draws)
        middle, half = (low + high) / 2, (high - low) / 2
        return middle - factor * half, middle + factor * half, truth

    found = coverage.measure(replace(study, draw=draw), draws=DRAWS, seed=7)
    assert not found.holds
    assert "NOT AS STATED (95.0)" in found.words


@pytest.mark.parametrize(
    ("stated", "words"), [(0.955, "within 1 point"), (0.975, "conservative by 2.5"), (0.9, "short by 5.0")]
)
def test_the_table_says_how_far_a_coverage_is_from_its_level(stated, words):
    study = replace(STUDIES[0], stated=stated)
    found = coverage.Coverage(study=study, share=stated, error=0.001, width=float(np.pi))
    assert found.words == words
    assert f"{100 * stated:.1f}" in coverage.table([found], draws=DRAWS)
