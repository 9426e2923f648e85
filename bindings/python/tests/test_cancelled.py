"""asyncio calls that write, cancelled at any moment: done whole or never begun, and done again once."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from sopu import Query, VisitNote, new_id, new_key
from sopu.aio import Device
from sopu.native import SopuDevice

from .relay import Relay

# So many rounds of the loop after the call, or seconds if it is not done before: before, in and after what the
# thread does.
MOMENTS = [0, 1, 2, 3, 5, 8, 0.01, 0.03, 0.06, 0.1, 60.0]
# How long what the thread does takes at least, before it does it and after.
SLOW_S = 0.03


@contextlib.asynccontextmanager
async def enrolled(relay: Relay) -> AsyncIterator[Device]:
    with await asyncio.to_thread(relay.device, "Aino") as device:
        yield Device(device.native)


class Slow:
    """A call of the library that takes its time, and whether it was begun."""

    def __init__(self, patch: pytest.MonkeyPatch, native: SopuDevice, name: str) -> None:
        self.begun = False
        call = getattr(native, name)

        def slow(*words: Any) -> Any:
            self.begun = True
            time.sleep(SLOW_S)
            done = call(*words)
            time.sleep(SLOW_S)
            return done

        patch.setattr(native, name, slow)


async def cancelled(call: Coroutine[None, None, object], moment: float) -> bool:
    """Cancels a call after that long; whether it was still under way."""
    task = asyncio.create_task(call)
    if isinstance(moment, int):
        for _ in range(moment):
            await asyncio.sleep(0)
    else:
        await asyncio.wait([task], timeout=moment)
    task.cancel()
    [ended] = await asyncio.gather(task, return_exceptions=True)
    if isinstance(ended, asyncio.CancelledError):
        return True
    if isinstance(ended, BaseException):
        raise ended
    return False


def at_many_moments(
    relay: Relay, work: Callable[[Device, float], Coroutine[None, None, bool]]
) -> None:
    """Each with a device of its own; some must have been cut, and not all."""

    async def all_of_them() -> None:
        async with enrolled(relay) as aino:
            cut = [await work(aino, moment) for moment in MOMENTS]
            assert any(cut) and not all(cut), cut

    asyncio.run(all_of_them())


async def ids(aino: Device) -> list[str]:
    return [row.id for row in (await aino.list(Query(limit=1_000))).rows]


def test_a_create_that_is_cancelled_is_made_or_not_when_it_ends_and_made_again_once(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(aino: Device, moment: float) -> bool:
        space = (await aino.spaces())[0].id
        before = await ids(aino)
        doc, note = new_id(), VisitNote(summary=f"Hetki {moment}")
        with monkeypatch.context() as patch:
            slow = Slow(patch, aino.native, "create")
            cut = await cancelled(aino.create(space, note, doc=doc), moment)
        there = await ids(aino)
        assert (doc in there) == slow.begun
        # Whoever heard nothing does it again.
        form = await aino.create(space, note, doc=doc)
        assert (form.id, form.value.summary) == (doc, note.summary)
        assert sorted(await ids(aino)) == sorted([*before, doc])
        # And as it is, if it was edited since.
        form.value.handover = "Avain"
        await form.save()
        assert (await aino.create(space, note, doc=doc)).value.handover == "Avain"
        return cut

    at_many_moments(relay, work)


def test_a_create_without_an_id_is_made_or_not_when_it_ends(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(aino: Device, moment: float) -> bool:
        space = (await aino.spaces())[0].id
        before = len(await ids(aino))
        with monkeypatch.context() as patch:
            slow = Slow(patch, aino.native, "create")
            cut = await cancelled(aino.create(space, VisitNote()), moment)
        assert len(await ids(aino)) == before + slow.begun
        return cut

    at_many_moments(relay, work)


@pytest.mark.parametrize("name", ["save", "reopen"])
def test_a_form_whose_write_is_cancelled_is_at_what_is_stored(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    async def work(aino: Device, moment: float) -> bool:
        space = (await aino.spaces())[0].id
        form = await aino.create(space, VisitNote(summary="Ensin", status="done"))
        form.value.handover = "Avain"
        calls = {"save": form.save, "reopen": lambda: form.reopen("status", "started")}
        with monkeypatch.context() as patch:
            slow = Slow(patch, aino.native, name)
            cut = await cancelled(calls[name](), moment)
        stored = await aino.form(form.id, VisitNote)
        if slow.begun:
            assert (form.value, form.version) == (stored.value, stored.version)
            assert not form.edited
        else:
            assert form.value.handover == "Avain"
        form.value.handover = "Avain naapurissa"
        await form.save()
        stored = await aino.form(form.id, VisitNote)
        assert stored.value.handover == "Avain naapurissa"
        return cut

    at_many_moments(relay, work)


def test_a_note_whose_move_is_cancelled_is_moved_once(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    other: list[str] = []

    async def work(aino: Device, moment: float) -> bool:
        if not other:
            me = (await aino.identity()).member
            name = f"Mäkelä {new_id()}"
            relay.sopu("space", "add", name)
            relay.sopu("space", "grant", name, "--member", me, "--role", "field")
            await aino.sync()
            other.extend(one.id for one in await aino.spaces() if one.name == name)
        [space] = [one.id for one in await aino.spaces() if one.id != other[0]]
        form = await aino.create(space, VisitNote(summary="Väärä asiakas"))
        form.value.handover = "Ei tallennettu"
        before = (await aino.list(Query(spaces=[other[0]]))).total
        with monkeypatch.context() as patch:
            slow = Slow(patch, aino.native, "move_note")
            cut = await cancelled(form.move(other[0]), moment)
        assert (await aino.list(Query(spaces=[other[0]]))).total == before + slow.begun
        moved = await aino.form(await form.move(other[0]), VisitNote)
        assert moved.value.handover == "Ei tallennettu"
        assert (await aino.list(Query(spaces=[other[0]]))).total == before + 1
        return cut

    at_many_moments(relay, work)


def test_a_store_whose_opening_is_cancelled_is_opened_again(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, key = relay.place("peruttu avaaminen"), new_key()

    async def work() -> None:
        for moment in MOMENTS:
            await cancelled(Device.open(*place, key), moment)
            async with await Device.open(*place, key) as device:
                assert await device.spaces() == []

    asyncio.run(work())
