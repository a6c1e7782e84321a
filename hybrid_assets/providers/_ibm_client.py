"""The genuine client, bounded: the one module that touches its private parts.

It asks the client's own REST layer, one request a question: the public objects cache final statuses, list ten jobs,
read a configuration for each job they show, and wait without end. Its version is pinned, and the tests of the loopback
service say what of it is relied upon. Import this module only when the service is asked: the client takes two seconds.
Put questions here; keep what answers mean out.
"""

from __future__ import annotations

import logging
import os
import threading
import warnings
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import ConfigurationError, TransientProviderError
from hybrid_assets.providers import _ibm_transport
from hybrid_assets.providers._error_codes import CLOSED_SESSION
from hybrid_assets.providers._ibm_calls import current_call
from hybrid_assets.providers._ibm_errors import answer_of

# No list of installed packages and no inspection of the call stack for each request; read when the client is imported.
os.environ.setdefault("USAGE_DATA_OPT_OUT", "True")

from qiskit_ibm_runtime import Batch, QiskitRuntimeService
from qiskit_ibm_runtime.api.exceptions import RequestsApiError
from qiskit_ibm_runtime.exceptions import IBMRuntimeError

from hybrid_assets.providers import _ibm_sampler

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from hybrid_assets.providers._ibm_options import IbmOptions
    from hybrid_assets.providers._ibm_requests import SentRequest
    from hybrid_assets.providers._ibm_secret import Secret

CHANNEL = "ibm_quantum_platform"
#: Jobs of one page of a listing; the service shows at most 200.
PAGE = 100
#: Pages after which a listing is given up: no tag of ours is on thousands of jobs.
MAX_PAGES = 50
#: The client reads these addresses from the environment, and only there.
_VARIABLES = {"iam_url": "IAM_URL", "search_url": "GLOBAL_SEARCH_URL", "catalog_url": "GLOBAL_CATALOG_URL"}
_ENVIRONMENT = threading.Lock()
#: Status of the answer to the cancellation of a job that has ended.
_ALREADY_FINAL = 409


class ClosedBatchError(TransientProviderError):
    """A batch takes no more jobs."""


class _BoundedService(QiskitRuntimeService):  # type: ignore[misc]  # the client has no types
    """The client, in which every API client is bounded before its first request, whoever makes it."""

    def __init__(self, options: IbmOptions, **arguments: Any) -> None:
        self._bounds = {"read_s": options.read_timeout_s, "post_s": options.post_timeout_s}
        self._fractional_gates = options.fractional_gates
        super().__init__(**arguments)

    @property
    def _active_api_client(self) -> Any:
        return self.__dict__["_bounded_api_client"]

    @_active_api_client.setter
    def _active_api_client(self, client: Any) -> None:
        _ibm_transport.mount(client._session, instance=client._instance, **self._bounds)  # noqa: SLF001 - see above
        self.__dict__["_bounded_api_client"] = client

    def backend(self, name: str, *_: Any, **options: Any) -> Any:
        """Return a backend without the client's search, which takes an outage of the API for an unknown name."""
        fractional = options.get("use_fractional_gates", self._fractional_gates)
        found = self._create_backend_obj(name, instance=self.active_instance(), use_fractional_gates=fractional)
        found.options.use_fractional_gates = fractional
        return found


