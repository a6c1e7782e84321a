"""How requests leave: time limits on each, no repeated POST, no key but to IAM, no answer without end.

Everything the genuine client sends goes through `BoundedAdapter` with the header of `TokenAuth`. What the client does
by itself otherwise: it repeats a job's POST on 5xx (two paid jobs), waits for ever for a GET, and sends the raw API key
to the Runtime host when IAM is down. Put rules about single requests here; keep the API's content out.
"""

from __future__ import annotations

import json
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import RequestException, TooManyRedirects
from urllib3.exceptions import ConnectTimeoutError, HTTPError
from urllib3.util import Retry

from hybrid_assets.errors import CredentialsError
from hybrid_assets.providers._ibm_calls import current_call

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session

    from hybrid_assets.providers._ibm_calls import Call

CONNECT_S = 5.0
#: A result of 4.5 million executions of 64 bits takes 48 MB of base64.
MAX_BODY_BYTES = 128 << 20
#: Two more tries of a question, 0 and 0.2 s apart: the control plane is the layer that waits, also for a Retry-After.
ASK_AGAIN = Retry(
    total=2,
    connect=1,
    backoff_factor=0.1,
    status_forcelist=(500, 502, 503, 504, 520, 521, 522, 524),
    allowed_methods=("GET",),
    respect_retry_after_header=False,
    raise_on_status=False,
)
#: Whatever changes something is sent once.
SEND_ONCE = Retry(total=0, respect_retry_after_header=False, raise_on_status=False)
#: A token is renewed when so much of its life is over, by this machine's monotonic clock.
TOKEN_LIFE_USED = 0.8


class IamError(Exception):
    """IAM gave no token: its HTTP status (None: no answer) and its words."""

    def __init__(self, status: int | None, words: str) -> None:
        super().__init__(words)
        self.status = status


class TokenAuth(AuthBase):
    """Puts an access token into a request, or lets it not leave at all."""

    def __init__(self, manager: Any, *, instance: str, read_s: float) -> None:
        """Wrap the client's own token manager.

        Args:
            manager: An ``IAMTokenManager``; asks IAM.
            instance: CRN of the instance.
            read_s: Longest silence of IAM.
        """
        manager.http_config = {"timeout": (CONNECT_S, read_s), "allow_redirects": False}
        self._manager, self._instance = manager, instance
        self._token, self._renew_at_s = "", 0.0

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers.update({"Service-CRN": self._instance, "Authorization": f"Bearer {self._valid_token()}"})
        return request

    def __deepcopy__(self, _: Any) -> TokenAuth:
        return self

    def _valid_token(self) -> str:
        """Return a token; asked for directly, because the manager waits a minute after a failure."""
        asked_at_s = time.monotonic()
        if asked_at_s >= self._renew_at_s:
            current_call().require_wanted()
            try:
                answer = self._manager.request_token()
                token, life_s = str(answer["access_token"]), float(answer.get("expires_in") or 0.0)
            except Exception as exc:
                raise IamError(getattr(exc, "status_code", None), f"{type(exc).__name__}: {exc}") from exc
            self._token, self._renew_at_s = token, asked_at_s + TOKEN_LIFE_USED * life_s
        return self._token


