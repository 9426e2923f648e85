// The office pages in a real browser: sign in, filter, open, choose, read the history.
// Needs Debian's chromium and the built binaries; BROWSER, SOPU_BIN and FIELD_DAY_BIN say where.
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
const fieldDay = process.env.FIELD_DAY_BIN ?? join(target, "examples/field_day");
const shots = process.env.SHOTS;

const home = mkdtempSync(join(tmpdir(), "sopu-browser-"));
const data = join(home, "data");
const run = (...words) => execFileSync(sopu, ["--data", data, ...words], { encoding: "utf8" });

let server, browser, page, base, password, world;
const outside = [];

before(async () => {
  run("org", "add", "Hoiva Oy");
  password = run("member", "add", "Tuula Toimisto", "--login", "tuula", "--admin").match(/Password:\s+(\S+)/)[1];
  run("member", "add", "Aino Aalto");
  run("member", "add", "Onni Oja");
  run("space", "add", "Koivulan hoivapiiri");
  run("space", "grant", "Koivulan hoivapiiri", "--member", "tuula", "--role", "office");
  run("space", "grant", "Koivulan hoivapiiri", "--member", "Aino Aalto", "--role", "field");
  run("space", "grant", "Koivulan hoivapiiri", "--member", "Onni Oja", "--role", "field");
  run("member", "add", "Olli Lukija");
  run("space", "grant", "Koivulan hoivapiiri", "--member", "Olli Lukija", "--role", "reader");
  const codes = ["Aino Aalto", "Onni Oja", "Olli Lukija"].map((who) => run("invite", "add", who).split("\n")[0]);

  ({ server, base } = await serving(sopu, data));
  world = JSON.parse(execFileSync(fieldDay, [base, join(home, "devices"), ...codes], { encoding: "utf8" }));

  browser = await chromium.launchPersistentContext(join(home, "profile"), {
    executablePath: process.env.BROWSER ?? "/usr/bin/chromium",
    headless: true,
    locale: "fi-FI",
    viewport: { width: 1280, height: 900 },
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  page = await browser.newPage();
  page.on("request", (request) => {
    if (!request.url().startsWith(base)) outside.push(request.url());
  });
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("status of 4")) outside.push(message.text());
  });
}, { timeout: 120_000 });

after(async () => {
  await browser?.close();
  server?.kill("SIGTERM");
  rmSync(home, { recursive: true, force: true });
});

