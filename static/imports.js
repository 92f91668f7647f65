// Bringing a list in: a file is dropped onto the form, and the page follows what the worker does.
"use strict";

// A file from the desktop, dropped anywhere on the form.
for (const form of document.querySelectorAll("[data-drop]")) {
  const input = form.querySelector("[type=file]");
  const over = (on) => (event) => {
    event.preventDefault();
    form.classList.toggle("over", on);
  };
  form.addEventListener("dragover", over(true));
  form.addEventListener("dragleave", over(false));
  form.addEventListener("drop", (event) => {
    over(false)(event);
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    input.focus();
  });
}

// How far it is, asked every second. What is read aloud is told at every tenth, not every second.
const panel = document.querySelector("[data-progress]");
if (panel) {
  const bar = panel.querySelector("progress");
  const words = panel.querySelector("[data-words]");
  const said = panel.querySelector("[data-said]");
  let tenth = -1;
  const ask = async () => {
    const answer = await fetch(panel.dataset.progress, { redirect: "manual" }).catch(() => null);
    if (answer && !answer.ok) return location.reload();
    if (answer) {
      const now = await answer.json();
      if (now.state !== panel.dataset.state) return location.reload();
      if (now.percent === null) bar.removeAttribute("value");
      else bar.value = now.percent;
      words.textContent = now.words;
      if (Math.floor(now.percent / 10) !== tenth) {
        tenth = Math.floor(now.percent / 10);
        said.textContent = now.words;
      }
    }
    setTimeout(ask, 1000);
  };
  setTimeout(ask, 500);
}
