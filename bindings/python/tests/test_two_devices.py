"""Two people, two devices, one relay: what a field worker's app relies on."""

import contextlib
import threading
import time

import pytest

from sopu import Device, Kind, Page, Place, Query, SopuError, Stage, VisitNote

from .relay import Relay, in_record, sync_all, until


def titles(page: Page) -> list[str]:
    return sorted(row.title for row in page.rows)


def note(device: Device, space: str, summary: str) -> str:
    return device.create(space, VisitNote(summary=summary)).id


def quiet_for(device: Device, wait_ms: int) -> bool:
    """Whether no news comes in that time: the device has taken in all there was."""
    began = time.monotonic()
    device.watch(wait_ms)
    return time.monotonic() - began >= wait_ms / 1_000


def test_enrolling_tells_who_one_is_and_where_one_belongs(aino: Device, eero: Device) -> None:
    me = aino.identity()
    assert me.member_name.startswith("Aino")
    assert me.org_name == "Hoiva Oy"
    assert not aino.must_enrol_again()
    [space] = aino.spaces()
    assert (space.name, space.role) == ("Koivula", "field")
    aino.sync()
    names = {member.id: member.name for member in aino.members(space.id)}
    assert names[eero.identity().member] == eero.identity().member_name


def test_notes_written_apart_are_on_both_devices_after_a_sync(
    aino: Device, eero: Device, space: str
) -> None:
    mine = note(aino, space, "Kävin pohjoispellolla")
    theirs = note(eero, space, "Lääkkeet annettu aamulla")
    sync_all(aino, eero)
    assert eero.form(mine, VisitNote).value.summary == "Kävin pohjoispellolla"
    assert aino.form(theirs, VisitNote).value.summary == "Lääkkeet annettu aamulla"


def test_search_knows_that_a_with_dots_is_a_letter_of_its_own(aino: Device, space: str) -> None:
    note(aino, space, "Sää oli kaunis")
    note(aino, space, "Asiakas saa lisää tunteja")
    assert "Sää oli kaunis" in titles(aino.search("sää"))
    assert "Asiakas saa lisää tunteja" not in titles(aino.search("sää"))
    assert "Asiakas saa lisää tunteja" in titles(aino.search("saa"))
    assert "Sää oli kaunis" not in titles(aino.search("saa"))


def test_a_list_comes_in_pages_that_do_not_overlap(aino: Device, space: str) -> None:
    made = {note(aino, space, f"Käynti {n}") for n in range(5)}
    seen: list[str] = []
    for offset in (0, 2, 4):
        page = aino.list(Query(offset=offset, limit=2, kind=Kind.VISIT_NOTE))
        assert page.total >= 5
        seen += [row.id for row in page.rows]
    assert len(seen) == len(set(seen))
    assert made <= set(seen)


def test_what_was_acknowledged_survives_a_killed_server(
    relay: Relay, aino: Device, eero: Device, space: str
) -> None:
    doc = note(aino, space, "Ennen sähkökatkoa")
    aino.sync()
    relay.stop()
    with pytest.raises(SopuError.Offline):
        eero.sync()
    assert eero.pause_ms() > 0
    offline = note(eero, space, "Sähkökatkon aikana")
    relay.start(relay.url.removeprefix("http://"))
    sync_all(aino, eero)
    assert eero.form(doc, VisitNote).value.summary == "Ennen sähkökatkoa"
    assert aino.form(offline, VisitNote).value.summary == "Sähkökatkon aikana"


def test_status_moves_from_this_phone_to_the_record(aino: Device, space: str) -> None:
    doc = note(aino, space, "Matkalla kirjaan")
    assert aino.status(doc).stage is Stage.HERE
    assert aino.backlog().here > 0
    [pending] = aino.pending()
    assert (pending.doc, pending.place, pending.title) == (doc, Place.HERE, "Matkalla kirjaan")
    aino.sync()
    assert aino.status(doc).stage is not Stage.HERE
    in_record(aino, doc)
    assert aino.backlog().here == 0
    assert aino.pending() == []


def test_work_without_a_right_is_held_with_its_reason_and_not_lost(relay: Relay, space: str) -> None:
    person = relay.person("Sari")
    with Device.open(*relay.place(person), bytes(32)) as sari:
        sari.enrol(relay.url, relay.invited(person), "phone")
        sari.sync()
        relay.sopu("space", "grant", "Koivula", "--member", person, "--role", "reader")
        doc = note(sari, space, "Vielä oikeudella")

        def held() -> bool:
            sari.sync()
            return any(one.place is Place.HELD for one in sari.pending())

        until(held)
        [pending] = sari.pending()
        assert (pending.doc, pending.reasons) == (doc, ["removed"])
        assert sari.status(doc).held > 0
        assert sari.form(doc, VisitNote).value.summary == "Vielä oikeudella", "it is not lost"


def test_the_timeline_names_who_wrote_what(aino: Device, eero: Device, space: str) -> None:
    doc = note(aino, space, "Ensin")
    sync_all(aino, eero)
    form = eero.form(doc, VisitNote)
    form.value.handover = "Sitten"
    form.save()
    sync_all(eero, aino)
    newest, *_ = aino.timeline(doc)
    assert newest.provenance.member == eero.identity().member
    assert "handover" in [field.path for field in newest.fields]


def test_a_note_comes_to_a_device_that_listens_without_its_asking_again(
    aino: Device, eero: Device, space: str
) -> None:
    until(lambda: quiet_for(aino, 300))
    doc = note(eero, space, "Tuore havainto")
    later = threading.Timer(0.3, eero.sync)
    later.start()

    def here() -> bool:
        aino.watch(5_000)
        return doc in [row.id for row in aino.search("havainto").rows]

    until(here)
    later.join()


def test_saving_does_not_wait_for_a_device_that_listens_for_news(aino: Device, space: str) -> None:
    until(lambda: quiet_for(aino, 300))
    watch = threading.Thread(target=lambda: aino.watch(4_000))
    watch.start()
    time.sleep(0.3)
    began = time.monotonic()
    note(aino, space, "Kesken kuuntelun")
    assert time.monotonic() - began < 2.0
    assert watch.is_alive(), "it was still listening"
    watch.join()


def test_a_sync_cut_anywhere_by_its_time_comes_to_an_end_with_everything_sent(
    aino: Device, space: str
) -> None:
    docs = [note(aino, space, f"Annos {n}") for n in range(30)]
    budgets = iter(range(1, 1_000))

    def sent() -> bool:
        # In a few milliseconds not even one request may come through.
        with contextlib.suppress(SopuError.Offline):
            aino.sync(within_ms=next(budgets))
        return aino.backlog().here == 0

    until(sent)
    for doc in docs:
        in_record(aino, doc)


def test_a_conflict_is_found_in_lists_and_findings_are_typed(
    aino: Device, eero: Device, space: str
) -> None:
    doc = note(aino, space, "Kiistanalainen")
    sync_all(aino, eero)
    for device, outcome in [(aino, "as_planned"), (eero, "client_absent")]:
        form = device.form(doc, VisitNote)
        form.value.outcome = outcome
        form.save()
    sync_all(aino, eero)
    listed = aino.list(Query(conflicts_only=True))
    assert doc in [row.id for row in listed.rows]
    for finding in aino.findings(space):
        assert finding.rule and finding.docs
