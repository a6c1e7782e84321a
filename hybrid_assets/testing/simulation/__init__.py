"""The production control code on a virtual clock, with faults at every effect; one seed is one schedule.

    python -m hybrid_assets.testing.simulation --schedules 10000 --seed 1

Put the world that code runs in here: provider, clock, workers, faults, checks. No policy.
"""
