"""Typed records read and write the JSON form as the core does."""

from sopu import Localized, ServiceListing, VisitNote
from sopu.documents import Task, TimeParts

KEY = "0190b5a0-0000-7000-8000-000000000001"


def test_nothing_absent_is_written() -> None:
    assert VisitNote().to_value() == {}
    assert ServiceListing().to_value() == {}
    note = VisitNote(summary="", tags=set(), tasks={}, km=None, shared=False)
    assert note.to_value() == {"shared": False}
    assert VisitNote(time_parts=TimeParts(travel_min=0)).to_value() == {
        "time_parts": {"travel_min": 0}
    }


def test_a_value_of_another_type_costs_its_field_and_nothing_else() -> None:
    note = VisitNote.from_value(
        {
            "summary": 7,
            "km": "12.5",
            "shared": 1,
            "created_at": True,
            "schema_version": 2**63,
            "tags": ["a", 1],
            "present": ["b"],
            "time_parts": "none",
            "tasks": {KEY: {"state": "done"}, "not an id": {}, KEY[:-1] + "2": 3},
            "planned": [],
            "of a later version": {},
        }
    )
    expected = VisitNote(km="12.5", present={"b"}, tasks={KEY: Task(state="done")})
    assert note == expected


def test_languages_that_say_nothing_are_not_written() -> None:
    listing = ServiceListing.from_value(
        {"names": {"fi": "Apu", "sv": 1}, "keywords": {"en": ["b", "a"], "fi": []}}
    )
    assert listing.names == Localized("Apu", "", "")
    assert listing.to_value() == {"names": {"fi": "Apu"}, "keywords": {"en": ["a", "b"]}}


def test_records_do_not_share_what_they_hold() -> None:
    first, second = VisitNote(), VisitNote()
    first.tags.add("oma")
    first.time_parts.travel_min = 5
    assert second == VisitNote()