class IbmClient:
    """One service object and its backend; thrown away after a deadline or a refused token."""

    def __init__(self, options: IbmOptions, service: Any) -> None:
        self._options, self._service = options, service
        self._backend: Any = None

    @classmethod
    def open(cls, options: IbmOptions, secret: Secret) -> IbmClient:
        """Sign in and find the instance."""
        _hush()
        url = options.url
        with _addresses(options):
            service = _BoundedService(
                options,
                channel=CHANNEL,
                token=secret.reveal(),
                instance=options.instance,
                url_resolver=(lambda *_: url) if url else None,
            )
        return cls(options, service)

    @property
    def _api(self) -> Any:
        api = self._service._active_api_client  # noqa: SLF001 - see the module's docstring
        if not _ibm_transport.is_mounted(api._session, api._session.base_url):  # noqa: SLF001 - as above
            raise ConfigurationError(
                "The client's HTTP session is not bounded, so that a job could be sent twice; nothing was sent. "
                "Install the version of qiskit-ibm-runtime that the lock file names."
            )
        return api

    def configuration(self) -> dict[str, Any]:
        """Return the device's configuration as the service has it now."""
        return deepcopy(self._api.backend_configuration(self._options.device, refresh=True))

    def properties(self, at: datetime | None) -> dict[str, Any] | None:
        """Return the calibration in force at a time, by default now; None where there is none."""
        found = self._api.backend_properties(self._options.device, datetime=at.astimezone(UTC) if at else None)
        return found or None

    def status(self) -> dict[str, Any]:
        """Return whether the device takes jobs."""
        return dict(self._api.backend_status(self._options.device))

    def usage(self) -> dict[str, Any]:
        """Return the seconds that the instance has used and may use."""
        return dict(self._api.cloud_usage())

    def plan(self) -> str:
        """Return name and plan of the instance."""
        found = [i for i in self._service.instances() if i["crn"] == self._service.active_instance()]
        return f"{found[0]['name']}, plan {found[0]['plan']}" if found else "unknown plan"

    def job(self, job_id: str) -> dict[str, Any]:
        """Return a job."""
        return dict(self._api.job_get(job_id))

    def metrics(self, job_id: str) -> dict[str, Any]:
        """Return a job's times and bill."""
        return dict(self._api.job_metadata(job_id))

    def result_text(self, job_id: str) -> str:
        """Return a job's result as text; of a failed job, what went wrong."""
        return str(self._api.job_results(job_id) or "")

    def cancel(self, job_id: str) -> None:
        """Ask for a job's cancellation; one that is already final stays as it is."""
        try:
            self._api.job_cancel(job_id)
        except RequestsApiError as exc:
            if exc.status_code != _ALREADY_FINAL:
                raise

    def jobs(self, tag: str, *, since: datetime | None) -> list[dict[str, Any]]:
        """Return all jobs that carry a tag, as the service lists them, oldest first.

        Raises:
            TransientProviderError: The listing has no end.
        """
        found: dict[str, dict[str, Any]] = {}
        received = 0
        for _ in range(MAX_PAGES):
            answer = self._api.jobs_get(
                limit=PAGE,
                skip=received,
                job_tags=[tag],
                created_after=since.astimezone(UTC) if since else None,
                descending=False,
            )
            found |= {job["id"]: job for job in answer["jobs"]}
            received += len(answer["jobs"])
            if not answer["jobs"] or received >= answer["count"]:
                return list(found.values())
        raise TransientProviderError(f"The listing of jobs tagged {tag} did not end after {MAX_PAGES} pages.")

    def open_batch(self) -> str:
        """Make a batch and return its id."""
        batch_id = Batch(backend=self._runtime_backend()).session_id
        if not batch_id:
            raise TransientProviderError("The service made no batch. Try again later, or set mode: job.")
        return str(batch_id)

    def run(self, pubs: list[Any], sent: SentRequest, *, max_run_s: int, batch_id: str | None) -> None:
        """Submit PUBs, in a batch or alone; the job's id is left in the call, see `_ibm_calls.Call`.

        The service ends a job that runs longer than ``max_run_s``.

        Raises:
            ClosedBatchError: The batch takes no jobs; nothing was made.
        """
        backend = self._runtime_backend()
        if self._options.dynamical_decoupling:
            backend.refresh()  # decoupling is scheduled with the durations of now
        mode = backend
        if batch_id is not None:
            mode = Batch(backend=backend, create_new=False)
            mode._session_id = batch_id  # noqa: SLF001 - `from_id` asks for the batch and the backend again
        try:
            _ibm_sampler.run(mode, pubs, sent, self._options, max_run_s=max_run_s)
        except IBMRuntimeError as exc:
            if batch_id is not None and answer_of(exc).code in CLOSED_SESSION:
                raise ClosedBatchError(f"Batch {batch_id} takes no more jobs.") from exc
            raise

    def _runtime_backend(self) -> Any:
        _ = self._api  # refuses what is not bounded
        if self._backend is None:
            self._backend = self._service.backend(self._options.device)
        return self._backend


def _hush() -> None:
    """Leave out what the client says to people; what matters of it is in our errors and messages."""
    logging.getLogger("qiskit_ibm_runtime").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="qiskit_ibm_runtime")


@contextmanager
def _addresses(options: IbmOptions) -> Iterator[None]:
    """Set the variables that the client reads while it signs in, and put them back."""
    wanted = {name: value for key, name in _VARIABLES.items() if (value := getattr(options, key)) is not None}
    if not wanted:
        yield
        return
    if not _ENVIRONMENT.acquire(timeout=current_call().left_s):
        raise TransientProviderError("Another sign-in to IBM is under way in this process and does not end.")
    try:
        before: Mapping[str, str | None] = {name: os.environ.get(name) for name in wanted}
        os.environ.update(wanted)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
    finally:
        _ENVIRONMENT.release()
