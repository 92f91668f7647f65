// Small helps on every page. Each page works without them.
"use strict";

document.documentElement.classList.add("scripted");

// A form is sent once: a second press while the first is on its way does nothing. The server would refuse it anyway.
document.addEventListener("submit", (event) => {
  // After a download the page is still there, to be asked again.
  if ("download" in event.target.dataset) return;
  if (event.target.dataset.sent) {
    event.preventDefault();
    return;
  }
  event.target.dataset.sent = "1";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-sent]")) delete form.dataset.sent;
});

document.querySelector("[data-print]")?.addEventListener("click", () => print());

// A new page size applies at once.
document.getElementById("size")?.addEventListener("change", (event) => event.target.form.requestSubmit());

// A page that waits for something looks again.
const waiting = document.querySelector("[data-refresh]");
if (waiting) setTimeout(() => location.reload(), waiting.dataset.refresh * 1000);

// The communes of the chosen province as suggestions.
for (const select of document.querySelectorAll("select[data-communes]")) {
  select.addEventListener("change", async () => {
    const list = document.getElementById(select.dataset.communes);
    list.replaceChildren();
    if (!select.value) return;
    const answer = await fetch(`/places/${encodeURIComponent(select.value)}`);
    if (!answer.ok) return;
    list.append(...(await answer.json()).map(({ name }) => new Option(name, name)));
  });
}

// The first thing that is wrong gets the focus; after a decision, the way to the next one.
document.querySelector("[aria-invalid=true], .wrong :is(input, select, textarea), .flashes .flash.good a")?.focus();
