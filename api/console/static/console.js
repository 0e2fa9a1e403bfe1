// What makes the pages quicker where there is JavaScript; none of them needs it.

// A form is sent once: its buttons wait. (The server would carry it out once all the same.)
// Not one whose answer is a file: the page stays, and may be asked again.
for (const form of document.forms) {
  if ("download" in form.dataset) continue;
  form.addEventListener("submit", () => {
    setTimeout(() => {
      for (const button of form.querySelectorAll("button")) {
        button.setAttribute("aria-disabled", "true");
      }
    });
  });
}
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const button of document.querySelectorAll("button[aria-disabled]")) {
    button.removeAttribute("aria-disabled");
  }
});

// What went wrong is read first.
document.getElementById("refusal")?.focus();

// A file that is chosen is put into the text of its form: what is sent is what one sees.
for (const file of document.querySelectorAll("input[type=file][data-into]")) {
  file.closest("[data-file]").hidden = false;
  file.addEventListener("change", async () => {
    if (file.files.length) document.getElementById(file.dataset.into).value = await file.files[0].text();
  });
}

// The hash of a file, and whether it is the one that is asked for: before it is sent.
for (const file of document.querySelectorAll("input[type=file][data-hashed]")) {
  file.addEventListener("change", async () => {
    const [told, one] = [document.getElementById(`${file.id}-hash`), file.files[0]];
    told.replaceChildren();
    file.setCustomValidity("");
    if (!one) return;
    if (one.size > Number(file.dataset.most)) return file.setCustomValidity(file.dataset.tooLarge);
    if (!globalThis.crypto?.subtle) return;
    const digest = await crypto.subtle.digest("SHA-256", await one.arrayBuffer());
    const hash = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const shown = document.createElement("code");
    shown.textContent = hash;
    told.append(file.dataset.said, " ", shown);
    file.setCustomValidity(hash === file.dataset.hashed ? "" : file.dataset.other);
  });
}

// How far something got, without loading the page again.
const live = document.querySelector("[data-progress]");
if (live) follow(live);

async function follow(region) {
  for (;;) {
    await new Promise((done) => setTimeout(done, 1000));
    let told;
    try {
      const answer = await fetch(region.dataset.progress, { headers: { Accept: "application/json" } });
      if (!answer.ok) return location.reload();
      told = await answer.json();
    } catch {
      continue; // the server is away for a moment
    }
    if (told.over) return location.reload();
    for (const count of region.querySelectorAll("[data-count]")) {
      count.textContent = told[count.dataset.count];
    }
  }
}

// Numbers that are being counted: the page is shown anew once they are there, unless she is writing.
if (document.querySelector("[data-counting]") && !document.getElementById("refusal")) renew();

async function renew() {
  for (let tries = 0; tries < 100; tries += 1) {
    await new Promise((done) => setTimeout(done, 3000));
    try {
      const answer = await fetch(location.href);
      if ((await answer.text()).includes(" data-counting")) continue;
    } catch {
      continue; // the server is away for a moment
    }
    if (!document.activeElement?.matches("input, select, textarea")) return location.reload();
  }
}

// Reasons are on the page that says everything: it is asked for when the first of them is unfolded, and
// each takes the place of the link to it. Parsed by the browser as a document of its own: no text of
// it is ever run.
let whole;
for (const link of document.querySelectorAll("[data-why]")) {
  link.closest("details").addEventListener("toggle", () => unfold(link));
}

async function unfold(link) {
  if (!link.isConnected) return;
  const page = await (whole ??= read(link.href));
  if (!page) return (whole = undefined); // the link leads there
  for (const one of document.querySelectorAll("[data-why]")) {
    const folded = one.closest("details");
    const said = page.getElementById(folded.id)?.querySelector("ul");
    if (!said) continue;
    if (document.activeElement === one) folded.querySelector("summary").focus();
    one.closest("p").replaceWith(document.adoptNode(said));
  }
}

function read(address) {
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    request.responseType = "document";
    request.onloadend = () => done(request.status === 200 ? request.response : null);
    request.open("GET", address);
    request.send();
  });
}
