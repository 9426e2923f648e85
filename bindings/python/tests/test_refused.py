"""Work that the relay or the office refuses, and work that cannot be sent: told, readable, and no hindrance."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sopu import (
    Device,
    Kind,
    Place,
    SopuError,
    SyncState,
    VisitNote,
    new_key,
)

from .counted import Counted, more_than_a_portion
from .office import Office
from .relay import Relay, sync_all, until


class Phone:
    """One installation that is closed and opened again."""

    def __init__(self, relay: Relay, role: str) -> None:
        self.person = relay.person("Sari", role)
        self.place = relay.place(self.person)
        self.key = new_key()
        self.line = Counted()
        self.device = self.open()
        self.device.enrol(relay.url, relay.invited(self.person), "phone")
        self.device.sync()

    def open(self) -> Device:
        self.device = Device.open(*self.place, self.key, client=self.line)
        return self.device


@pytest.fixture
def reader(relay: Relay) -> Iterator[Phone]:
    """Of somebody who may only read."""
    phone = Phone(relay, "reader")
    yield phone
    phone.device.close()


@pytest.fixture
def writer(relay: Relay) -> Iterator[Phone]:
    phone = Phone(relay, "field")
    yield phone
    phone.device.close()


def held(phone: Phone, space: str) -> str:
    """A note that the relay holds."""
    doc = phone.device.create(space, VisitNote(summary="Ilman oikeutta", handover="Avain")).id

    def is_held() -> bool:
        phone.device.sync()
        return any(one.place is Place.HELD for one in phone.device.pending())

    until(is_held)
    return doc


def test_what_the_office_drops_is_refused_with_its_reason_then_a_draft_to_copy_from(
    relay: Relay, reader: Phone, eero: Device, space: str
) -> None:
    device = reader.device
    doc = held(reader, space)
    [pending] = device.pending()
    assert (pending.doc, pending.place, pending.reasons) == (doc, Place.HELD, ["right_missing"])
    assert Office(relay).drop(space, "ei hänen tehtävänsä") > 0
    # What is refused is set aside once all news is here.
    more_than_a_portion(eero, space)
    reader.line.left = 1
    with pytest.raises(SopuError.Offline):
        device.sync(within_ms=60_000)
    [pending] = device.pending()
    assert (pending.doc, pending.place, pending.reasons) == (doc, Place.REFUSED, ["dropped"])
    assert pending.title == "Ilman oikeutta"
    assert device.backlog().refused == 1
    assert device.drafts() == []

    reader.line.left = None
    device.sync()
    assert device.pending() == []
    [draft] = device.drafts()
    assert (draft.doc, draft.space, draft.kind) == (doc, space, Kind.VISIT_NOTE)
    assert draft.reason == "dropped"
    assert abs(draft.made_ms - time.time() * 1_000) < 600_000
    copied = VisitNote.from_value(json.loads(draft.value))
    assert (copied.summary, copied.handover) == ("Ilman oikeutta", "Avain")
    # Nothing of it was in the record, so there is no document left.
    with pytest.raises(SopuError.NotFound):
        device.form(doc)
    reader.device.close()
    device = reader.open()
    assert device.drafts() == [draft], "it is kept"
    device.discard_draft(draft.number)
    assert device.drafts() == []


def test_a_dropped_edit_leaves_the_document_as_the_record_has_it(
    relay: Relay, writer: Phone, space: str
) -> None:
    device = writer.device
    form = device.create(space, VisitNote(summary="Kirjassa"))
    sync_all(device)
    relay.sopu("space", "grant", "Koivula", "--member", writer.person, "--role", "reader")
    form.value.summary = "Ei enää kirjassa"
    form.save()

    def is_held() -> bool:
        device.sync()
        return device.status(form.id).held > 0

    until(is_held)
    assert Office(relay).drop(space, "oikeus oli päättynyt") > 0

    def set_aside() -> bool:
        device.sync()
        return bool(device.drafts())

    until(set_aside)
    [draft] = device.drafts()
    assert VisitNote.from_value(json.loads(draft.value)).summary == "Ei enää kirjassa"
    form.refresh()
    assert form.value.summary == "Kirjassa"


def damage(phone: Phone, mark: str) -> None:
    """Flips a bit wherever the store's file says this."""
    phone.device.close()
    path, code = Path(phone.place[0]), mark.encode()
    said = path.read_bytes()
    assert code in said
    path.write_bytes(said.replace(code, bytes([code[0] ^ 1]) + code[1:]))
    phone.open()


@pytest.mark.parametrize("why", ["held", "damaged"])
def test_kept_in_sync_a_device_listens_though_something_cannot_be_sent(
    relay: Relay, eero: Device, space: str, why: str
) -> None:
    phone = Phone(relay, "reader" if why == "held" else "field")
    if why == "held":
        held(phone, space)
    else:
        doc = phone.device.create(space, VisitNote(summary="Vaurio", visit_key="MERKKI")).id
        damage(phone, "MERKKI")
        with pytest.raises(SopuError.Damaged):
            phone.device.form(doc)
    with phone.device as device, device.keep_in_sync() as keeping:
        until(lambda: device.sync_state is SyncState.UP_TO_DATE)
        assert (device.backlog().held, device.backlog().here > 0) == (int(why == "held"), why != "held")
        before = phone.line.made
        time.sleep(3)
        assert phone.line.made - before <= 8, "it listens, and does not ask again and again"
        assert device.sync_state is SyncState.UP_TO_DATE and keeping.error is None
        form = eero.create(space, VisitNote(summary="Kuullaan silti"))
        eero.sync()
        until(lambda: form.id in [row.id for row in device.list().rows])
        if why == "damaged":
            mine = device.create(space, VisitNote(summary="Lähtee silti"))
            until(lambda: device.status(mine.id).here == 0)
