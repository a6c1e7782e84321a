"""The job desk: jobs from POST to their end, and the thread that runs them. Put their life here; keep HTTP out."""

from __future__ import annotations

import threading
import time
import traceback
from typing import TYPE_CHECKING

from hybrid_assets.errors import CapacityError, PermanentProviderError
from hybrid_assets_tests.loopback.wire import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybrid_assets_tests.loopback.book import JobRecord
    from hybrid_assets_tests.loopback.clock import ServerClock
    from hybrid_assets_tests.loopback.device import Calibration, Device
    from hybrid_assets_tests.loopback.faults import Fault
    from hybrid_assets_tests.loopback.machine import Machine
    from hybrid_assets_tests.loopback.options import LoopbackOptions
    from hybrid_assets_tests.loopback.programs import Outcomes

#: Codes of the ends a job may come to by itself.
NOT_SUPPORTED, TOO_WIDE, TOO_LONG, CANCELLED, INTERNAL = 1517, 6000, 1305, 5202, 9999


class Desk:
    """All jobs; every change of one happens under its lock and wakes whoever waits."""

    def __init__(self, *, options: LoopbackOptions, clock: ServerClock, device: Device, machine: Machine) -> None:
        self._options, self._clock, self._device, self._machine = options, clock, device, machine
        self.changed = threading.Condition()
        self.book: list[JobRecord] = []
        self.usage_limit_s = options.usage_limit_s
        self.is_in_maintenance = False
        self._is_stopping = False
        self._thread = threading.Thread(target=self._work, name="loopback-qpu", daemon=True)

    def start(self) -> None:
        """Begin to run jobs."""
        self._thread.start()

    @property
    def billed_s(self) -> float:
        """Billed seconds of all jobs."""
        return sum(job.billed_s for job in self.book)

    @property
    def is_limit_reached(self) -> bool:
        """Whether the instance has used up its seconds, so that jobs are held."""
        return self.usage_limit_s is not None and self.billed_s >= self.usage_limit_s

    def stop(self) -> None:
        """End the thread; a job that is running stays so."""
        with self.changed:
            self._is_stopping = True
            self.changed.notify_all()
        self._thread.join(timeout=10)

    def change(self, act: Callable[[], None]) -> None:
        """Do something to the desk or a job, and wake whoever waits."""
        with self.changed:
            act()
            self.changed.notify_all()

    def add(self, job: JobRecord) -> None:
        """Accept a job.

        Raises:
            Refused: Too many jobs are active.
        """
        with self.changed:
            limit = self._options.max_active_jobs
            if limit is not None and sum(not other.is_final for other in self.book) >= limit:
                raise Refused(400, 3458, "Job create exceeds the maximum number of concurrent jobs.")
            self.book.append(job)
            self.changed.notify_all()

    def find(self, job_id: str) -> JobRecord:
        """Return a job.

        Raises:
            Refused: There is none, or it was deleted.
        """
        with self.changed:
            for job in self.book:
                if job.id == job_id and not job.is_deleted:
                    return job
        raise Refused(404, 1291, f"Job not found. Job ID: {job_id}")

    def cancel(self, job: JobRecord) -> None:
        """Cancel a job; a running one is billed.

        Raises:
            Refused: It is final already.
        """
        with self.changed:
            if job.is_final:
                raise Refused(409, 1292, f"Job {job.id} is final already: {job.status}.")
            self._end(job, "Cancelled", reason="Job cancelled.", code=CANCELLED)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                self._run(job)
            except Exception:  # noqa: BLE001 - a job's trouble must end as that job's failure, not with the thread
                trouble = traceback.format_exc()
                with self.changed:
                    self._end(job, "Failed", reason=trouble, code=INTERNAL)

    def _next(self) -> JobRecord | None:
        """Wait for the next job and mark it as running; None when the desk is stopped."""
        with self.changed:
            while not self._is_stopping:
                queued = [job for job in self.book if job.status == "Queued"]
                first = queued[0] if queued and not (self.is_in_maintenance or self.is_limit_reached) else None
                wait_s = first.created_s + self._options.queue_s - time.monotonic() if first else None
                if first and wait_s is not None and wait_s <= 0:
                    first.status, first.running_at = "Running", self._clock.now()
                    self.changed.notify_all()
                    return first
                self.changed.wait(wait_s)
        return None

    def _run(self, job: JobRecord) -> None:
        fate = {fault.what: fault for fault in job.fate}
        if renewed := fate.get("recalibrated"):
            self._device.recalibrate(self._clock.now(), factor=renewed.factor, qubits=None)
            job.running_at = self._clock.now()
        calibration = self._device.current
        job.calibration = calibration.id
        if failing := fate.get("fail_before"):
            self._fail(job, failing)
            return
        if "never_ends" in fate:
            return
        if (outcomes := self._execute(job, calibration)) is None:
            return
        with self.changed:
            self.changed.wait_for(lambda: self._is_stopping or job.is_final, timeout=self._options.run_s)
            if not job.is_final:
                job.outcomes = outcomes
                self._finish(job, fate.get("fail_after"))

    def _execute(self, job: JobRecord, calibration: Calibration) -> list[Outcomes] | None:
        """Return what is measured; None where the circuits are not for this device. A mock backend executes nothing."""
        is_real = job.backend == self._device.name
        with self.changed:
            if job.is_final:
                return None
            job.executed = is_real  # from here on a cancelled job is billed
            self.changed.notify_all()
        try:
            if is_real:
                return [self._machine.execute(task, calibration) for task in job.work.tasks]
            return [self._machine.random(task) for task in job.work.tasks]
        except (PermanentProviderError, CapacityError) as exc:
            with self.changed:
                job.executed = False
                code = TOO_WIDE if isinstance(exc, CapacityError) else NOT_SUPPORTED
                self._end(job, "Failed", reason=str(exc), code=code)
            return None

    def _finish(self, job: JobRecord, failing: Fault | None) -> None:
        if job.max_execution_s is not None and job.estimated_s > job.max_execution_s:
            self._end(job, "Cancelled", reason="Job ran longer than its maximum execution time.", code=TOO_LONG)
        elif failing is not None:
            self._fail(job, failing)
        else:
            self._end(job, "Completed")

    def _fail(self, job: JobRecord, fault: Fault) -> None:
        with self.changed:
            self._end(job, "Failed", reason=f"Injected: {fault.what}.", code=fault.code)

    def _end(self, job: JobRecord, status: str, *, reason: str = "", code: int | None = None) -> None:
        """Close a job; what the machine did is billed, up to the client's cap."""
        if job.is_final:
            return
        if job.executed:
            job.billed_s = min(job.estimated_s, job.max_execution_s or job.estimated_s)
        job.status, job.reason, job.reason_code = status, reason, code
        job.finished_at = self._clock.now()
        self.changed.notify_all()
