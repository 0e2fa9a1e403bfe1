// Checks a receipt in this browser: the entry is in the log of the checkpoint (RFC 6962), and the
// checkpoint is signed by the key in the field, which she may have had from elsewhere. The server's
// word is not asked; nothing is sent. Formats: C2SP signed-note, tlog-checkpoint, tlog-proof.

const utf8 = new TextEncoder();
const box = document.querySelector("[data-receipts]");
const key = document.getElementById("key");

const bytesOf = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
const joined = (...parts) => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return whole;
};
const sha256 = async (...parts) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
const same = (a, b) => a.length === b.length && a.every((one, at) => one === b[at]);

// The root that a leaf and its path lead to (RFC 9162, 2.1.3.2); null when the path does not fit.
export async function rootOf(index, size, leaf, path) {
  let [node, last, hash] = [index, size - 1n, leaf];
  if (index >= size) return null;
  for (const sibling of path) {
    if (last === 0n) return null;
    if (node & 1n || node === last) {
      hash = await sha256(Uint8Array.of(1), sibling, hash);
      while (!(node & 1n) && node !== 0n) { node >>= 1n; last >>= 1n; }
    } else {
      hash = await sha256(Uint8Array.of(1), hash, sibling);
    }
    node >>= 1n;
    last >>= 1n;
  }
  return last === 0n ? hash : null;
}

function parsedProof(text) {
  const split = text.indexOf("\n\n");
  const [magic, ...lines] = text.slice(0, split).split("\n");
  const rest = lines.filter((line) => !line.startsWith("extra "));
  if (magic !== "c2sp.org/tlog-proof@v1" || !/^index \d+$/.test(rest[0])) throw new Error("proof");
  return { index: BigInt(rest[0].slice(6)), path: rest.slice(1).map(bytesOf), note: text.slice(split + 2) };
}

function parsedNote(note) {
  const split = note.lastIndexOf("\n\n");
  const text = note.slice(0, split + 1);
  const [origin, size, root] = text.split("\n");
  const signatures = note.slice(split + 2).trimEnd().split("\n").map((line) => {
    const [dash, name, blob] = line.split(" ");
    if (dash !== "—") throw new Error("signature");
    return { name, blob: bytesOf(blob) };
  });
  return { text, origin, size: BigInt(size), root: bytesOf(root), signatures };
}

async function isSigned(note, vkey) {
  const [, name, hash, coded] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(vkey.trim()) ?? [];
  if (!name) throw new Error("key");
  const raw = bytesOf(coded);
  const id = (await sha256(utf8.encode(name), Uint8Array.of(10), raw)).slice(0, 4);
  const shown = [...id].map((one) => one.toString(16).padStart(2, "0")).join("");
  if (raw[0] !== 1 || raw.length !== 33 || shown !== hash || note.origin !== name) return false;
  const mine = note.signatures.find((one) => one.name === name && same(one.blob.slice(0, 4), id));
  if (!mine) return false;
  const known = await crypto.subtle.importKey("raw", raw.slice(1), { name: "Ed25519" }, false, ["verify"]);
  return crypto.subtle.verify({ name: "Ed25519" }, known, mine.blob.slice(4), utf8.encode(note.text));
}

export async function verdict(answer, vkey) {
  const entry = bytesOf(answer.entry);
  const proof = parsedProof(answer.proof);
  const note = parsedNote(proof.note);
  if (proof.index !== BigInt(answer.position) - 1n) return "invalid";
  const leaf = await sha256(Uint8Array.of(0), entry);
  const root = await rootOf(proof.index, note.size, leaf, proof.path);
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
  // A key seen once is pinned here: a server that shows another one later is caught.
  const pinned = localStorage.getItem("probant-log-key");
  if (pinned) key.value = pinned;
  key.addEventListener("change", () => localStorage.setItem("probant-log-key", key.value.trim()));
  if (!pinned && key.value) localStorage.setItem("probant-log-key", key.value.trim());
  for (const button of document.querySelectorAll("[data-verify]")) {
    button.hidden = false;
    button.addEventListener("click", () => check(button));
  }
}
