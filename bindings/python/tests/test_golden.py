"""The golden files are read as they were when they were made; see bindings/golden/README.md."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sopu import Device, SopuError, VisitNote

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
sys.path.append(str(GOLDEN))

import reading  # noqa: E402
import wire  # noqa: E402

EXPECTED = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))
REFUSED = json.loads((GOLDEN / "refused.json").read_text(encoding="utf-8"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Device]:
    """The golden store, a copy of it: opening writes."""
    copy = tmp_path / "store"
    shutil.copytree(GOLDEN / "store", copy)
    key = bytes.fromhex(EXPECTED["key"])
    with Device.open(str(copy / "sopu.db"), str(copy / "instance"), key) as device:
        yield device


@pytest.mark.parametrize("part", EXPECTED["store"])
def test_a_store_of_an_earlier_version_says_what_it_said(store: Device, part: str) -> None:
    assert reading.store(store)[part] == EXPECTED["store"][part]


def test_a_contract_signed_with_an_earlier_version_is_still_signed(store: Device) -> None:
    expected = EXPECTED["signing"]
    state = store.form(expected["doc"]).signing_state()
    assert (state.hash, state.locked) == (expected["hash"], True)
    standing = [one.standing.name.lower() for one in state.signatories]
    assert standing == [one["standing"] for one in expected["signatories"]]


@pytest.mark.parametrize("name", ["note", "conflict", "full_visit_note"])
def test_a_store_of_an_earlier_version_is_written_on(store: Device, name: str) -> None:
    form = store.form(EXPECTED["names"][name], VisitNote)
    form.value.summary = "Uusi"
    assert form.save().changed
    assert store.form(form.id, VisitNote).value.summary == "Uusi"


def test_a_recorded_exchange_brings_a_fresh_device_what_it_brought(tmp_path: Path) -> None:
    exchange: dict[str, Any] = EXPECTED["exchange"]
    player = wire.Player(GOLDEN, exchange["steps"])
    place = str(tmp_path / "new.db"), str(tmp_path / "instance")
    with Device.open(*place, bytes.fromhex(exchange["key"]), client=player) as device:
        device.enrol(exchange["relay"], exchange["code"], exchange["name"])
        while player.left:
            device.sync()
        read = reading.store(device)
        for part, value in exchange["store"].items():
            assert read[part] == value, part
        with pytest.raises(SopuError.Offline):
            device.sync()


@pytest.mark.parametrize("file", EXPECTED["exports"])
def test_an_export_says_what_the_store_says_now_as_then(store: Device, file: str) -> None:
    doc = EXPECTED["exports"][file]
    then = (GOLDEN / file).read_bytes()
    expected = reading.in_a_file(EXPECTED["store"]["documents"][doc])
    assert reading.exported(store, then) == expected
    assert reading.exported(store, store.export(doc)) == expected
    for at in range(len(then)):
        flipped = then[:at] + bytes([then[at] ^ 1]) + then[at + 1 :]
        with pytest.raises(SopuError.BadValue) as why:
            store.read_export(flipped)
        assert why.value.path == "file"


def test_a_file_of_another_program_is_no_export(store: Device) -> None:
    for other in [b"", b"%PDF-1.7", (GOLDEN / "store" / "sopu.db").read_bytes()]:
        with pytest.raises(SopuError.BadValue):
            store.read_export(other)


def test_a_flipped_bit_in_a_store_of_an_earlier_version_is_told_of_its_document(
    tmp_path: Path,
) -> None:
    doc = EXPECTED["names"]["full_visit_note"]
    value = EXPECTED["store"]["documents"][doc]["value"]
    mark = value["profile"].encode()
    copy = tmp_path / "store"
    shutil.copytree(GOLDEN / "store", copy)
    said = (copy / "sopu.db").read_bytes()
    assert mark in said
    (copy / "sopu.db").write_bytes(said.replace(mark, bytes([mark[0] ^ 1]) + mark[1:]))
    key = bytes.fromhex(EXPECTED["key"])
    with Device.open(str(copy / "sopu.db"), str(copy / "instance"), key) as device:
        with pytest.raises(SopuError.Damaged) as damaged:
            device.form(doc)
        assert damaged.value.doc == doc
        others = EXPECTED["store"]["documents"].keys() - {doc}
        for other in others:
            assert device.form(other).value == EXPECTED["store"]["documents"][other]["value"]


def test_a_store_with_refused_work_says_what_became_of_it(tmp_path: Path) -> None:
    copy = tmp_path / "refused"
    shutil.copytree(GOLDEN / "refused", copy)
    key = bytes.fromhex(REFUSED["key"])
    with Device.open(str(copy / "sopu.db"), str(copy / "instance"), key) as device:
        assert reading.refused(device) == REFUSED["store"]
        [draft] = device.drafts()
        device.discard_draft(draft.number)
        assert device.drafts() == []
