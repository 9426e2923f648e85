// What an owner does for clients' rights, in a real browser: an excerpt of the access log, retention times, a
// note that was written on the wrong client.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { serving } from "./serving.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(process.env.CARGO_TARGET_DIR ?? join(here, "../../target"), "debug");
const sopu = process.env.SOPU_BIN ?? join(target, "sopu");
const fieldDay = process.env.FIELD_DAY_BIN ?? join(target, "examples/field_day");
const shots = process.env.SHOTS;

const home = mkdtempSync(join(tmpdir(), "sopu-keeping-"));
const data = join(home, "data");
const run = (...words) => execFileSync(sopu, ["--data", data, ...words], { encoding: "utf8" });

const ours = "Koivulan hoivapiiri";
const theirs = "Mäntylän hoivapiiri";
let server, browser, page, base, world;

before(async () => {
  run("org", "add", "Hoiva Oy");
  const password = run("member", "add", "Tuula Toimisto", "--login", "tuula").match(/Password:\s+(\S+)/)[1];
  for (const space of [ours, theirs]) {
    run("space", "add", space);
    run("space", "grant", space, "--member", "tuula", "--role", "owner");
  }
  const people = ["Aino Aalto", "Onni Oja", "Olli Lukija"];
  for (const who of people) {
    run("member", "add", who);
    run("space", "grant", ours, "--member", who, "--role", who === "Olli Lukija" ? "reader" : "field");
  }
  const codes = people.map((who) => run("invite", "add", who).split("\n")[0]);
  ({ server, base } = await serving(sopu, data));
  world = JSON.parse(execFileSync(fieldDay, [base, join(home, "devices"), ...codes], { encoding: "utf8" }));
  browser = await chromium.launch({
    executablePath: process.env.BROWSER ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
  const context = await browser.newContext({ locale: "fi-FI", viewport: { width: 1280, height: 900 } });
  page = await context.newPage();
  await page.goto(`${base}/office`);
  await page.getByLabel("Käyttäjätunnus").fill("tuula");
  await page.getByLabel("Salasana").fill(password);
  await page.getByRole("button", { name: "Kirjaudu sisään" }).click();
  await page.waitForURL(`${base}/office`);
}, { timeout: 120_000 });

after(async () => {
  await browser?.close();
  server?.removeAllListeners("exit");
  server?.kill("SIGTERM");
  rmSync(home, { recursive: true, force: true });
});

/** For the eye, and nothing sticks out to the side of a phone. */
async function look(name) {
  const save = async (end) => {
    if (!shots) return;
    mkdirSync(shots, { recursive: true });
    await page.screenshot({ path: join(shots, `${name}-${end}.png`), fullPage: true });
  };
  await save("desk");
  await page.setViewportSize({ width: 390, height: 844 });
  await save("phone");
  const [content, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  await page.setViewportSize({ width: 1280, height: 900 });
  assert.ok(content <= width, `${name} is ${content} wide on a screen of ${width}`);
}

test("an excerpt of the access log comes as a file", async () => {
  await page.goto(`${base}/office/spaces/${world.space}/documents/${world.note}`);
  await page.goto(`${base}/office/spaces/${world.space}`);
  await page.getByRole("link", { name: "Käyttö" }).click();
  await look("excerpt");
  for (const [button, ending, begins] of [["PDF-tiedostona", "pdf", "%PDF-"], ["Taulukkona (CSV)", "csv", "\ufeffMilloin;"]]) {
    await page.getByLabel("Asiakas tai maatila").selectOption({ index: 1 });
    await page.getByLabel("Syy").fill("asiakas kysyi");
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: button }).click(),
    ]);
    assert.match(file.suggestedFilename(), new RegExp(`^sopu-[0-9-]+\\.${ending}$`));
    const text = readFileSync(await file.path(), "utf8");
    assert.ok(text.startsWith(begins), text.slice(0, 20));
    if (ending === "csv") assert.match(text, /Tuula Toimisto;luki;Käyntikirjaus/);
  }
});

