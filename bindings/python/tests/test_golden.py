"""The golden files are read as they were when they were made; see bindings/golden/README.md."""

import json
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

from sopu import Device, SopuError

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
sys.path.append(str(GOLDEN))

import reading  # noqa: E402
import wire  # noqa: E402


class Golden(unittest.TestCase):
    def setUp(self) -> None:
        self.maxDiff = 4_000
        self.expected = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))
        self.home = tempfile.TemporaryDirectory(prefix="sopu-python-")
        self.addCleanup(self.home.cleanup)

    def store(self) -> Device:
        """The golden store, a copy of it: opening writes."""
        copy = f"{self.home.name}/store"
        shutil.copytree(GOLDEN / "store", copy)
        key = bytes.fromhex(self.expected["key"])
        device = Device.open(f"{copy}/sopu.db", f"{copy}/instance", key)
        self.addCleanup(device.shut)
        return device

    def same(self, device: Device, expected: dict) -> None:
        read = reading.store(device)
        for part, value in expected.items():
            with self.subTest(part):
                self.assertEqual(read[part], value)

    def test_a_store_of_an_earlier_version_says_what_it_said(self) -> None:
        self.same(self.store(), self.expected["store"])

    def test_a_contract_signed_with_an_earlier_version_is_still_signed(self) -> None:
        expected = self.expected["signing"]
        state = self.store().signing_state(expected["doc"])
        self.assertEqual(state.hash, expected["hash"])
        standing = [s.standing.name.lower() for s in state.signatories]
        self.assertEqual(standing, [s["standing"] for s in expected["signatories"]])

    def test_a_store_of_an_earlier_version_is_written_on(self) -> None:
        device = self.store()
        for name in ("note", "conflict", "full_visit_note"):
            doc = self.expected["names"][name]
            read = device.read(doc)
            value = json.loads(read.value) | {"summary": "Uusi"}
            self.assertTrue(device.save(doc, read.version, json.dumps(value)).changed)
            self.assertEqual(json.loads(device.read(doc).value)["summary"], "Uusi")

    def test_a_recorded_exchange_brings_a_fresh_device_what_it_brought(self) -> None:
        exchange = self.expected["exchange"]
        player = wire.Player(GOLDEN, exchange["steps"])
        key = bytes.fromhex(exchange["key"])
        device = Device.open(f"{self.home.name}/new.db", f"{self.home.name}/instance", key)
        self.addCleanup(device.shut)
        device.enrol(exchange["relay"], exchange["code"], exchange["name"], player)
        while player.left:
            device.sync(player)
        self.same(device, exchange["store"])
        with self.assertRaises(SopuError.Offline):
            device.sync(player)


if __name__ == "__main__":
    unittest.main()
