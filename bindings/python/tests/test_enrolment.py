"""Enrolling a device that others use meanwhile."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from sopu import (
    Device,
    HttpReply,
    HttpRequest,
    SopuError,
    Space,
    Stage,
    Stop,
    UrllibClient,
    VisitNote,
    new_key,
)

from .relay import Relay, in_record, until

LONG_S = 30


class Meanwhile(UrllibClient):
    """Does something before each request goes out."""

    def __init__(self, does: Callable[[], object]) -> None:
        super().__init__()
        self.does = does

    def post(self, request: HttpRequest) -> HttpReply:
        self.does()
        return super().post(request)


class Hanging(Meanwhile):
    """A line on which nothing moves until it is over."""

    def __init__(self) -> None:
        self.asked, self.over = threading.Event(), threading.Event()
        super().__init__(self.hang)

    def hang(self) -> None:
        self.asked.set()
        self.over.wait(LONG_S)


def test_saves_and_lists_go_through_while_an_enrolment_hangs_and_a_stop_leaves_all_as_it_was(
    relay: Relay, aino: Device, space: str
) -> None:
    before = aino.identity()
    hanging, stop = Hanging(), Stop()
    aino.client = hanging
    with ThreadPoolExecutor() as pool:
        enrolling = pool.submit(aino.enrol, relay.url, "ANY-CODE", "phone", stop=stop)
        assert hanging.asked.wait(LONG_S)
        aino.client = None
        doc = aino.create(space, VisitNote(summary="Sillä välin")).id
        assert doc in [row.id for row in aino.list().rows]
        in_record(aino, doc)
        assert not enrolling.done()
        stop.stop()
        with pytest.raises(SopuError.Stopped):
            enrolling.result(LONG_S)
        hanging.over.set()
    assert aino.identity() == before
    in_record(aino, aino.create(space, VisitNote(summary="Sen jälkeen")).id)


def test_a_client_may_use_the_device_it_posts_for(relay: Relay) -> None:
    person = relay.person("Eero")
    seen: list[list[Space]] = []
    client = Meanwhile(lambda: seen.append(device.spaces()))
    with Device.open(*relay.place(person), new_key(), client=client) as device:
        device.enrol(relay.url, relay.invited(person), "phone")
        assert seen == [[]]
        device.sync()
        in_record(device, device.create(device.spaces()[0].id, VisitNote()).id)


def test_of_two_enrolments_at_once_one_is_told_that_it_is_superseded(relay: Relay) -> None:
    person = relay.person("Eero")
    codes = [relay.invited(person) for _ in range(2)]
    with Device.open(*relay.place(person), new_key()) as device:
        both = threading.Barrier(2)
        device.client = Meanwhile(lambda: both.wait(LONG_S))

        def enrol(code: str) -> str | type[BaseException]:
            try:
                return device.enrol(relay.url, code, "phone").device
            except SopuError.Superseded as error:
                return type(error)

        with ThreadPoolExecutor() as pool:
            ended = set(pool.map(enrol, codes))
        assert ended == {device.identity().device, SopuError.Superseded}
        device.client = None
        device.sync()
        in_record(device, device.create(device.spaces()[0].id, VisitNote()).id)


def test_a_watch_that_waits_ends_when_the_device_enrols_anew(relay: Relay) -> None:
    person = relay.person("Eero")
    with Device.open(*relay.place(person), new_key()) as device:
        device.enrol(relay.url, relay.invited(person), "phone")
        while device.sync().more:
            pass
        with device.keep_in_sync() as keeping, ThreadPoolExecutor() as pool:
            hanging = Hanging()
            device.client = hanging
            watching = pool.submit(device.watch, 60_000)
            assert hanging.asked.wait(LONG_S)
            device.client = None
            device.enrol(relay.url, relay.invited(person), "the same phone")
            with pytest.raises(SopuError.Stopped):
                watching.result(LONG_S)
            hanging.over.set()
            doc = device.create(device.spaces()[0].id, VisitNote(summary="Jatkuu")).id
            until(lambda: device.status(doc).stage in (Stage.RECORD, Stage.SEEN))
            assert keeping.error is None


@pytest.mark.parametrize("address", ["http://sopu.example", "http://192.0.2.1:8787"])
def test_an_address_where_others_read_along_is_refused_before_anything_is_sent(
    relay: Relay, address: str
) -> None:
    person = relay.person("Eero")
    sent: list[int] = []
    client = Meanwhile(lambda: sent.append(1))
    with Device.open(*relay.place(person), new_key(), client=client) as device:
        with pytest.raises(SopuError.Insecure, match="https://"):
            device.enrol(address, "ANY-CODE", "phone")
        with pytest.raises(SopuError.BadValue, match="relay"):
            device.enrol("sopu.example", "ANY-CODE", "phone")
        assert not sent
        with pytest.raises(SopuError.Enrol):
            device.sync()