test("what is due is proposed once the closing is known, and kept on for a reason", async () => {
  // A folder's own times, by which what was closed today is due today.
  const classes = readFileSync(join(here, "../../server/src/retention/classes.toml"), "utf8");
  writeFileSync(join(data, "retention.toml"), classes.replace("years = 10", "years = -1"));
  const today = new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Helsinki" }).format(new Date());
  await page.goto(`${base}/office/spaces/${world.space}/retention`);
  await page.getByLabel("Päätetty", { exact: true }).first().fill(today);
  await page.locator("form", { has: page.getByLabel("Päätetty", { exact: true }) }).first().getByLabel("Syy").fill("muutti pois");
  await page.getByRole("button", { name: "Tallenna" }).first().click();
  await page.getByText("Tallennettu.").waitFor();
  await look("retention");
  const boxes = page.locator("input[name=doc]");
  const due = await boxes.count();
  assert.ok(due > 0, "something is due");
  await boxes.first().check();
  await page.locator("#why").fill("valitus kesken");
  await page.locator("#until").fill("2099-12-31");
  await page.getByRole("button", { name: "Säilytä valitut" }).click();
  await page.getByText("valitus kesken").waitFor();
  assert.equal(await boxes.count(), due - 1);
});

test("what must be kept is put on hold with a reason, and the hold is lifted", async () => {
  await page.goto(`${base}/office/spaces/${world.space}/documents/${world.note}`);
  await page.locator("#hold-reason").fill("valitus kesken");
  await page.getByRole("button", { name: "Määrää säilytettäväksi" }).click();
  await page.getByText("asiakirja on säilytettävä").waitFor();
  await look("document-held");
  await page.goto(`${base}/office/spaces/${world.space}`);
  await page.getByRole("link", { name: "Säilytysmääräys" }).click();
  assert.equal(await page.locator("tbody tr").count(), 1);
  await look("holds");
  await page.goto(`${base}/office/spaces/${world.space}/documents/${world.note}`);
  await page.locator("#hold-reason").fill("sovittu");
  await page.getByRole("button", { name: "Poista määräys" }).click();
  await page.getByText("Ei säilytysmääräystä.").waitFor();
});

test("a note on the wrong client is moved to where it belongs", async () => {
  await page.goto(`${base}/office/spaces/${world.space}/documents/${world.note}`);
  await look("document-owner");
  const begin = async () => {
    await page.getByRole("link", { name: /väärälle asiakkaalle/ }).click();
    await page.getByLabel("Oikean asiakkaan tila").selectOption({ label: theirs });
    await page.getByRole("button", { name: "Jatka" }).click();
    await page.getByLabel("Syy").fill("kirjattu väärälle");
  };
  // What two people said differently would be lost with the old note.
  await begin();
  await page.getByRole("button", { name: "Siirrä kirjaus" }).click();
  await page.getByText("Valitse ensin oikea").first().waitFor();
  await page.goto(`${base}/office/spaces/${world.space}/documents/${world.note}/conflicts`);
  await page.locator(".value").first().getByRole("button").click();
  await page.getByRole("status").filter({ hasText: "Valittu" }).waitFor();
  await page.goto(`${base}/office/spaces/${world.space}/documents/${world.note}`);
  await begin();
  await look("move");
  await page.getByRole("button", { name: "Siirrä kirjaus" }).click();
  await page.waitForURL(/\/documents\//);
  const text = await page.locator("main").innerText();
  assert.match(text, /Asiakas väsynyt/);
  assert.match(text, /Siirretty väärältä asiakkaalta/);
  for (let n = 0; n < 100; n++) {
    const old = await page.request.get(`${base}/office/spaces/${world.space}/documents/${world.note}`);
    if (old.status() === 404) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  assert.fail("the old one is still there");
});
