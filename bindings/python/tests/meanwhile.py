"""Calls of the library that something happens to while they are under way."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from sopu import Device, Form, VisitNote
from sopu.native import SopuDevice

# So many saves that a form does not follow, and its own are made again on what is there.
OTHERS = 9


def before_next(
    patch: pytest.MonkeyPatch, native: SopuDevice, name: str, act: Callable[[], Any]
) -> None:
    """Does something once, on a thread of its own, when this is called next."""
    call = getattr(native, name)

    def called(*words: Any) -> Any:
        patch.setattr(native, name, call)
        acting = threading.Thread(target=act)
        acting.start()
        acting.join()
        return call(*words)

    patch.setattr(native, name, called)


def overtake(device: Device, doc: str) -> None:
    """Others write so much that the next save of a form that is open brings it all."""
    forms: list[Form[VisitNote]] = [device.form(doc, VisitNote) for _ in range(OTHERS)]
    for number, form in enumerate(forms):
        form.value.tags.add(f"toinen {number}")
        form.save()
