"""Reads that follow what changes, and forms that are kept fresh."""

import asyncio
import contextlib
import threading

import pytest

import sopu.aio
from sopu import Device, SopuError, Stage, VisitNote, new_key

from .meanwhile import before_next
from .relay import Relay, in_record, sync_all, until


def test_every_change_has_a_number_and_the_closed_device_has_no_more(
    aino: Device, space: str
) -> None:
    changes = aino.changes()
    first = next(changes)
    aino.create(space, VisitNote(summary="Muutos"))
    second = next(changes)
    assert second > first
    told, ended = [second], threading.Event()

    def follow() -> None:
        told.extend(changes)
        ended.set()

    threading.Thread(target=follow, daemon=True).start()
    aino.create(space, VisitNote(summary="Toinen"))
    until(lambda: told[-1] > second)
    aino.close()
    assert ended.wait(5)
    assert told == sorted(set(told))
    assert list(aino.changes()) == []


def test_anything_that_is_read_can_be_followed(aino: Device, space: str) -> None:
    doc = aino.create(space, VisitNote(summary="Vaihe kerrallaan")).id
    with contextlib.closing(aino.follow(lambda: aino.status(doc).stage)) as stages:
        assert next(stages) is Stage.HERE
        aino.create(space, VisitNote(summary="Muu"))
        in_record(aino, doc)
        # What has not changed is not given again, however much else has.
        assert next(stages) is not Stage.HERE


def test_following_fails_as_its_reading_fails(aino: Device) -> None:
    with pytest.raises(SopuError.BadValue):
        next(aino.follow(lambda: aino.timeline("no id")))
    until(lambda: not threads("sopu-changes"))


def test_a_form_is_kept_fresh_while_nothing_in_it_is_unsaved(
    aino: Device, eero: Device, space: str
) -> None:
    form = aino.create(space, VisitNote(summary="Aamulla"))
    sync_all(aino, eero)
    theirs = eero.form(form.id, VisitNote)
    shown: list[str] = []
    with form.keep_fresh(lambda: shown.append(form.value.handover)):
        theirs.value.handover = "Eerolta"
        theirs.save()
        sync_all(eero, aino)
        until(lambda: shown == ["Eerolta"])

        with form.edit() as value:
            value.summary = "Kesken"
        aino.create(space, VisitNote(summary="Muu muutos"))
        theirs.value.handover = "Taas Eerolta"
        theirs.save()
        sync_all(eero, aino)
        aino.list()
        assert (form.value.summary, form.value.handover) == ("Kesken", "Eerolta")
        form.save()
        until(lambda: shown[-1] == "Taas Eerolta")
        assert form.value.summary == "Kesken" and not form.edited
    value = form.value
    theirs.value.handover = "Liian myöhään"
    theirs.save()
    sync_all(eero, aino)
    until(lambda: not threads("sopu-fresh"))
    assert form.value is value and form.value.handover == "Taas Eerolta"


def test_what_is_typed_while_a_fresh_form_reads_stays(
    aino: Device, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = aino.create(space, VisitNote(summary="Aamulla"))
    other = aino.form(form.id, VisitNote)
    other.value.handover = "Toiselta"

    def type_on() -> None:
        with form.edit() as value:
            value.summary = "Kirjoitettu luettaessa"

    before_next(monkeypatch, aino.native, "read", type_on)
    other.save()
    with form.keep_fresh():
        until(lambda: form.value.handover == "Toiselta")
        assert form.value.summary == "Kirjoitettu luettaessa"
        assert form.edited


def test_a_fresh_form_shows_the_conflict_its_own_save_made(
    aino: Device, eero: Device, space: str
) -> None:
    form = aino.create(space, VisitNote(summary="Aamulla"))
    sync_all(aino, eero)
    theirs = eero.form(form.id, VisitNote)
    theirs.value.outcome = "partial"
    theirs.save()
    with form.keep_fresh():
        with form.edit() as value:
            value.outcome = "cancelled_by_client"
        sync_all(eero, aino)
        form.save()
        until(lambda: "outcome" in form.conflicts)


def test_closing_the_device_ends_what_keeps_a_form_fresh(aino: Device, space: str) -> None:
    keeping = aino.create(space, VisitNote(summary="Auki")).keep_fresh()
    aino.close()
    assert keeping.wait(5)
    assert keeping.error is None


def test_of_an_erased_document_a_fresh_form_ends_and_no_other_takes_its_place(
    relay: Relay, aino: Device, space: str
) -> None:
    form = aino.create(space, VisitNote(summary="Poistettava"))
    sync_all(aino)
    keeping = form.keep_fresh()
    relay.sopu("erase", "document", form.id, "--reason", "request")

    def ended() -> bool:
        aino.sync()
        return keeping.wait(0.1)

    until(ended)
    assert isinstance(keeping.error, SopuError.Erased)
    form.value.summary = "Takaisin"
    with pytest.raises(SopuError.Erased):
        form.save()
    with pytest.raises(SopuError.Erased, match="law") as erased:
        aino.create(space, VisitNote(summary="Takaisin"), doc=form.id)
    assert erased.value.doc == form.id
    assert form.id not in [row.id for row in aino.list().rows]


def test_the_same_in_asyncio(relay: Relay) -> None:
    async def work() -> None:
        person = await asyncio.to_thread(relay.person, "Aino")
        code = await asyncio.to_thread(relay.invited, person)
        async with await sopu.aio.Device.open(*relay.place(person), new_key()) as device:
            await device.enrol(relay.url, code, "phone")
            await device.sync()
            space = (await device.spaces())[0].id
            form = await device.create(space, VisitNote(summary="Aamulla"))
            shown = asyncio.Event()
            keeping = asyncio.create_task(form.keep_fresh(shown.set))
            async with asyncio.timeout(20), contextlib.aclosing(device.changes()) as changes:
                first = await anext(changes)
                other = await device.form(form.id, VisitNote)
                other.value.handover = "Toiselta"
                await other.save()
                assert await anext(changes) > first
                await shown.wait()
                assert form.value.handover == "Toiselta"
                async with contextlib.aclosing(device.follow(device.backlog)) as backlogs:
                    before = await anext(backlogs)
                    form.value.summary = "Kesken"
                    await form.save()
                    assert await anext(backlogs) != before
            assert not keeping.done()
            keeping.cancel()
            with pytest.raises(asyncio.CancelledError):
                await keeping
            fresh = asyncio.create_task(form.keep_fresh())
            await asyncio.sleep(0.1)
            await device.close()
            async with asyncio.timeout(5):
                await fresh
                assert [number async for number in device.changes()] == []

    asyncio.run(work())


def threads(name: str) -> int:
    return sum(thread.name == name for thread in threading.enumerate())
