"""A transport of Python's standard library: with the proxies of the environment, and certificates of an
organisation where they are given."""

import http.client
import ssl
import time
import urllib.error
import urllib.request
from email.message import Message
from typing import IO

from .native import HttpClient, HttpError, HttpReply, HttpRequest

# No reply may have more, bytes.
_LARGEST = 16 * 1024 * 1024
_PORTION = 64 * 1024


class UrllibClient(HttpClient):
    """Posts with `urllib`. `tls` says which certificates to trust, the system's if it is None."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=tls or ssl.create_default_context()),
            _NoRedirects(),
        )

    def post(self, request: HttpRequest) -> HttpReply:
        """Posts and waits for the whole reply, no longer than the request says."""
        headers = {"Content-Type": "application/cbor", "Accept-Encoding": "zstd"}
        if request.token is not None:
            headers["Authorization"] = f"Bearer {request.token}"
        if request.encoding is not None:
            headers["Content-Encoding"] = request.encoding
        post = urllib.request.Request(request.url, request.body, headers, method="POST")
        end = time.monotonic() + request.timeout_ms / 1_000
        try:
            with self._answer(post, request.timeout_ms / 1_000) as answer:
                return HttpReply(
                    status=answer.status or 0,
                    encoding=answer.headers.get("Content-Encoding", ""),
                    body=_body(answer, end),
                )
        except TimeoutError as error:
            raise HttpError.TimedOut from error
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise HttpError.TimedOut from error
            raise HttpError.Unreachable from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise HttpError.Unreachable from error

    def _answer(
        self, post: urllib.request.Request, timeout_s: float
    ) -> http.client.HTTPResponse | urllib.error.HTTPError:
        try:
            answer: http.client.HTTPResponse = self._opener.open(post, timeout=timeout_s)
            return answer
        except urllib.error.HTTPError as refusal:
            # Any status is a reply.
            return refusal


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A token goes nowhere but to its relay."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> None:
        """Follows none: the redirect itself is the reply."""
        return None


def _body(answer: http.client.HTTPResponse | urllib.error.HTTPError, end: float) -> bytes:
    body = bytearray()
    while portion := answer.read1(_PORTION) if hasattr(answer, "read1") else answer.read(_PORTION):
        body += portion
        if len(body) > _LARGEST:
            raise HttpError.TooLarge
        if time.monotonic() > end:
            raise TimeoutError
    length = answer.headers.get("Content-Length")
    # Without either nobody can say whether it is whole: the line may have broken among the headers.
    chunked = "Transfer-Encoding" in answer.headers
    if length != str(len(body)) and not (chunked and length is None):
        raise http.client.IncompleteRead(bytes(body))
    return bytes(body)
