"""The routes of backends and usage. Put what is asked about the device over HTTP here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hybrid_assets_tests.loopback.clock import read_date, write_date
from hybrid_assets_tests.loopback.jobs_api import mock_name
from hybrid_assets_tests.loopback.wire import Refused, Reply, Request, reply_json

if TYPE_CHECKING:
    from hybrid_assets_tests.loopback.accounts import Accounts
    from hybrid_assets_tests.loopback.clock import ServerClock
    from hybrid_assets_tests.loopback.desk import Desk
    from hybrid_assets_tests.loopback.device import Device


class BackendsApi:
    """Shows the device, its mock for dry runs, and what the instance has used."""

    def __init__(self, *, device: Device, desk: Desk, accounts: Accounts, clock: ServerClock) -> None:
        self._device, self._desk, self._accounts, self._clock = device, desk, accounts, clock

    def list(self, request: Request) -> Reply:
        """Answer ``GET /backends``."""
        entry = self._entry()
        devices = [entry]
        if request.one("include_mocks"):
            devices.append(entry | {"name": mock_name(self._device.name), "class": "mock", "queue_length": 0})
        return reply_json({"devices": devices})

    def configuration(self, request: Request) -> Reply:
        """Answer ``GET /backends/{name}/configuration``."""
        name = self._name(request)
        self._device.at(None, request.one("calibration_id"))
        return reply_json(self._device.configuration | {"backend_name": name})

    def properties(self, request: Request) -> Reply:
        """Answer ``GET /backends/{name}/properties``: the newest not newer than ``updated_before``; ``{}`` if none."""
        self._name(request)
        before = request.one("updated_before")
        found = self._device.at(read_date(before) if before else None, request.one("calibration_id"))
        return Reply(body=found.body if found else b"{}")

    def status(self, request: Request) -> Reply:
        """Answer ``GET /backends/{name}/status``."""
        self._name(request)
        is_closed = self._desk.is_in_maintenance or request.has("maintenance")
        return reply_json({
            "state": not is_closed,
            "status": "maintenance" if is_closed else "active",
            "message": "",
            "length_queue": self._queue_length(),
            "backend_version": self._device.configuration["backend_version"],
        })  # fmt: skip

    def usage(self, _: Request) -> Reply:
        """Answer ``GET /instances/usage``."""
        now, used_s, limit_s = self._clock.now(), self._desk.billed_s, self._desk.usage_limit_s
        content: dict[str, Any] = {
            "instance_id": self._accounts.instance,
            "usage_consumed_seconds": used_s,
            "usage_period": {"start_time": write_date(now.replace(day=1)), "end_time": write_date(now)},
            "usage_limit_reached": self._desk.is_limit_reached,
        }
        if limit_s is not None:
            content |= {"usage_limit_seconds": limit_s, "usage_remaining_seconds": max(0.0, limit_s - used_s)}
        return reply_json(content)

    def _entry(self) -> dict[str, Any]:
        configuration, is_closed = self._device.configuration, self._desk.is_in_maintenance
        return {
            "name": self._device.name,
            "status": {"name": "paused" if is_closed else "online", "reason": "maintenance" if is_closed else ""},
            "qubits": configuration["n_qubits"],
            "queue_length": self._queue_length(),
            "processor_type": configuration.get("processor_type", {}),
            "is_simulator": False,
        }

    def _queue_length(self) -> int:
        return sum(not job.is_final for job in self._desk.book)

    def _name(self, request: Request) -> str:
        name = request.parts[0]
        if name not in {self._device.name, mock_name(self._device.name)}:
            raise Refused(404, 1007, f"Backend {name!r} not found.")
        return name
