"""Documents held open: typed and untyped, edited against colleagues, settled, locked, moved."""

import json
from pathlib import Path
from typing import Any

import pytest

from sopu import (
    Comparison,
    Contract,
    Device,
    Kind,
    Localized,
    ServiceListing,
    SopuError,
    Standing,
    Statement,
    VisitNote,
    new_id,
)
from sopu.documents import Task

from .contract import CUSTOMER, PROVIDER, care_contract
from .relay import Relay, sync_all

EXPECTED = json.loads(
    (Path(__file__).parents[2] / "golden" / "expected.json").read_text(encoding="utf-8")
)
TYPES: dict[str, Any] = {
    "contract": Contract,
    "visit_note": VisitNote,
    "service_listing": ServiceListing,
}


@pytest.mark.parametrize("kind", TYPES)
def test_a_document_with_every_field_filled_is_read_back_equal(
    aino: Device, space: str, kind: str
) -> None:
    full = EXPECTED["store"]["documents"][EXPECTED["names"][f"full_{kind}"]]["value"]
    content = TYPES[kind].from_value(full)
    assert content.to_value() == full
    form = aino.create(space, content)
    assert form.value == content
    assert aino.form(form.id).value == full
    assert not form.save().changed, "nothing differs"


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (Contract(scope_text="a"), "scope_text"),
        (VisitNote(summary="a"), "summary"),
        (ServiceListing(soteri_id="a"), "soteri_id"),
    ],
)
def test_all_three_kinds_are_made_edited_and_saved(
    aino: Device, space: str, content: Any, field: str
) -> None:
    with aino.create(space, content) as form:
        setattr(form.value, field, "b")
        assert form.edited
        assert form.save().changed
        assert not form.edited
        assert not form.save().changed, "nothing differs any more"
        assert form.kind is content.KIND
        again = aino.form(form.id, type(content))
        assert getattr(again.value, field) == "b"


def test_a_document_is_written_as_a_dict_too(aino: Device, space: str) -> None:
    form = aino.create(space, {"summary": "Sanakirja"}, Kind.VISIT_NOTE)
    form.value["tags"] = ["b", "a"]
    form.save()
    assert aino.form(form.id, VisitNote).value.tags == {"a", "b"}


def test_a_document_of_another_kind_is_not_taken_for_one(aino: Device, space: str) -> None:
    form = aino.create(space, VisitNote(summary="Kirjaus"))
    with pytest.raises(TypeError, match="VISIT_NOTE"):
        aino.form(form.id, Contract)


def test_a_form_left_open_does_not_undo_a_colleague(
    aino: Device, eero: Device, space: str
) -> None:
    form = aino.create(space, VisitNote(summary="Aamulla."))
    sync_all(aino, eero)
    other = eero.form(form.id, VisitNote)
    other.value.handover = "Avain naapurissa."
    other.save()
    sync_all(eero, aino)
    form.value.summary = "Aamulla ja illalla."
    form.save()
    form.refresh()
    assert form.value.handover == "Avain naapurissa."
    assert form.value.summary == "Aamulla ja illalla."


def test_two_who_write_into_one_text_are_both_in_it(
    aino: Device, eero: Device, space: str
) -> None:
    form = aino.create(space, VisitNote(summary="Keskellä"))
    sync_all(aino, eero)
    other = eero.form(form.id, VisitNote)
    other.value.summary = "Alussa. Keskellä"
    other.save()
    sync_all(eero, aino)
    form.value.summary = "Keskellä. Lopussa"
    form.save()
    form.refresh()
    assert form.value.summary == "Alussa. Keskellä. Lopussa"


def test_what_the_rules_do_not_let_through_is_told(aino: Device, space: str) -> None:
    form = aino.create(space, VisitNote(visit_key="käynti-1", status="done"))
    form.value.status = "started"
    form.value.visit_key = "käynti-2"
    told = {one.path: one.code for one in form.save().ignored}
    assert told == {"status": "status_only_rises", "visit_key": "immutable"}
    form.refresh()
    assert form.value.status == "done"
    form.reopen("status", "started")
    assert form.value.status == "started"
    assert form.status["status"].round == 1


def test_items_come_go_and_come_back(aino: Device, space: str) -> None:
    key = new_id()
    form = aino.create(space, VisitNote(tasks={key: Task(plan_item="Pesu", state="todo")}))
    form.value.tasks[key].state = "done"
    form.save()
    assert aino.form(form.id, VisitNote).value.tasks[key].plan_item == "Pesu"
    form.value.tasks.clear()
    form.save()
    form.refresh()
    assert form.value.tasks == {}
    [removed] = form.removed
    assert (removed.field, removed.key) == ("tasks", key)
    form.value.tasks[removed.key] = Task.from_value(removed.value)
    form.save()
    form.refresh()
    assert form.value.tasks[key].state == "done"


