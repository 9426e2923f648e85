// Signing in, in a real browser: a second step with codes as an authenticator app makes them, and an
// organisation's own identity provider, a process of its own.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(process.env.CARGO_TARGET_DIR ?? join(here, "../../target"), "debug");
const sopu = process.env.SOPU_BIN ?? join(target, "sopu");
const shots = process.env.SHOTS;

const home = mkdtempSync(join(tmpdir(), "sopu-sign-in-"));
const data = join(home, "data");
const run = (...words) => execFileSync(sopu, ["--data", data, ...words], { encoding: "utf8" });

/** A port nobody listens on. */
const freePort = () =>
  new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

/** A process that has said what it says when it is ready. */
const started = (file, words, says) =>
  new Promise((done, fail) => {
    const child = spawn(file, words, { stdio: ["ignore", "pipe", "inherit"], cwd: here });
    let said = "";
    child.stdout.on("data", (text) => {
      said += text;
      if (said.includes(says)) done(child);
    });
    child.on("exit", (code) => fail(new Error(`${file} ended with ${code}`)));
  });

let server, provider, browser, base, password;

before(async () => {
  const begun = run("init", "--org", "Hoiva Oy", "--owner", "Tuula", "--login", "tuula");
  password = begun.match(/Password:\s+(\S+)/)[1];
  for (const name of ["aino", "onni"]) run("member", "add", name, "--login", `${name}@hoiva.example`);
  const [port, ports] = [await freePort(), await freePort()];
  base = `http://127.0.0.1:${port}`;
  const issuer = `http://127.0.0.1:${ports}`;
  const secret = "made-for-this-run-0123456789abcdef";
  writeFileSync(join(home, "secret"), `${secret}\n`);
  writeFileSync(join(home, "sopu.toml"), `
public_url = "${base}"
[[oidc]]
id = "hoiva"
name = "Hoivan tunnus"
org = "Hoiva Oy"
issuer = "${issuer}"
client_id = "sopu"
client_secret_file = "secret"
`);
  const back = `${base}/office/sign-in/provider/hoiva/back`;
  provider = await started(process.execPath, ["provider.mjs", String(ports), back, secret], "ready");
  const settings = ["--data", data, "--config", join(home, "sopu.toml")];
  server = await started(sopu, [...settings, "serve", "--listen", `127.0.0.1:${port}`], "Sopu is at");
  browser = await chromium.launch({
    executablePath: process.env.BROWSER ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
}, { timeout: 120_000 });

after(async () => {
  await browser?.close();
  for (const child of [server, provider]) {
    child?.removeAllListeners("exit");
    child?.kill("SIGTERM");
  }
  rmSync(home, { recursive: true, force: true });
});

/** A browser nobody has used. */
const visitor = async () => {
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1000, height: 900 } });
  return context.newPage();
};

async function shot(page, name) {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
}

/** What an authenticator app shows (RFC 6238), so many seconds from now. */
function code(secret, later = 0) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((c) => letters.indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + later));
  const mac = createHmac("sha1", key).update(step).digest();
  const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

async function signIn(page) {
  await page.goto(`${base}/office`);
  await page.getByLabel("User name").fill("tuula");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("a second step is set up, asked for, and a recovery code stands in for a lost phone", async () => {
  const page = await visitor();
  await signIn(page);
  await page.getByRole("link", { name: "Tuula" }).click();
  const secret = (await page.locator("p.hint code").innerText()).trim();
  const picture = page.locator("img.qr");
  assert.ok(await picture.evaluate((image) => image.naturalWidth > 0), "the picture is there");
  await page.getByLabel("Code from your app").fill(code(secret));
  await page.getByLabel("Confirm with your password").fill(password);
  await page.getByRole("button", { name: "Switch on" }).click();
  const recovery = await page.locator(".codes code").allInnerTexts();
  assert.equal(recovery.length, 8);
  await shot(page, "second-step-on");

  const again = await visitor();
  await signIn(again);
  await shot(again, "second-step");
  await again.getByLabel("Code from your app").fill("000000");
  await again.getByRole("button", { name: "Sign in" }).click();
  await again.getByRole("alert").waitFor();
  await again.getByLabel("Code from your app").fill(code(secret, 1));
  await again.getByRole("button", { name: "Sign in" }).click();
  await again.waitForURL(`${base}/office`);

  const lost = await visitor();
  await signIn(lost);
  await lost.getByLabel("Code from your app").fill(recovery[0]);
  await lost.getByRole("button", { name: "Sign in" }).click();
  await lost.waitForURL(`${base}/office`);
});

test("a sign-in is begun for a browser with a cookie of its own, never for one without", async () => {
  const answer = await fetch(`${base}/office/sign-in/provider/hoiva`, {
    headers: { cookie: "sopu_guest=" },
    redirect: "manual",
  });
  assert.equal(answer.status, 303);
  assert.match(answer.headers.get("set-cookie"), /^sopu_guest=[\w-]{43};/);
});

/** Signs in at the provider as this subject. */
async function atProvider(page, subject) {
  await page.goto(`${base}/office/sign-in?next=/office/account`);
  await shot(page, "provider-button");
  await page.getByRole("link", { name: "Sign in with Hoivan tunnus" }).click();
  await page.locator("input[name=login]").fill(subject);
  await page.locator("input[name=password]").fill("anything");
  await page.locator("button[type=submit]").click();
  await page.locator("button[type=submit]").click();
  await page.waitForURL(`${base}/**`);
}

test("the organisation's provider signs its members in, and nobody else", async () => {
  // What it asks of them is its own affair.
  run("org", "second-factor", "required");
  const page = await visitor();
  await atProvider(page, "sub-aino");
  assert.equal(page.url(), `${base}/office/account`);
  assert.equal(await page.locator("header.top .who a").innerText(), "aino");
  await page.goto(`${base}/office`);
  assert.equal(page.url(), `${base}/office`);

  for (const subject of ["sub-unsure", "sub-stranger"]) {
    const other = await visitor();
    await atProvider(other, subject);
    assert.match(await other.getByRole("alert").innerText(), /no account for you here/, subject);
    await other.goto(`${base}/office`);
    assert.match(other.url(), /sign-in/, subject);
  }
});

test("an answer from the provider is good in the browser that asked, and once", async () => {
  const page = await visitor();
  // The answer comes as a redirect, which only the browser itself can be made to stop at.
  const wire = await page.context().newCDPSession(page);
  await wire.send("Fetch.enable", { patterns: [{ urlPattern: "*/provider/hoiva/back*" }] });
  let answer;
  wire.on("Fetch.requestPaused", ({ requestId, request }) => {
    answer = request.url;
    wire.send("Fetch.failRequest", { requestId, errorReason: "Aborted" });
  });
  await page.goto(`${base}/office/sign-in/provider/hoiva`);
  await page.locator("input[name=login]").fill("sub-aino");
  await page.locator("input[name=password]").fill("anything");
  await page.locator("button[type=submit]").click();
  await page.locator("button[type=submit]").click().catch(() => {});
  for (let n = 0; n < 100 && !answer; n++) await new Promise((done) => setTimeout(done, 50));
  // Somebody is led to an answer that was made for another: they must not end up in that account.
  const victim = await visitor();
  await victim.goto(answer);
  assert.match(await victim.getByRole("alert").innerText(), /begun somewhere else/);
  await wire.detach();
  await page.goto(answer);
  assert.match(await page.getByRole("alert").innerText(), /begun somewhere else/, "used up");
});
