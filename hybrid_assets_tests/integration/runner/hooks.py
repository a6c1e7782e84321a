"""Real hooks for alerts: a program that appends what it reads to a file, and an HTTP server on the loopback address."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

APPEND = "import sys\nopen('told.jsonl', 'a').write(sys.stdin.read() + chr(10))"


def command(folder, code=APPEND, *, more=""):
    """Write a program into a project's folder; return the line of the settings that runs it for each alarm."""
    (folder / "hook.py").write_text(code)
    return f"alerts: {{command: [{sys.executable}, hook.py]{more}}}\n"


def told(folder):
    """Return what the program was told, in order."""
    file = folder / "told.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@contextlib.contextmanager
def webhook(answer=200, *, headers=(), hang=None):
    """Serve one path; yield its URL and the list of what was posted, with the paths.

    Args:
        answer: Status of every answer.
        headers: Names and values.
        hang: An event that each answer waits for.
    """
    posted = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append((self.path, self.headers["Content-Type"], json.loads(body)))
            if hang is not None:
                hang.wait(60)
            self.send_response(answer)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()

        do_GET = do_POST  # noqa: N815 - the name of the method of `http.server`

        def log_message(self, *_):
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/services/very-secret", posted
    finally:
        if hang is not None:
            hang.set()
        server.shutdown()
        server.server_close()
        thread.join()