class BoundedAdapter(HTTPAdapter):
    """Sends requests of one API client."""

    def __init__(self, *, read_s: float, post_s: float) -> None:
        super().__init__(max_retries=ASK_AGAIN)
        self._read_s, self._post_s = read_s, post_s

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,  # noqa: ARG002, FBT001, FBT002 - the signature of requests
        timeout: Any = None,  # noqa: ARG002 - the client's own are none, or 15 minutes
        verify: Any = True,  # noqa: FBT002 - as above
        cert: Any = None,
        proxies: Any = None,
    ) -> Response:
        """Send a request within what is left of its call, and read its answer whole."""
        call = current_call()
        call.require_wanted()
        if not str(request.headers.get("Authorization") or "").startswith("Bearer "):
            raise CredentialsError("A request without an access token was stopped: the API key goes to IAM only.")
        is_question, is_job = request.method == "GET", request.method == "POST" and _path(request).endswith("/jobs")
        silence_s = self._read_s if is_question else self._post_s
        limits: dict[str, Any] = {"timeout": (min(CONNECT_S, call.left_s), min(silence_s, call.left_s)), "stream": True}
        limits |= {"verify": verify, "cert": cert, "proxies": proxies}
        if is_question:
            return _whole(super().send(request, **limits), call)
        if not is_job:
            return _sent_once(request, limits, call)
        call.leave()
        try:
            answer = _sent_once(request, limits, call)
        except RequestException as exc:
            if _never_connected(exc):
                call.stay()
            raise
        call.post_status, call.job_id = answer.status_code, _job_id(answer)
        return answer


def mount(session: Session, *, instance: str, read_s: float, post_s: float) -> None:
    """Bound a session of the client, before its first request; one that is bounded keeps its connections."""
    if is_mounted(session, "https://"):
        return
    manager = getattr(session.auth, "tm", None)
    if manager is not None:
        session.auth = TokenAuth(manager, instance=instance, read_s=read_s)
    adapter = BoundedAdapter(read_s=read_s, post_s=post_s)
    for prefix in ("http://", "https://"):
        session.mount(prefix, adapter)


def is_mounted(session: Session, url: str) -> bool:
    """Tell whether what this session sends to a URL (or to any of its scheme) is bounded."""
    return isinstance(session.get_adapter(url), BoundedAdapter) and isinstance(session.auth, TokenAuth)


def _sent_once(request: PreparedRequest, limits: dict[str, Any], call: Call) -> Response:
    """Send a request over a connection of its own: one that was kept may be closed at the other end, a doubt less."""
    request.headers["Connection"] = "close"
    with closing(HTTPAdapter(max_retries=SEND_ONCE)) as adapter:
        return _whole(adapter.send(request, **limits), call)


def _whole(response: Response, call: Call) -> Response:
    """Read an answer's body within the call's time and `MAX_BODY_BYTES`."""
    call.server_date = response.headers.get("Date", call.server_date)
    if response.is_redirect:
        response.close()
        raise TooManyRedirects(f"The service sent a redirect (HTTP {response.status_code}); it is not followed.")
    try:
        body = _read(response, call)
    except (HTTPError, OSError) as exc:
        response.close()
        raise exc if isinstance(exc, RequestException) else NoConnection(f"The answer broke off: {exc}") from exc
    # As requests would leave it; a connection whose answer was read to its end goes back to the pool by itself.
    response._content, response._content_consumed = body, True  # noqa: SLF001 - as said
    return response


def _read(response: Response, call: Call) -> bytes:
    parts, size = [], 0
    while part := response.raw.read1(1 << 16, decode_content=True):  # whatever has come, not a full buffer
        parts.append(part)
        size += len(part)
        call.require_wanted()
        if size > MAX_BODY_BYTES or time.monotonic() > call.deadline_at_s:
            raise NoConnection(f"The answer had no end: {size} bytes were read.")
    if response.raw.length_remaining:
        raise NoConnection(f"The answer was cut after {size} bytes.")
    return b"".join(parts)


def _path(request: PreparedRequest) -> str:
    return str(request.path_url).partition("?")[0].rstrip("/")


def _job_id(answer: Response) -> str | None:
    if not answer.ok:
        return None
    try:
        found = json.loads(answer.content)["id"]
    except (ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) and found else None


def _never_connected(exc: RequestException) -> bool:
    """Whether a request cannot have reached anybody."""
    reason = getattr(exc.args[0], "reason", None) if exc.args else None
    return isinstance(reason, ConnectTimeoutError)  # of which a refused connection or an unknown host is one
