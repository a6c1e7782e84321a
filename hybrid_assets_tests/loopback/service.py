"""The service as tests see it: where it is, what it accepts, what happened. Put its public face here."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from hybrid_assets.circuits.importing import import_for_good
from hybrid_assets_tests.loopback.accounts import Accounts
from hybrid_assets_tests.loopback.backends_api import BackendsApi
from hybrid_assets_tests.loopback.clock import ServerClock
from hybrid_assets_tests.loopback.desk import Desk
from hybrid_assets_tests.loopback.device import Device
from hybrid_assets_tests.loopback.faults import FaultPlan
from hybrid_assets_tests.loopback.jobs_api import JobsApi
from hybrid_assets_tests.loopback.machine import Machine
from hybrid_assets_tests.loopback.options import LoopbackOptions
from hybrid_assets_tests.loopback.routes import API, build_routes
from hybrid_assets_tests.loopback.server import LoopbackServer
from hybrid_assets_tests.loopback.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from types import TracebackType

    from hybrid_assets_tests.loopback.book import JobRecord, PostRecord, RequestRecord
    from hybrid_assets_tests.loopback.device import Calibration
    from hybrid_assets_tests.loopback.faults import Fault
    from hybrid_assets_tests.loopback.sessions import SessionRecord


class LoopbackService:
    """An IBM Runtime service on 127.0.0.1, for as long as its ``with`` block lasts.

    Args:
        options: See `LoopbackOptions`, for example ``device="fake_torino"`` or ``listing_lag_s=5``.
    """

    def __init__(self, **options: Any) -> None:
        self.options = LoopbackOptions(**options)
        self._folder = tempfile.TemporaryDirectory(prefix="loopback-")
        self._clock = ServerClock(self.options.clock_skew_s)
        self._device = Device(
            self.options.device,
            name=self.options.name,
            has_fractional_gates=self.options.has_fractional_gates,
            folder=Path(self._folder.name),
        )
        self._accounts = Accounts(clock=self._clock, life_s=self.options.token_life_s)
        self._faults = FaultPlan()
        machine = Machine(self._device, self.options)
        self._desk = Desk(options=self.options, clock=self._clock, device=self._device, machine=machine)
        self._sessions = Sessions(desk=self._desk, clock=self._clock)
        jobs = JobsApi(
            options=self.options, clock=self._clock, device=self._device, desk=self._desk, sessions=self._sessions
        )
        backends = BackendsApi(device=self._device, desk=self._desk, accounts=self._accounts, clock=self._clock)
        routes = build_routes(self._accounts, backends, jobs, self._sessions)
        self._server = LoopbackServer(
            routes=routes,
            accounts=self._accounts,
            faults=self._faults,
            clock=self._clock,
            noted=lambda: self._desk.change(lambda: None),
        )

    def __enter__(self) -> Self:
        import_for_good()  # the threads of a service end with it
        self._desk.start()
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self._desk.stop()
        self._folder.cleanup()
        if kind is None and self._server.errors:
            raise ExceptionGroup("The loopback service itself failed.", self._server.errors)

    @property
    def base_url(self) -> str:
        """Where everything is."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def api_url(self) -> str:
        """Where the Runtime API is."""
        return self.base_url + API

    @property
    def instance(self) -> str:
        """CRN of the only instance."""
        return self._accounts.instance

    @property
    def token(self) -> str:
        """The only API key that is accepted."""
        return self._accounts.api_key

    def environment(self) -> dict[str, str]:
        """Return the variables that lead the unpatched client, in this or a child process, to this service."""
        return {
            "IAM_URL": self.base_url,
            "GLOBAL_SEARCH_URL": self.base_url,
            "GLOBAL_CATALOG_URL": self.base_url + "/catalog/api/v1",
            "USAGE_DATA_OPT_OUT": "True",
        }

    def inject(self, fault: Fault) -> Fault:
        """Add a fault and return it."""
        return self._faults.inject(fault)

    def recalibrate(self, *, factor: float = 1.5, qubits: Collection[int] | None = None) -> Calibration:
        """Put a new calibration in force: errors of these qubits, or of all, times ``factor``."""
        return self._device.recalibrate(self._clock.now(), factor=factor, qubits=qubits)

    def revoke_tokens(self) -> None:
        """Make every access token issued so far invalid; the API key stays good."""
        self._accounts.revoke()

    def set_maintenance(self, *, on: bool) -> None:
        """Begin or end maintenance: jobs are accepted and stay queued."""
        self._desk.change(lambda: setattr(self._desk, "is_in_maintenance", on))

    def set_usage_limit(self, limit_s: float | None) -> None:
        """Change the instance's billed seconds; jobs held for them go on if it is enough."""
        self._desk.change(lambda: setattr(self._desk, "usage_limit_s", limit_s))

    @property
    def calibrations(self) -> list[Calibration]:
        """All calibrations, oldest first."""
        return list(self._device.calibrations)

    @property
    def book(self) -> list[JobRecord]:
        """Every job that was made, oldest first."""
        return self._desk.book

    @property
    def sessions(self) -> list[SessionRecord]:
        """Every session and batch that was made, oldest first."""
        return self._sessions.book

    @property
    def posts(self) -> list[PostRecord]:
        """Every POST of a job, whether or not it made one."""
        return self._server.posts

    @property
    def requests(self) -> list[RequestRecord]:
        """Every request, in the order of the answers."""
        return self._server.requests

    @property
    def billed_s(self) -> float:
        """Billed seconds of all jobs."""
        return self._desk.billed_s

    @property
    def paid(self) -> float:
        """Money for them."""
        return self.billed_s * self.options.price

    def jobs_of(self, tag: str) -> list[JobRecord]:
        """Return the jobs with a tag, oldest first."""
        return [job for job in self.book if tag in job.tags]

    def executions_of(self, tag: str) -> int:
        """Return how many jobs with a tag were executed; more than one is paid twice."""
        return sum(job.executed for job in self.jobs_of(tag))

    def wait_for(self, condition: Callable[[], bool], *, timeout_s: float = 30.0) -> None:
        """Wait until something is true of the book, the posts or the requests.

        Raises:
            TimeoutError: It did not become true.
        """
        with self._desk.changed:
            if not self._desk.changed.wait_for(condition, timeout=timeout_s):
                raise TimeoutError(f"Not true after {timeout_s:g} s. The book: {self.book}")
