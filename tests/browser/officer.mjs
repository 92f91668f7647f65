// Somebody at a browser: a context of their own, what they press, and everything that went wrong behind the page.

import { assert } from "./check.mjs";

// Chromium writes these for pages that answer a mistake, which is what they should do.
const EXPECTED_STATUS = /the server responded with a status of (401|403|404|409|422)/;

export async function arrive(browser, desk, options = {}) {
  const context = await browser.newContext({
    baseURL: desk.url,
    locale: "vi-VN",
    timezoneId: "Asia/Ho_Chi_Minh",
    viewport: { width: 1366, height: 768 },
    ...options,
  });
  context.setDefaultTimeout(8_000);
  const officer = new Officer(context, desk);
  context.on("console", (message) => {
    if (message.type() === "error" && !EXPECTED_STATUS.test(message.text())) officer.troubles.push(message.text());
  });
  context.on("weberror", (error) => officer.troubles.push(String(error.error())));
  context.on("response", (response) => {
    if (response.status() >= 500) officer.troubles.push(`${response.status()} ${response.url()}`);
  });
  if (options.javaScriptEnabled !== false) {
    await context.exposeBinding("violated", (_, what) => officer.troubles.push(`CSP: ${what}`));
    await context.addInitScript(() =>
      addEventListener("securitypolicyviolation", (event) =>
        globalThis.violated(`${event.effectiveDirective} ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`),
      ),
    );
  }
  officer.page = await context.newPage();
  return officer;
}

export class Officer {
  /** What the browser complained about. */
  troubles = [];

  constructor(context, desk) {
    this.context = context;
    this.desk = desk;
  }

  /** Signs in by whatever means: for walks that are about something else. */
  async signIn(who = "officer", page = this.page) {
    await page.goto("/sign-in");
    await this.fillSignIn(who, page);
    await page.locator("header.top").waitFor();
  }

  async fillSignIn(who = "officer", page = this.page) {
    const { login, password } = this.desk.people[who];
    await page.fill("#login", login);
    await page.fill("#password", password);
    await page.click("button.primary");
  }

  /** Does something that brings another page, and waits until that is there. */
  async onward(act) {
    await Promise.all([this.page.waitForEvent("load"), act()]);
  }

  async search(words) {
    if (!(await this.page.locator("#q").count())) await this.page.getByRole("link", { name: "Cá nhân" }).click();
    await this.page.fill("#q", words);
    await this.onward(() => this.page.click(".quick button"));
  }

  row(guest) {
    return this.page.locator(`#list tr[data-code="${guest.code}"]`);
  }

  async open(guest) {
    await this.search(guest.find);
    await this.row(guest).getByRole("link").click();
    await this.decision.waitFor();
  }

  get decision() {
    return this.page.locator("aside.decision");
  }

  /** The criteria that the list is filtered by. */
  async chips() {
    return (await this.page.locator(".chips li").allInnerTexts()).map((text) => text.split("×")[0].trim());
  }

  async tickAll() {
    for (const box of await this.decision.locator(".when-valid input[type=checkbox]").all()) await box.check();
  }

  async record() {
    await this.decision.getByRole("button", { name: "Ghi nhận" }).click();
  }

  /** What the page has just told. */
  flash(text) {
    return this.page.locator(".flashes .flash.good", { hasText: text }).waitFor();
  }

  status(label) {
    return this.page.locator(".identity .badge", { hasText: label }).first().waitFor();
  }

  async focused(selector, page = this.page) {
    return page.evaluate((wanted) => Boolean(document.activeElement?.matches(wanted)), selector);
  }

  /** Presses Tab until this has the focus, as somebody without a mouse does. */
  async tabTo(selector, { back = false, most = 90 } = {}) {
    for (let pressed = 0; pressed < most; pressed += 1) {
      await this.page.keyboard.press(back ? "Shift+Tab" : "Tab");
      if (await this.focused(selector)) {
        assert.ok(await this.inSight(), `${selector} has the focus but cannot be seen`);
        return;
      }
    }
    throw new Error(`${selector} was not reached by ${most} presses of Tab`);
  }

  /** Whether what has the focus is in the window and nothing lies over it. */
  async inSight() {
    return this.page.evaluate(() => {
      const element = document.activeElement;
      const { left, right, top, bottom } = element.getBoundingClientRect();
      const over = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
      return element === over || element.contains(over) || Boolean(over?.contains(element) && over.matches("label, td, th"));
    });
  }

  async press(...keys) {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  /** The colours of the portrait that the server keeps: its size, and the middle of each quarter. */
  async portrait() {
    return this.page.locator(".portrait > a img").evaluate(async (image) => {
      await image.decode();
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
      const context = canvas.getContext("2d");
      context.drawImage(image, 0, 0);
      const at = (x, y) => [...context.getImageData(canvas.width * x, canvas.height * y, 1, 1).data].slice(0, 3);
      return {
        ratio: canvas.width / canvas.height,
        topLeft: at(0.1, 0.1),
        topRight: at(0.9, 0.1),
        bottomLeft: at(0.1, 0.9),
        bottomRight: at(0.9, 0.9),
      };
    });
  }

  async leave() {
    await this.context.close();
  }
}

/** JPEG changes a colour a little. */
export function sameColour(seen, wanted, where) {
  const far = Math.max(...seen.map((part, at) => Math.abs(part - wanted[at])));
  assert.ok(far < 24, `${where}: ${seen} instead of ${wanted}`);
}

/** An approval's text message carries the account, which is the code, and a first password. */
export function assertAccount(sms, guest) {
  assert.match(sms, new RegExp(`Tai khoan: ${guest.code}/Mat khau: [A-Za-z0-9]{8,}\\. `));
}
