"""Lists that follow, and a device that is kept in sync."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from sopu import Device, Query, SopuError, Stage, SyncState, VisitNote, new_key

from .faults import Line
from .relay import Relay, sync_all, until


class Follower:
    """A list followed on a thread."""

    def __init__(self, device: Device, query: Query) -> None:
        self.titles: list[str] = []
        self.pages = 0
        self.ended = threading.Event()
        threading.Thread(target=self._follow, args=[device, query], daemon=True).start()

    def _follow(self, device: Device, query: Query) -> None:
        for page in device.live(query):
            self.titles = [row.title for row in page.rows]
            self.pages += 1
        self.ended.set()


def waiting() -> int:
    return sum(thread.name == "sopu-changes" for thread in threading.enumerate())


def test_a_list_follows_what_is_written_here_and_what_comes(
    aino: Device, eero: Device, space: str
) -> None:
    follower = Follower(aino, Query(text="seurattu"))
    until(lambda: follower.pages == 1)
    aino.create(space, VisitNote(summary="Seurattu täällä"))
    until(lambda: follower.titles == ["Seurattu täällä"])
    eero.create(space, VisitNote(summary="Seurattu siellä"))
    sync_all(eero, aino)
    until(lambda: len(follower.titles) == 2)
    pages = follower.pages
    aino.create(space, VisitNote(summary="Ei kuulu listaan"))
    time.sleep(0.3)
    assert follower.pages == pages, "a page like the last is not given again"
    aino.close()
    assert follower.ended.wait(5), "a closed device follows nothing"


def test_many_lists_wait_on_one_thread_that_ends_with_the_last(aino: Device) -> None:
    until(lambda: waiting() == 0)
    lists = [aino.live() for _ in range(5)]
    for one in lists:
        next(one)
    assert waiting() == 1
    for one in lists:
        one.close()
    until(lambda: waiting() == 0)


def test_a_device_kept_in_sync_sends_at_once_and_hears_at_once(
    aino: Device, eero: Device, space: str
) -> None:
    sync_all(aino, eero)
    states: list[SyncState] = []
    with aino.keep_in_sync(states.append), eero.keep_in_sync():
        until(lambda: aino.sync_state is SyncState.UP_TO_DATE)
        until(lambda: eero.sync_state is SyncState.UP_TO_DATE)
        time.sleep(0.5)
        began = time.monotonic()
        form = aino.create(space, VisitNote(summary="Kulkee itsestään"))
        until(lambda: form.id in [row.id for row in eero.search("itsestään").rows], 15)
        assert time.monotonic() - began < 10, "no long poll was waited out"
        until(lambda: aino.status(form.id).stage in (Stage.RECORD, Stage.SEEN))
        other = eero.form(form.id, VisitNote)
        other.value.handover = "Takaisin"
        other.save()

        def back() -> bool:
            form.refresh()
            return form.value.handover == "Takaisin"

        until(back, 15)
        began = time.monotonic()
    assert time.monotonic() - began < 2, "stopped at once"
    assert aino.sync_state is SyncState.IDLE
    assert states[0] is SyncState.SYNCING and states[-1] is SyncState.IDLE


@pytest.fixture
def on_line(relay: Relay) -> Iterator[tuple[Device, Line]]:
    line = Line(relay.url)
    person = relay.person("Aino")
    with Device.open(*relay.place(person), new_key()) as device:
        device.enrol(line.url, relay.invited(person), "phone")
        device.sync()
        yield device, line
    line.close()


def test_trouble_is_shown_and_gone_by_itself(on_line: tuple[Device, Line]) -> None:
    device, line = on_line
    line.faults = ["reset", "garbage", "busy"]
    states: list[SyncState] = []
    with device.keep_in_sync(states.append) as keeping:
        until(lambda: device.sync_state is SyncState.UP_TO_DATE, 60)
    assert keeping.error is None
    for state in (SyncState.OFFLINE, SyncState.NOT_A_RELAY, SyncState.BUSY):
        assert state in states, states


def test_trouble_is_not_hammered_but_a_save_is_tried_at_once(
    on_line: tuple[Device, Line],
) -> None:
    device, line = on_line
    line.faults = ["reset"] * 1_000
    before = len(line.met)
    with device.keep_in_sync():
        until(lambda: device.sync_state is SyncState.OFFLINE)
        time.sleep(3)
        tried = len(line.met) - before
        assert tried <= 12, "it pauses longer and longer"
        until(lambda: device.pause_ms() > 4_000, 60)
        met = len(line.met)
        device.create(device.spaces()[0].id, VisitNote(summary="Heti"))
        until(lambda: len(line.met) > met, 3.5)


def test_a_pause_that_the_relay_asked_for_is_kept_whatever_is_saved(
    on_line: tuple[Device, Line],
) -> None:
    device, line = on_line
    space = device.spaces()[0].id
    line.faults = ["patience"]
    with device.keep_in_sync():
        until(lambda: device.sync_state is SyncState.BUSY)
        met = len(line.met)
        form = device.create(space, VisitNote(summary="Ei heti"))
        time.sleep(1.5)
        assert len(line.met) == met
        until(lambda: device.status(form.id).stage in (Stage.RECORD, Stage.SEEN))
        began = time.monotonic()
        line.faults = ["patience"]
        device.create(space, VisitNote(summary="Taas"))
        until(lambda: device.sync_state is SyncState.BUSY)
    assert time.monotonic() - began < 3, "stopping waits for no pause"


# Another program that locks the store until its input ends: locks hold between processes only.
HOLD = """
import sqlite3, sys
store = sqlite3.connect(sys.argv[1], isolation_level=None)
store.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_store_that_another_holds_is_trouble_and_not_the_end(
    relay: Relay, eero: Device, space: str
) -> None:
    person = relay.person("Aino")
    path, instance = relay.place(person)
    with Device.open(path, instance, new_key()) as device:
        device.enrol(relay.url, relay.invited(person), "phone")
        device.sync()
        form = eero.create(space, VisitNote(summary="Odottaa"))
        sync_all(eero)
        command = [sys.executable, "-c", HOLD, path]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout and other.stdout.readline() == "held\n"
            with device.keep_in_sync() as keeping:
                until(lambda: device.sync_state is SyncState.BUSY or keeping.error, 60)
                other.communicate()
                until(lambda: form.id in [row.id for row in device.list().rows], 60)
        assert keeping.error is None


def test_a_list_ends_when_closing_begins(
    aino: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut, may_end = aino.native.shut, threading.Event()

    def late() -> None:
        # As if a long local call were under way.
        may_end.wait(30)
        shut()

    monkeypatch.setattr(aino.native, "shut", late)
    follower = Follower(aino, Query())
    until(lambda: follower.pages == 1)
    closing = threading.Thread(target=aino.close)
    closing.start()
    try:
        assert follower.ended.wait(5)
    finally:
        may_end.set()
        closing.join()


def test_a_cut_off_device_says_why_it_ended(relay: Relay) -> None:
    person = relay.person("Sari")
    with Device.open(*relay.place(person), new_key()) as device:
        me = device.enrol(relay.url, relay.invited(person), "phone")
        device.sync()
        relay.sopu("device", "revoke", me.device)
        keeping = device.keep_in_sync()
        assert keeping.wait(20)
        # Handed in, wiped, and over; or refused, which a person must know.
        if keeping.error is None:
            assert device.sync_state is SyncState.WIPED
        else:
            assert isinstance(keeping.error, SopuError.Refused)
            assert device.sync_state is SyncState.IDLE
