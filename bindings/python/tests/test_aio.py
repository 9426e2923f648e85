"""The same for asyncio: nothing blocks the loop, and what waits is cancelled at once."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

import pytest

from sopu import (
    Contract,
    HttpClient,
    HttpReply,
    HttpRequest,
    Kind,
    Query,
    SopuError,
    Stage,
    Statement,
    SyncState,
    VisitNote,
    new_key,
)
from sopu.aio import Device

from .contract import CUSTOMER, care_contract
from .relay import Relay


@contextlib.asynccontextmanager
async def enrolled(relay: Relay, first_name: str) -> AsyncIterator[Device]:
    person = await asyncio.to_thread(relay.person, first_name)
    code = await asyncio.to_thread(relay.invited, person)
    async with await Device.open(*relay.place(person), new_key()) as device:
        await device.enrol(relay.url, code, "phone")
        await device.sync()
        yield device


async def until(what: Callable[[], Awaitable[bool]], wait_s: float = 20.0) -> None:
    async with asyncio.timeout(wait_s):
        while not await what():
            await asyncio.sleep(0.05)


def test_a_day_in_asyncio(relay: Relay) -> None:
    async def day() -> None:
        async with enrolled(relay, "Aino") as aino, enrolled(relay, "Eero") as eero:
            [space] = await aino.spaces()
            assert (await aino.identity()).member_name.startswith("Aino")
            form = await aino.create(space.id, VisitNote(summary="Aamulla"))
            async with form:
                form.value.handover = "Avain naapurissa"
                assert (await form.save()).changed
            assert (await aino.status(form.id)).stage is Stage.HERE
            assert [one.doc for one in await aino.pending()] == [form.id]

            async def arrived() -> bool:
                await aino.sync()
                await eero.sync(within_ms=5_000)
                return form.id in [row.id for row in (await eero.list()).rows]

            await until(arrived)
            theirs = await eero.form(form.id, VisitNote)
            assert theirs.value == form.value
            plain = await eero.form(form.id)
            assert plain.value["summary"] == "Aamulla"
            untyped = await eero.create(space.id, {"summary": "Toinen"}, Kind.VISIT_NOTE)
            found = await eero.search("toinen")
            assert [row.id for row in found.rows] == [untyped.id]
            assert await aino.export(form.id)
            assert await aino.timeline(form.id)

    asyncio.run(day())


def test_a_conflict_is_settled_and_a_contract_signed(relay: Relay) -> None:
    async def work() -> None:
        async with enrolled(relay, "Aino") as aino, enrolled(relay, "Eero") as eero:
            space = (await aino.spaces())[0].id
            form = await aino.create(space, VisitNote(summary="Kiista"))

            async def settled() -> bool:
                for device in (aino, eero):
                    await device.sync()
                backlogs = [await device.backlog() for device in (aino, eero)]
                return all(one.here + one.server == 0 for one in backlogs)

            await until(settled)
            await eero.sync()
            theirs = await eero.form(form.id, VisitNote)
            form.value.outcome, theirs.value.outcome = "as_planned", "client_absent"
            await asyncio.gather(form.save(), theirs.save())
            await until(settled)
            await aino.sync()
            await form.refresh()
            [mine] = [one for one in form.conflicts["outcome"] if one.value == "as_planned"]
            await form.choose(mine)
            assert form.conflicts == {}

            contract = await aino.create(space, Contract.from_value(care_contract()))
            assert await contract.problems("locked") is not None
            await contract.lock()
            await contract.sign(Statement(party=CUSTOMER, signer=CUSTOMER, signer_name="Aune"))
            state = await contract.signing_state()
            assert state.locked and not state.complete
            assert await contract.signed_content() is None

    asyncio.run(work())


def test_a_cancelled_long_poll_ends_at_once_and_the_device_works_on(relay: Relay) -> None:
    async def cancelled() -> None:
        async with enrolled(relay, "Aino") as aino:
            while True:
                poll = asyncio.create_task(aino.watch(60_000))
                await asyncio.sleep(0.5)
                if not poll.done():
                    break
            began = time.monotonic()
            poll.cancel()
            with pytest.raises(asyncio.CancelledError):
                await poll
            assert time.monotonic() - began < 2
            await aino.sync()

    asyncio.run(cancelled())


def test_a_cancelled_enrolment_leaves_a_device_that_enrols(relay: Relay) -> None:
    class Nobody(HttpClient):
        """A line on which nothing ever comes."""

        def post(self, request: HttpRequest) -> HttpReply:
            time.sleep(5)
            raise KeyError

    async def cancelled() -> None:
        person = await asyncio.to_thread(relay.person, "Eero")
        code = await asyncio.to_thread(relay.invited, person)
        async with await Device.open(*relay.place(person), new_key(), client=Nobody()) as eero:
            began = time.monotonic()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await eero.enrol(relay.url, code, "phone")
            assert time.monotonic() - began < 4
            eero.client = None
            assert (await eero.enrol(relay.url, code, "phone")).org_name == "Hoiva Oy"

    asyncio.run(cancelled())


def test_a_list_follows_while_the_device_is_kept_in_sync(relay: Relay) -> None:
    async def follow() -> None:
        async with enrolled(relay, "Aino") as aino, enrolled(relay, "Eero") as eero:
            states: list[SyncState] = []
            keeping = [
                asyncio.create_task(aino.keep_in_sync(states.append)),
                asyncio.create_task(eero.keep_in_sync()),
            ]
            space = (await aino.spaces())[0].id
            await eero.create(space, VisitNote(summary="Livenä"))
            async with contextlib.aclosing(aino.live(Query(text="livenä"))) as pages:
                async with asyncio.timeout(20):
                    async for page in pages:
                        if page.rows:
                            break
            assert SyncState.UP_TO_DATE in states
            began = time.monotonic()
            for task in keeping:
                task.cancel()
            await asyncio.gather(*keeping, return_exceptions=True)
            assert time.monotonic() - began < 2
            await until(lambda: idle(aino))

    async def idle(device: Device) -> bool:
        return device.sync_state is SyncState.IDLE

    asyncio.run(follow())


def test_keeping_a_device_in_sync_that_is_nobodys_is_an_error(relay: Relay) -> None:
    async def keep() -> None:
        async with await Device.open(*relay.place("nobody"), new_key()) as device:
            with pytest.raises(SopuError.Enrol):
                await device.keep_in_sync()

    asyncio.run(keep())


def test_a_closed_device_ends_what_follows_it(relay: Relay) -> None:
    async def close() -> None:
        async with enrolled(relay, "Aino") as aino:
            keeping = asyncio.create_task(aino.keep_in_sync())
            pages = aino.live()
            await anext(pages)
            await aino.close()
            async with asyncio.timeout(5):
                assert [page async for page in pages] == []
                await keeping
            with pytest.raises(SopuError.Closed):
                await aino.spaces()

    asyncio.run(close())


def test_a_cancelled_save_leaves_the_form_at_what_is_stored(relay: Relay) -> None:
    async def work() -> None:
        async with enrolled(relay, "Aino") as aino:
            space = (await aino.spaces())[0].id
            form = await aino.create(space, VisitNote(summary="Peruttu"))
            form.value.handover = "Avain"
            await cancelled(form.save())
            assert not form.edited
            form.value.handover = "Avain naapurissa"
            await form.save()
            assert form.value.handover == "Avain naapurissa"
            stored = await aino.form(form.id, VisitNote)
            assert stored.value.handover == "Avain naapurissa"

    async def cancelled(call: Coroutine[None, None, object]) -> None:
        task = asyncio.create_task(call)
        for _ in range(5):
            await asyncio.sleep(0)
        # The thread ends, and the loop has not heard of it yet.
        time.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(work())


def test_two_saves_of_one_form_write_its_text_once(relay: Relay) -> None:
    async def work() -> None:
        async with enrolled(relay, "Aino") as aino:
            space = (await aino.spaces())[0].id
            form = await aino.create(space, VisitNote(summary="Kahdesti"))
            form.value.handover = "Avain"
            await asyncio.gather(form.save(), form.save())
            stored = await aino.form(form.id, VisitNote)
            assert stored.value.handover == "Avain"

    asyncio.run(work())


def test_a_cancelled_close_closes_all_the_same(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        async with enrolled(relay, "Aino") as aino:
            shut, may_end = aino.native.shut, threading.Event()

            def late() -> None:
                # As if a long local call were under way.
                may_end.wait(30)
                shut()

            monkeypatch.setattr(aino.native, "shut", late)
            pages = aino.live()
            await anext(pages)
            closing = asyncio.create_task(aino.close())
            async with asyncio.timeout(5):
                assert [page async for page in pages] == []
            closing.cancel()
            await asyncio.sleep(0)
            may_end.set()
            with pytest.raises(asyncio.CancelledError):
                await closing
            with pytest.raises(SopuError.Closed):
                await aino.spaces()

    asyncio.run(work())


def test_the_loop_runs_on_while_the_device_waits(relay: Relay) -> None:
    class Slow(HttpClient):
        def post(self, request: HttpRequest) -> HttpReply:
            time.sleep(2)
            raise KeyError

    async def work() -> None:
        place = relay.place("slow")
        async with await Device.open(*place, new_key(), client=Slow()) as device:
            waiting = asyncio.create_task(device.enrol(relay.url, "CODE", "phone"))
            beats = 0
            while not waiting.done():
                await asyncio.sleep(0.05)
                beats += 1
            assert beats >= 5, "the loop was blocked"
            with pytest.raises(SopuError.Offline):
                await waiting

    asyncio.run(work())
