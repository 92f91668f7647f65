// The list by mouse and keyboard: double-click, right-click or Enter opens a row; arrow keys, Home and End move.
"use strict";

const table = document.getElementById("list");
const menu = document.getElementById("row-menu");

if (table) {
  const rows = [...table.querySelectorAll("tbody tr:not(.group)")];
  const link = (row) => row.querySelector("a");
  const open = (row) => location.assign(link(row).href);
  const rowOf = (target) => target.closest?.("tbody tr:not(.group)");

  // One row is in the tab order: the one visited last. Coming back from an application returns to its row, or, when that is
  // no longer in the list, to the one that took its place.
  const here = (row, focus = true) => {
    for (const other of rows) other.tabIndex = other === row ? 0 : -1;
    if (focus) row.focus();
  };
  const path = (row) => new URL(link(row).href).pathname;
  const last = JSON.parse(sessionStorage.getItem("row") ?? "{}");
  const cameBack =
    /\/(applications|accounts)\/\d+(\/\w+)?$/.test(document.referrer.split("?")[0]) ||
    performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  const returned = cameBack && (rows.find((row) => path(row) === last.path) ?? rows[Math.min(last.at, rows.length - 1)]);
  if (rows.length) here(returned || rows[0], Boolean(returned) && document.activeElement === document.body);
  addEventListener("pagehide", () => {
    const at = rows.findIndex((row) => row.tabIndex === 0);
    if (at >= 0) sessionStorage.setItem("row", JSON.stringify({ path: path(rows[at]), at }));
  });
  // After a search nothing has the focus yet: the arrows lead into the list at once.
  document.addEventListener("keydown", (event) => {
    if (document.activeElement !== document.body || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
    event.preventDefault();
    (rows.find((row) => row.tabIndex === 0) ?? rows[0])?.focus();
  });

  table.addEventListener("focusin", (event) => {
    const row = rowOf(event.target);
    if (row) here(row, false);
  });
  table.addEventListener("dblclick", (event) => {
    const row = rowOf(event.target);
    if (row && !event.target.closest("label, a")) open(row);
  });
  table.addEventListener("keydown", (event) => {
    const row = rowOf(event.target);
    if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
    const at = rows.indexOf(row);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      here(rows[Math.max(0, Math.min(rows.length - 1, to))]);
    } else if (event.key === "Enter" && event.target === row) {
      event.preventDefault();
      open(row);
    } else if (event.key === " " && event.target === row) {
      event.preventDefault();
      row.querySelector("[data-pick]")?.click();
    }
  });

  // The menu of a row.
  let chosen = null;
  const copy = (text) => navigator.clipboard?.writeText(text);
  const close = () => {
    if (menu.hidden) return;
    menu.hidden = true;
    chosen?.focus();
  };
  table.addEventListener("contextmenu", (event) => {
    const row = rowOf(event.target);
    if (!row) return;
    event.preventDefault();
    chosen = row;
    here(row);
    menu.hidden = false;
    const box = row.getBoundingClientRect();
    const [x, y] = event.clientX || event.clientY ? [event.clientX, event.clientY] : [box.left + 40, box.top + 10];
    menu.style.left = `${Math.min(x, innerWidth - menu.offsetWidth - 8)}px`;
    menu.style.top = `${Math.min(y, innerHeight - menu.offsetHeight - 8)}px`;
    menu.querySelector("button").focus();
  });
  menu.addEventListener("click", (event) => {
    const act = event.target.closest("[data-act]")?.dataset.act;
    const row = chosen;
    close();
    if (act === "open") open(row);
    if (act === "tab") window.open(link(row).href, "_blank", "noopener");
    if (act === "number") copy(row.dataset.number);
    if (act === "code") copy(row.dataset.code);
  });
  menu.addEventListener("keydown", (event) => {
    const items = [...menu.querySelectorAll("button")];
    const at = items.indexOf(document.activeElement);
    if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      items[(at + (event.key === "ArrowDown" ? 1 : items.length - 1)) % items.length].focus();
    }
  });
  document.addEventListener("pointerdown", (event) => {
    if (!menu.contains(event.target)) menu.hidden = true;
  });
  // It stands where the row was.
  addEventListener("resize", close);

  // Selecting rows, where they can be.
  const all = table.querySelector("[data-all]");
  if (all) {
    const picks = [...table.querySelectorAll("[data-pick]")];
    const count = document.querySelector("[data-selected]");
    for (const box of [...picks, all]) box.parentElement.hidden = false;
    const recount = () => {
      const selected = picks.filter((box) => box.checked);
      count.textContent = selected.length;
      count.closest(".selection").hidden = selected.length === 0;
      all.checked = selected.length === picks.length;
      all.indeterminate = selected.length > 0 && !all.checked;
    };
    table.addEventListener("change", (event) => {
      if (event.target === all) for (const box of picks) box.checked = all.checked;
      recount();
    });
    document.querySelector("[data-copy-selected]").addEventListener("click", (event) => {
      copy(picks.filter((box) => box.checked).map((box) => box.closest("tr").dataset.number).join("\n"));
      event.target.textContent = "Đã chép";
      setTimeout(() => (event.target.textContent = "Chép số hồ sơ"), 1500);
    });
    recount();
  }
}