/** A picture of the page for the eye, on a desk and on a phone, when SHOTS names a folder. */
async function shot(name) {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}-desk.png`), fullPage: true });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.screenshot({ path: join(shots, `${name}-phone.png`), fullPage: true });
  await page.setViewportSize({ width: 1280, height: 900 });
}

/** Nothing on a phone's width sticks out to the side. */
async function fitsPhone() {
  await page.setViewportSize({ width: 390, height: 844 });
  const [content, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  await page.setViewportSize({ width: 1280, height: 900 });
  assert.ok(content <= width, `the page is ${content} wide on a screen of ${width}`);
}

test("a wrong password is told, the right one leads where one wanted to go", async () => {
  await page.goto(`${base}/office/spaces/${world.space}`);
  await page.getByLabel("Käyttäjätunnus").fill("tuula");
  await page.getByLabel("Salasana").fill("wrong password");
  await page.getByRole("button", { name: "Kirjaudu sisään" }).click();
  await page.getByRole("alert").waitFor();
  await shot("sign-in");
  await fitsPhone();
  await page.getByLabel("Salasana").fill(password);
  await page.getByRole("button", { name: "Kirjaudu sisään" }).click();
  await page.waitForURL(`**/office/spaces/${world.space}`);
  assert.match(await page.locator("h1").innerText(), /Koivulan hoivapiiri/);
});

test("the spaces show what waits in them", async () => {
  await page.goto(`${base}/office`);
  const row = page.getByRole("row", { name: /Koivulan hoivapiiri/ });
  assert.match(await row.innerText(), /toimisto\s+61\s+1/);
  await shot("spaces");
  await fitsPhone();
});

test("the list is filtered, searched and paged", async () => {
  await page.goto(`${base}/office/spaces/${world.space}`);
  await shot("documents");
  await fitsPhone();
  assert.match(await page.locator(".count").innerText(), /61 asiakirjaa/);
  await page.getByRole("link", { name: "Seuraava sivu" }).click();
  assert.equal(await page.locator("tbody tr").count(), 11);
  await page.getByLabel("Laji").selectOption({ label: "Sopimus" });
  await page.getByRole("button", { name: "Näytä" }).click();
  assert.equal(await page.locator("tbody tr").count(), 1);
  await page.getByRole("link", { name: "Tyhjennä" }).click();
  await page.getByLabel("Etsi sanoja").fill("väsynyt");
  await page.getByRole("button", { name: "Näytä" }).click();
  assert.equal(await page.locator("tbody tr").count(), 1);
  await page.goto(`${base}/office/spaces/${world.space}?conflicts=1`);
  assert.equal(await page.locator("tbody tr").count(), 1);
});

test("a document shows both people's work and where a person must decide", async () => {
  await page.goto(`${base}/office/spaces/${world.space}/documents/${world.note}`);
  const text = await page.locator("main").innerText();
  assert.match(text, /Asiakas väsynyt/);
  assert.match(text, /14,5/);
  assert.match(text, /Useita arvoja/);
  assert.match(text, /Helmi Koivula/);
  await shot("document");
  await fitsPhone();
});

test("choosing a value ends the conflict, and the history tells who did what", async () => {
  await page.goto(`${base}/office/spaces/${world.space}/documents/${world.note}/conflicts`);
  const values = page.locator(".value");
  assert.equal(await values.count(), 2);
  assert.match(await page.locator(".values").innerText(), /Aino Aalto, Ainon puhelin/);
  assert.match(await page.locator(".values").innerText(), /Onni Oja, Onnin tabletti/);
  await shot("conflicts");
  await fitsPhone();
  await values.filter({ hasText: "Onni Oja" }).getByRole("button").click();
  await page.getByRole("status").filter({ hasText: "Valittu" }).waitFor();
  assert.equal(await page.locator(".value").count(), 0);

  await page.getByRole("link", { name: "Historia" }).click();
  const saves = page.locator(".timeline > li");
  assert.equal(await saves.count(), 4);
  assert.match(await saves.first().innerText(), /Tuula Toimisto/);
  assert.match(await saves.last().innerText(), /Loi asiakirjan/);
  assert.match(await page.locator("main").innerText(), /Onni Oja/);
  assert.equal(await page.locator("ins").count() > 0, true, "text edits are shown as edits");
  await shot("history");
  await fitsPhone();
  await page.goto(`${base}/office/spaces/${world.space}/conflicts`);
  assert.match(await page.locator("main").innerText(), /Ei ristiriitoja/);
});

test("a contract shows its parts and who has signed", async () => {
  await page.goto(`${base}/office/spaces/${world.space}?kind=contract`);
  await page.locator("tbody a").first().click();
  const text = await page.locator("main").innerText();
  assert.match(text, /Allekirjoitukset/);
  assert.match(text, /42,50/);
  await shot("contract");
  await fitsPhone();
});

test("findings are in words", async () => {
  await page.goto(`${base}/office/spaces/${world.space}/findings`);
  assert.doesNotMatch(await page.locator("main").innerText(), /finding-|\{/);
  await shot("findings");
});

test("hostile text in a note does nothing", async () => {
  await page.goto(`${base}/office/spaces/${world.space}?q=hacked`);
  await page.locator("tbody a").first().click();
  assert.match(await page.locator("main").innerText(), /<script>/);
  assert.doesNotMatch(await page.title(), /^hacked/);
});

test("held work is reviewed: let in, or dropped with a reason", async () => {
  await page.goto(`${base}/office/devices`);
  assert.match(await page.getByRole("row", { name: /Olli Lukija/ }).innerText(), /Sopu \d+\.\d+.*2 odottaa tarkistusta/s);
  await shot("devices");
  await fitsPhone();
  await page.goto(`${base}/office/spaces/${world.space}`);
  await page.getByRole("link", { name: /Tarkistettavat/ }).click();
  assert.equal(await page.locator(".held").count(), 2);
  assert.match(await page.locator(".held").first().innerText(), /Olli Lukija.*Kävin itse katsomassa/s);
  await page.locator(".held").last().getByText("Hylkää", { exact: true }).click();
  await shot("review");
  await fitsPhone();
  await page.locator(".held").last().getByLabel("Syy").fill("väärä paikka");
  await page.getByRole("button", { name: "Hylkää lopullisesti" }).click();
  await page.getByRole("button", { name: "Ota kirjaan" }).click();
  assert.match(await page.locator("main").innerText(), /Mikään ei odota/);
  // What was dropped can be read, in each language, and is not let in from there.
  await page.getByRole("link", { name: "Kirjan ulkopuolelle jäänyt työ" }).click();
  assert.equal(await page.locator(".held").count(), 1);
  assert.match(await page.locator(".held").innerText(), /Olli Lukija.*Hylätty tarkistuksessa/s);
  assert.equal(await page.locator(".held form").count(), 0);
  await shot("left-out");
  await fitsPhone();
  const leftOut = page.url();
  for (const [language, title] of [["Svenska", /utanför boken/], ["English", /left out of the record/], ["Suomi", /ulkopuolelle/]]) {
    await page.getByRole("link", { name: language }).click();
    await page.goto(leftOut);
    assert.match(await page.locator("h1").innerText(), title);
  }
  for (let tries = 0; ; tries += 1) {
    await page.goto(`${base}/office/spaces/${world.space}?q=katsomassa`);
    if ((await page.locator("tbody tr").count()) === 1) break;
    assert.ok(tries < 50, "what was let in is in the record");
    await page.waitForTimeout(100);
  }
});

test("relatives and commissioners see what is shared with them, in three languages, and nothing else", async () => {
  const passwords = ["relative", "commissioner"].map((role) => {
    const said = run("member", "add", `Ulla ${role}`, "--login", role);
    run("space", "grant", "Koivulan hoivapiiri", "--member", role, "--role", role);
    return said.match(/Password:\s+(\S+)/)[1];
  });
  const note = `${base}/office/spaces/${world.space}/documents/${world.note}`;
  await page.goto(note);
  assert.match(await page.locator("main").innerText(), /Ei jaettu/);
  await page.getByRole("button", { name: "Jaa omaisille" }).click();
  await page.getByRole("button", { name: "Lopeta jakaminen" }).waitFor();
  await shot("share");
  await fitsPhone();
  await page.goto(`${base}/office/spaces/${world.space}/shared`);
  await shot("shared-preview");
  const other = await chromium.launch({
    executablePath: process.env.BROWSER ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"],
  });
  try {
    for (const [n, role] of ["relative", "commissioner"].entries()) {
      const context = await other.newContext({ locale: "fi-FI", javaScriptEnabled: false });
      const theirs = await context.newPage();
      await theirs.goto(`${base}/office`);
      await theirs.getByLabel("Käyttäjätunnus").fill(role);
      await theirs.getByLabel("Salasana").fill(passwords[n]);
      await theirs.getByRole("button", { name: "Kirjaudu sisään" }).click();
      await theirs.getByRole("link", { name: "Koivulan hoivapiiri" }).click();
      const text = await theirs.locator("main").innerText();
      if (role === "relative") {
        assert.match(text, /Asiakas väsynyt/);
        assert.doesNotMatch(text, /14,5|Sopimukset/);
      } else {
        assert.match(text, /Sopimukset, palvelut ja tunnit/);
        assert.doesNotMatch(text, /Asiakas väsynyt|42,50/);
      }
      if (shots) await theirs.screenshot({ path: join(shots, `shared-${role}.png`), fullPage: true });
      await theirs.getByRole("link", { name: "Svenska" }).click();
      assert.match(await theirs.locator("main").innerText(), role === "relative" ? /Besök/ : /Avtal, tjänster/);
      await theirs.getByRole("link", { name: "English" }).click();
      assert.match(await theirs.locator("main").innerText(), role === "relative" ? /Visits/ : /Contracts, services/);
      assert.equal((await theirs.goto(note)).status(), 404);
      assert.equal((await theirs.goto(`${base}/office/spaces/${world.space}`)).status(), 404);
    }
  } finally {
    await other.close();
  }
});

test("the language changes and stays, and nothing is fetched from elsewhere", async () => {
  await page.getByRole("link", { name: "Svenska" }).click();
  assert.equal(await page.locator("html").getAttribute("lang"), "sv");
  await page.goto(`${base}/office`);
  assert.match(await page.locator("h1").innerText(), /Rum/);
  await page.getByRole("link", { name: "English" }).click();
  assert.match(await page.locator("h1").innerText(), /Spaces/);
  assert.deepEqual(outside, []);
});

test("the pages work without scripts, and signing out ends the session", async () => {
  await page.goto(`${base}/office`);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("**/office/sign-in");
  await page.goto(`${base}/office/spaces/${world.space}`);
  assert.match(page.url(), /sign-in\?next=/);
});
