// An admin brings a list in: reads it for trial, corrects how it was understood, lets it count, takes it back.

import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { assert, walk } from "./check.mjs";
import { arrive } from "./officer.mjs";

/** One of the lists that offices really have: 40 people, 15 rows that cannot be taken. */
export const LIST = fileURLToPath(new URL("../samples/d_officer_list.xlsx", import.meta.url));

/** A text of what the page counts under this word. */
export const tile = (page, word) => page.locator(".tiles li", { hasText: word }).locator("b").innerText();

/** The page says where the import stands; the script or the browser itself asks again until it does. */
export const stands = (page, label) => page.locator(".identity .badge", { hasText: label }).waitFor({ timeout: 20_000 });

/** What both browsers do, after the file was chosen. */
async function bringIn(step, admin) {
  const { page } = admin;

  await step("Đọc thử: what would happen, and nothing has happened", async () => {
    await page.getByRole("button", { name: "Đọc thử" }).click();
    await stands(page, "Chờ xác nhận");
    assert.deepEqual([await tile(page, "Mới"), await tile(page, "Từ chối")], ["40", "15"]);
  });

  await step("a refused row: where it stands, what is wrong, what to do", async () => {
    const row = page.locator("#rows tbody tr", { hasText: "05/25/1990" });
    assert.equal(await row.locator("[data-label=Dòng]").innerText(), "6");
    assert.match(await row.locator("[data-label=Cột]").innerText(), /^D · ngay sinh$/);
    assert.equal(await row.locator("[data-label=Loại]").innerText(), "Ngày sai");
    assert.ok((await row.locator("[data-label='Lý do']").innerText()).length > 20);
  });

  await step("the columns are corrected, and the file is read again", async () => {
    await page.getByText("Cách hiểu tệp").click();
    const address = page.locator("tr", { has: page.getByText("địa chỉ", { exact: true }) }).locator("select");
    assert.equal(await address.inputValue(), "address");
    await address.selectOption({ label: "Không dùng" });
    await page.getByRole("button", { name: "Đọc lại với cách hiểu này" }).click();
    await stands(page, "Chờ xác nhận");
    assert.equal(await tile(page, "Mới"), "40");
    await page.getByText("Cách hiểu tệp").click();
    assert.equal(await address.inputValue(), "");
  });

  await step("the refused rows are taken home as a workbook", async () => {
    const download = page.waitForEvent("download");
    await page.getByRole("link", { name: "Các dòng bị từ chối (.xlsx)" }).click();
    const file = await (await download).path();
    assert.equal((await readFile(file)).subarray(0, 2).toString(), "PK");
  });

  await step("Nhập: the people are in the registry", async () => {
    await page.getByRole("button", { name: "Nhập vào danh bạ" }).click();
    await stands(page, "Đã nhập");
    await page.locator(".lead", { hasText: "40 dòng đã được ghi" }).waitFor();
    await find(admin, "8827576833", "Nguyễn Công Hòa");
    assert.equal(await page.locator("[data-label='Địa chỉ']").innerText(), "", "that column was left out");
  });

  await step("Hoàn tác asks first, and then the registry is as it was", async () => {
    await page.getByRole("link", { name: "Nhập từ Excel" }).click();
    await page.getByRole("link", { name: basename(LIST) }).first().click();
    await page.getByRole("link", { name: "Hoàn tác…" }).click();
    await page.getByText("40 dòng mới").waitFor();
    await page.getByRole("button", { name: "Hoàn tác" }).click();
    await stands(page, "Đã hoàn tác");
    await find(admin, "8827576833", "Không tìm thấy ai");
  });

  await step("no errors", () => assert.deepEqual(admin.troubles, []));
}

async function find({ page }, typed, expected) {
  await page.getByRole("link", { name: "Danh bạ HGĐ" }).click();
  await page.fill("#q", typed);
  await page.getByRole("button", { name: "Tra cứu" }).click();
  await page.locator("main", { hasText: expected }).waitFor();
  assert.ok(!page.url().includes(typed), "whom somebody looks for stands in no address");
}

export async function bringingIn(browser, desk) {
  const admin = await arrive(browser, desk);
  const { page } = admin;
  await walk("bringing in", page, async (step) => {
    await step("sign in", () => admin.signIn("admin"));
    await step("a file is dropped onto the form", async () => {
      await page.getByRole("link", { name: "Nhập từ Excel" }).click();
      await page.getByLabel("Danh bạ hộ gia đình").check();
      const bytes = (await readFile(LIST)).toString("base64");
      const dropped = await page.evaluateHandle(([bytes, name]) => {
        const data = new DataTransfer();
        data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name));
        return data;
      }, [bytes, basename(LIST)]);
      await page.locator("[data-drop]").dispatchEvent("drop", { dataTransfer: dropped });
      assert.equal(await page.locator("#file").evaluate((input) => input.files[0].name), basename(LIST));
    });
    await bringIn(step, admin);
  });
  await admin.leave();

  const plain = await arrive(browser, desk, { javaScriptEnabled: false });
  await walk("bringing in without scripts", plain.page, async (step) => {
    await step("sign in", () => plain.signIn("admin"));
    await step("a file is chosen", async () => {
      await plain.page.getByRole("link", { name: "Nhập từ Excel" }).click();
      await plain.page.getByLabel("Danh bạ hộ gia đình").check();
      await plain.page.setInputFiles("#file", LIST);
    });
    await step("what was said of the columns is remembered, and can be forgotten", async () => {
      await plain.page.getByRole("button", { name: "Đọc thử" }).click();
      await stands(plain.page, "Chờ xác nhận");
      await plain.page.getByText("Dùng cách hiểu đã lưu từ lần nhập trước").click();
      await plain.page.getByRole("button", { name: "Để chương trình tự nhận ra" }).click();
      await stands(plain.page, "Chờ xác nhận");
      assert.equal(await plain.page.getByText("Dùng cách hiểu đã lưu").count(), 0);
      await plain.page.getByRole("button", { name: "Bỏ" }).click();
      await stands(plain.page, "Đã bỏ");
      await plain.page.getByRole("link", { name: "Nhập từ Excel" }).click();
      await plain.page.getByLabel("Danh bạ hộ gia đình").check();
      await plain.page.setInputFiles("#file", LIST);
    });
    await bringIn(step, plain);
  });
  await plain.leave();
}
