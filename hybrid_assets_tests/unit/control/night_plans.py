"""Plans and approvals to test with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hybrid_assets.model.costs import Range
from hybrid_assets.model.gates import Approval, GateDecision
from hybrid_assets.model.plans import PlanCell, SweepPlan

NIGHT = "2026-11-23"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(hours):
    return NOW + timedelta(hours=hours)


def up_to(high):
    return None if high is None else Range(low=0.0, likely=0.0, high=high)


def cell(*, backend="qpu", qpu_s=100.0, money=160.0, kernels=20, **facts):
    values = {
        "night": NIGHT,
        "workload": "maxcut",
        "backend": backend,
        "instances": 2,
        "kernels": kernels,
        "cached_kernels": 0,
        "new_kernels": kernels,
        "kernels_hash": "k1",
        "compile_hits": 1,
        "compile_misses": 1,
        "shots": 1000,
        "qpu_s": up_to(qpu_s),
        "money": up_to(money),
        "reason": "new kernels",
        "calibration_id": "cal-1",
        "inputs_version": "in-1",
        "is_metered": True,
        "phase": "broad",
    }
    return PlanCell(**(values | facts))


def plan(*cells, night=NIGHT, made_at=NOW):
    return SweepPlan(night=night, cells=cells or (cell(),), made_at=made_at)


def word(of, *, decision=GateDecision.APPROVED, hours=-1.0, ends=None, workload="maxcut", **facts):
    """Return what was said ``hours`` from now of a plan, until ``ends`` hours from now."""
    values = {
        "night": of.night,
        "workload": workload,
        "plan_hash": of.hash_of("maxcut"),
        "decision": decision,
        "signer": "ada",
        "reason": "looks right",
        "decided_at": at(hours),
        "expires_at": None if ends is None else at(ends),
        "parts": of.parts_of("maxcut"),
    }
    return Approval(**(values | facts))
