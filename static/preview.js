// A text as it will leave, while somebody types: the server says what it will be, so that the rules stand in one place.
"use strict";

for (const form of document.querySelectorAll("[data-preview]")) {
  const shown = form.querySelector("[data-previewed]");
  let timer;
  let asked = 0;
  const preview = async () => {
    const mine = ++asked;
    const answer = await fetch(form.dataset.preview, {
      method: "POST",
      // After the session's end there is nothing to show.
      redirect: "manual",
      headers: { Accept: "text/x-preview" },
      body: new URLSearchParams(new FormData(form)),
    }).catch(() => null);
    const part = answer?.ok ? await answer.text() : null;
    if (mine === asked && part !== null) shown.innerHTML = part;
  };
  form.addEventListener("input", (event) => {
    if (!event.target.matches("textarea, [name=reason_choice], [name=subject]")) return;
    clearTimeout(timer);
    timer = setTimeout(preview, 250);
  });
}
