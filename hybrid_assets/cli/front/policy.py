"""Which requests may reach Dagster's web server: a pure function of a request's facts. Put every such rule here.

Dagster's own server asks nobody who they are, and executes GraphQL *mutations* that come by GET or as text/plain, with
any ``Host`` and ``Origin``. On the loopback address that still lets every page of the user's browser launch runs:
directly (cross-site request), or by a name that its owner points to 127.0.0.1 (DNS rebinding). So, in this order:

1. ``Host`` is one of ours. A rebound name is not.
2. A request that a page of another origin made is refused, told by ``Origin``, ``Sec-Fetch-Site`` or ``Referer``; only
   a plain page load may come from a link elsewhere. A script that sends none of them is no browser and may ask.
3. Nothing acts on GET. POST carries JSON, which a page of another origin cannot send without asking first, and we never
   answer that question.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

#: The largest request: a launch with its whole run configuration is a few kilobytes.
MAX_BODY_BYTES = 8 * 2**20
REPORTS = "/reports"
_READING = frozenset({"GET", "HEAD"})
#: A name of DNS or an address, and perhaps a port.
_SHARED_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?", re.ASCII)
_SHOWN_LENGTH = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What decides about a request."""

    path: str
    method: str = "GET"
    query: str = ""
    is_websocket: bool = False
    #: Lower-case name -> all its values.
    headers: Mapping[str, tuple[str, ...]]

    def values(self, name: str) -> tuple[str, ...]:
        """Return all values of a header."""
        return self.headers.get(name, ())

    def value(self, name: str) -> str:
        """Return a header, lower-case; several of it are joined, which then equals nothing that is allowed."""
        return ", ".join(self.values(name)).strip().lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer instead of Dagster's."""

    status: int
    what: str
    why: str
    remedy: str
    #: Methods that would be taken, of a 405.
    allow: str = ""

    @property
    def text(self) -> str:
        """What, why, what to do."""
        return f"Refused: {self.what}.\nWhy: {self.why}.\nWhat to do: {self.remedy}.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The addresses that one server answers to."""

    port: int
    #: Further values of ``Host``, lower-case; only where nothing can be launched.
    shared_hosts: Collection[str] = ()

    @property
    def hosts(self) -> frozenset[str]:
        """Values of ``Host`` that are ours."""
        names = ("127.0.0.1", "localhost", "[::1]")
        default = names if self.port == 80 else ()  # which browsers leave out
        return frozenset({*(f"{name}:{self.port}" for name in names), *default, *self.shared_hosts})

    def refusal(self, asked: Asked) -> Refusal | None:
        """Return why a request is not let through; None where it is."""
        return self._wrong_host(asked) or _foreign(asked) or _wrong_path(asked) or _wrong_method(asked)

    def _wrong_host(self, asked: Asked) -> Refusal | None:
        if len(asked.values("host")) == 1 and asked.value("host") in self.hosts:
            return None
        return Refusal(
            status=403,
            what=f"this server does not answer to the host {_shown(asked.value('host'))}",
            why="a page of another site could reach it under a name of its own (DNS rebinding) and launch runs",
            remedy=f"open http://127.0.0.1:{self.port}, or share a server that cannot launch anything: "
            "`hybrid-assets ui --read-only --allow-host NAME`",
        )


def shared_host(name: str) -> str | None:
    """Return a host as ``Host`` will name it, lower-case; None where it is no host name with an optional port."""
    lowered = name.lower()
    return lowered if _SHARED_HOST.fullmatch(lowered) else None


def _foreign(asked: Asked) -> Refusal | None:
    host, site = asked.value("host"), asked.value("sec-fetch-site")
    foreign = [origin for origin in asked.values("origin") if not _is_of(origin, host)]
    if not foreign and not _is_page_load(asked):
        if site and site not in {"same-origin", "none"}:
            foreign = [site]
        elif not site and not asked.values("origin"):
            foreign = [referer for referer in asked.values("referer") if not _is_of(referer, host)]
    if not foreign:
        return None
    return Refusal(
        status=403,
        what=f"the request was made by a page of another origin ({_shown(foreign[0])})",
        why="it could launch runs, which costs money, with the rights of whoever has that page open",
        remedy="ask from this server's own pages, or from a script that sends no Origin",
    )


def _is_of(address: str, host: str) -> bool:
    """Whether an origin or address belongs to the host that was asked."""
    try:
        parts = urlsplit(address.strip().lower())
    except ValueError:  # a bracket without its other half
        return False
    return parts.scheme in {"http", "https"} and parts.netloc == host


def _is_page_load(asked: Asked) -> bool:
    """Whether the browser shows the answer as a page of its own: no page of another origin can read that."""
    if asked.is_websocket or asked.method not in _READING:
        return False
    if not asked.value("sec-fetch-site"):  # an old browser, which tells nothing of it
        return True
    return asked.value("sec-fetch-mode") == "navigate" and asked.value("sec-fetch-dest") in {"", "document"}


def _wrong_path(asked: Asked) -> Refusal | None:
    parts = asked.path.split("/")
    is_plain = asked.path.startswith("/") and asked.path.isprintable() and "\\" not in asked.path
    if is_plain and not {".", ".."} & set(parts):
        return None
    return Refusal(
        status=404,
        what=f"there is no page {_shown(asked.path)}",
        why="a path here holds no dots as steps, no backslashes and no control characters",
        remedy="follow the links of the start page",
    )


def _wrong_method(asked: Asked) -> Refusal | None:
    first = asked.path.lstrip("/").partition("/")[0].lower()
    is_graphql, is_event = first == "graphql", first.startswith("report_asset")
    if asked.is_websocket:
        return None if is_graphql else _not_allowed(asked, "GET", why="only /graphql speaks WebSocket")
    if asked.method == "POST" and (is_graphql or is_event):
        return _wrong_body(asked)
    if is_event or asked.method not in _READING:
        return _not_allowed(asked, "POST" if is_graphql or is_event else "GET, HEAD", why="nothing here acts on it")
    if is_graphql and (asked.query or "text/html" not in asked.value("accept")):
        return _not_allowed(asked, "POST", why="any page can make a browser send a GET, so none of them is executed")
    return None


def _wrong_body(asked: Asked) -> Refusal | None:
    if asked.value("content-type").partition(";")[0].strip() != "application/json":
        return Refusal(
            status=403,
            what=f"the content type {_shown(asked.value('content-type'))} is not taken",
            why="a form of any page can send text or fields, but not JSON",
            remedy="send JSON with the header `Content-Type: application/json`",
        )
    length = asked.value("content-length")
    if not re.fullmatch(r"[0-9]{1,12}", length, re.ASCII) or int(length) > MAX_BODY_BYTES:
        return Refusal(
            status=413,
            what=f"a body of {_shown(length)} bytes is not taken",
            why=f"requests are at most {MAX_BODY_BYTES // 2**20} MiB and say how long they are (Content-Length)",
            remedy="send less",
        )
    return None


def _not_allowed(asked: Asked, allow: str, *, why: str) -> Refusal:
    method = "WebSocket" if asked.is_websocket else _shown(asked.method)
    return Refusal(
        status=405,
        what=f"{method} is not taken at {_shown(asked.path)}",
        why=why,
        remedy=f"use {allow}" + (" with JSON" if allow == "POST" else ""),
        allow=allow,
    )


def _shown(foreign: str) -> str:
    """Quote what a stranger sent so that it stays one short line of ASCII."""
    return ascii(foreign if len(foreign) <= _SHOWN_LENGTH else foreign[:_SHOWN_LENGTH] + "...")
