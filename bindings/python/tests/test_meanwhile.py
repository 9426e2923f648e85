"""What is typed while something of a form is under way stays, whatever that brings."""

import asyncio
import threading
from typing import Any

import pytest

import sopu.aio
from sopu import Contract, Device, Kind, SopuError, VisitNote, new_id
from sopu.documents import Task
from sopu.edits import carried

from .contract import care_contract
from .meanwhile import OTHERS, before_next, overtake
from .relay import Relay

ITEM, OTHER = {"name": "a", "unit": "h"}, {"name": "b", "unit": "h"}


@pytest.mark.parametrize(
    ("before", "after", "onto", "made"),
    [
        ({"a": 1}, {"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"a": 2}, {"a": 1, "b": 1}, {"a": 2, "b": 1}),
        # The person's where both changed one.
        ({"a": 1}, {"a": 2}, {"a": 3}, {"a": 2}),
        ({"a": 1}, {}, {"a": 1, "b": 1}, {"b": 1}),
        ({"a": 1}, {}, {"a": 2}, {}),
        # Fields of an item, and items, one by one.
        ({"t": {"k": ITEM}}, {"t": {"k": ITEM | {"x": 1}}}, {"t": {"k": OTHER}}, {"t": {"k": OTHER | {"x": 1}}}),
        ({}, {"t": {"k": ITEM}}, {"t": {"l": OTHER}}, {"t": {"k": ITEM, "l": OTHER}}),
        ({"t": {"k": ITEM}}, {}, {"t": {"k": ITEM, "l": OTHER}}, {"t": {"l": OTHER}}),
        ({"t": {"k": ITEM}}, {}, {"t": {"k": OTHER}}, {}),
        # One that somebody took out comes back whole or not at all.
        ({"t": {"k": ITEM}}, {"t": {"k": ITEM | {"x": 1}}}, {}, {"t": {"k": ITEM | {"x": 1}}}),
        ({"t": {"k": ITEM, "l": ITEM}}, {"t": {"k": ITEM}}, {"t": {"l": ITEM}}, {}),
        # Elements of a list or set.
        ({"s": ["a", "b"]}, {"s": ["b", "c"]}, {"s": ["a", "b", "d"]}, {"s": ["b", "d", "c"]}),
        ({}, {"s": ["a"]}, {"s": ["b"]}, {"s": ["b", "a"]}),
        ({"s": ["a"]}, {}, {"s": ["a", "b"]}, {"s": ["b"]}),
        ({"s": ["a", "b"]}, {"s": ["a"]}, {"s": ["b"]}, {"s": []}),
    ],
)  # fmt: skip
def test_edits_are_carried_field_by_field(before: Any, after: Any, onto: Any, made: Any) -> None:
    result = carried(before, after, onto)
    # An empty map or list says no more than none.
    assert {name: one for name, one in result.items() if one != {}} == made


def test_what_another_thread_types_during_a_save_that_merges_stays(
    aino: Device, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_id()
    form = aino.create(space, VisitNote(summary="Ensin", tasks={key: Task(plan_item="Pesu")}))
    overtake(aino, form.id)

    def type_on() -> None:
        with form.edit() as value:
            value.handover = "Kirjoitettu tallennettaessa"
            value.tasks[key].state = "done"
            value.tags.add("oma")

    form.value.summary = "Aamulla"
    before_next(monkeypatch, aino.native, "save", type_on)
    assert form.save().merged
    assert form.edited
    assert form.value.summary == "Aamulla"
    assert form.value.handover == "Kirjoitettu tallennettaessa"
    assert (form.value.tasks[key].plan_item, form.value.tasks[key].state) == ("Pesu", "done")
    assert len(form.value.tags) == OTHERS + 1
    form.save()
    assert not form.edited
    stored = aino.form(form.id, VisitNote).value
    assert stored == form.value


def test_what_is_typed_into_a_dict_during_a_save_that_merges_stays(
    aino: Device, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = aino.create(space, {"summary": "Ensin"}, Kind.VISIT_NOTE)
    overtake(aino, form.id)
    form.value["summary"] = "Aamulla"
    before_next(monkeypatch, aino.native, "save", lambda: form.value.update(km="12"))
    assert form.save().merged
    assert (form.value["summary"], form.value["km"]) == ("Aamulla", "12")
    assert len(form.value["tags"]) == OTHERS


def test_a_form_shows_what_was_merged_though_something_unwritable_was_typed(
    aino: Device, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = aino.create(space, {"summary": "Ensin"}, Kind.VISIT_NOTE)
    overtake(aino, form.id)
    form.value["summary"] = "Aamulla"
    before_next(monkeypatch, aino.native, "save", lambda: form.value.update(km=object()))
    with pytest.raises(TypeError):
        form.save()
    assert len(form.value["tags"]) == OTHERS, "or the next save would take these out"
    assert not form.save().changed
    form.value["km"] = object()
    form.refresh()
    assert form.value["summary"] == "Aamulla", "a read forgets what cannot be written, too"


def test_what_is_typed_during_a_read_or_an_action_stays_and_what_was_before_a_read_goes(
    aino: Device, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = aino.create(space, VisitNote(summary="Ensin", status="done"))

    def type_on() -> None:
        with form.edit() as value:
            value.handover = "Kesken"

    form.value.summary = "Unohdetaan"
    before_next(monkeypatch, aino.native, "read", type_on)
    form.refresh()
    assert (form.value.summary, form.value.handover) == ("Ensin", "Kesken")
    form.save()
    form.value.handover = ""
    form.save()
    before_next(monkeypatch, aino.native, "reopen", type_on)
    form.reopen("status", "started")
    assert (form.value.status, form.value.handover) == ("started", "Kesken")
    assert form.edited


def test_two_threads_that_save_one_form_take_turns(
    aino: Device, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = aino.create(space, VisitNote(summary="Kahdesti"))
    form.value.handover = "Avain"
    other = threading.Thread(target=form.save)

    def begin() -> None:
        other.start()
        other.join(0.3)

    before_next(monkeypatch, aino.native, "save", begin)
    form.save()
    other.join()
    assert aino.form(form.id, VisitNote).value.handover == "Avain", "once, not twice"


def test_a_note_is_moved_with_what_was_typed_last(
    relay: Relay, aino: Device, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"Mäkelä {new_id()}"
    relay.sopu("space", "add", name)
    relay.sopu("space", "grant", name, "--member", aino.identity().member, "--role", "field")
    aino.sync()
    [other] = [one.id for one in aino.spaces() if one.name == name]
    form = aino.create(space, VisitNote(summary="Väärä asiakas"))
    form.value.summary = "Väärälle asiakkaalle"
    before_next(monkeypatch, aino.native, "save", lambda: setattr(form.value, "handover", "Viime"))
    moved = aino.form(form.move(other), VisitNote)
    assert (moved.value.summary, moved.value.handover) == ("Väärälle asiakkaalle", "Viime")


def test_a_task_types_on_while_a_save_that_merges_is_awaited(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        with relay.device("Aino") as device:
            aino = sopu.aio.Device(device.native)
            space = (await aino.spaces())[0].id
            form = await aino.create(space, VisitNote(summary="Ensin"))
            await asyncio.to_thread(overtake, device, form.id)
            loop, under_way = asyncio.get_running_loop(), asyncio.Event()
            typed = threading.Event()

            def begun() -> None:
                loop.call_soon_threadsafe(under_way.set)
                assert typed.wait(20)

            async def type_on() -> None:
                await under_way.wait()
                form.value.handover = "Kirjoitettu tallennettaessa"
                typed.set()

            form.value.summary = "Aamulla"
            before_next(monkeypatch, device.native, "save", begun)
            saved, _ = await asyncio.gather(form.save(), type_on())
            assert saved.merged and form.edited
            assert form.value.summary == "Aamulla"
            assert form.value.handover == "Kirjoitettu tallennettaessa"
            assert len(form.value.tags) == OTHERS
            await form.save()
            assert (await aino.form(form.id, VisitNote)).value == form.value

    asyncio.run(work())


def test_a_lock_seals_only_what_was_shown_when_it_was_asked_for(relay: Relay) -> None:
    async def work() -> None:
        with relay.device("Aino") as device:
            aino = sopu.aio.Device(device.native)
            space = (await aino.spaces())[0].id
            form = await aino.create(space, Contract.from_value(care_contract()))
            other = await aino.form(form.id, Contract)
            other.value.title = "Toinen"
            await other.save()
            _, locked = await asyncio.gather(form.refresh(), form.lock(), return_exceptions=True)
            assert isinstance(locked, SopuError.ReadAgain)
            assert form.value.title == "Toinen"
            assert not (await form.signing_state()).locked
            await form.lock()
            assert (await form.signing_state()).locked

    asyncio.run(work())
