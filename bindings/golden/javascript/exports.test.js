// What a document exports, the official JavaScript package of Automerge opens: the same versions, and
// the content that every language reads from the store.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as Automerge from "@automerge/automerge";

import { decode } from "./cbor.js";

const golden = new URL("../", import.meta.url);
const read = (name) => readFileSync(new URL(name, golden));
const expected = JSON.parse(read("expected.json"));

for (const [file, id] of Object.entries(expected.exports)) {
  const document = expected.store.documents[id];

  test(`${file} has the version the store has`, () => {
    const heads = Automerge.getHeads(Automerge.load(read(file)));
    assert.deepEqual(heads.toSorted(), document.version.split("+").toSorted());
  });

  test(`${file} has the content the store has`, () => {
    const loaded = Automerge.toJS(Automerge.load(read(file)));
    assert.deepEqual(content(loaded, document.value), document.value);
    for (const mark of document.status) {
      const [key, written] = newest(at(loaded, mark.path));
      assert.equal(Number.parseInt(key, 16), mark.round, mark.path);
      assert.deepEqual(decode(written), { at: mark.at_ms, by: mark.by }, mark.path);
    }
  });

  test(`${file} has the conflicts the store has`, () => {
    const loaded = Automerge.load(read(file));
    for (const { path, values } of document.conflicts) {
      const live = Object.values(Automerge.getConflicts(loaded, path) ?? {});
      assert.deepEqual(live.toSorted(), values.map(({ value }) => value).toSorted(), path);
    }
    const open = Object.keys(loaded).filter((name) => Automerge.getConflicts(loaded, name));
    assert.deepEqual(open, document.conflicts.map(({ path }) => path));
  });

  test(`${file} has every change of its timeline`, () => {
    const changes = Automerge.getAllChanges(Automerge.load(read(file)));
    const hashes = new Set(changes.map((change) => Automerge.decodeChange(change).hash));
    for (const { change } of expected.store.timelines[id]) assert.ok(hashes.has(change), change);
  });
}

test("a file with a flipped bit is not opened", () => {
  for (const file of Object.keys(expected.exports)) {
    const whole = read(file);
    for (let at = 0; at < whole.length; at += 7) {
      const flipped = Uint8Array.from(whole);
      flipped[at] ^= 1;
      assert.throws(() => Automerge.load(flipped), `${file} at ${at}`);
    }
  }
});

test("a text can be written on in JavaScript", () => {
  const file = Object.keys(expected.exports).find((name) => name.endsWith("/note.automerge"));
  const before = Automerge.load(read(file));
  const after = Automerge.change(before, (doc) => Automerge.splice(doc, ["summary"], 0, 0, "Huom! "));
  assert.equal(after.summary, `Huom! ${before.summary}`);
  assert.equal(Automerge.load(Automerge.save(after)).summary, after.summary);
});

/** The document in the JSON form; `like` tells sets from maps and what a status says in words. */
function content(loaded, like) {
  const value = {};
  for (const [path, raw] of Object.entries(loaded)) {
    const [name, inner] = path.split(".");
    const model = inner ? like[name]?.[inner] : like[name];
    const part = name.startsWith("~") ? undefined : field(raw, model);
    if (part === undefined) continue;
    if (inner) (value[name] ??= {})[inner] = part;
    else value[name] = part;
  }
  return value;
}

function field(raw, like) {
  if (raw instanceof Uint8Array) return decode(raw);
  if (raw === null || typeof raw !== "object") return raw === "" ? undefined : raw;
  if (Object.keys(raw).length === 0) return undefined;
  // A set has its elements as keys, a status its rounds and ranks.
  if (Array.isArray(like)) return Object.keys(raw).filter((key) => raw[key] === true).sort();
  if (typeof like === "string") return newest(raw) && like;
  return content(raw, like ?? {});
}

function newest(marks) {
  return Object.entries(marks).toSorted().at(-1);
}

function at(loaded, path) {
  return path.split(".").reduce((value, name) => value[name], loaded);
}
