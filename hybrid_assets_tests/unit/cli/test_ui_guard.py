"""What becomes of a request in front of an application that counts what reaches it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hybrid_assets.cli.front.guard import Guard
from hybrid_assets.cli.front.policy import Policy


class Web:
    """An application that answers everything, behind the guard."""

    def __init__(self, *, headers=()):
        self.reached, self.headers = [], list(headers)
        self.guard = Guard(self.app, policy=Policy(port=3000), reports_folder=Path("/nowhere/reports"))

    async def app(self, scope, receive, send):
        self.reached.append(scope["type"])
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": self.headers})
            await send({"type": "http.response.body", "body": b"ok"})

    def ask(self, path="/", method="GET", kind="http", extensions=(), **headers):
        """Return the messages that answer a request."""
        sent = []

        async def send(message):
            sent.append(message)

        async def receive():
            return {"type": "websocket.connect"}

        given = {"host": "127.0.0.1:3000"} | {name.replace("_", "-"): value for name, value in headers.items()}
        scope = {
            "type": kind,
            "path": path,
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "extensions": {name: {} for name in extensions},
        } | ({"method": method} if kind == "http" else {})
        asyncio.run(self.guard(scope, receive, send))
        return sent


def headers_of(messages):
    return [(name.decode(), value.decode()) for name, value in messages[0]["headers"]]


def test_what_is_refused_never_reaches_the_application():
    web = Web()
    start, body = web.ask(host="evil.example")
    assert (start["status"], web.reached) == (403, [])
    assert body["body"].startswith(b"Refused: this server does not answer to the host 'evil.example'.\nWhy: ")
    assert ("content-type", "text/plain; charset=utf-8") in headers_of([start])


def test_a_method_that_is_not_taken_names_those_that_are():
    assert ("allow", "POST") in headers_of(Web().ask("/graphql"))


def test_a_refused_subscription_is_answered_before_it_is_accepted():
    web = Web()
    (start, body) = web.ask(
        "/graphql", kind="websocket", extensions=["websocket.http.response"], origin="http://evil.example"
    )
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 403)
    assert b"another origin" in body["body"]
    (closed,) = web.ask("/graphql", kind="websocket", origin="http://evil.example")
    assert (closed["type"], closed["code"]) == ("websocket.close", 1008)
    assert web.reached == []


def test_an_answer_gets_headers_that_keep_other_pages_out_and_keeps_its_own():
    web = Web(headers=[(b"Content-Security-Policy", b"script-src 'nonce-1'"), (b"Referrer-Policy", b"origin")])
    headers = headers_of(web.ask())
    assert [value for name, value in headers if name.lower() == "content-security-policy"] == [
        "script-src 'nonce-1'",
        "frame-ancestors 'self'",
    ]
    assert [value for name, value in headers if name.lower() == "referrer-policy"] == ["origin"]
    assert {("x-frame-options", "SAMEORIGIN"), ("x-content-type-options", "nosniff")} <= set(headers)
    assert web.reached == ["http"]


def test_the_life_span_is_none_of_the_guards_business():
    web = Web()
    asyncio.run(web.guard({"type": "lifespan"}, None, None))
    assert web.reached == ["lifespan"]


@pytest.mark.parametrize("path", ["/reports", "/reports/", "/reports/none.html"])
def test_reports_are_not_dagsters_business(path):
    web = Web()
    assert web.ask(path)[0]["status"] in {308, 200, 404}
    assert web.reached == []


def test_head_has_no_body():
    web = Web()
    assert web.ask("/reports/", method="HEAD")[1]["body"] == b""
    assert web.ask("/", method="HEAD", host="evil.example")[1]["body"] == b""
