// Checks in this browser that the log was only added to: that the checkpoint which the server shows now
// extends one that was held before (RFC 9162, 2.1.4.2), both signed by the key in the field. The one
// held is what was pasted, or what this browser saw last and keeps; nothing of it is sent but its size.
// On the page of an event there is none: the root that the log had then is proven and shown, to be
// compared with a checkpoint of that size from elsewhere.

import { bytesOf, hexOf, isSigned, parsedConsistency, parsedNote, pinned, rootsOf, same } from "./proofs.js";

const KEPT = "probant-log-checkpoint";
const box = document.querySelector("[data-growth]");
const field = document.getElementById("held"); // null on the page of an event
const key = document.getElementById("key");
const place = box?.querySelector(".verdict");

// A checkpoint as it is signed: pasted, its line ends may have changed and its last one be lost.
const clean = (text) => text.replace(/\r\n/g, "\n").trim() + "\n";

// The newest checkpoint, where the server's answer proves what it must; else why it does not.
export async function verdict(answer, held, vkey) {
  const newest = parsedNote(answer.newest);
  if (!(await isSigned(newest, vkey))) return { found: "forged" };
  if (held === null) return { found: "first", newest };
  if (held.signatures && !(await isSigned(held, vkey))) return { found: "unknown" };
  if (newest.size < held.size) return { found: "shorter", newest };
  const proof = parsedConsistency(answer.proof);
  const roots = await rootsOf(held.size, newest.size, held.root, proof.path);
  const holds = roots !== null && same(roots[0], held.root) && same(roots[1], newest.root);
  return { found: holds && proof.older === held.size ? "grown" : "rewritten", newest };
}

async function heldNow(answer) {
  if (field === null) return { size: BigInt(box.dataset.growth), root: bytesOf(answer.root) };
  return field.value.trim() ? parsedNote(clean(field.value)) : null;
}

async function check() {
  place.textContent = "";
  let told = { found: "unable" };
  try {
    const size = field === null ? box.dataset.growth : String((await heldNow())?.size ?? 0);
    const response = await fetch(`/audit/growth?size=${size}`);
    if (response.ok) {
      const answer = await response.json();
      const held = await heldNow(answer);
      told = await verdict(answer, held, key.value);
      if (told.found === "grown" && field === null) told.root = hexOf(held.root);
      if (field !== null && ["first", "grown"].includes(told.found)) {
        localStorage.setItem(KEPT, answer.newest);
        field.value = answer.newest;
      }
    }
  } catch {
    told = { found: "unable" };
  }
  place.dataset.found = told.found;
  const size = Number(told.newest?.size ?? 0).toLocaleString(document.documentElement.lang);
  place.textContent = box.dataset[told.found].replace("#", size).replace("@", told.root ?? "");
}

if (box && globalThis.crypto?.subtle) {
  box.hidden = false;
  if (field !== null) {
    pinned(key);
    field.value = localStorage.getItem(KEPT) ?? "";
  }
  box.querySelector("button").addEventListener("click", check);
}
