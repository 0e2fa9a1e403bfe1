// Proofs of a sealed log, checked with nothing but this browser (WebCrypto): that an entry is in it,
// that it was only added to, that a checkpoint is signed by a key from elsewhere. Formats: RFC 6962
// and 9162; C2SP signed-note, tlog-checkpoint, tlog-proof.

const utf8 = new TextEncoder();

export const bytesOf = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
export const hexOf = (bytes) => [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
export const same = (a, b) => a.length === b.length && a.every((one, at) => one === b[at]);
const joined = (...parts) => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return whole;
};
const sha256 = async (...parts) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
const above = (left, right) => sha256(Uint8Array.of(1), left, right);
export const leafOf = (entry) => sha256(Uint8Array.of(0), entry);

// The root that a leaf and its path lead to (RFC 9162, 2.1.3.2); null when the path does not fit.
export async function rootOf(index, size, leaf, path) {
  let [node, last, hash] = [index, size - 1n, leaf];
  if (index >= size) return null;
  for (const sibling of path) {
    if (last === 0n) return null;
    if (node & 1n || node === last) {
      hash = await above(sibling, hash);
      while (!(node & 1n) && node !== 0n) { node >>= 1n; last >>= 1n; }
    } else {
      hash = await above(hash, sibling);
    }
    node >>= 1n;
    last >>= 1n;
  }
  return last === 0n ? hash : null;
}

// The two roots that a consistency proof leads to (RFC 9162, 2.1.4.2): of the older size, which begins
// with its root where it is a power of two, and of the newer one; null when the path does not fit.
export async function rootsOf(older, newer, root, path) {
  if (older < 1n || newer < older) return null;
  if (older === newer) return path.length ? null : [root, root];
  const all = (older & (older - 1n)) === 0n ? [root, ...path] : path;
  if (!all.length) return null;
  let [node, last] = [older - 1n, newer - 1n];
  while (node & 1n) { node >>= 1n; last >>= 1n; }
  let [before, after] = [all[0], all[0]];
  for (const hash of all.slice(1)) {
    if (last === 0n) return null;
    if (node & 1n || node === last) {
      before = await above(hash, before);
      after = await above(hash, after);
      while (!(node & 1n) && node !== 0n) { node >>= 1n; last >>= 1n; }
    } else {
      after = await above(after, hash);
    }
    node >>= 1n;
    last >>= 1n;
  }
  return last === 0n ? [before, after] : null;
}

// The head of a proof: its first line, its number and its hashes, and the checkpoint below them.
function parsed(text, word) {
  const split = text.indexOf("\n\n");
  const lines = text.slice(0, split).split("\n");
  const numbered = new RegExp(`^${word} (\\d+)$`).exec(lines.shift());
  if (split < 0 || !numbered) throw new Error("proof");
  return { number: BigInt(numbered[1]), path: lines.map(bytesOf), note: text.slice(split + 2) };
}

export function parsedInclusion(text) {
  const magic = "c2sp.org/tlog-proof@v1\n";
  if (!text.startsWith(magic)) throw new Error("proof");
  const { number, path, note } = parsed(text.slice(magic.length).replace(/^extra .*\n/, ""), "index");
  return { index: number, path, note };
}

export function parsedConsistency(text) {
  const { number, path, note } = parsed(text, "old");
  return { older: number, path, note };
}

export function parsedNote(note) {
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

export async function isSigned(note, vkey) {
  const [, name, hash, coded] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(vkey.trim()) ?? [];
  if (!name) throw new Error("key");
  const raw = bytesOf(coded);
  const id = (await sha256(utf8.encode(name), Uint8Array.of(10), raw)).slice(0, 4);
  if (raw[0] !== 1 || raw.length !== 33 || hexOf(id) !== hash || note.origin !== name) return false;
  const mine = note.signatures.find((one) => one.name === name && same(one.blob.slice(0, 4), id));
  if (!mine) return false;
  const known = await crypto.subtle.importKey("raw", raw.slice(1), { name: "Ed25519" }, false, ["verify"]);
  return crypto.subtle.verify({ name: "Ed25519" }, known, mine.blob.slice(4), utf8.encode(note.text));
}

// The key that is checked with: what is in its field. One seen once is remembered, so that a server
// that shows another one later is caught.
export function pinned(field) {
  const kept = localStorage.getItem("probant-log-key");
  if (kept) field.value = kept;
  else if (field.value) localStorage.setItem("probant-log-key", field.value.trim());
  field.addEventListener("change", () => localStorage.setItem("probant-log-key", field.value.trim()));
}
