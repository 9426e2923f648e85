"""Exchanges over a bad line: nothing is lost, and every fault has its error."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from sopu import (
    Device,
    HttpClient,
    HttpReply,
    HttpRequest,
    SopuError,
    Stage,
    Stop,
    UrllibClient,
    VisitNote,
    new_key,
)

from .faults import Line
from .relay import Relay, in_record

# The library's own client, and Python's.
CLIENTS: list[Callable[[], HttpClient | None]] = [lambda: None, UrllibClient]

FAULTS = {
    "cut": SopuError.Offline,
    "reset": SopuError.Offline,
    "garbage": SopuError.NotARelay,
    "redirect": SopuError.NotARelay,
    "busy": SopuError.TryLater,
    "large": SopuError,
}


@pytest.fixture
def line(relay: Relay) -> Iterator[Line]:
    line = Line(relay.url)
    yield line
    line.close()


@pytest.fixture(params=CLIENTS, ids=["built-in", "urllib"])
def device(relay: Relay, line: Line, request: pytest.FixtureRequest) -> Iterator[Device]:
    person = relay.person("Aino")
    place = relay.place(person)
    with Device.open(*place, new_key(), client=request.param()) as device:
        device.enrol(line.url, relay.invited(person), "phone")
        device.sync()
        yield device


@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_bad_line_breaks_is_told_and_made_good_by_the_next_sync(
    device: Device, line: Line, fault: str
) -> None:
    doc = device.create(device.spaces()[0].id, VisitNote(summary="Turvassa")).id
    line.faults = [fault]
    with pytest.raises(FAULTS[fault]):
        device.sync()
    assert line.met[-1] == fault
    assert device.form(doc, VisitNote).value.summary == "Turvassa"
    in_record(device, doc)
    with_it = device.search("turvassa").rows
    assert [row.id for row in with_it].count(doc) == 1, "sent twice, there once"


def test_a_reply_in_small_parts_is_a_reply(device: Device, line: Line) -> None:
    doc = device.create(device.spaces()[0].id, VisitNote(summary="Hitaasti")).id
    line.faults = ["slow"] * 3
    device.sync()
    assert device.status(doc).stage is not Stage.HERE


def test_faults_at_every_step_end_in_one_record(device: Device, line: Line) -> None:
    docs = [
        device.create(device.spaces()[0].id, VisitNote(summary=f"Sitkeä {n}")).id
        for n in range(5)
    ]
    line.faults = ["cut", "busy", "reset", "slow", "garbage", "cut", "", "reset", "cut"]
    deadline = time.monotonic() + 30
    while line.faults and time.monotonic() < deadline:
        try:
            device.sync(within_ms=500)
        except (SopuError.Offline, SopuError.NotARelay, SopuError.TryLater):
            pass
    assert not line.faults
    for doc in docs:
        in_record(device, doc)


@pytest.mark.parametrize("fault", ["silent", "dribble"])
def test_a_relay_that_never_answers_is_waited_for_as_long_as_the_request_says(
    line: Line, fault: str
) -> None:
    line.faults = [fault]
    request = HttpRequest(
        url=f"{line.url}/v1/sync", token=None, body=b"", encoding=None, timeout_ms=300
    )
    began = time.monotonic()
    with pytest.raises(Exception, match="too long"):
        UrllibClient().post(request)
    assert time.monotonic() - began < 5


def test_headers_that_never_end_do_not_outlast_the_time_of_a_sync(
    device: Device, line: Line
) -> None:
    doc = device.create(device.spaces()[0].id, VisitNote(summary="Tihkuu")).id
    line.faults = ["dribble"]
    began = time.monotonic()
    with pytest.raises(SopuError.Offline):
        device.sync(within_ms=700)
    assert time.monotonic() - began < 5
    assert line.met[-1] == "dribble"
    in_record(device, doc)


def test_a_client_that_knows_no_time_does_not_outlast_that_of_a_sync(relay: Relay) -> None:
    class Waits(UrllibClient):
        over = threading.Event()

        def post(self, request: HttpRequest) -> HttpReply:
            self.over.wait(30)
            return super().post(request)

    person = relay.person("Eero")
    with Device.open(*relay.place(person), new_key()) as device:
        device.enrol(relay.url, relay.invited(person), "phone")
        device.client = client = Waits()
        began = time.monotonic()
        with pytest.raises(SopuError.Offline):
            device.sync(within_ms=500)
        assert time.monotonic() - began < 5
        client.over.set()


def test_an_apps_own_client_carries_every_request(relay: Relay) -> None:
    class Counting(UrllibClient):
        posts = 0

        def post(self, request: HttpRequest) -> HttpReply:
            self.posts += 1
            return super().post(request)

    client = Counting()
    person = relay.person("Eero")
    with Device.open(*relay.place(person), new_key(), client=client) as device:
        device.enrol(relay.url, relay.invited(person), "phone")
        report = device.sync()
        assert client.posts == report.requests + 1


def test_a_broken_client_of_an_app_is_no_network_and_no_crash(relay: Relay) -> None:
    class Broken(HttpClient):
        def post(self, request: HttpRequest) -> HttpReply:
            raise KeyError("a defect of the app")

    person = relay.person("Eero")
    with Device.open(*relay.place(person), new_key()) as device:
        device.enrol(relay.url, relay.invited(person), "phone")
        device.sync()
        doc = device.create(device.spaces()[0].id, VisitNote(summary="Turvassa")).id
        device.client = Broken()
        with pytest.raises(SopuError.Offline):
            device.sync()
        assert device.status(doc).stage is Stage.HERE
        device.client = None
        in_record(device, doc)


def test_a_stop_ends_a_long_poll_at_once(device: Device) -> None:
    device.sync()
    stop, ended = Stop(), threading.Event()

    def watch() -> None:
        while not stop.is_stopped():
            try:
                device.watch(60_000, stop=stop)
            except SopuError.Stopped:
                ended.set()

    threading.Thread(target=watch, daemon=True).start()
    time.sleep(0.5)
    began = time.monotonic()
    stop.stop()
    assert ended.wait(5)
    assert time.monotonic() - began < 2
