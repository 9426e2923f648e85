"""A device without a relay: opening, closing, keys, errors."""

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import sopu
import sopu.aio
from sopu import Device, Form, SopuError, SyncState, new_key
from sopu.native import SopuDevice


@pytest.fixture
def place(tmp_path: Path) -> tuple[str, str]:
    return str(tmp_path / "sopu.db"), str(tmp_path / "instance")


@pytest.fixture
def device(place: tuple[str, str]) -> Iterator[Device]:
    with Device.open(*place, new_key()) as device:
        yield device


def test_a_device_that_never_enrolled_says_so(device: Device) -> None:
    with pytest.raises(SopuError.Enrol):
        device.identity()
    with pytest.raises(SopuError.Enrol):
        device.sync()


def test_without_a_network_enrolling_says_offline(device: Device) -> None:
    with pytest.raises(SopuError.Offline):
        device.enrol("http://127.0.0.1:9", "CODE", "phone")


def test_arguments_that_make_no_sense_name_themselves(device: Device, tmp_path: Path) -> None:
    with pytest.raises(SopuError.BadValue) as wrong:
        device.form("not an id")
    assert wrong.value.path == "doc"
    with pytest.raises(SopuError.BadValue) as wrong:
        Device.open(str(tmp_path / "x.db"), str(tmp_path), b"short")
    assert wrong.value.path == "key"


def test_a_closed_device_says_so_and_is_opened_again(place: tuple[str, str]) -> None:
    key = new_key()
    device = Device.open(*place, key)
    device.close()
    device.close()
    with pytest.raises(SopuError.Closed):
        device.spaces()
    assert list(device.live()) == []
    with Device.open(*place, key) as again:
        assert again.spaces() == []


def test_a_library_without_encryption_takes_no_key_rather_than_write_what_everybody_can_read(
    place: tuple[str, str],
) -> None:
    try:
        Device.open(*place, new_key(), new_key()).close()
    except SopuError.Storage as error:
        assert error.why == "no_encryption"
    else:
        pytest.skip("this library encrypts: see test_encrypted")


def test_a_damaged_store_is_salvaged(place: tuple[str, str]) -> None:
    key = new_key()
    Device.open(*place, key).close()
    bytes_ = bytearray(Path(place[0]).read_bytes())
    bytes_[1024:8192] = bytes(len(bytes_[1024:8192]))
    Path(place[0]).write_bytes(bytes_)
    with pytest.raises(SopuError.Storage) as refused:
        Device.open(*place, key).spaces()
    assert refused.value.why == "damaged"
    with Device.salvage(*place, key) as saved:
        assert saved.spaces() == []


def test_a_panic_inside_is_a_typed_error_and_the_device_works_on(device: Device) -> None:
    with pytest.raises(SopuError.Defect) as defect:
        device.rehearse_defect()
    assert defect.value.code == "panic"
    assert device.spaces() == []


def test_an_error_says_what_to_do() -> None:
    assert str(SopuError.Enrol()) == "Ask for an invite code and enrol."
    assert "free space" in str(SopuError.Storage("disk_full"))
    assert "disk_full" in str(SopuError.Storage("disk_full"))
    for name, variant in vars(SopuError).items():
        if inspect.isclass(variant):
            assert variant.__doc__, name


def test_nobody_keeps_a_fresh_device_in_sync(device: Device) -> None:
    assert device.sync_state is SyncState.IDLE
    with device.keep_in_sync() as keeping:
        assert keeping.wait(10)
    assert isinstance(keeping.error, SopuError.Enrol), "a person must do something"


def test_the_asyncio_package_has_what_the_blocking_one_has() -> None:
    for blocking, awaited in [(Device, sopu.aio.Device), (Form, sopu.aio.Form)]:
        for name, method in inspect.getmembers(blocking, inspect.isfunction):
            if name.startswith("_"):
                continue
            other = getattr(awaited, name)
            mine = set(inspect.signature(method).parameters)
            # What is awaited is stopped by being cancelled.
            assert mine - {"stop"} == set(inspect.signature(other).parameters), name


def test_everything_of_the_native_device_is_within_reach() -> None:
    """What is new below must get a place above, or be named here with its reason."""
    forms = {
        "read", "save", "choose", "conflicts", "reopen", "move_note", "lock_contract",
        "sign_contract", "signing_state", "signed_content", "form_opened", "form_closed",
    }  # fmt: skip
    other_names = {"shut", "sync_within", "change_number", "next_change", "wake"}
    native = {name for name in vars(SopuDevice) if not name.startswith("_")}
    assert native - forms - other_names - set(vars(Device)) == set()
