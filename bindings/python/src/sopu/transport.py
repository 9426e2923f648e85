"""A transport of Python's standard library: with the proxies of the environment, and certificates of an
organisation where they are given."""

import http.client
import io
import socket
import ssl
import time
import urllib.error
import urllib.request
from email.message import Message
from typing import IO, Any

from .native import HttpClient, HttpError, HttpReply, HttpRequest

# No reply may have more, bytes.
_LARGEST = 16 * 1024 * 1024
_PORTION = 64 * 1024


class UrllibClient(HttpClient):
    """Posts with `urllib`. `tls` says which certificates to trust, the system's if it is None."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        tls = tls or ssl.create_default_context()
        self._opener = urllib.request.build_opener(_Plain(), _Secure(tls), _NoRedirects())

    def post(self, request: HttpRequest) -> HttpReply:
        """Posts and waits for the whole reply, no longer than the request says."""
        headers = {"Content-Type": "application/cbor", "Accept-Encoding": "zstd"}
        if request.token is not None:
            headers["Authorization"] = f"Bearer {request.token}"
        if request.encoding is not None:
            headers["Content-Encoding"] = request.encoding
        post = urllib.request.Request(request.url, request.body, headers, method="POST")
        try:
            with self._answer(post, request.timeout_ms / 1_000) as answer:
                return HttpReply(
                    status=answer.status or 0,
                    encoding=answer.headers.get("Content-Encoding", ""),
                    body=_body(answer),
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


def _left(end: float) -> float:
    """How long until then, seconds."""
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _InTime(io.RawIOBase):
    """What comes from a socket until then. The socket's own timeout begins anew with every byte."""

    def __init__(self, of: socket.socket, came: io.RawIOBase, end: float) -> None:
        self._socket, self._came, self._end = of, came, end

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int | None:
        self._socket.settimeout(_left(self._end))
        return self._came.readinto(into)

    def close(self) -> None:
        self._came.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """An answer, headers and all, that comes within what its socket's timeout was when it began."""

    def __init__(self, sock: socket.socket, *args: Any, **named: Any) -> None:
        end = time.monotonic() + (sock.gettimeout() or 0)
        super().__init__(sock, *args, **named)
        self.fp = io.BufferedReader(_InTime(sock, self.fp.detach(), end))


class _Connection(http.client.HTTPConnection):
    """A connection whose timeout is for all that is done with it."""

    response_class = _Answer

    def __init__(self, host: str, *, timeout: float = 60.0, **named: Any) -> None:
        super().__init__(host, timeout=timeout, **named)
        self._end = time.monotonic() + timeout

    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(_left(self._end))

    def getresponse(self) -> http.client.HTTPResponse:
        self.sock.settimeout(_left(self._end))
        return super().getresponse()


class _SecureConnection(_Connection, http.client.HTTPSConnection):
    """The same with TLS."""


class _Plain(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Connection, req)


class _Secure(urllib.request.HTTPSHandler):
    def __init__(self, tls: ssl.SSLContext) -> None:
        super().__init__(context=tls)
        self._tls = tls

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_SecureConnection, req, context=self._tls)


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


def _body(answer: http.client.HTTPResponse | urllib.error.HTTPError) -> bytes:
    body = bytearray()
    while portion := answer.read1(_PORTION) if hasattr(answer, "read1") else answer.read(_PORTION):
        body += portion
        if len(body) > _LARGEST:
            raise HttpError.TooLarge
    length = answer.headers.get("Content-Length")
    # Without either nobody can say whether it is whole: the line may have broken among the headers.
    chunked = "Transfer-Encoding" in answer.headers
    if length != str(len(body)) and not (chunked and length is None):
        raise http.client.IncompleteRead(bytes(body))
    return bytes(body)
