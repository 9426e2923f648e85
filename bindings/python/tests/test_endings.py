"""What ends what a device shows: time without contact, a right that ran out, a wipe, a newer version."""

import contextlib
import json
import sqlite3
import time
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sopu import Device, SopuError, VisitNote, new_key
from sopu.documents import Cosign

from .relay import Relay, in_record, sync_all, until

DAY_MS = 24 * 60 * 60 * 1_000


class Laptop:
    """One installation that is closed and opened again."""

    def __init__(self, relay: Relay) -> None:
        self.person = relay.person("Sari")
        self.place = relay.place(self.person)
        self.key = new_key()
        self.device = Device.open(*self.place, self.key)
        self.id = self.device.enrol(relay.url, relay.invited(self.person), "laptop").device
        self.device.sync()

    @contextlib.contextmanager
    def store(self) -> Iterator[sqlite3.Connection]:
        """The file, while nobody has it open; then it is opened again."""
        self.device.close()
        with contextlib.closing(sqlite3.connect(self.place[0])) as file:
            yield file
            file.commit()
        self.device = Device.open(*self.place, self.key)

    def later(self, days: int) -> None:
        """Opened again so many days later, by the latest time it has seen."""
        latest = time.time_ns() // 1_000_000 + days * DAY_MS
        with self.store() as file:
            given = latest.to_bytes(8, "big")
            file.execute("INSERT OR REPLACE INTO meta VALUES ('latest_ms', ?)", [given])


@pytest.fixture
def laptop(relay: Relay) -> Iterator[Laptop]:
    laptop = Laptop(relay)
    yield laptop
    laptop.device.close()


def test_after_the_organisations_days_without_contact_it_shows_nothing_until_it_was_online(
    relay: Relay, laptop: Laptop, space: str
) -> None:
    relay.sopu("org", "lease", "9")
    laptop.device.sync()
    doc = laptop.device.create(space, VisitNote(summary="Talletettu")).id
    form = laptop.device.form(doc, VisitNote)
    laptop.later(8)
    assert laptop.device.form(doc, VisitNote).value == form.value
    laptop.later(10)
    device = laptop.device
    for read in (lambda: device.form(doc), device.list, device.spaces, lambda: device.timeline(doc)):
        with pytest.raises(SopuError.GoOnline, match="go online") as ended:
            read()
        assert ended.value.days == 9
    # Writing goes on: a form that is open does not show it, and saves.
    form.value.handover = "Silti"
    device.native.save(doc, form.version, json.dumps(form.value.to_value()))
    in_record(device, doc)
    assert device.form(doc, VisitNote).value.handover == "Silti"


def test_a_right_that_has_run_out_shuts_the_space_and_its_work_still_goes_out(
    relay: Relay, laptop: Laptop
) -> None:
    relay.sopu("space", "add", "Sijaisuus")
    until_day = f"{datetime.now() + timedelta(days=3):%Y-%m-%d}"
    relay.sopu(
        "substitute", laptop.person, "--space", "Sijaisuus", "--until", until_day, "--reason", "loma"
    )
    laptop.device.sync()
    [space] = [one.id for one in laptop.device.spaces() if one.name == "Sijaisuus"]
    doc = laptop.device.create(space, VisitNote(summary="Sijaisen")).id
    laptop.later(5)
    device = laptop.device
    with pytest.raises(SopuError.RightEnded) as ended:
        device.form(doc)
    assert 0 < ended.value.ended_ms - time.time() * 1_000 < 4 * DAY_MS
    assert space not in [one.id for one in device.spaces()]
    assert space in [one.id for one in device.sealed_spaces()]
    assert doc not in [row.id for row in device.list().rows]
    # Not before it is settled with the relay, whose clock says that it has not ended.
    in_record(device, doc)
    assert device.sealed_spaces() == []
    assert device.form(doc, VisitNote).value.summary == "Sijaisen"


def test_a_device_that_was_cut_off_hands_in_its_work_and_holds_nothing_then(
    relay: Relay, laptop: Laptop, space: str
) -> None:
    device = laptop.device
    device.create(space, VisitNote(summary="Luovutettava", handover="SALAISUUS"))
    relay.sopu("device", "revoke", laptop.id)
    until(lambda: device.sync().wiped)
    assert device.spaces() == [] and device.list().rows == []
    assert device.pending() == [] and device.drafts() == []

    def told() -> bool:
        try:
            return device.sync() is None
        except SopuError.Refused as refused:
            return refused.code == "device_revoked"

    until(told)
    device.close()
    assert b"SALAISUUS" not in Path(laptop.place[0]).read_bytes()
    Device.remove(*laptop.place)
    with Device.open(*laptop.place, new_key()) as another:
        another.enrol(relay.url, relay.invited(laptop.person), "laptop")
        another.sync()
        assert space in [one.id for one in another.spaces()]


def test_a_store_of_a_newer_version_is_left_as_it_is(laptop: Laptop) -> None:
    laptop.device.close()
    with contextlib.closing(sqlite3.connect(laptop.place[0])) as file:
        [[known]] = file.execute("PRAGMA user_version").fetchall()
        file.execute(f"PRAGMA user_version = {known + 1}")
    before = Path(laptop.place[0]).read_bytes()
    with pytest.raises(SopuError.Update, match="update the app"):
        Device.open(*laptop.place, laptop.key)
    assert Path(laptop.place[0]).read_bytes() == before
    with contextlib.closing(sqlite3.connect(laptop.place[0])) as file:
        file.execute(f"PRAGMA user_version = {known}")
    with Device.open(*laptop.place, laptop.key) as device:
        assert device.identity().device == laptop.id


def test_the_relays_clock_is_known_after_a_contact(relay: Relay, tmp_path: Path) -> None:
    with Device.open(str(tmp_path / "sopu.db"), str(tmp_path / "instance"), new_key()) as device:
        assert device.clock_offset_ms() is None
        device.enrol(relay.url, relay.invited(relay.person("Sari")), "laptop")
        device.sync()
        offset = device.clock_offset_ms()
        assert offset is not None and abs(offset) < 5_000, "both run on this machine"


def test_an_entry_that_two_wrote_differently_shows_both(
    aino: Device, eero: Device, space: str
) -> None:
    form = aino.create(space, VisitNote(summary="Opiskelijan"))
    sync_all(aino, eero)
    assert form.log_clashes == []
    # A key that both derived from the same facts; any other is taken by the first.
    key = str(uuid.uuid5(uuid.NAMESPACE_OID, form.id))
    for device, at in [(aino, 1), (eero, 2)]:
        mine = device.form(form.id, VisitNote)
        mine.value.cosign[key] = Cosign(at=at)
        mine.save()
    sync_all(aino, eero)
    form.refresh()
    [clash] = form.log_clashes
    assert (clash.field, clash.key) == ("cosign", key)
    assert sorted(clash.values) == ['{"at":1}', '{"at":2}']
    assert eero.form(form.id).log_clashes == [clash], "in the same order everywhere"
