"""The guard as ASGI middleware: asks the policy, refuses or serves, adds headers. Put no rule here (`policy`)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hybrid_assets.cli.front import reports
from hybrid_assets.cli.front.policy import REPORTS, Asked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from pathlib import Path

    from hybrid_assets.cli.front.policy import Policy, Refusal

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Message, Receive, Send], Awaitable[None]]
    Headers = list[tuple[bytes, bytes]]

#: On every answer that does not say otherwise: nobody else may frame, load or reinterpret it.
_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"SAMEORIGIN",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
}
#: Beside the policy that Dagster gives its page: a browser enforces both.
_NO_FOREIGN_FRAME = (b"content-security-policy", b"frame-ancestors 'self'")


class Guard:
    """An ASGI application in front of another one."""

    def __init__(self, app: App, *, policy: Policy, reports_folder: Path) -> None:
        self._app, self._policy, self._reports = app, policy, reports_folder

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, connection or life-span."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        asked = _asked(scope)
        refusal = self._policy.refusal(asked)
        if refusal is not None:
            await _refuse(scope, receive, send, refusal)
        elif asked.path == REPORTS:
            await _answer(send, 308, b"", [(b"location", b"/reports/")])
        elif asked.path.startswith(REPORTS + "/"):
            await self._serve_report(asked, send)
        else:
            await self._app(scope, receive, _with_headers(send))

    async def _serve_report(self, asked: Asked, send: Send) -> None:
        found = await asyncio.to_thread(reports.page, self._reports, asked.path.removeprefix(REPORTS + "/"))
        headers = [
            (b"content-type", found.content_type.encode()),
            (b"content-security-policy", reports.CONTENT_POLICY.encode()),
            (b"cache-control", b"no-store"),
        ]
        await _answer(send, found.status, found.body, headers, is_head=asked.method == "HEAD")


def _asked(scope: Message) -> Asked:
    headers: dict[str, tuple[str, ...]] = {}
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1").lower()
        headers[name] = (*headers.get(name, ()), raw_value.decode("latin-1"))
    return Asked(
        path=scope["path"],
        method=scope.get("method", "GET").upper(),
        query=scope.get("query_string", b"").decode("latin-1"),
        is_websocket=scope["type"] == "websocket",
        headers=headers,
    )


async def _refuse(scope: Message, receive: Receive, send: Send, refusal: Refusal) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    if refusal.allow:
        headers.append((b"allow", refusal.allow.encode()))
    if scope["type"] == "http":
        await _answer(send, refusal.status, refusal.text.encode(), headers, is_head=scope["method"] == "HEAD")
        return
    await receive()  # the request to connect
    if "websocket.http.response" in scope.get("extensions", {}):
        await _answer(send, refusal.status, refusal.text.encode(), headers, kind="websocket.http.response")
    else:
        await send({"type": "websocket.close", "code": 1008, "reason": refusal.what[:100]})


async def _answer(
    send: Send, status: int, body: bytes, headers: Headers, *, is_head: bool = False, kind: str = "http.response"
) -> None:
    headers = [*headers, *_HEADERS.items(), (b"content-length", str(len(body)).encode())]
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": b"" if is_head else body})


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message.get("headers", ())}
            added = [item for item in _HEADERS.items() if item[0] not in present]
            message["headers"] = [*message.get("headers", ()), *added, _NO_FOREIGN_FRAME]
        await send(message)

    return sending
