// Checks a receipt in this browser: the entry is in the log of the checkpoint, and the checkpoint is
// signed by the key in the field, which she may have had from elsewhere. The server's word is not
// asked; nothing is sent. The proofs themselves: proofs.js.

import { bytesOf, isSigned, leafOf, parsedInclusion, parsedNote, pinned, rootOf, same } from "./proofs.js";

const box = document.querySelector("[data-receipts]");
const key = document.getElementById("key");

export async function verdict(answer, vkey) {
  const entry = bytesOf(answer.entry);
  const proof = parsedInclusion(answer.proof);
  const note = parsedNote(proof.note);
  if (proof.index !== BigInt(answer.position) - 1n) return "invalid";
  const root = await rootOf(proof.index, note.size, await leafOf(entry), proof.path);
  if (root === null || !same(root, note.root)) return "invalid";
  return (await isSigned(note, vkey)) ? "valid" : "forged";
}

async function check(button) {
  const place = document.querySelector(`[data-verdict="${button.dataset.verify}"]`);
  place.textContent = "";
  let found = "unable";
  try {
    const response = await fetch(button.dataset.from);
    if (response.ok) found = await verdict(await response.json(), key.value);
  } catch {
    found = "unable";
  }
  place.dataset.found = found;
  place.textContent = box.dataset[found];
}

if (box && globalThis.crypto?.subtle) {
  box.hidden = false;
  pinned(key);
  for (const button of document.querySelectorAll("[data-verify]")) {
    button.hidden = false;
    button.addEventListener("click", () => check(button));
  }
}
