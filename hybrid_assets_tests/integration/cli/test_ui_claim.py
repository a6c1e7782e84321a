"""One `ui` on a state, and its port; the reports' folder."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from hybrid_assets.cli.front.claim import claim_state, listen, tell_holder
from hybrid_assets.cli.front.reports import MAX_REPORT_BYTES, page
from hybrid_assets.errors import ConfigurationError


def test_a_second_ui_is_refused_until_the_first_ends(tmp_path):
    first = claim_state(tmp_path, 3000)
    with pytest.raises(ConfigurationError) as refused:
        claim_state(tmp_path, 3001)
    assert str(refused.value) == (
        f"A `hybrid-assets ui` runs on {tmp_path} already (process {os.getpid()}, http://127.0.0.1:3000): two daemons "
        "would launch everything twice. Use that one, or end it (Ctrl-C or `kill`; also its daemon, where that was "
        "left behind) and start again, or set HYBRID_ASSETS_HOME to another folder."
    )
    os.close(first)
    os.close(claim_state(tmp_path, 3001))


def test_a_daemon_left_behind_keeps_a_second_one_out(tmp_path):
    """A killed `ui` releases its descriptor; the daemon's copy of it still holds the lock."""
    lock = claim_state(tmp_path, 3000)
    daemon = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, pass_fds=(lock,)
    )
    tell_holder(lock, {"ui": 1, "port": 3000, "daemon": daemon.pid})
    os.close(lock)
    with pytest.raises(ConfigurationError, match=rf"its daemon {daemon.pid}\)"):
        claim_state(tmp_path, 3000)
    daemon.communicate()
    os.close(claim_state(tmp_path, 3000))


@pytest.mark.parametrize("content", ["", "[1]", '{"ui": "x"}', '{"ui": 1, "port": {}}', "é" * 500])
def test_what_the_lock_file_holds_cannot_break_the_refusal(tmp_path, content):
    lock = claim_state(tmp_path, 3000)
    (tmp_path / "ui.lock").write_text(content)
    with pytest.raises(ConfigurationError, match="already: two daemons"):
        claim_state(tmp_path, 3000)
    os.close(lock)


def test_a_port_in_use_is_named():
    with listen(0) as first:
        address, port = first.getsockname()
        assert address == "127.0.0.1"
        with pytest.raises(ConfigurationError) as refused:
            listen(port)
    assert str(refused.value) == f"Port {port} of 127.0.0.1 is in use. Choose another one with --port."


def test_reports_are_listed_newest_first(tmp_path):
    for name in ("2026-11-02.html", "2026-11-10.html", "x.txt", ".hidden.html", "<b>.html"):
        (tmp_path / name).write_text("a report")
    listed = page(tmp_path, "").body.decode()
    assert listed.index("2026-11-10.html") < listed.index("2026-11-02.html")
    assert not any(word in listed for word in ("x.txt", "hidden", "<b>", "&lt;b"))
    assert page(tmp_path, "2026-11-02.html").body == b"a report"
    assert b"There is no report yet" in page(tmp_path / "none", "").body


def test_what_is_no_report_is_not_served(tmp_path):
    folder = tmp_path / "reports"
    folder.mkdir()
    (tmp_path / "secret.html").write_text("secret")
    (folder / "link.html").symlink_to(tmp_path / "secret.html")
    (folder / "folder.html").mkdir()
    os.mkfifo(folder / "pipe.html")
    with (folder / "huge.html").open("wb") as file:
        file.truncate(MAX_REPORT_BYTES + 1)
    (folder / "a.txt").write_text("secret")
    names = ["link.html", "folder.html", "pipe.html", "huge.html", "a.txt", "../secret.html", "%2e%2e/secret.html"]
    names += [
        "/etc/passwd",
        str(tmp_path / "secret.html"),
        "a\0.html",
        "x" * 300 + ".html",
        ".html",
        "..html",
        "none.html",
    ]
    assert {name: page(folder, name).status for name in names} == dict.fromkeys(names, 404)
