// The same desk in a browser that runs no scripts: every task works, scripts only make it quicker.

import { assert, walk } from "./check.mjs";
import { GUESTS, QUARTERS, quarters } from "./desk.mjs";
import { arrive, assertAccount, sameColour } from "./officer.mjs";

export async function withoutScripts(browser, desk) {
  const officer = await arrive(browser, desk, { javaScriptEnabled: false });
  const { page } = officer;
  const rows = page.locator("#list tbody tr");
  const valid = () => officer.decision.getByLabel("Hồ sơ hợp lệ").check();

  await walk("no scripts", page, async (step) => {
    await step("sign in", () => officer.signIn());

    await step("nothing is offered that would do nothing", async () => {
      for (const useless of ["[data-pick]", "[data-copy-selected]", "#row-menu", ".keys"]) {
        assert.equal(await page.locator(`${useless}:visible`).count(), 0, useless);
      }
    });

    await step("sort, page size, chips, pages", async () => {
      await page.getByRole("button", { name: "Ngày gửi" }).click();
      await page.locator("th[aria-sort=ascending]", { hasText: "Ngày gửi" }).waitFor();
      await page.selectOption("#size", "50");
      await page.getByRole("button", { name: "Áp dụng" }).click();
      await rows.nth(49).waitFor();
      await page.locator("#filter summary").click();
      await page.selectOption("#status", { label: "Chờ duyệt" });
      await page.locator("#filter details .primary").click();
      await page.getByRole("button", { name: "Bỏ điều kiện Trạng thái: Chờ duyệt" }).click();
      await page.locator(".chips").waitFor({ state: "detached" });
      await page.fill("#page", "2");
      await page.getByRole("button", { name: "Đến" }).click();
      await page.locator("#list .stt", { hasText: /^51$/ }).waitFor();
    });

    await step("find and open by the link", async () => {
      await officer.open(GUESTS.exact);
      await page.locator(".verdict.exact").waitFor();
    });

    await step("the photo is replaced by attaching a file", async () => {
      await page.setInputFiles("#photo", quarters(600, 800));
      await page.locator("form[data-photo] button", { hasText: "Thay ảnh" }).click();
      await officer.flash("Đã thay ảnh");
      const portrait = await officer.portrait();
      for (const corner of Object.keys(QUARTERS)) sameColour(portrait[corner], QUARTERS[corner], corner);
    });

    await step("Thay ảnh without a file says so", async () => {
      await page.locator("form[data-photo] button", { hasText: "Thay ảnh" }).click();
      await page.locator("#photo-about.error", { hasText: "Chọn tệp ảnh" }).waitFor();
    });

    await step("an earlier photo is put back", async () => {
      await page.getByText("Ảnh trước đây", { exact: true }).click();
      await page.locator(".earlier button").first().click();
      await officer.flash("Đã dùng lại ảnh cũ");
    });

    await step("Đăng ký thành công, an account by SMS", async () => {
      await valid();
      await officer.tickAll();
      await officer.record();
      await officer.flash("Đăng ký thành công");
      assertAccount(await desk.sms(GUESTS.exact.phone), GUESTS.exact);
    });

    await step("a rejection: Xem lại tin nhắn shows the message, what was typed stays", async () => {
      await officer.open(GUESTS.blurred);
      await officer.decision.getByLabel("Hồ sơ không hợp lệ").check();
      await page.selectOption("#reason_choice", { index: 2 });
      await page.fill("#reason", "Chụp lại trên nền sáng");
      await page.getByRole("button", { name: "Xem lại tin nhắn" }).click();
      await page.locator("[data-sms]", { hasText: "Ly do: Anh chan dung khong ro mat hoac khong dung nguoi. Chup lai tren nen sang." }).waitFor();
      assert.equal(await page.locator("#reason").inputValue(), "Chụp lại trên nền sáng");
      const announced = await page.locator("[data-sms]").innerText();
      await officer.record();
      await officer.flash("Từ chối duyệt thành công");
      assert.ok((await desk.sms(GUESTS.blurred.phone)).includes(announced));
    });

    await step("an empty reason is refused beside the field", async () => {
      await officer.open(GUESTS.missing);
      await officer.decision.getByLabel("Hồ sơ không hợp lệ").check();
      await officer.record();
      await page.locator("#reason-about.error").waitFor();
    });

    await step("a code that the registry does not have: Chờ cấp mã số", async () => {
      await valid();
      await officer.tickAll();
      await officer.record();
      await officer.status("Chờ cấp mã số");
    });

    await step("a name that differs only in diacritics needs one more tick", async () => {
      await officer.open(GUESTS.unaccented);
      await valid();
      await officer.tickAll();
      await officer.decision.locator("[name=name_compared]").uncheck();
      await officer.record();
      await page.locator(".flash.bad", { hasText: "Đã đối chiếu họ tên với giấy tờ" }).waitFor();
      await officer.decision.locator("[name=name_compared]").check();
      await officer.record();
      await officer.flash("Đăng ký thành công");
      assertAccount(await desk.sms(GUESTS.unaccented.phone), GUESTS.unaccented);
    });

    await step("Thoát: the list as it was filtered", async () => {
      await officer.decision.getByRole("link", { name: "Thoát" }).click();
      await officer.row(GUESTS.unaccented).waitFor();
      assert.equal(await page.locator("#q").inputValue(), GUESTS.unaccented.find);
    });

    await step("no errors", () => assert.deepEqual(officer.troubles, []));
  });
  await officer.leave();
}
