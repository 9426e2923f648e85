"""A line between a device and its relay that does what it is told to the next replies."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator

BUSY = b'{"code":"overloaded","retry_after_ms":50}'
PATIENCE = b'{"code":"overloaded","retry_after_ms":4000}'
GARBAGE = b"\x00\xff<html>sign in to the network</html>"


class Line:
    """A proxy on loopback; each connection meets the next of `faults`, or none.

    `cut` closes in the middle of the reply, `reset` breaks before it, `silent` says nothing, `slow` gives the
    reply in small parts, `dribble` its headers so slowly that they never end, `garbage`, `redirect`, `busy`, `patience` and `large` answer instead of the relay.
    """

    def __init__(self, relay: str) -> None:
        host, port = relay.removeprefix("http://").split(":")
        self.relay = (host, int(port))
        self.faults: list[str] = []
        self.met: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        for one in self._open:
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            request = _message(client)
            if not request:
                return
            fault = self.faults.pop(0) if self.faults else ""
            self.met.append(fault)
            match fault:
                case "reset":
                    linger = struct.pack("ii", 1, 0)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                case "silent":
                    client.recv(1)
                case "dribble":
                    client.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                    while True:
                        client.sendall(b"x")
                        time.sleep(0.05)
                case "garbage":
                    client.sendall(_reply("200 OK", GARBAGE))
                case "busy":
                    client.sendall(_reply("503 Service Unavailable", BUSY))
                case "patience":
                    client.sendall(_reply("503 Service Unavailable", PATIENCE))
                case "redirect":
                    client.sendall(_reply("302 Found", b"", "Location: /elsewhere\r\n"))
                case "large":
                    client.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
                    for _ in range(17 * 16):
                        client.sendall(bytes(64 * 1024))
                case _:
                    self._pass(client, request, fault)

    def _pass(self, client: socket.socket, request: bytes, fault: str) -> None:
        # Closed after each reply, so that every request is a connection.
        head, _, body = request.partition(b"\r\n\r\n")
        with socket.create_connection(self.relay) as relay:
            relay.sendall(head + b"\r\nConnection: close\r\n\r\n" + body)
            reply = b"".join(iter(lambda: relay.recv(65_536), b""))
        if fault == "cut":
            client.sendall(reply[: len(reply) * 2 // 3])
        elif fault == "slow":
            for part in _parts(reply, 7):
                client.sendall(part)
        else:
            client.sendall(reply)


def _message(client: socket.socket) -> bytes:
    """One request, whole."""
    message = b""
    while b"\r\n\r\n" not in message:
        part = client.recv(65_536)
        if not part:
            return b""
        message += part
    head = message.partition(b"\r\n\r\n")[0].decode("latin-1").lower()
    [length] = [int(x.split(":")[1]) for x in head.splitlines() if x.startswith("content-length")]
    while len(message.partition(b"\r\n\r\n")[2]) < length:
        message += client.recv(65_536)
    # Without its own word on the connection.
    lines = message.partition(b"\r\n\r\n")[0].split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith(b"connection:")]
    return b"\r\n".join(kept) + b"\r\n\r\n" + message.partition(b"\r\n\r\n")[2]


def _reply(status: str, body: bytes, headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def _parts(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
