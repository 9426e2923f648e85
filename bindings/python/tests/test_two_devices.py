"""Two people, two devices, one relay: what a field worker's app relies on."""

import json
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

from sopu import (
    Comparison,
    Device,
    Form,
    HttpClient,
    HttpError,
    HttpReply,
    HttpRequest,
    Kind,
    Query,
    SopuError,
    Stage,
    Standing,
    Statement,
    new_key,
)

from .contract import CUSTOMER, PROVIDER, care_contract
from .relay import Relay, in_record, sync_all, until


def titles(page) -> list[str]:
    return sorted(row.title for row in page.rows)


class TwoDevices(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.relay = Relay()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.relay.remove()

    def setUp(self) -> None:
        self.aino = self.relay.device("Aino")
        self.eero = self.relay.device("Eero")
        self.space = self.aino.spaces()[0].id

    def note(self, device: Device, summary: str) -> str:
        return Form.new(device, self.space, Kind.VISIT_NOTE, {"summary": summary}).id

    def quiet_for(self, wait_ms: int) -> bool:
        """Whether no news comes in that time: the device has taken in all there was."""
        began = time.monotonic()
        self.aino.watch(wait_ms)
        return time.monotonic() - began >= wait_ms / 1_000

    def test_a_store_is_opened_by_its_own_key_or_by_nobody(self) -> None:
        with tempfile.TemporaryDirectory() as home:
            store, key, store_key = f"{home}/store.db", new_key(), new_key()
            try:
                Device.open(store, f"{home}/instance", key, store_key)
            except SopuError.Storage as error:
                # Rather than a file that everybody can read.
                self.assertEqual(error.why, "no_encryption")
                return
            with open(store, "rb") as file:
                self.assertNotEqual(file.read(15), b"SQLite format 3")
            with self.assertRaises(SopuError.Storage) as refused:
                Device.open(store, f"{home}/instance", key, new_key())
            self.assertEqual(refused.exception.why, "wrong_key")

    def test_enrolling_tells_who_one_is_and_where_one_belongs(self) -> None:
        me = self.aino.identity()
        self.assertTrue(me.member_name.startswith("Aino"))
        self.assertEqual(me.org_name, "Hoiva Oy")
        [space] = self.aino.spaces()
        self.assertEqual((space.name, space.role), ("Koivula", "field"))

    def test_notes_written_apart_are_on_both_devices_after_a_sync(self) -> None:
        mine = self.note(self.aino, "Kävin pohjoispellolla")
        theirs = self.note(self.eero, "Lääkkeet annettu aamulla")
        sync_all(self.aino, self.eero)
        self.assertEqual(Form(self.eero, mine).value["summary"], "Kävin pohjoispellolla")
        self.assertEqual(Form(self.aino, theirs).value["summary"], "Lääkkeet annettu aamulla")

    def test_all_three_kinds_are_made_read_and_saved(self) -> None:
        for kind, path in [
            (Kind.CONTRACT, "scope_text"),
            (Kind.VISIT_NOTE, "summary"),
            (Kind.SERVICE_LISTING, "soteri_id"),
        ]:
            with Form.new(self.aino, self.space, kind, {path: "a"}) as form:
                form.value[path] = "b"
                self.assertTrue(form.save().changed)
                self.assertFalse(form.save().changed, "nothing differs any more")
                self.assertEqual(Form(self.aino, form.id).value[path], "b")
                self.assertEqual(form.kind, kind)

    def test_a_form_left_open_does_not_undo_a_colleague(self) -> None:
        doc = self.note(self.aino, "Aamulla.")
        sync_all(self.aino, self.eero)
        open_form = Form(self.aino, doc)
        other = Form(self.eero, doc)
        other.value["handover"] = "Avain naapurissa."
        other.save()
        sync_all(self.eero, self.aino)
        open_form.value["summary"] = "Aamulla ja illalla."
        open_form.save()
        open_form.refresh()
        self.assertEqual(open_form.value["handover"], "Avain naapurissa.")
        self.assertEqual(open_form.value["summary"], "Aamulla ja illalla.")

    def test_a_conflict_keeps_both_values_until_somebody_chooses(self) -> None:
        doc = self.note(self.aino, "Kiistanalainen käynti")
        sync_all(self.aino, self.eero)
        for device, outcome in [(self.aino, "as_planned"), (self.eero, "client_absent")]:
            form = Form(device, doc)
            form.value["outcome"] = outcome
            form.save()
        sync_all(self.aino, self.eero)
        form = Form(self.aino, doc)
        choices = {choice.value: choice for choice in form.conflicts["outcome"]}
        self.assertEqual(set(choices), {"as_planned", "client_absent"})
        writer = choices["client_absent"].provenance
        self.assertEqual(writer.member, self.eero.identity().member)
        listed = self.aino.list(Query(conflicts_only=True))
        self.assertIn(doc, [row.id for row in listed.rows])

        form.choose(choices["as_planned"])
        sync_all(self.aino, self.eero)
        for device in (self.aino, self.eero):
            settled = Form(device, doc)
            self.assertEqual(settled.conflicts, {})
            self.assertEqual(settled.value["outcome"], "as_planned")

    def test_search_knows_that_a_with_dots_is_a_letter_of_its_own(self) -> None:
        self.note(self.aino, "Sää oli kaunis")
        self.note(self.aino, "Asiakas saa lisää tunteja")
        self.assertEqual(titles(self.aino.search("sää", 0, 10)), ["Sää oli kaunis"])
        self.assertEqual(
            titles(self.aino.search("saa", 0, 10)), ["Asiakas saa lisää tunteja"]
        )

    def test_a_list_comes_in_pages_that_do_not_overlap(self) -> None:
        made = {self.note(self.aino, f"Käynti {n}") for n in range(5)}
        seen: list[str] = []
        for offset in (0, 2, 4):
            page = self.aino.list(Query(offset=offset, limit=2, kind=Kind.VISIT_NOTE))
            self.assertGreaterEqual(page.total, 5)
            seen += [row.id for row in page.rows]
        self.assertEqual(len(seen), len(set(seen)))
        self.assertEqual(set(seen) & made, made)

    def test_what_was_acknowledged_survives_a_killed_server(self) -> None:
        doc = self.note(self.aino, "Ennen sähkökatkoa")
        self.aino.sync()
        self.relay.stop()
        with self.assertRaises(SopuError.Offline):
            self.eero.sync()
        offline = self.note(self.eero, "Sähkökatkon aikana")
        self.relay.start(self.relay.url.removeprefix("http://"))
        sync_all(self.aino, self.eero)
        self.assertEqual(Form(self.eero, doc).value["summary"], "Ennen sähkökatkoa")
        self.assertEqual(Form(self.aino, offline).value["summary"], "Sähkökatkon aikana")

    def test_status_moves_from_this_phone_to_the_record(self) -> None:
        doc = self.note(self.aino, "Matkalla kirjaan")
        self.assertEqual(self.aino.status(doc).stage, Stage.HERE)
        self.assertGreater(self.aino.backlog().here, 0)
        self.aino.sync()
        self.assertNotEqual(self.aino.status(doc).stage, Stage.HERE)
        in_record(self.aino, doc)
        self.assertEqual(self.aino.backlog().here, 0)

    def test_the_timeline_names_who_wrote_what(self) -> None:
        doc = self.note(self.aino, "Ensin")
        sync_all(self.aino, self.eero)
        form = Form(self.eero, doc)
        form.value["handover"] = "Sitten"
        form.save()
        sync_all(self.eero, self.aino)
        newest, *_ = self.aino.timeline(doc, 0, 10)
        self.assertEqual(newest.provenance.member, self.eero.identity().member)
        self.assertIn("handover", [field.path for field in newest.fields])

    def test_a_contract_with_gaps_is_not_locked_and_says_what_is_missing(self) -> None:
        form = Form.new(self.aino, self.space, Kind.CONTRACT, {"scope_text": "Siivous"})
        with self.assertRaises(SopuError.Mend) as refused:
            self.aino.lock_contract(form.id, form.version)
        blocking = [p.path for p in refused.exception.problems if p.blocks]
        self.assertTrue(blocking)
        asked = self.aino.problems(form.id, "locked")
        self.assertLessEqual(set(blocking), {p.path for p in asked})
        self.assertFalse(self.aino.signing_state(form.id).locked)

    def test_a_note_comes_to_a_device_that_listens_without_its_asking_again(self) -> None:
        until(lambda: self.quiet_for(300))
        doc = self.note(self.eero, "Tuore havainto")
        later = threading.Timer(0.3, self.eero.sync)
        later.start()

        def here() -> bool:
            self.aino.watch(5_000)
            return doc in [row.id for row in self.aino.search("havainto", 0, 10).rows]

        until(here)
        later.join()

    def test_a_contract_is_locked_and_signed_offline_on_two_devices(self) -> None:
        form = Form.new(self.aino, self.space, Kind.CONTRACT, care_contract())
        doc = form.id
        self.aino.lock_contract(doc, form.version)
        self.aino.sign_contract(
            doc, Statement(party=CUSTOMER, signer=CUSTOMER, signer_name="Aune Aalto")
        )
        half = self.aino.signing_state(doc)
        self.assertTrue(half.locked)
        self.assertFalse(half.complete)
        sync_all(self.aino, self.eero)

        self.eero.sign_contract(
            doc, Statement(party=PROVIDER, signer=PROVIDER, signer_name="Kaisa Kotiapu")
        )
        sync_all(self.eero, self.aino)
        signed = self.aino.signing_state(doc)
        self.assertTrue(signed.complete)
        self.assertEqual(signed.hash, half.hash)
        self.assertEqual({s.standing for s in signed.signatories}, {Standing.SIGNED})

        form.refresh()
        form.value["title"] = "Kotihoito ja siivous"
        form.save()
        self.assertEqual(self.aino.signing_state(doc).content, Comparison.CHANGED)
        content = json.loads(self.aino.signed_content(doc))
        self.assertEqual(content["title"], "Kotihoito")

    def test_an_apps_own_http_client_carries_a_sync(self) -> None:
        client = Urllib()
        doc = self.note(self.aino, "Oman asiakkaan kautta")
        report = self.aino.sync(client)
        self.assertEqual(report.requests, client.posts)
        self.assertNotEqual(self.aino.status(doc).stage, Stage.HERE)

    def test_a_broken_http_client_of_the_app_is_no_network_and_no_crash(self) -> None:
        doc = self.note(self.aino, "Turvassa")
        with self.assertRaises(SopuError.Offline):
            self.aino.sync(Broken())
        self.assertEqual(self.aino.status(doc).stage, Stage.HERE)
        in_record(self.aino, doc)

    def test_saving_does_not_wait_for_a_device_that_listens_for_news(self) -> None:
        until(lambda: self.quiet_for(300))
        watch = threading.Thread(target=lambda: self.aino.watch(4_000))
        watch.start()
        time.sleep(0.3)
        began = time.monotonic()
        self.note(self.aino, "Kesken kuuntelun")
        self.assertLess(time.monotonic() - began, 2.0)
        self.assertTrue(watch.is_alive(), "it was still listening")
        watch.join()


class Urllib(HttpClient):
    """The standard library as the app's HTTP client."""

    def __init__(self):
        self.posts = 0

    def post(self, request: HttpRequest) -> HttpReply:
        self.posts += 1
        headers = {
            "content-type": "application/cbor",
            "accept-encoding": "zstd",
            "authorization": f"Bearer {request.token}",
        }
        if request.encoding:
            headers["content-encoding"] = request.encoding
        post = urllib.request.Request(
            request.url, bytes(request.body), headers, method="POST"
        )
        try:
            with urllib.request.urlopen(post, timeout=request.timeout_ms / 1_000) as reply:
                encoding = reply.headers.get("content-encoding", "")
                return HttpReply(status=reply.status, encoding=encoding, body=reply.read())
        except urllib.error.URLError as error:
            raise HttpError.Unreachable() from error


class Broken(HttpClient):
    """Throws what no interface announced."""

    def post(self, request: HttpRequest) -> HttpReply:
        raise KeyError("a defect of the app")


class Alone(unittest.TestCase):
    """Without a relay."""

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="sopu-python-")
        self.device = Device.open(
            f"{self.folder.name}/sopu.db", f"{self.folder.name}/instance", new_key()
        )

    def tearDown(self) -> None:
        self.folder.cleanup()

    def test_a_device_that_never_enrolled_says_so(self) -> None:
        with self.assertRaises(SopuError.Enrol):
            self.device.identity()
        with self.assertRaises(SopuError.Enrol):
            self.device.sync()

    def test_without_a_network_enrolling_says_offline(self) -> None:
        with self.assertRaises(SopuError.Offline):
            self.device.enrol("http://127.0.0.1:9", "CODE", "phone")

    def test_arguments_that_make_no_sense_name_themselves(self) -> None:
        with self.assertRaises(SopuError.BadValue) as wrong:
            self.device.read("not an id")
        self.assertEqual(wrong.exception.path, "doc")
        with self.assertRaises(SopuError.BadValue) as wrong:
            Device.open(f"{self.folder.name}/x.db", self.folder.name, b"short")
        self.assertEqual(wrong.exception.path, "key")


if __name__ == "__main__":
    unittest.main()
