// What is said of each check, and how many held.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

export { assert };

/** Where pictures of the pages go. */
export const SHOTS = fileURLToPath(new URL("../../target/screenshots/", import.meta.url));

let passed = 0;
let failed = 0;

/** Runs one check and says how it went. Returns whether it held. */
export async function check(name, body) {
  try {
    await body();
    passed += 1;
    console.log(`ok      ${name}`);
    return true;
  } catch (error) {
    failed += 1;
    // Playwright colours its messages and adds a long log of its tries; the first lines say it.
    const words = String(error?.stack ?? error).replace(/\u001b\[\d+m/g, "");
    console.log(`FAILED  ${name}\n${words.split("\n").slice(0, 24).map((line) => `        ${line}`).join("\n")}`);
    return false;
  }
}

/** A walk ends with its first step that fails, with a picture of where: the later ones stand on it. */
export async function walk(name, page, body) {
  class Stop extends Error {}
  const step = async (words, act) => {
    if (await check(`${name}: ${words}`, act)) return;
    await page.screenshot({ path: `${SHOTS}failed, ${name}.png` }).catch(() => {});
    throw new Stop();
  };
  try {
    await body(step);
  } catch (error) {
    if (!(error instanceof Stop)) await check(name, () => Promise.reject(error));
  }
}

export function summary() {
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0;
}

/** Asks until the answer is truthy, and returns it; for what no browser event announces, such as a file. */
export async function until(what, ask, patience = 10_000) {
  const end = Date.now() + patience;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited ${patience / 1000} s in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
