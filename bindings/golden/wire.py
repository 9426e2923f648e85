"""An exchange with a relay, byte for byte: recorded, and played again to a fresh device."""

import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from sopu import HttpClient, HttpError, HttpReply, HttpRequest


class Recorder(HttpClient):
    """Posts to a real relay and keeps what went and came."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps: list[dict[str, Any]] = []

    def post(self, request: HttpRequest) -> HttpReply:
        headers = {"content-type": "application/cbor", "accept-encoding": "zstd"}
        if request.token:
            headers["authorization"] = f"Bearer {request.token}"
        if request.encoding:
            headers["content-encoding"] = request.encoding
        post = urllib.request.Request(request.url, request.body, headers, method="POST")
        with urllib.request.urlopen(post, timeout=60) as answer:
            reply = HttpReply(
                status=answer.status,
                encoding=answer.headers.get("content-encoding", ""),
                body=answer.read(),
            )
        path = "/v1/" + request.url.rsplit("/v1/")[1]
        name = f"{len(self.steps) + 1:02}-{path.rsplit('/')[-1]}"
        (self.folder / f"{name}.request").write_bytes(request.body)
        (self.folder / f"{name}.reply").write_bytes(reply.body)
        self.steps.append(
            {
                "path": path,
                "request": {"file": f"wire/{name}.request", "encoding": request.encoding},
                "reply": {
                    "file": f"wire/{name}.reply",
                    "encoding": reply.encoding,
                    "status": reply.status,
                },
            }
        )
        return reply


class Player(HttpClient):
    """Gives the recorded replies in their order, whatever the request says; then there is no network."""

    def __init__(self, golden: Path, steps: list[dict[str, Any]]) -> None:
        self.golden = golden
        self.left = list(steps)

    def post(self, request: HttpRequest) -> HttpReply:
        if not self.left:
            raise HttpError.Unreachable()
        step = self.left.pop(0)
        assert request.url.endswith(step["path"]), request.url
        reply = step["reply"]
        return HttpReply(
            status=reply["status"],
            encoding=reply["encoding"],
            body=(self.golden / reply["file"]).read_bytes(),
        )