def test_a_value_that_does_not_fit_names_its_field(aino: Device, space: str) -> None:
    form = aino.create(space, VisitNote())
    form.value.next_visit = "huomenna"
    with pytest.raises(SopuError.BadValue) as wrong:
        form.save()
    assert wrong.value.path == "next_visit"
    assert "huomenna" not in str(wrong.value), "an error never carries content"


def test_a_conflict_keeps_both_values_until_somebody_chooses(
    aino: Device, eero: Device, space: str
) -> None:
    doc = aino.create(space, VisitNote(summary="Kiistanalainen käynti")).id
    sync_all(aino, eero)
    for device, outcome in [(aino, "as_planned"), (eero, "client_absent")]:
        form = device.form(doc, VisitNote)
        form.value.outcome = outcome
        form.save()
    sync_all(aino, eero)
    form = aino.form(doc, VisitNote)
    choices = {choice.value: choice for choice in form.conflicts["outcome"]}
    assert set(choices) == {"as_planned", "client_absent"}
    assert form.conflicts["outcome"][-1].value == form.value.outcome, "the shown one last"
    writer = choices["client_absent"].provenance
    assert writer.member == eero.identity().member

    form.value.handover = "Ei katoa valintaan"
    form.choose(choices["as_planned"])
    assert form.conflicts == {}
    sync_all(aino, eero)
    for device in (aino, eero):
        settled = device.form(doc, VisitNote)
        assert settled.conflicts == {}
        assert settled.value.outcome == "as_planned"
        assert settled.value.handover == "Ei katoa valintaan"
    with pytest.raises(SopuError.ReadAgain):
        form.choose(choices["as_planned"])


def test_a_contract_with_gaps_is_not_locked_and_says_what_is_missing(
    aino: Device, space: str
) -> None:
    form = aino.create(space, Contract(scope_text="Siivous"))
    with pytest.raises(SopuError.Mend) as refused:
        form.lock()
    blocking = [problem.path for problem in refused.value.problems if problem.blocks]
    assert blocking
    assert set(blocking) <= {problem.path for problem in form.problems("locked")}
    assert blocking[0] in str(refused.value)
    assert not form.signing_state().locked


def test_a_contract_is_locked_and_signed_offline_on_two_devices(
    aino: Device, eero: Device, space: str
) -> None:
    form = aino.create(space, Contract.from_value(care_contract()))
    form.value.title = "Kotihoito ja ateriat"
    form.lock()
    assert form.value.title == "Kotihoito ja ateriat", "what was not saved is locked too"
    form.sign(Statement(party=CUSTOMER, signer=CUSTOMER, signer_name="Aune Aalto"))
    half = form.signing_state()
    assert half.locked and not half.complete
    assert form.signed_content() is None
    sync_all(aino, eero)

    theirs = eero.form(form.id, Contract)
    theirs.sign(Statement(party=PROVIDER, signer=PROVIDER, signer_name="Kaisa Kotiapu"))
    sync_all(eero, aino)
    form.refresh()
    signed = form.signing_state()
    assert signed.complete and signed.hash == half.hash
    assert {one.standing for one in signed.signatories} == {Standing.SIGNED}

    form.value.title = "Kotihoito ja siivous"
    form.save()
    assert form.signing_state().content is Comparison.CHANGED
    content = form.signed_content()
    assert content and content.title == "Kotihoito ja ateriat"


def test_a_contract_that_a_colleague_changed_is_not_locked_unseen(
    aino: Device, space: str
) -> None:
    form = aino.create(space, Contract.from_value(care_contract()))
    other = aino.form(form.id, Contract)
    other.value.title = "Toinen"
    other.save()
    with pytest.raises(SopuError.ReadAgain):
        form.lock()
    form.refresh()
    assert form.value.title == "Toinen"
    form.lock()
    assert form.signing_state().locked


def test_a_note_on_the_wrong_client_is_moved(relay: Relay, aino: Device, space: str) -> None:
    relay.sopu("space", "add", "Mäkelä")
    person = aino.identity().member
    relay.sopu("space", "grant", "Mäkelä", "--member", person, "--role", "field")
    aino.sync()
    [other] = [one.id for one in aino.spaces() if one.name == "Mäkelä"]
    form = aino.create(space, VisitNote(summary="Väärä asiakas"))
    form.value.handover = "Ei tallennettu"
    moved = form.move(other)
    assert moved != form.id
    new = aino.form(moved, VisitNote)
    assert new.space == other
    assert (new.value.summary, new.value.handover) == ("Väärä asiakas", "Ei tallennettu")
    assert form.move(other) == moved


def test_texts_in_several_languages_are_one_field(aino: Device, space: str) -> None:
    form = aino.create(space, ServiceListing(names=Localized("Apu", "", "")))
    form.value.names.sv = "Hjälp"
    form.value.keywords.fi = {"koti", "apu"}
    form.save()
    value = aino.form(form.id).value
    assert value["names"] == {"fi": "Apu", "sv": "Hjälp"}
    assert value["keywords"] == {"fi": ["apu", "koti"]}
