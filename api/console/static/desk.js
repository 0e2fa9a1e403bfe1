// The two sliders of the auditor's desk: while one moves, the page of the same address is asked for
// and its numbers take the place of these. Nothing is counted here; without a script the form asks.

const form = document.querySelector("[data-desk]");
const told = document.querySelector("[data-told]");
const DAY = 86_400_000;
const REST = 150; // milliseconds a slider stands still before anything is asked
let waiting, asking;

const dayAt = (slider) =>
  new Date(Date.parse(slider.dataset.first) + slider.value * DAY).toISOString().slice(0, 10);
const daysTo = (slider, day) => Math.round((Date.parse(day) - Date.parse(slider.dataset.first)) / DAY);

function pair(slider) {
  const field = document.getElementById(slider.dataset.for);
  const isDay = field.type === "date";
  slider.hidden = false;
  slider.addEventListener("input", () => {
    field.value = isDay ? dayAt(slider) : slider.value;
    slider.setAttribute("aria-valuetext", field.value);
    soon();
  });
  field.addEventListener("input", () => {
    if (!field.checkValidity() || !field.value) return;
    slider.value = isDay ? daysTo(slider, field.value) : field.value;
    slider.setAttribute("aria-valuetext", field.value);
    soon();
  });
}

function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(ask, REST);
}

// Parsed by the browser as a document of its own: no text of it is ever run.
function ask() {
  asking?.abort();
  asking = new XMLHttpRequest();
  const request = asking;
  request.responseType = "document";
  request.onload = () => {
    const fresh = request.response?.getElementById("counts");
    if (request.status !== 200 || !fresh) return location.reload();
    document.getElementById("counts").replaceWith(document.adoptNode(fresh));
    const here = new URL(request.responseURL);
    history.replaceState(null, "", here);
    for (const back of document.querySelectorAll("input[name=back]")) {
      back.value = here.pathname + here.search;
    }
    told.textContent = told.dataset.said;
  };
  request.open("GET", `${location.pathname}?${new URLSearchParams(new FormData(form))}`);
  request.send();
}

for (const slider of form?.querySelectorAll("[data-for]") ?? []) pair(slider);
