"""Amazon Braket's API as five calls that raise our errors. Put requests to AWS here; keep what they mean out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import TransientProviderError
from hybrid_assets.providers._braket_errors import translated

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from hybrid_assets.providers._braket_options import AwsOptions

#: Key of the tag that holds the request id.
TAG = "hybrid-assets-request"
CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 5, 30
#: Attempts at reading a file of a result, which costs nothing and changes nothing.
READ_ATTEMPTS = 4
#: Most summaries of one page of a search.
PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """The two boto3 clients that are needed."""

    braket: Any
    s3: Any


def connect(options: AwsOptions) -> Clients:
    """Return clients with the credentials that AWS's own chain finds (environment, profile, SSO, instance role).

    Braket's client never tries anything twice by itself: a creation repeated unseen could be paid twice.

    Raises:
        CredentialsError: The profile does not exist.
    """
    import boto3  # noqa: PLC0415 - half a second, and not needed for the local simulator
    from botocore.config import Config  # noqa: PLC0415 - as above
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - as above

    def config(attempts: int) -> Config:
        return Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"total_max_attempts": attempts, "mode": "standard"},
        )

    try:
        session = boto3.Session(region_name=options.region, profile_name=options.profile)
        return Clients(
            braket=session.client("braket", config=config(1)), s3=session.client("s3", config=config(READ_ATTEMPTS))
        )
    except BotoCoreError as exc:
        raise translated(exc, "be set up") from exc


class BraketService:
    """One device of the service. Every method raises the errors of `_braket_errors`."""

    def __init__(self, options: AwsOptions, connect: Callable[[AwsOptions], Clients]) -> None:
        self._options, self._connect = options, connect

    def create(self, action: str, *, shots: int, request_id: str) -> str:
        """Create a task and return its ARN; the request id is its token (the same one again is the same task) and tag.

        Raises:
            SubmissionUnknownError: The answer is missing or unclear.
        """
        answer = self._call(
            "create a task",
            self._clients.braket.create_quantum_task,
            creates=True,
            action=action,
            clientToken=request_id,
            deviceArn=self._options.device_arn,
            outputS3Bucket=self._options.s3_bucket,
            outputS3KeyPrefix=self._options.s3_prefix,
            shots=shots,
            tags={TAG: request_id},
        )
        return str(answer["quantumTaskArn"])

    def tagged(self, request_id: str, *, since: datetime | None) -> Sequence[str]:
        """Return the ARNs of the device's tasks with this request id, oldest first.

        Braket cannot search by tag, so all tasks of the device (since a time) are read, a hundred at a time.
        """
        filters = [{"name": "deviceArn", "operator": "EQUAL", "values": [self._options.device_arn]}]
        if since is not None:
            filters.append({"name": "createdAt", "operator": "GTE", "values": [since.isoformat()]})
        found: list[dict[str, Any]] = []

        def search() -> None:
            pages = self._clients.braket.get_paginator("search_quantum_tasks").paginate(
                filters=filters, PaginationConfig={"PageSize": PAGE}
            )
            for page in pages:
                found.extend(task for task in page["quantumTasks"] if task.get("tags", {}).get(TAG) == request_id)

        self._call("search for tasks", search)
        return [task["quantumTaskArn"] for task in sorted(found, key=lambda task: task["createdAt"])]

    def task(self, arn: str) -> dict[str, Any]:
        """Return ``GetQuantumTask``'s answer, with the position in the queue."""
        ask = self._clients.braket.get_quantum_task
        return dict(self._call("describe a task", ask, quantumTaskArn=arn, additionalAttributeNames=["QueueInfo"]))

    def cancel(self, arn: str) -> None:
        """Ask for a cancellation."""
        self._call("cancel a task", self._clients.braket.cancel_quantum_task, quantumTaskArn=arn)

    def device(self) -> dict[str, Any]:
        """Return ``GetDevice``'s answer."""
        ask = self._clients.braket.get_device
        return dict(self._call("describe the device", ask, deviceArn=self._options.device_arn))

    def text(self, bucket: str, key: str) -> str:
        """Return the text of an object.

        Raises:
            TransientProviderError: It is not there (yet), or was cut on its way.
        """

        def read() -> str:
            content: bytes = self._clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            return content.decode()

        try:
            return str(self._call(f"read s3://{bucket}/{key}", read))
        except UnicodeDecodeError as exc:
            raise TransientProviderError(f"s3://{bucket}/{key} is no text: {exc}. It is read again.") from exc

    def _call(self, doing: str, send: Callable[..., Any], *, creates: bool = False, **arguments: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see `connect`

        try:
            return send(**arguments)
        except (BotoCoreError, ClientError) as exc:
            raise translated(exc, doing, creates=creates) from exc

    @cached_property
    def _clients(self) -> Clients:
        return self._connect(self._options)
