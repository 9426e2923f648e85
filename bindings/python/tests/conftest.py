"""A real relay for all tests, and two people's devices for each."""

from collections.abc import Iterator

import pytest

from sopu import Device

from .relay import Relay


@pytest.fixture(scope="session")
def relay() -> Iterator[Relay]:
    relay = Relay()
    yield relay
    relay.remove()


@pytest.fixture
def aino(relay: Relay) -> Iterator[Device]:
    with relay.device("Aino") as device:
        yield device


@pytest.fixture
def eero(relay: Relay) -> Iterator[Device]:
    with relay.device("Eero") as device:
        yield device


@pytest.fixture
def space(aino: Device) -> str:
    return aino.spaces()[0].id
