// An admin of the centre gives a text other words, sees while typing what will leave, and the next citizen reads them.

import { assert, walk } from "./check.mjs";
import { GUESTS } from "./desk.mjs";
import { arrive } from "./officer.mjs";

const PASSWORD = "Mot mat khau moi cua trung uong";

/** Signs in as an admin of the centre, who has to choose a password first. */
export async function signInAtTheCentre(person) {
  await person.desk.addCentralAdmin();
  await person.signIn("central");
  await person.page.fill("#current", person.desk.people.central.password);
  for (const field of ["new", "again"]) await person.page.fill(`#${field}`, PASSWORD);
  await person.page.getByRole("button", { name: "Đổi mật khẩu" }).click();
  await person.page.locator(".flash.good").waitFor();
}

export async function texts(browser, desk) {
  const admin = await arrive(browser, desk);
  const officer = await arrive(browser, desk);
  const { page } = admin;
  await walk("texts", page, async (step) => {
    await step("an admin of the centre finds the text", async () => {
      await signInAtTheCentre(admin);
      await page.getByRole("link", { name: "Mẫu tin nhắn" }).click();
      await page.getByRole("link", { name: "Hồ sơ được duyệt, cấp tài khoản" }).click();
      assert.match(await page.locator("[data-sms]").innerText(), /Ho so 03706\/2026\/07906 da duoc duyet/);
    });
    await step("what is typed is shown as it will leave, with what is wrong", async () => {
      await page.fill("#body", "BHXH VN: Hồ sơ {so} đã duyệt. Xem vssid.vn");
      await page.locator("[data-sms]", { hasText: "Hồ sơ 03706/2026/07906 đã duyệt" }).waitFor();
      const shown = await page.locator("[data-previewed]").innerText();
      for (const words of ["UCS-2", "Thiếu ô {mat_khau}", "liên kết", "ồ → o"]) assert.ok(shown.includes(words), words);
    });
    await step("it is refused, and nothing typed is lost", async () => {
      await page.getByRole("button", { name: "Lưu" }).click();
      await page.locator("#body-about.error").waitFor();
      assert.equal(await page.inputValue("#body"), "BHXH VN: Hồ sơ {so} đã duyệt. Xem vssid.vn");
    });
    await step("Bỏ dấu folds it, and it is saved", async () => {
      await page.fill("#body", "BHXH VN: Hồ sơ {so} đã duyệt. Tên: {tai_khoan}. Mat khau: {mat_khau}.");
      await page.getByRole("button", { name: "Bỏ dấu" }).click();
      await page.locator("[data-sms]", { hasText: "Ho so 03706/2026/07906 da duyet. Ten: 001099012345." }).waitFor();
      await page.getByRole("button", { name: "Lưu" }).click();
      await page.locator(".flash.good", { hasText: "Đã lưu mẫu" }).waitFor();
      await page.getByText("Đang dùng phiên bản 1").waitFor();
    });
    await step("the next citizen reads these words", async () => {
      await officer.signIn();
      await officer.open(GUESTS.exact);
      await officer.page.getByLabel("Hồ sơ hợp lệ").check();
      await officer.tickAll();
      await officer.record();
      const sms = await desk.sms(GUESTS.exact.phone);
      assert.match(sms, /da duyet\. Ten: 9999000001\. Mat khau: [A-Za-z0-9]{8,}\./);
    });
    await step("and the program's own words are there again at a press", async () => {
      await page.getByRole("button", { name: "Về mẫu gốc" }).click();
      await page.getByText("Đang dùng mẫu gốc của chương trình").waitFor();
      assert.match(await page.inputValue("#body"), /^BHXH VN: Ho so \{so\} da duoc duyet\./);
    });
  });
  await officer.leave();
  await admin.leave();
}
