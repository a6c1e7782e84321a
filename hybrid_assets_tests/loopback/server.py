"""HTTP: sockets, keep-alive, and the faults of the line. Put nothing of the API's content here."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hybrid_assets_tests.loopback.book import PostRecord, RequestRecord
from hybrid_assets_tests.loopback.faults import AFTER, BEFORE
from hybrid_assets_tests.loopback.wire import Refused, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybrid_assets_tests.loopback.accounts import Accounts
    from hybrid_assets_tests.loopback.clock import ServerClock
    from hybrid_assets_tests.loopback.faults import Fault, FaultPlan
    from hybrid_assets_tests.loopback.routes import Route

PROXY_PAGE = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
#: What a fault puts in the place of a good reply's status, body and type.
_INSTEAD: dict[str, tuple[int, bytes, str]] = {
    "empty": (200, b"", "application/json"),
    "no_content": (204, b"", "application/json"),
    "null": (200, b"null", "application/json"),
    "html": (200, PROXY_PAGE, "text/html"),
}
#: Pieces a trickled body is sent in.
_PIECES = 64


class LoopbackServer(ThreadingHTTPServer):
    """Serves the routes on a free port of 127.0.0.1; closing it ends every connection at once."""

    daemon_threads = True

    def __init__(
        self,
        *,
        routes: list[Route],
        accounts: Accounts,
        faults: FaultPlan,
        clock: ServerClock,
        noted: Callable[[], None],
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.routes, self.accounts, self.faults = routes, accounts, faults
        self.clock = clock
        #: Called after a request was written into the book.
        self.noted = noted
        self.requests: list[RequestRecord] = []
        self.posts: list[PostRecord] = []
        #: Errors of this server itself, which a test must not take for a fault.
        self.errors: list[BaseException] = []
        self.stopping = threading.Event()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name="loopback-http", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def close(self) -> None:
        """Stop serving; connections in a silence are cut."""
        self.stopping.set()
        self.shutdown()
        self._thread.join(timeout=10)
        for connection, thread in list(self._connections.items()):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=10)
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection in a thread of its own, known from the start so that it can be ended."""
        thread = threading.Thread(target=self._serve_connection, args=(request, client_address), daemon=True)
        self._connections[request] = thread
        thread.start()

    def _serve_connection(self, request: Any, client_address: Any) -> None:
        try:
            self.process_request_thread(request, client_address)
        finally:
            self._connections.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Forget a connection that the client left; keep errors of the server's own."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError):
            self.errors.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "loopback"
    #: Head and body leave in one piece; two would wait for each other's acknowledgment.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: LoopbackServer

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = [(route, match) for route in self.server.routes if (match := route.pattern.match(parts.path))]
        route, match = next(((r, m) for r, m in found if r.method == self.command), (None, None))
        fault = self.server.faults.take(route.name) if route else None
        request = Request(
            method=self.command,
            path=parts.path,
            query=parts.query,
            headers=self.headers,
            body=body,
            parts=match.groups() if match else (),
            fault=fault,
        )
        began_s = time.monotonic()
        reply = self._answer(route, request)
        sent = reply if reply is not None and (fault is None or fault.what not in _UNSENT) else None
        self._note(route, request, began_s=began_s, reply=reply, sent=sent)
        try:
            if sent is not None:
                _SENDERS.get(fault.what if fault else "", _Handler._send)(self, sent, fault)
            elif fault and fault.what.startswith("silence"):
                self.server.stopping.wait(fault.for_s)
        finally:
            if sent is None or (fault and fault.what in _CLOSING):
                self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - names the base class calls

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the header Date, by the server's clock."""
        return super().date_time_string(self.server.clock.now().timestamp() if timestamp is None else timestamp)

    def log_message(self, *_: Any) -> None:
        """Say nothing; the book knows."""

    def _answer(self, route: Route | None, request: Request) -> Reply | None:
        """Return what is to be answered, None for nothing."""
        fault = request.fault
        try:
            if route is None:
                self.server.errors.append(LookupError(f"No route {request.method} {request.path}."))
                return Refused(404, 1000, f"No route {request.method} {request.path}.").reply()
            if fault and fault.what in BEFORE:
                return self._refuse(fault, route, request)
            self._check(route, request)
            reply = route.handle(request)
        except Refused as refused:
            return refused.reply()
        except Exception as exc:  # noqa: BLE001 - kept, and raised when the service is closed
            self.server.errors.append(exc)
            return Refused(500, 9999, f"Loopback service: {type(exc).__name__}: {exc}").reply()
        return _altered(reply, fault) if fault and fault.what in AFTER else reply

    def _refuse(self, fault: Fault, route: Route, request: Request) -> Reply | None:
        if fault.what == "rate_limited":
            raise Refused(429, 1202, "Too many requests.", retry_after_s=fault.retry_after_s)
        if fault.what == "error":
            raise Refused(fault.status, 1999, "Injected.", retry_after_s=fault.retry_after_s)
        if fault.what == "revoked":
            self.server.accounts.revoke()
            if not route.needs_token:
                raise Refused(401, 1200, "Injected.")
            self._check(route, request)
        return None

    def _check(self, route: Route, request: Request) -> None:
        if route.needs_token:
            self.server.accounts.check(request, needs_instance=route.needs_instance)

    def _note(
        self, route: Route | None, request: Request, *, began_s: float, reply: Reply | None, sent: Reply | None
    ) -> None:
        name, status = (route.name if route else ""), (sent.status if sent else None)
        scheme = (request.headers.get("Authorization") or "").partition(" ")[0]
        self.server.requests.append(
            RequestRecord(
                at_s=began_s,
                method=request.method,
                path=request.path,
                query=request.query,
                route=name,
                scheme=scheme,
                status=status,
            )
        )
        if name == "post_job":
            fault = request.fault.what if request.fault else None
            job_id = reply.job_id if reply else None
            self.server.posts.append(PostRecord(at_s=began_s, status=status, job_id=job_id, fault=fault))
        self.server.noted()

    def _send(self, reply: Reply, _: Fault | None) -> None:
        self._head(reply)
        self.wfile.write(reply.body)

    def _send_half(self, reply: Reply, _: Fault | None) -> None:
        self._head(reply)
        self.wfile.write(reply.body[: len(reply.body) // 2])

    def _trickle(self, reply: Reply, fault: Fault | None) -> None:
        self._head(reply)
        step = -(-len(reply.body) // _PIECES) or 1
        for start in range(0, len(reply.body), step):
            self.wfile.write(reply.body[start : start + step])
            self.wfile.flush()
            if self.server.stopping.wait((fault.for_s if fault else 0.0) / _PIECES):
                return

    def _head(self, reply: Reply) -> None:
        self.send_response(reply.status)
        if reply.body:
            self.send_header("Content-Type", reply.content_type)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()


def _altered(reply: Reply, fault: Fault) -> Reply:
    """Return a good reply as the fault makes it."""
    if fault.what == "error_after":
        refused = Refused(fault.status, 1999, "Injected.", retry_after_s=fault.retry_after_s).reply()
        refused.job_id = reply.job_id
        return refused
    if fault.what in _INSTEAD:
        status, body, content_type = _INSTEAD[fault.what]
        return Reply(status=status, body=body, content_type=content_type, job_id=reply.job_id)
    if fault.what == "garbled" and reply.body:
        middle = len(reply.body) // 2
        reply.body = reply.body[:middle] + b"\x00" + reply.body[middle + 1 :]
    return reply


#: Faults after which nothing is sent, and those after which the connection is closed.
_UNSENT = frozenset({"drop", "drop_after", "silence", "silence_after"})
_CLOSING = _UNSENT | {"cut", "trickle"}
_SENDERS: dict[str, Callable[[_Handler, Reply, Fault | None], None]] = {
    "cut": _Handler._send_half,
    "trickle": _Handler._trickle,
}
