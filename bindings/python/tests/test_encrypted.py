"""Stores whose files say nothing to whoever has no key. Needs a library that was built with SQLCipher
(SOPU_FEATURES=sqlcipher); any other refuses, which `test_alone` shows."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sopu import Device, SopuError, VisitNote, new_key

from .relay import Relay, in_record

RARE = "kvartsiukko"
# The search index keeps no word whole.
TRACE = RARE[2:].encode()
PLAIN = b"SQLite format 3"


@pytest.fixture(autouse=True)
def library(tmp_path: Path) -> None:
    try:
        Device.open(str(tmp_path / "sopu.db"), str(tmp_path), new_key(), new_key()).close()
    except SopuError.Storage as error:
        if error.why != "no_encryption" or "sqlcipher" in os.environ.get("SOPU_FEATURES", ""):
            raise
        pytest.skip("this library was built without SQLCipher")


@pytest.fixture
def relay() -> Iterator[Relay]:
    # One for each test: what another has written would come along.
    relay = Relay()
    yield relay
    relay.remove()


@pytest.fixture
def place(relay: Relay) -> tuple[str, str]:
    return relay.place(relay.person("Aino"))


def enrolled(relay: Relay, place: tuple[str, str], key: bytes, store_key: bytes | None) -> Device:
    device = Device.open(*place, key, store_key)
    device.enrol(relay.url, relay.invited(Path(place[0]).parent.name), "laptop")
    device.sync()
    device.create(device.spaces()[0].id, VisitNote(summary=RARE))
    return device


def on_disk(place: tuple[str, str], text: bytes) -> bool:
    """Whether any file of the store has this text in clear."""
    files = Path(place[0]).parent.glob("sopu.db*")
    return any(text in file.read_bytes() for file in files)


def found(device: Device) -> int:
    return len(device.search(RARE).rows)


def refused(place: tuple[str, str], key: bytes, store_key: bytes | None) -> SopuError:
    with pytest.raises(SopuError.Storage) as error:
        Device.open(*place, key, store_key)
    assert error.value.why == "wrong_key"
    return error.value


def test_an_encrypted_store_works_and_its_files_say_nothing(
    relay: Relay, place: tuple[str, str]
) -> None:
    key, store_key = new_key(), new_key()
    with enrolled(relay, place, key, store_key) as device:
        assert on_disk(place, b"") and not on_disk(place, TRACE) and not on_disk(place, PLAIN)
        in_record(device, device.search(RARE).rows[0].id)
    assert not on_disk(place, TRACE) and not on_disk(place, PLAIN)
    # An app that has another key, or none for once, is told so and not that the store is damaged.
    assert "key it was made with" in str(refused(place, key, new_key()))
    refused(place, key, None)
    with Device.open(*place, key, store_key) as device:
        assert found(device) == 1


def test_after_a_change_of_key_the_new_one_opens_it_and_the_old_one_does_not(
    relay: Relay, place: tuple[str, str]
) -> None:
    key, store_key, newer = new_key(), new_key(), new_key()
    with enrolled(relay, place, key, store_key) as device:
        device.change_store_key(newer)
        assert found(device) == 1
    refused(place, key, store_key)
    with Device.open(*place, key, newer) as device:
        assert found(device) == 1


def test_a_plain_store_is_encrypted_when_it_is_opened_with_a_key(
    relay: Relay, place: tuple[str, str]
) -> None:
    key, store_key = new_key(), new_key()
    enrolled(relay, place, key, None).close()
    assert on_disk(place, TRACE) and on_disk(place, PLAIN)
    with Device.open(*place, key, store_key) as device:
        assert found(device) == 1
        assert not on_disk(place, TRACE) and not on_disk(place, PLAIN)
        in_record(device, device.search(RARE).rows[0].id)
    refused(place, key, None)
