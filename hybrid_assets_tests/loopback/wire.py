"""Requests and replies as handlers see them. Put their shapes here; keep sockets and the API's content out."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from hybrid_assets_tests.loopback.faults import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request whose body was read."""

    method: str
    path: str
    query: str
    headers: Any
    body: bytes
    #: Parts of the path that the route names, for example the job's id.
    parts: tuple[str, ...] = ()
    fault: Fault | None = None

    def has(self, what: str) -> bool:
        """Return whether it meets this kind of fault."""
        return self.fault is not None and self.fault.what == what

    def one(self, name: str) -> str | None:
        """Return a parameter of the query."""
        found = self.all(name)
        return found[0] if found else None

    def all(self, name: str) -> list[str]:
        """Return all values of a parameter of the query."""
        return parse_qs(self.query).get(name, [])

    def json(self) -> Any:
        """Return the body.

        Raises:
            Refused: It is no JSON.
        """
        try:
            return json.loads(self.body)
        except ValueError as exc:
            raise Refused(400, 1001, f"The body is no JSON: {exc}") from exc


@dataclass(slots=True, kw_only=True)
class Reply:
    """What is answered."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    #: The job that a POST made.
    job_id: str | None = None


def reply_json(content: Any, status: int = 200) -> Reply:
    """Return a reply of JSON."""
    return Reply(status=status, body=json.dumps(content).encode())


class Refused(Exception):  # noqa: N818 - it is an answer, not an error
    """The service says no: HTTP status, IBM's error code and a message."""

    def __init__(self, status: int, code: int | str, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.retry_after_s = retry_after_s

    def reply(self) -> Reply:
        """Return the answer in the shape of IBM's errors."""
        content = {"errors": [{"code": self.code, "message": self.message, "more_info": ""}], "trace": "loopback"}
        reply = reply_json(content, self.status)
        if self.retry_after_s is not None:
            reply.headers["Retry-After"] = f"{self.retry_after_s:g}"
        return reply
