"""A server for this machine alone, which knows the page's own files and nothing else."""

from __future__ import annotations

import errno
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ..errors import SettingError
from .files import opening, text, types

__all__ = ["ADDRESS", "POLICY", "PORT", "StudioServer", "open_server"]

ADDRESS = "127.0.0.1"
PORT = 8765
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; base-uri 'none'; "
          "form-action 'none'; frame-ancestors 'none'")
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class StudioServer(ThreadingHTTPServer):
    """Serves the page at `url` until it is shut down."""

    daemon_threads = True

    def __init__(self, port: int):
        self.pages = {f"/{name}": (text(name).encode(), kind) for name, kind in types().items()}
        self.pages["/"] = self.pages["/index.html"] = (opening().encode(), types()["index.html"])
        super().__init__((ADDRESS, port), _Handler)

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{ADDRESS}:{self.server_port}/"

    @property
    def names(self) -> set[str]:
        """The hosts under which a browser on this machine may ask; another name would be a foreign page's."""
        return {f"{host}:{self.server_port}" for host in (ADDRESS, "localhost")}

    def server_bind(self) -> None:
        """Bind without asking a name server who this machine is."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = ADDRESS, self.server_address[1]


class _Handler(BaseHTTPRequestHandler):
    server: StudioServer
    server_version, sys_version = "tconv-studio", ""
    protocol_version, timeout, disable_nagle_algorithm = "HTTP/1.1", 60, True  # a connection brings all modules

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        if self.headers.get("Host") not in self.server.names:
            return self._send(421, b"This page answers to 127.0.0.1 alone.\n", "text/plain", body)
        page = self.server.pages.get(self.path.partition("?")[0])
        if page is None:
            return self._send(404, b"There is no such page here.\n", "text/plain", body)
        return self._send(200, *page, body)

    def _send(self, status: int, content: bytes, kind: str, body: bool) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Type": kind, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody wants a line for every file."""


def open_server(port: int = PORT) -> StudioServer:
    """A server that listens on this machine's own address; `serve_forever` makes it answer.

    Args:
        port: 0 to 65535; 0 takes any that is free.

    Raises:
        SettingError: if the port is none, is in use, or may not be used.
    """
    if not 0 <= port <= 65535:
        raise SettingError(f"studio: port is {port}, but has to be from 0 (any free one) to 65535.")
    try:
        return StudioServer(port)
    except OSError as error:
        why = {errno.EADDRINUSE: "is in use", errno.EACCES: "is not for everyone to use"}
        reason = why.get(error.errno or 0, f"cannot be had ({error.strerror})")
        other = port + 1 if port < 65535 else PORT
        raise SettingError(f"studio: port {port} {reason}; take another, as --port {other}, or --port 0 for any that "
                           "is free.") from None
