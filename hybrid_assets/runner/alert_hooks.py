"""How an alarm leaves: one run of a program, or one POST. Put nothing here about what is told.

The hook's URL is a secret: no message, exception or log may hold it, so failures are told in words of our own.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hybrid_assets.settings import AlertSettings, Settings

#: What every program may see of the environment; secrets come only by name, see `AlertSettings.environment`.
ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
#: Of what a failing program wrote: enough for its last line.
_TAIL_BYTES, _LINE = 2000, 200


def deliver(settings: Settings, document: bytes) -> str | None:
    """Hand one JSON document to the hook; return in one sentence why that failed, or None.

    Args:
        settings: With a section ``alerts``.
        document: One alarm.
    """
    alerts = settings.alerts
    if alerts is None:
        return "No alerts are set up."
    if reason := unusable(settings):
        return reason
    if alerts.command:
        return _run(settings, alerts, document)
    return _within(alerts.timeout_s, lambda: _post(os.environ[alerts.webhook_env or ""], alerts.timeout_s, document))


def unusable(settings: Settings) -> str | None:
    """Return why nothing can be delivered as things are set up, and what to do; None: it can, as far as is seen."""
    alerts = settings.alerts
    if alerts is None:
        return None
    if alerts.command:
        program = alerts.command[0]
        path = str(settings.folder / program) if "/" in program else program
        if shutil.which(path) is None:
            return f"There is no program {program!r} to run. Mend alerts.command, or install it."
        return None
    url = os.environ.get(alerts.webhook_env or "", "").strip()
    if not url:
        return f"The variable {alerts.webhook_env} is not set. Put the webhook's URL into it, or into the file .env."
    if not _may_be_asked(url):
        return (
            f"The variable {alerts.webhook_env} holds no https URL (http is for this machine's own addresses only; no "
            "user name in it). Mend it."
        )
    return None


def _may_be_asked(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or not url.isascii() or any(letter <= " " for letter in url):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _run(settings: Settings, alerts: AlertSettings, document: bytes) -> str | None:
    """Run the program in a session of its own, so that all it started ends with it when its time is over."""
    names = (*ENVIRONMENT, *alerts.environment)
    environment = {name: os.environ[name] for name in names if name in os.environ}
    # Files, not pipes: a program that reads nothing, or leaves a child with the pipe behind, would keep us waiting.
    with tempfile.TemporaryFile() as words, tempfile.TemporaryFile() as said:
        words.write(document)
        words.seek(0)
        try:
            process = subprocess.Popen(  # noqa: S603 - no shell; the settings name the program
                list(alerts.command),
                stdin=words,
                stdout=subprocess.DEVNULL,
                stderr=said,
                cwd=settings.folder,
                env=environment,
                start_new_session=True,
            )
        except (OSError, ValueError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else "its words hold a zero byte"
            return f"The command could not be started: {reason}. Mend alerts.command."
        try:
            code = process.wait(timeout=alerts.timeout_s)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return f"The command did not end within {alerts.timeout_s:g} s and was killed."
        if code == 0:
            return None
        return f"The command ended with code {code}{_last_line(said, alerts, environment)}."


def _last_line(said: BinaryIO, alerts: AlertSettings, seen: Mapping[str, str]) -> str:
    """Return what a program said last, without the secrets that it was given."""
    size = said.seek(0, os.SEEK_END)
    said.seek(max(size - _TAIL_BYTES, 0))
    text = said.read().decode(errors="replace").strip()
    for name in alerts.environment:
        if seen.get(name):
            text = text.replace(seen[name], "***")
    line = text.splitlines()[-1] if text else ""
    shown = "".join(letter for letter in line if letter.isprintable())[:_LINE].rstrip(".")
    return f": {shown}" if shown else ""


def _within(timeout_s: float, ask: Callable[[], str | None]) -> str | None:
    """Ask in a thread: looking a name up, or an answer that comes byte by byte, knows no time limit of its own."""
    answers: list[str | None] = []
    thread = threading.Thread(target=lambda: answers.append(ask()), daemon=True)
    thread.start()
    thread.join(timeout_s)
    return answers[0] if answers else f"The webhook did not answer within {timeout_s:g} s."


def _post(url: str, timeout_s: float, document: bytes) -> str | None:
    # Here, for the command line starts without them.
    import http.client  # noqa: PLC0415
    import ssl  # noqa: PLC0415
    import urllib.error  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    class _Stay(urllib.request.HTTPRedirectHandler):
        """Follows no redirect: where it leads is nobody's choice here."""

        def redirect_request(self, *_: object, **__: object) -> None:
            return None

    url = url.strip()
    handlers: list[urllib.request.BaseHandler] = [_Stay()]
    if _is_loopback(urlsplit(url).hostname or ""):
        handlers.append(urllib.request.ProxyHandler({}))
    headers = {"Content-Type": "application/json", "User-Agent": "hybrid-assets"}
    request = urllib.request.Request(url, document, headers, method="POST")  # noqa: S310 - see `_may_be_asked`
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=timeout_s):
            return None
    except urllib.error.HTTPError as exc:
        exc.close()
        moved = " (redirects are not followed)" if 300 <= exc.code < 400 else ""
        return f"The webhook answered {exc.code}{moved}."
    except urllib.error.URLError as exc:
        return _told(exc.reason, ssl.SSLError, timeout_s)
    except (OSError, http.client.HTTPException, ValueError) as exc:
        return _told(exc, ssl.SSLError, timeout_s)


def _told(reason: object, tls: type[OSError], timeout_s: float) -> str:
    """Return a failure in words that name neither host nor path."""
    if isinstance(reason, TimeoutError):
        return f"The webhook did not answer within {timeout_s:g} s."
    if isinstance(reason, tls):
        return "The webhook's certificate or encryption was refused."
    if isinstance(reason, ConnectionRefusedError):
        return "The webhook refused the connection."
    return f"The webhook could not be asked ({type(reason).__name__})."
