"""Settings of the emulated QPU."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.providers._emulator_faults import chance
from hybrid_assets.providers.emulator import EmulatorOptions, EmulatorProvider

START = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"devise": "x"}, "backends.em.devise: unknown key. Did you mean 'device'"),
        ({"device": 7}, "device: 7 is wrong; expected a text"),
        ({"seed": 1.5}, "seed: 1.5 is wrong; expected a whole number of at least 0"),
        ({"seed": True}, "seed: True is wrong"),
        ({"density_matrix_qubits": 13}, "a whole number from 0 to 12"),
        ({"run_slots": 0}, "run_slots: 0 is wrong"),
        ({"queue_sigma": "wide"}, "queue_sigma: 'wide' is wrong; expected a number from 0 to 5"),
        ({"queue_median_s": float("nan")}, "queue_median_s: nan is wrong; expected a number of at least 0"),
        ({"speed": 0}, "speed: 0 is wrong"),
        ({"max_pubs": 0}, "max_pubs: 0 is wrong"),
        ({"dedupe": "no"}, "dedupe: 'no' is wrong; expected true or false"),
        ({"faults": 0.1}, "backends.em.faults: 0.1 is wrong; expected keys outages"),
        ({"faults": {"lost_reply": 0.1}}, "backends.em.faults.lost_reply: unknown key. Did you mean 'lost_replies'"),
        ({"faults": {"lost_replies": 1.1}}, "faults.lost_replies: 1.1 is wrong; expected a number from 0 to 1"),
        ({"faults": {"outages": {"after_s": 1}}}, "faults.outages: .* expected a list of mappings"),
        ({"faults": {"outages": [{"for_s": 5}]}}, r"faults.outages\[0\].after_s: None is wrong; expected either"),
        ({"faults": {"outages": [{"after_s": 5}]}}, r"faults.outages\[0\].for_s"),
        ({"faults": {"outages": [{"after": 5}]}}, r"outages\[0\].after: unknown key. Did you mean 'after_s'"),
        ({"faults": {"outages": [{"from_at": "2026-11-24", "for_s": 5}]}}, "expected a time with its offset"),
        ({"faults": {"latency": [{"after_s": 5, "for_s": 5}]}}, r"latency\[0\].median_s"),
        ({"faults": {"kernel_failures": {"rates": 0.1}}}, "kernel_failures.rates: unknown key. Did you mean 'rate'"),
        ({"faults": {"kernel_failures": {"kernel_ids": "k"}}}, "kernel_ids: 'k' is wrong; expected a list of texts"),
        ({"faults": {"wrong_results": {"kinds": ["short", "odd"]}}}, "expected some of swapped, short, other"),
        ({"drift": {"every": 5}}, "drift.every: unknown key. Did you mean 'every_s'"),
        ({"drift": {"qubits": "some"}}, "drift.qubits: 'some' is wrong"),
    ],
)
def test_wrong_options_are_refused_by_name(options, message):
    with pytest.raises(ConfigurationError, match=message):
        EmulatorOptions.parse(options, "em")


def test_unknown_devices_are_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="Did you mean 'fake_torino'"):
        EmulatorProvider.from_settings("em", {"device": "fake_torinno"}, tmp_path)


def test_by_default_nothing_goes_wrong():
    options = EmulatorOptions.parse({}, "em")
    faults = options.faults
    assert (faults.outages, faults.latency, options.drift) == ((), (), None)
    rates = [faults.throttle_rate, faults.lost_replies, faults.lost_requests, faults.never_finishes, faults.late_rate]
    assert [*rates, faults.kernel_failures.rate, faults.job_failures.rate, faults.wrong_results.rate] == [0.0] * 8


def test_a_number_stands_for_a_rate():
    faults = EmulatorOptions.parse({"faults": {"kernel_failures": 0.5, "late_results": 1}}, "em").faults
    assert (faults.kernel_failures.rate, faults.late_rate) == (0.5, 1.0)


def test_outages_are_counted_from_the_first_use_or_absolute():
    at = [
        {"after_s": 10, "for_s": 5},
        {"after_s": 15, "for_s": 5},
        {"from_at": "2026-11-24T03:00:00+01:00", "for_s": 60},
    ]
    faults = EmulatorOptions.parse({"faults": {"outages": at}}, "em").faults

    def end_after_s(seconds):
        end = faults.outage_end(START + timedelta(seconds=seconds), START)
        return None if end is None else (end - START).total_seconds()

    # Two windows that touch are one outage from 10 to 20; 03:00+01:00 is 02:00 UTC, 7200 s after the start.
    assert [end_after_s(s) for s in (9.9, 10, 14, 16, 20, 7200, 7260)] == [None, 20, 20, 20, None, 7260, None]


def test_chances_depend_on_what_they_are_about_only():
    drawn = [chance(7, "fault", str(i)) for i in range(4000)]
    assert drawn == [chance(7, "fault", str(i)) for i in range(4000)]
    assert chance(7, "fault", "1") != chance(8, "fault", "1") != chance(8, "other", "1")
    # Mean of 4000 uniform numbers: 0.5 +- 4 x 0.2887 / sqrt(4000) = 0.018; below 0.05: 200 +- 4 x 13.8.
    assert abs(sum(drawn) / 4000 - 0.5) < 0.018
    assert abs(sum(d < 0.05 for d in drawn) - 200) < 55
