"""One thread that waits for changes, for everybody on a device who wants to know."""

import threading
from collections.abc import Callable, Generator

from .native import SopuDevice

# Looks up so often by itself; nothing depends on it.
_WAIT_MS = 60_000


class Waiting:
    """Somebody who waits for changes, and can be told from any thread to wait no more."""

    def __init__(self) -> None:
        self.woken = threading.Event()
        self.ended = False

    def end(self) -> None:
        """Waits no more."""
        self.ended = True
        self.woken.set()


class Changes:
    """Calls back whenever something may have changed that lists, documents or progress show."""

    def __init__(self, native: SopuDevice) -> None:
        self._native = native
        self._lock = threading.Lock()
        self._called: dict[object, Callable[[], None]] = {}
        self._thread: threading.Thread | None = None
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether nothing will be told any more."""
        return self._closed

    @property
    def number(self) -> int:
        """Of the last change."""
        return self._native.change_number()

    def numbers(self, waiting: Waiting | None = None) -> Generator[int, None, None]:
        """The number of the last change, at once and whenever it has risen, until the device is closed."""
        waits = waiting or Waiting()
        unsubscribe = self.subscribe(waits.woken.set)
        last: int | None = None
        try:
            while True:
                waits.woken.clear()
                if self._closed or waits.ended:
                    return
                number = self.number
                if number != last:
                    last = number
                    yield number
                waits.woken.wait()
        finally:
            unsubscribe()

    def subscribe(self, called: Callable[[], None]) -> Callable[[], None]:
        """From now on calls this, on a thread of its own; gives what ends it. `called` must be short."""
        key = object()
        with self._lock:
            self._called[key] = called
            if self._thread is None and not self._closed:
                number = self.number
                self._thread = threading.Thread(
                    target=self._wait, args=[number], name="sopu-changes", daemon=True
                )
                self._thread.start()

        def unsubscribe() -> None:
            with self._lock:
                self._called.pop(key, None)
                alone = not self._called
            if alone:
                self._native.wake()

        return unsubscribe

    def close(self) -> None:
        """The device is being closed: everybody hears it once, then there is nothing to wait for."""
        with self._lock:
            self._closed = True
            called = list(self._called.values())
        for call in called:
            call()

    def _wait(self, number: int) -> None:
        while True:
            with self._lock:
                if self._closed or not self._called:
                    self._thread = None
                    return
            found = self._native.next_change(number, _WAIT_MS)
            with self._lock:
                called = list(self._called.values()) if found > number else []
            number = found
            for call in called:
                call()
