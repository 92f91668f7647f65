// A message that does not arrive: the folder that stands for the gateway cannot be written, a day passes, the officer is told on
// the list, sends it again, and it arrives. Then an admin tries the gateway.

import { execFileSync } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assert, until, walk } from "./check.mjs";
import { GUESTS } from "./desk.mjs";
import { arrive } from "./officer.mjs";

const { blurred } = GUESTS;

/** Lets a day and an hour pass for the messages that wait: they are tried once more, in vain, and given up. */
function aDayPasses(desk) {
  const earlier = (column) => `${column} = strftime('%Y-%m-%d %H:%M:%f', ${column}, '-25 hours')`;
  const sql = `UPDATE messages SET ${earlier("created_at")}, ${earlier("next_attempt_at")} WHERE state = 'queued' AND attempts > 0`;
  execFileSync("sqlite3", ["-cmd", ".timeout 5000", join(desk.folder, "tnhs.db"), sql]);
}

export async function messages(browser, desk) {
  const officer = await arrive(browser, desk);
  const { page } = officer;
  const sms = join(desk.folder, "sms");
  const line = () => page.locator(".sent > li", { hasText: "Thông báo không được duyệt" }).filter({ hasText: "SMS" });

  await walk("a message that does not arrive", page, async (step) => {
    await step("it is sent while the gateway is gone", async () => {
      await rm(sms, { recursive: true, force: true });
      await writeFile(sms, "no folder");
      await officer.signIn();
      await officer.open(blurred);
      await officer.decision.getByLabel("Hồ sơ không hợp lệ").check();
      await page.selectOption("#reason_choice", { index: 2 });
      await officer.record();
      await officer.flash("Từ chối duyệt thành công");
      await officer.open(blurred);
    });
    await step("the page tells that it is tried again, and why", async () => {
      await until("the first attempt to fail", async () => {
        await page.reload();
        return (await line().innerText()).includes("lần tới");
      });
      assert.match(await line().innerText(), /Chờ gửi[\s\S]*Lỗi của máy chủ/);
      assert.equal(await line().getByRole("button").count(), 0, "it is not sent again by hand while it waits");
    });
    await step("after a day it is given up, and the list says so", async () => {
      aDayPasses(desk);
      await until("the message to be given up", async () => {
        await page.goto("/applications");
        return page.locator(".lost").count();
      });
      assert.match(await page.locator(".lost").innerText(), /tin do bạn gửi không đến được người nhận/);
    });
    await step("the list leads to it, by keyboard, and it is sent again", async () => {
      await rm(sms);
      await mkdir(sms);
      await page.locator(".lost a").focus();
      await officer.onward(() => page.keyboard.press("Enter"));
      const row = page.locator("#list tbody tr", { hasText: blurred.phone });
      assert.match(await row.innerText(), /Không gửi được/);
      await row.getByRole("button", { name: "Gửi lại" }).focus();
      await officer.onward(() => page.keyboard.press("Enter"));
      await officer.flash("Đã đưa tin vào hàng gửi lại");
      assert.equal(await page.locator("#list tbody tr", { hasText: blurred.phone }).count(), 0);
    });
    await step("it arrives", async () => {
      await desk.sms(blurred.phone, "khong duoc duyet");
      await page.goto("/applications");
      assert.equal(await page.locator(".lost").count(), 0);
      await officer.open(blurred);
      const told = await line().allInnerTexts();
      assert.ok(told.some((text) => text.includes("Đã xử lý") && text.includes("Không gửi được")), told.join("\n"));
      assert.ok(told.some((text) => /Chờ gửi[\s\S]*Đã gửi \(Cổng SMS chính\)/.test(text)), told.join("\n"));
    });
    await step("no errors", () => assert.deepEqual(officer.troubles, []));
  });
  await officer.leave();

  const admin = await arrive(browser, desk);
  await walk("an admin tries the gateway", admin.page, async (step) => {
    await step("and sees how far the message gets, without pressing anything", async () => {
      await admin.signIn("admin");
      await admin.page.getByRole("link", { name: "Tin nhắn", exact: true }).click();
      await admin.page.getByRole("link", { name: "Sức khỏe hàng đợi" }).click();
      await admin.page.fill("#to", "0959900099");
      await admin.page.getByRole("button", { name: "Gửi thử" }).click();
      await admin.page.locator(".steps", { hasText: "Đã gửi" }).waitFor();
      await desk.sms("0959900099", "Tin gui thu");
      assert.ok(!(await admin.page.content()).includes("0959900099"), "the recipient is masked");
    });
    await step("no errors", () => assert.deepEqual(admin.troubles, []));
  });
  await admin.leave();
}

/** What an officer sees of messages, as `looks.mjs` looks at every page. */
export async function officersMessages(look, officer) {
  const { page } = officer;
  await look("messages", officer, async () => {
    await page.goto("/messages");
    await page.getByRole("heading", { name: "Tin nhắn", exact: true }).waitFor();
  }, "messages-list");
  await look("messages, filtered, with an error", officer, async () => {
    await page.selectOption("#standing", { label: "Đã gửi" });
    await page.getByRole("button", { name: "Tra cứu" }).click();
    await page.locator(".chips li").waitFor();
    await page.fill("#from", "32/13/2026");
    await page.getByRole("button", { name: "Tra cứu" }).click();
    await page.locator("#from-about.error").waitFor();
  }, "messages-error");
  await look("a message", officer, async () => {
    await page.goto("/messages");
    await page.locator("#list tbody a").first().click();
    await page.locator(".steps").waitFor();
  }, "message");
}

/** What an admin sees of them. */
export async function adminsMessages(look, admin) {
  const { page } = admin;
  await look("an admin's messages", admin, () => page.goto("/messages"), "messages-admin-list");
  await look("the queue", admin, () => page.goto("/messages/health"), "queue");
  await look("a trial with an error", admin, async () => {
    await page.fill("#to", "12");
    await page.getByRole("button", { name: "Gửi thử" }).click();
    await page.locator("#to-about.error").waitFor();
  });
}
