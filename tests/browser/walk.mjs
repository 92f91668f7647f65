// A walk through the desk in a real browser, as the people who work there walk: by keyboard, by mouse, without scripts, with
// a session that ends and a colleague who is quicker; then a look at every page for what keeps people out.
//
//   node tests/browser/walk.mjs [part …]     after `cargo build` and `npm ci` in this folder
//
// Screenshots of the pages go to target/screenshots.

import { mkdir, rm } from "node:fs/promises";
import { chromium } from "playwright-core";
import { SHOTS, check, summary } from "./check.mjs";
import { accounts } from "./accounts.mjs";
import { Desk, cleanUp, makeProvince, makeWorkplace } from "./desk.mjs";
import { bringingIn } from "./imports.mjs";
import { sessionEnds, twoOfficers, webcam } from "./interrupted.mjs";
import { byKeyboard } from "./keyboard.mjs";
import { looks } from "./looks.mjs";
import { messages } from "./messages.mjs";
import { byMouse } from "./mouse.mjs";
import { overview } from "./overview.mjs";
import { reports } from "./reports.mjs";
import { withoutScripts } from "./scriptless.mjs";
import { texts } from "./texts.mjs";

const PARTS = {
  keyboard: byKeyboard,
  mouse: byMouse,
  scriptless: withoutScripts,
  session: sessionEnds,
  colleagues: twoOfficers,
  webcam,
  accounts,
  imports: bringingIn,
  texts,
  messages,
  reports,
  overview,
  looks,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in PARTS));
if (unknown.length) {
  console.error(`unknown part: ${unknown.join(", ")}; there are ${Object.keys(PARTS).join(", ")}`);
  process.exit(2);
}

await rm(SHOTS, { recursive: true, force: true });
await mkdir(SHOTS, { recursive: true });
const workplace = await makeWorkplace();
let browser;
const leave = async () => {
  await browser?.close().catch(() => {});
  await cleanUp(workplace);
};
for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]]) {
  process.once(signal, () => leave().finally(() => process.exit(code)));
}

try {
  const province = await makeProvince(workplace);
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    env: { ...process.env, HOME: workplace },
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
    args: [
      ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
      ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
      ...["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
    ],
  });
  for (const [name, part] of Object.entries(PARTS)) {
    if (asked.length && !asked.includes(name)) continue;
    const desk = await Desk.open(workplace, province);
    await part(browser, desk);
    await check(`${name}: the server said nothing bad, and ended when asked`, async () => {
      const code = await desk.close();
      if (code !== 0 || /ERROR|panicked/.test(desk.log)) throw new Error(`ended with ${code}: ${desk.log}`);
    });
  }
} catch (error) {
  await check("the walk", () => Promise.reject(error));
} finally {
  await leave();
}
process.exit(summary() ? 0 : 1);
