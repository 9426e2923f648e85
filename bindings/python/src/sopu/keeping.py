"""Keeping a device in sync until somebody stops it."""

import enum
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from .native import HttpClient, SopuDevice, SopuError, Stop, SyncReport

# How long the relay may hold a request back while there is no news.
_WAIT_MS = 25_000
# An exchange that brought nothing and came back sooner is not repeated before that time, seconds.
_LEAST_S = 1.0
# After a failure of the store, which the device's own pauses do not count, seconds.
_STORE_S = 5.0


class SyncState(enum.Enum):
    """How it stands between the device and its relay."""

    IDLE = "idle"
    """Nobody keeps it in sync."""
    SYNCING = "syncing"
    """It is exchanging what there is."""
    UP_TO_DATE = "up_to_date"
    """Everything is exchanged; it waits for news."""
    OFFLINE = "offline"
    """There is no connection; it tries again by itself."""
    BUSY = "busy"
    """The relay asks for patience, or cannot go on yet; it tries again by itself."""
    NOT_A_RELAY = "not_a_relay"
    """Something else answers, a sign-in page of the network perhaps; it tries again by itself."""
    STORE_FULL = "store_full"
    """There is no space left to write what comes; it tries again by itself."""
    WIPED = "wiped"
    """This device was cut off and what it held was removed; nobody keeps it in sync any more."""


# What passes by itself.
_TROUBLE: dict[type[SopuError], SyncState] = {
    SopuError.Offline: SyncState.OFFLINE,
    SopuError.TryLater: SyncState.BUSY,
    SopuError.NotARelay: SyncState.NOT_A_RELAY,
}
_STORE_TROUBLE = {"disk_full": SyncState.STORE_FULL, "busy": SyncState.BUSY}


def _passing(error: SopuError) -> SyncState | None:
    """What to show for an error that passes by itself; None if a person must do something."""
    if isinstance(error, SopuError.Storage):
        return _STORE_TROUBLE.get(error.why)
    return _TROUBLE.get(type(error))


class Keeper:
    """Exchanges as long as it runs: waits for news, sends at once what was saved here, and pauses after
    trouble as long as the device says."""

    def __init__(
        self,
        native: SopuDevice,
        client: HttpClient | None,
        tell: Callable[[SyncState], None],
    ) -> None:
        self._native = native
        self._client = client
        self._tell = tell
        self._lock = threading.Lock()
        # Something was saved here, or it is to end.
        self._woken = threading.Event()
        self._ended = threading.Event()
        self._wiped = False
        self._exchange = Stop()
        self._polling = False
        self._behind = True
        self._trouble: SyncState | None = None

    def stop(self) -> None:
        """Ends `run` at once, wherever it is."""
        with self._lock:
            self._ended.set()
            self._exchange.stop()
            self._woken.set()

    def saved(self) -> None:
        """Something was saved here: it goes out at once, unless the relay asked for a pause."""
        with self._lock:
            self._woken.set()
            if self._polling:
                self._exchange.stop()

    def run(self) -> None:
        """Goes on until `stop`, the device's closing or a wipe; other errors need a person and are raised."""
        try:
            while not self._ended.is_set():
                self._round()
        except SopuError.Closed:
            return
        finally:
            self._tell(SyncState.WIPED if self._wiped else SyncState.IDLE)

    def _round(self) -> None:
        began = time.monotonic()
        try:
            report = self._exchanged()
        except SopuError.Stopped:
            return
        except SopuError as error:
            self._trouble = _passing(error)
            if self._trouble is None:
                raise
            self._behind = True
            self._tell(self._trouble)
            self._pause(_STORE_S if isinstance(error, SopuError.Storage) else 0.1)
            return
        self._trouble, self._behind = None, report.more
        if report.wiped:
            self._wiped = True
            self._ended.set()
        if report.more and self._native.pause_ms() > 0:
            self._tell(SyncState.BUSY)
        brought = report.received + report.acknowledged > 0
        quick = time.monotonic() - began < _LEAST_S
        if not self._ended.is_set():
            self._pause(_LEAST_S if self._polling and quick and not brought else 0.0)

    def _exchanged(self) -> SyncReport:
        """One sync, or, with nothing to send, one waiting for news."""
        with self._lock:
            if self._woken.is_set():
                self._behind = True
                self._woken.clear()
            self._polling = not self._behind
            self._exchange = stop = Stop()
            if self._ended.is_set():
                stop.stop()
        if self._behind:
            if self._trouble is None:
                self._tell(SyncState.SYNCING)
            return self._native.sync(self._client, stop)
        self._tell(SyncState.UP_TO_DATE)
        return self._native.watch(_WAIT_MS, self._client, stop)

    def _pause(self, least_s: float) -> None:
        """Waits as long as the device says. Something new to send ends that if only the network failed, and
        not if the relay asked for it: a whole staff that types would be the rush it wants to be spared."""
        asked_s = self._native.pause_ms() / 1_000
        free = self._trouble is SyncState.OFFLINE or self._trouble is None and asked_s <= 0
        pause_s = max(asked_s, least_s)
        if pause_s > 0:
            (self._woken if free else self._ended).wait(pause_s)


class Runs(Protocol):
    """What runs until it is stopped."""

    def run(self) -> None:
        """Goes on until `stop`."""

    def stop(self) -> None:
        """Ends `run` at once, from any thread; again does nothing."""


class Keeping:
    """What goes on on a thread of its own, until `stop`: a device that is kept in sync, a form that is kept
    fresh."""

    error: Exception | None = None
    """What a person must do something about, if that has ended it."""

    def __init__(self, keeper: Runs, name: str, ended: Callable[[], None] = lambda: None) -> None:
        self._keeper, self._ended = keeper, ended
        # Nobody waits for it at the end of a program: it can be cut anywhere.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends it at once; again does nothing."""
        self._keeper.stop()
        self.wait()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Waits until it has ended, so many seconds at most; gives whether it has."""
        if self._thread is not threading.current_thread():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            self._keeper.run()
        except Exception as error:
            self.error = error
        finally:
            self._ended()
