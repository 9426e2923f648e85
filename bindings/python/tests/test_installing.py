"""Before a device is there, and after it."""

import asyncio
from pathlib import Path

import pytest

import sopu.aio
from sopu import Device, SopuError, VisitNote, new_key, read_invitation

from .relay import Relay


def test_an_invitation_that_was_pasted_leads_in(relay: Relay) -> None:
    person = relay.person("Aino")
    code = relay.invited(person)
    invitation = read_invitation(f" {relay.url}/enrol#{code}\n")
    assert (invitation.relay, invitation.code) == (relay.url, code)
    with Device.open(*relay.place(person), new_key()) as device:
        assert device.enrol(invitation.relay, invitation.code, "laptop").member_name == person


@pytest.mark.parametrize(
    "text",
    [
        "",
        "WIFI:S:Koivula;T:WPA;P:salasana-1234;;",
        "https://sopu.example/enrol",
        "https://sopu.example/shop#A0B1-CDEF-GH01",
        "ftp://sopu.example/enrol#A0B1-CDEF-GH01",
    ],
)
def test_another_code_that_was_scanned_is_no_invitation(text: str) -> None:
    with pytest.raises(SopuError.BadValue) as wrong:
        read_invitation(text)
    assert wrong.value.path == "invitation"
    assert not text or text not in str(wrong.value), "it may be a secret"


def salvaged(relay: Relay, person: str) -> tuple[str, str]:
    """An installation that was damaged, and salvaged: the damaged files stand beside it."""
    key, place = new_key(), relay.place(person)
    with Device.open(*place, key) as device:
        device.enrol(relay.url, relay.invited(person), "laptop")
        device.sync()
        device.create(device.spaces()[0].id, VisitNote(summary="Lähtemättä"))
    store = Path(place[0])
    whole = store.read_bytes()
    store.write_bytes(whole[:1024] + bytes(7168) + whole[8192:])
    with Device.salvage(*place, key):
        assert [one for one in store.parent.iterdir() if ".damaged" in one.name]
    return place


def test_of_an_installation_that_was_removed_nothing_is_left_and_another_begins(
    relay: Relay,
) -> None:
    person = relay.person("Aino")
    place = salvaged(relay, person)
    Device.remove(*place)
    assert list(Path(place[0]).parent.iterdir()) == []
    Device.remove(*place)
    with Device.open(*place, new_key()) as device:
        assert device.list().rows == []
        with pytest.raises(SopuError.Enrol):
            device.identity()
        device.enrol(relay.url, relay.invited(person), "laptop")
        device.sync()
        assert device.spaces()


def test_removing_leaves_what_others_put_into_the_instance_folder(relay: Relay) -> None:
    place = relay.place("shared folder")
    Device.open(*place, new_key()).close()
    note = Path(place[1]) / "note.txt"
    note.write_text("an app's own")
    asyncio.run(sopu.aio.Device.remove(*place))
    assert [one.name for one in Path(place[0]).parent.iterdir()] == ["instance"]
    assert [one.name for one in Path(place[1]).iterdir()] == [note.name]
