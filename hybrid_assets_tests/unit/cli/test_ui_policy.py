"""Which requests the guard lets through, as a pure function of their facts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_assets.cli.front.policy import MAX_BODY_BYTES, Asked, Policy, shared_host

POLICY = Policy(port=3000)
HOST = "127.0.0.1:3000"
OURS, FOREIGN = "http://127.0.0.1:3000", "http://evil.example"
JSON = {"content-type": "application/json", "content-length": "20"}


def status(method="GET", path="/", query="", *, websocket=False, policy=POLICY, **headers):
    """Return the status of a refusal, None where the request is let through; ``sec_fetch_site`` is Sec-Fetch-Site."""
    given = {"host": HOST} | {name.replace("_", "-"): value for name, value in headers.items()}
    facts = {name: (value,) if isinstance(value, str) else tuple(value) for name, value in given.items()}
    refusal = policy.refusal(Asked(method=method, path=path, query=query, is_websocket=websocket, headers=facts))
    return refusal.status if refusal else None


def post(path="/graphql", **headers):
    """Post JSON."""
    return status("POST", path, **{**{k.replace("-", "_"): v for k, v in JSON.items()}, **headers})


ALLOWED = {
    "page": status,
    "page, typed": lambda: status(sec_fetch_site="none", sec_fetch_mode="navigate", sec_fetch_dest="document"),
    "page, by a link from elsewhere": lambda: status(
        path="/runs", sec_fetch_site="cross-site", sec_fetch_mode="navigate", sec_fetch_dest="document", referer=FOREIGN
    ),
    "part of our page": lambda: status(path="/_next/a.js", sec_fetch_site="same-origin", sec_fetch_mode="no-cors"),
    "localhost": lambda: status(host="localhost:3000"),
    "IPv6": lambda: status(host="[::1]:3000"),
    "capitals": lambda: status(host="LocalHost:3000"),
    "script": post,
    "script, charset": lambda: post(content_type="Application/JSON; charset=utf-8"),
    "our page asks": lambda: post(origin=OURS, sec_fetch_site="same-origin", referer=OURS + "/runs"),
    "event by a script": lambda: post("/report_asset_materialization/a/b"),
    "subscription": lambda: status(path="/graphql", websocket=True, origin=OURS),
    "subscription of a script": lambda: status(path="/graphql", websocket=True),
    "GraphiQL": lambda: status(path="/graphql", accept="text/html,*/*"),
    "report": lambda: status(path="/reports/2026-11-02.html"),
    "HEAD": lambda: status("HEAD"),
}

ATTACKS = {
    "DNS rebinding": (403, lambda: post(host="evil.example:3000")),
    "DNS rebinding, its own origin": (403, lambda: post(host="evil.example:3000", origin="http://evil.example:3000")),
    "no host": (403, lambda: status(host=())),
    "two hosts": (403, lambda: status(host=(HOST, "evil.example"))),
    "host without port": (403, lambda: status(host="localhost")),
    "host with another port": (403, lambda: status(host="localhost:3001")),
    "the address of all": (403, lambda: status(host="0.0.0.0:3000")),
    "host that begins like ours": (403, lambda: status(host="127.0.0.1:3000.evil.example")),
    "host with a user": (403, lambda: status(host="127.0.0.1:3000@evil.example")),
    "foreign origin": (403, lambda: post(origin=FOREIGN)),
    "origin of another port": (403, lambda: post(origin="http://127.0.0.1:8000")),
    "origin that begins like ours": (403, lambda: post(origin=OURS + ".evil.example")),
    "origin null": (403, lambda: post(origin="null")),
    "empty origin": (403, lambda: post(origin="")),
    "broken origin": (403, lambda: post(origin="http://[")),
    "two origins": (403, lambda: post(origin=(OURS, FOREIGN))),
    "another site, no origin": (403, lambda: post(sec_fetch_site="cross-site")),
    "another port of this host, no origin": (403, lambda: post(sec_fetch_site="same-site")),
    "foreign referer alone": (403, lambda: post(referer=FOREIGN + "/127.0.0.1:3000")),
    "image of another page": (
        403,
        lambda: status(path="/logs/x", sec_fetch_site="cross-site", sec_fetch_mode="no-cors", sec_fetch_dest="image"),
    ),
    "frame of another page": (
        403,
        lambda: status(sec_fetch_site="cross-site", sec_fetch_mode="navigate", sec_fetch_dest="iframe"),
    ),
    "mutation by GET": (405, lambda: status(path="/graphql", query="query=mutation%7Bx%7D")),
    "mutation by GET that accepts a page": (
        405,
        lambda: status(path="/graphql", query="query=mutation", accept="text/html"),
    ),
    "mutation by HEAD": (405, lambda: status("HEAD", "/graphql", "query=mutation")),
    "GET of GraphQL by a script": (405, lambda: status(path="/graphql", accept="*/*")),
    "text": (403, lambda: post(content_type="text/plain")),
    "text that mentions JSON": (403, lambda: post(content_type="text/plain; a=application/json")),
    "text before JSON": (403, lambda: post(content_type="text/plain,application/json")),
    "form": (403, lambda: post(content_type="application/x-www-form-urlencoded")),
    "upload": (403, lambda: post(content_type="multipart/form-data; boundary=application/json")),
    "GraphQL without JSON": (403, lambda: post(content_type="application/graphql")),
    "no content type": (403, lambda: post(content_type=())),
    "two content types": (403, lambda: post(content_type=("application/json", "text/plain"))),
    "no length": (413, lambda: post(content_length=())),
    "endless": (413, lambda: post(content_length=(), transfer_encoding="chunked")),
    "too long": (413, lambda: post(content_length=str(MAX_BODY_BYTES + 1))),
    "absurd length": (413, lambda: post(content_length="9" * 5000)),
    "preflight": (405, lambda: status("OPTIONS", "/graphql", access_control_request_method="POST")),
    "PUT": (405, lambda: status("PUT", "/graphql")),
    "TRACE": (405, lambda: status("TRACE")),
    "POST elsewhere": (405, lambda: post("/runs")),
    "POST of a report": (405, lambda: post("/reports/a.html")),
    "subscription of another page": (403, lambda: status(path="/graphql", websocket=True, origin=FOREIGN)),
    "subscription, rebound": (
        403,
        lambda: status(path="/graphql", websocket=True, host="evil.example", origin=FOREIGN),
    ),
    "WebSocket elsewhere": (405, lambda: status(path="/", websocket=True, origin=OURS)),
    "event from another page": (403, lambda: post("/report_asset_materialization/a", origin=FOREIGN)),
    "event as text": (403, lambda: post("/report_asset_check/a", content_type="text/plain")),
    "event without a body": (403, lambda: status("POST", "/report_asset_observation/a")),
    "event by GET": (405, lambda: status(path="/report_asset_materialization/a", query="metadata=1")),
    "traversal": (404, lambda: status(path="/reports/../ledger.sqlite")),
    "traversal, Windows": (404, lambda: status(path="/reports/..\\ledger.sqlite")),
    "NUL": (404, lambda: status(path="/reports/a.html\0")),
    "newline": (404, lambda: status(path="/runs\r\nx: y")),
    "relative": (404, lambda: status(path="graphql")),
}


@pytest.mark.parametrize("ask", ALLOWED.values(), ids=ALLOWED)
def test_normal_use_is_let_through(ask):
    assert ask() is None


@pytest.mark.parametrize(("expected", "ask"), ATTACKS.values(), ids=ATTACKS)
def test_an_attack_is_refused(expected, ask):
    assert ask() == expected


def test_a_refusal_says_what_why_and_what_to_do():
    refused = POLICY.refusal(Asked(path="/", headers={"host": ("evil.example\u2028" + "x" * 500,)}))
    assert refused.text.splitlines() == [
        "Refused: this server does not answer to the host '" + "evil.example\\u2028" + "x" * 67 + "...'.",
        "Why: a page of another site could reach it under a name of its own (DNS rebinding) and launch runs.",
        (
            "What to do: open http://127.0.0.1:3000, or share a server that cannot launch anything: "
            "`hybrid-assets ui --read-only --allow-host NAME`."
        ),
    ]


def test_a_shared_name_is_answered_with_its_own_origin_only():
    policy = Policy(port=3000, shared_hosts=("nights.example.org",))
    assert status(policy=policy, host="nights.example.org") is None
    assert post(policy=policy, host="nights.example.org", origin="https://nights.example.org") is None
    assert post(policy=policy, host="nights.example.org", origin="https://other.example.org") == 403
    assert post(policy=policy, host="nights.example.org", origin=OURS) == 403
    assert status(policy=policy, host="other.example.org") == 403


def test_on_port_80_the_host_has_no_port():
    assert status(policy=Policy(port=80), host="localhost") is None


@pytest.mark.parametrize("name", ["a.example", "A.example:8443", "192.168.0.7", "x"])
def test_a_shared_host_is_a_name_with_an_optional_port(name):
    assert shared_host(name) == name.lower()


@pytest.mark.parametrize("name", ["", "*", "a b", "https://a", "a/b", "a@b", "-a", "a:", "a:123456", "é", "a\n"])
def test_what_is_no_host_name_cannot_be_shared(name):
    assert shared_host(name) is None


METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
PATHS = st.sampled_from(["/", "/graphql", "/graphql/", "//graphql", "/report_asset_check/a", "/runs", "/reports/"])
WORDS = st.sampled_from([FOREIGN, "null", "http://127.0.0.1:3001", "https://[::1]", "http://127.0.0.1:3000x", "x"])


@given(method=METHODS, path=PATHS, origin=WORDS, kind=st.sampled_from([*JSON.values(), "text/plain"]), ws=st.booleans())
def test_whatever_carries_a_foreign_origin_is_refused(method, path, origin, kind, ws):
    assert status(method, path, websocket=ws, origin=origin, content_type=kind, content_length="5") is not None


@given(
    method=METHODS,
    path=PATHS,
    host=st.text(max_size=30).filter(lambda h: h.strip().lower() not in POLICY.hosts),
    ws=st.booleans(),
)
def test_whatever_has_a_foreign_host_is_refused(method, path, host, ws):
    assert status(method, path, websocket=ws, host=host, content_type="application/json", content_length="5") == 403
