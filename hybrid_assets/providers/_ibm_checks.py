"""A look at the set-up of an IBM backend for `doctor`. Put what is looked at here; no finding holds a secret."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import HybridAssetsError, TransientProviderError
from hybrid_assets.model.diagnosis import Finding, FindingState
from hybrid_assets.providers._ibm_calls import server_now

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hybrid_assets.providers._ibm_options import IbmOptions
    from hybrid_assets.providers._ibm_service import IbmService

#: Beyond it access tokens are asked for more often, and times in reports mislead.
SKEW_WORTH_SAYING_S = 30.0


def findings(service: IbmService, options: IbmOptions) -> Iterator[Finding]:
    """Look at credentials, reachability, clocks, the plan's limits and the device, in this order."""
    try:
        service.secret()
        yield _ok("credentials", f"the environment variable {options.token_env} is set")
        plan, usage, status, skew_s = service.ask("A look at the service", _look)
    except HybridAssetsError as exc:
        may_pass = isinstance(exc, TransientProviderError)
        state = FindingState.UNREACHABLE if may_pass else FindingState.WRONG
        yield Finding(name="service", state=state, detail=str(exc))
        return
    yield _ok("service", f"signed in; instance {plan}")
    yield _clock(skew_s)
    yield _usage(usage)
    yield _device(status, options.device)
    pace = "unlimited" if options.posts_per_minute is None else f"{options.posts_per_minute} in any 60 s"
    yield _ok("limits", f"jobs submitted: {pace}; a job runs at most {options.max_run_s:g} s; mode {options.mode}")


def _look(client: Any) -> tuple[str, Mapping[str, Any], Mapping[str, Any], float]:
    usage, status = client.usage(), client.status()
    return client.plan(), usage, status, (server_now() - datetime.now(UTC)).total_seconds()


def _clock(skew_s: float) -> Finding:
    if abs(skew_s) <= SKEW_WORTH_SAYING_S:
        return _ok("clock", f"the service's clock differs by {abs(skew_s):.0f} s")
    word = "ahead of" if skew_s > 0 else "behind"
    detail = f"the service's clock is {abs(skew_s):.0f} s {word} this machine's. Set this machine's clock (NTP)."
    return Finding(name="clock", state=FindingState.WARNING, detail=detail)


def _usage(usage: Mapping[str, Any]) -> Finding:
    used_s = float(usage.get("usage_consumed_seconds") or 0.0)
    limit_s = usage.get("usage_limit_seconds") or usage.get("usage_allocation_seconds")
    limit = f"of {float(limit_s):.0f} s, {max(float(limit_s) - used_s, 0.0):.0f} s left" if limit_s else "without limit"
    detail = f"{used_s:.0f} s used {limit}"
    if not usage.get("usage_limit_reached"):
        return _ok("usage", detail)
    detail += ": the limit is reached. Jobs are accepted and held in the queue until the plan has time again."
    return Finding(name="usage", state=FindingState.WARNING, detail=detail)


def _device(status: Mapping[str, Any], device: str) -> Finding:
    words = f"{device}: {status.get('status_msg') or 'no status'}, {status.get('pending_jobs')} jobs waiting"
    if status.get("operational") and status.get("status_msg") == "active":
        return _ok("device", words)
    return Finding(name="device", state=FindingState.WARNING, detail=f"{words}; jobs will wait.")


def _ok(name: str, detail: str) -> Finding:
    return Finding(name=name, state=FindingState.OK, detail=detail)
