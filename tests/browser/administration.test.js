// Administration at the office in a real browser: people, teams, spaces, grants.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { serving } from "./serving.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(process.env.CARGO_TARGET_DIR ?? join(here, "../../target"), "debug");
const sopu = process.env.SOPU_BIN ?? join(target, "sopu");
const shots = process.env.SHOTS;

const home = mkdtempSync(join(tmpdir(), "sopu-administration-"));
const data = join(home, "data");
const run = (...words) => execFileSync(sopu, ["--data", data, ...words], { encoding: "utf8" });

let server, browser, page, base, password;

before(async () => {
  const begun = run("init", "--org", "Hoiva Oy", "--owner", "Tuula Toimisto", "--login", "tuula");
  password = begun.match(/Password:\s+(\S+)/)[1];
  ({ server, base } = await serving(sopu, data));
  browser = await chromium.launch({
    executablePath: process.env.BROWSER ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
  page = await visitor();
}, { timeout: 120_000 });

after(async () => {
  await browser?.close();
  server?.removeAllListeners("exit");
  server?.kill("SIGTERM");
  rmSync(home, { recursive: true, force: true });
});

/** A browser nobody has used; scripts are off, for every page works without. */
async function visitor() {
  const context = await browser.newContext({
    locale: "fi-FI", viewport: { width: 1280, height: 900 }, javaScriptEnabled: false,
  });
  return context.newPage();
}

/** A picture for the eye when SHOTS names a folder; and nothing sticks out on a phone. */
async function look(page, name) {
  const [desk, phone] = [page.viewportSize(), { width: 390, height: 844 }];
  const picture = async (size) => {
    await page.setViewportSize(size);
    if (!shots) return;
    mkdirSync(shots, { recursive: true });
    await page.screenshot({ path: join(shots, `${name}-${size.width}.png`), fullPage: true });
  };
  await picture(desk);
  await picture(phone);
  const width = (await page.locator("main").boundingBox()).width;
  const wide = await page.locator("main *").evaluateAll((all) =>
    Math.max(...all.filter((e) => !e.closest("thead, .tabs")).map((e) => e.getBoundingClientRect().right)));
  await page.setViewportSize(desk);
  assert.ok(wide <= width, `${name} is ${wide} wide on a screen of ${width}`);
}

async function signIn(page, name, password) {
  await page.goto(`${base}/office`);
  await page.getByLabel("Käyttäjätunnus").fill(name);
  await page.getByLabel("Salasana").fill(password);
  await page.getByRole("button", { name: "Kirjaudu sisään" }).click();
}

test("an administrator adds a person, who makes the password their own", async () => {
  await signIn(page, "tuula", password);
  await page.getByRole("link", { name: "Ylläpito" }).click();
  await page.getByLabel("Nimi sellaisena").fill("Onni Oja");
  await page.getByLabel("Käyttäjätunnus").fill("onni");
  await page.getByLabel("Tee myös kutsu").check();
  await page.getByRole("button", { name: "Lisää" }).click();
  const codes = await page.locator(".code").allInnerTexts();
  assert.equal(codes.length, 2, "a password and an invite");
  await look(page, "members");

  const onni = await visitor();
  await signIn(onni, "onni", codes[0].trim());
  assert.match(await onni.getByRole("status").innerText(), /kertakäyttöinen/);
  await look(onni, "one-time-password");
  await onni.locator("#old").fill(codes[0].trim());
  await onni.getByLabel("Uusi salasana").fill("kevät on jo täällä");
  await onni.getByRole("button", { name: "Vaihda salasana" }).click();
  await onni.goto(`${base}/office`);
  assert.match(await onni.locator("h1").innerText(), /Tilat/);
});

test("a space and a team are made, and the team is let in", async () => {
  await page.goto(`${base}/office/organisation`);
  await page.getByLabel("Uuden tilan nimi").fill("Koivulan hoivapiiri");
  await page.getByRole("button", { name: "Lisää tila" }).click();
  await page.getByLabel("Uuden tiimin nimi").fill("Päivävuoro");
  await page.getByRole("button", { name: "Lisää tiimi" }).click();
  await page.getByText("Lisää ihminen tiimiin").click();
  await page.getByLabel("Kuka").selectOption({ label: "Onni Oja" });
  await page.getByRole("button", { name: "Lisää tiimiin" }).click();
  await page.getByLabel("Päiviä").fill("14");
  await page.getByRole("button", { name: "Tallenna" }).click();
  assert.match(await page.getByRole("status").innerText(), /seuraavalla yhteydellä/);
  await look(page, "organisation");
  await page.getByRole("link", { name: "Koivulan hoivapiiri" }).click();
  await page.getByLabel("Kuka").selectOption({ label: "Päivävuoro" });
  await page.getByLabel("Rooli").selectOption({ label: "kenttä" });
  await page.getByRole("button", { name: "Anna oikeus" }).click();
  assert.match(await page.locator("tbody").innerText(), /Päivävuoro/);
  await page.getByText("Päätä", { exact: true }).click();
  await look(page, "people");
  await page.getByLabel("Syy").fill("kokeilu päättyi");
  await page.getByRole("button", { name: "Päätä oikeus" }).click();
  assert.match(await page.locator("main").innerText(), /ei ole ketään/);
});

test("a substitute is let into several spaces by one form", async () => {
  run("space", "add", "Mäkelän hoivapiiri");
  run("member", "add", "Sari Sijainen");
  await page.goto(`${base}/office/members`);
  await page.getByRole("link", { name: "Sijaiset" }).click();
  await page.getByLabel("Sijainen").selectOption({ label: "Sari Sijainen" });
  await page.getByLabel("Koivulan hoivapiiri").check();
  await page.getByLabel("Mäkelän hoivapiiri").check();
  await look(page, "substitutes-form");
  await page.getByLabel("Syy").fill("sairastapaus");
  await page.getByRole("button", { name: "Anna oikeus" }).click();
  assert.equal(await page.locator("tbody tr").count(), 2);
  assert.match(await page.getByRole("status").innerText(), /kaikkiin valittuihin/);
  await look(page, "substitutes");
});

test("a person's page gives a role, and ends the account", async () => {
  await page.goto(`${base}/office/members`);
  await page.getByRole("link", { name: "Onni Oja" }).click();
  await page.getByLabel("Tila").selectOption({ label: "Koivulan hoivapiiri" });
  await page.getByLabel("Rooli").selectOption({ label: "toimisto" });
  await page.getByRole("button", { name: "Anna oikeus" }).click();
  assert.match(await page.locator("tbody").innerText(), /Koivulan hoivapiiri\s+toimisto/);
  await page.getByText("Päätä tili").first().click();
  await look(page, "member");
  await page.getByLabel("Syy").fill("eläkkeelle");
  await page.getByRole("button", { name: "Päätä tili" }).click();
  assert.match(await page.locator("main").innerText(), /tili päätetty/);
  const log = run("audit", "access");
  for (const what of ["member add", "space add", "team join", "kokeilu päättyi", "eläkkeelle"]) {
    assert.ok(log.includes(what), what);
  }
});

test("somebody of another organisation is let in by the code they tell", async () => {
  run("org", "add", "Lähihoito Tmi");
  const word = run("member", "add", "Elli Etelä", "--org", "Lähihoito Tmi", "--login", "elli").match(/Password:\s+(\S+)/)[1];
  const context = await browser.newContext({ locale: "fi-FI" });
  const elli = await context.newPage();
  await signIn(elli, "elli", word);
  await elli.goto(`${base}/office/account`);
  const code = await elli.getByText(/^[0-9A-Z]{4}(-[0-9A-Z]{4}){2}$/).innerText();
  await context.close();
  await page.goto(`${base}/office/organisation`);
  await page.getByRole("link", { name: "Koivulan hoivapiiri" }).click();
  await page.getByLabel("toisen organisaation ihminen").fill(code);
  await page.getByLabel("Rooli").selectOption({ label: "lukija" });
  await page.getByRole("button", { name: "Anna oikeus" }).click();
  assert.match(await page.locator("tbody").innerText(), /Elli Etelä/);
  await look(page, "people-introduced");
});
