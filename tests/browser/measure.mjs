// What is wrong with the layout as it stands. It runs in the page, so it can use nothing from outside itself.

export function measure() {
  const problems = [];
  const say = (element) => {
    const name = element.tagName.toLowerCase() + (element.id ? `#${element.id}` : "") + [...element.classList].map((c) => `.${c}`).join("");
    const words = (element.getAttribute("aria-label") ?? element.innerText ?? "").trim().replace(/\s+/g, " ").slice(0, 40);
    return words ? `${name} «${words}»` : name;
  };
  const shown = (element) =>
    element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !element.closest(".hidden, .skip, datalist, option");
  // Behind an open dialog nothing can be pressed.
  const root = document.querySelector("dialog[open]") ?? document.body;

  const page = document.scrollingElement;
  if (page.scrollWidth > innerWidth) problems.push(`the page is ${page.scrollWidth} px wide`);
  for (const element of root.querySelectorAll("*")) {
    if (!shown(element) || element.closest(".scroll") !== (element.matches(".scroll") ? element : null)) continue;
    const box = element.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    if (box.right > innerWidth + 0.5 || box.left < -0.5) {
      problems.push(`${say(element)} sticks out of the window: ${Math.round(box.left)} to ${Math.round(box.right)}`);
    }
    const style = getComputedStyle(element);
    const words = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    // A drawing grows and shrinks with its words.
    const holdsText = words && !element.closest("svg") && style.display !== "inline" && style.overflowX === "visible";
    if (holdsText && element.scrollWidth > element.clientWidth + 1) {
      problems.push(`${say(element)} is too narrow for what it holds: ${element.clientWidth} of ${element.scrollWidth}`);
    }
  }

  // A box or dot inside its label is pressed by the label.
  const target = (element) => (element.matches("[type=checkbox], [type=radio]") && element.closest("label")) || element;
  const inSentence = (element) =>
    element.matches("a") &&
    getComputedStyle(element).display === "inline" &&
    element.parentElement.innerText.trim().length > element.innerText.trim().length + 20;
  const targets = [...root.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")]
    .filter(shown)
    .map((element) => ({ element, box: target(element).getBoundingClientRect() }))
    .filter(({ box }) => box.width && box.height);
  for (const { element, box } of targets) {
    if ((box.width < 24 || box.height < 24) && !inSentence(element)) {
      problems.push(`${say(element)} is too small to press: ${Math.round(box.width)} × ${Math.round(box.height)}`);
    }
  }
  for (const [at, one] of targets.entries()) {
    for (const other of targets.slice(at + 1)) {
      const wide = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
      const high = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
      if (wide > 1 && high > 1) problems.push(`${say(one.element)} and ${say(other.element)} overlap`);
    }
  }
  return problems;
}
