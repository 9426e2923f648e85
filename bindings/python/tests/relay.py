"""A real `sopu serve` on loopback with data of its own, and devices enrolled at it."""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sopu import Device, Stage, new_key

REPOSITORY = Path(__file__).resolve().parents[3]


def program() -> str:
    """The `sopu` program: SOPU_BIN, or the one `cargo build` left."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    return os.environ.get("SOPU_BIN", str(target / "debug" / "sopu"))


class Relay:
    """One organisation with one space, "Koivula"."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="sopu-python-")
        self.data = Path(self.folder.name) / "relay"
        self.process: subprocess.Popen[str] | None = None
        self.people = 0
        self.sopu("org", "add", "Hoiva Oy")
        self.sopu("space", "add", "Koivula")
        self.start()

    def sopu(self, *words: str) -> str:
        done = subprocess.run(
            [program(), "--data", str(self.data), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode != 0:
            raise AssertionError(f"sopu {' '.join(words)}: {done.stderr}")
        return done.stdout

    def start(self, listen: str = "127.0.0.1:0") -> None:
        with open(Path(self.folder.name) / "relay.log", "a") as log:
            self.process = subprocess.Popen(
                [program(), "--data", str(self.data), "serve", "--listen", listen],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout
        line = self.process.stdout.readline()
        if "http://" not in line:
            raise AssertionError(f"sopu serve did not start: {line!r}\n{self.log()}")
        self.url = "http://" + line.split("http://")[1].split("/")[0]

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            if self.process.stdout:
                self.process.stdout.close()
            self.process = None

    def remove(self) -> None:
        self.stop()
        self.folder.cleanup()

    def log(self) -> str:
        return (Path(self.folder.name) / "relay.log").read_text()

    def person(self, first_name: str, role: str = "field") -> str:
        """A new person with this role in the space."""
        self.people += 1
        person = f"{first_name} {self.people}"
        self.sopu("member", "add", person)
        self.sopu("space", "grant", "Koivula", "--member", person, "--role", role)
        return person

    def invited(self, person: str) -> str:
        """A code for one more device of a person."""
        return self.sopu("invite", "add", person).splitlines()[0]

    def place(self, name: str) -> tuple[str, str]:
        """A store's path and its instance folder."""
        folder = Path(self.folder.name) / name
        folder.mkdir()
        return str(folder / "sopu.db"), str(folder / "instance")

    def device(self, first_name: str) -> Device:
        """A fresh device of a new person who writes in the space."""
        person = self.person(first_name)
        device = Device.open(*self.place(person), new_key())
        device.enrol(self.url, self.invited(person), f"{first_name}'s phone")
        device.sync()
        return device


T = TypeVar("T")


def until(what: Callable[[], T], wait_s: float = 20.0) -> T:
    """Calls `what` until it gives something true: the relay merges off the request path."""
    end = time.monotonic() + wait_s
    while True:
        found = what()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError("did not come about in time")
        time.sleep(0.05)


def in_record(device: Device, doc: str) -> None:
    """Syncs until the device's own work in a document is in the record."""

    def there() -> bool:
        device.sync()
        return device.status(doc).stage in (Stage.RECORD, Stage.SEEN)

    until(there)


def sync_all(*devices: Device) -> None:
    """Syncs until every device's work is in the record and has come to all others."""

    def settled() -> bool:
        for device in devices:
            device.sync()
        return all(d.backlog().here + d.backlog().server == 0 for d in devices)

    until(settled)
    for device in devices:
        device.sync()
