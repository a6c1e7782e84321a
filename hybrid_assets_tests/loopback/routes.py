"""The table of routes: method and path -> name and handler. Put new routes here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybrid_assets_tests.loopback.accounts import Accounts
    from hybrid_assets_tests.loopback.backends_api import BackendsApi
    from hybrid_assets_tests.loopback.jobs_api import JobsApi
    from hybrid_assets_tests.loopback.sessions import Sessions
    from hybrid_assets_tests.loopback.wire import Reply, Request

API = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route."""

    name: str
    method: str
    pattern: re.Pattern[str]
    handle: Callable[[Request], Reply]
    needs_token: bool
    needs_instance: bool


def build_routes(accounts: Accounts, backends: BackendsApi, jobs: JobsApi, sessions: Sessions) -> list[Route]:
    """Return all routes."""
    part = "([^/]+)"
    return [
        _route("token", "POST", "/identity/token", accounts.token, needs_token=False),
        _route("search", "POST", "/v3/resources/search", accounts.search),
        _route("catalog", "GET", f"/catalog/api/v1/{part}", accounts.catalog),
        _route("backends", "GET", f"{API}/backends", backends.list),
        _route("configuration", "GET", f"{API}/backends/{part}/configuration", backends.configuration),
        _route("properties", "GET", f"{API}/backends/{part}/properties", backends.properties),
        _route("status", "GET", f"{API}/backends/{part}/status", backends.status),
        _route("usage", "GET", f"{API}/instances/usage", backends.usage),
        _route("post_job", "POST", f"{API}/jobs", jobs.create),
        _route("list_jobs", "GET", f"{API}/jobs", jobs.list),
        _route("get_job", "GET", f"{API}/jobs/{part}", jobs.show),
        _route("delete_job", "DELETE", f"{API}/jobs/{part}", jobs.delete),
        _route("results", "GET", f"{API}/jobs/{part}/results", jobs.results),
        _route("logs", "GET", f"{API}/jobs/{part}/logs", jobs.logs),
        _route("metrics", "GET", f"{API}/jobs/{part}/metrics", jobs.metrics),
        _route("cancel", "POST", f"{API}/jobs/{part}/cancel", jobs.cancel),
        _route("tags", "PUT", f"{API}/jobs/{part}/tags", jobs.tag),
        _route("create_session", "POST", f"{API}/sessions", sessions.create),
        _route("get_session", "GET", f"{API}/sessions/{part}", sessions.show),
        _route("patch_session", "PATCH", f"{API}/sessions/{part}", sessions.update),
        _route("close_session", "DELETE", f"{API}/sessions/{part}/close", sessions.close),
    ]


def _route(name: str, method: str, path: str, handle: Callable[[Request], Reply], *, needs_token: bool = True) -> Route:
    return Route(
        name=name,
        method=method,
        pattern=re.compile(path + "$"),
        handle=handle,
        needs_token=needs_token,
        needs_instance=path.startswith(API),
    )
