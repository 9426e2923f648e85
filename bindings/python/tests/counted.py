"""A line that counts requests and breaks after so many, and more news than come over it at once."""

from sopu import Device, HttpClient, HttpError, HttpReply, HttpRequest, UrllibClient, VisitNote

from .relay import sync_all


class Counted(HttpClient):
    """Lets as many requests through as it may, and counts them all."""

    def __init__(self) -> None:
        self._client = UrllibClient()
        self.made = 0
        self.left: int | None = None
        """How many more get through; then there is no network. None is all."""

    def post(self, request: HttpRequest) -> HttpReply:
        self.made += 1
        if self.left is not None:
            if self.left == 0:
                raise HttpError.Unreachable
            self.left -= 1
        return self._client.post(request)


def more_than_a_portion(device: Device, space: str) -> None:
    """Writes more than a device that has little time takes in with one request."""
    for number in range(40):
        text = "".join(str((number * 7919 + at * at) % 977) for at in range(1_000))
        device.create(space, VisitNote(summary=f"Muuta {number}", handover=text[:500]))
    sync_all(device)
