// The same desk with the mouse, and what only a mouse does: double-clicks, right-clicks, dragging a picture.

import { assert, until, walk } from "./check.mjs";
import { GUESTS, QUARTERS, quarters } from "./desk.mjs";
import { arrive, assertAccount, sameColour } from "./officer.mjs";

// In Vietnamese ă, â, đ … are letters of their own, and tones are not.
const letters = new Intl.Collator("vi", { sensitivity: "base" });

export async function byMouse(browser, desk) {
  const officer = await arrive(browser, desk, { permissions: ["clipboard-read", "clipboard-write"] });
  const { page } = officer;
  const list = page.locator("#list");
  const rows = list.locator("tbody tr:not(.group)");
  const cells = (column) => rows.locator(`td[data-label="${column}"]`).allInnerTexts();
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  const column = (name) => list.getByRole("columnheader", { name });
  const sortBy = async (name, direction) => {
    await column(name).getByRole("button").click();
    await list.locator(`th[aria-sort=${direction}]`, { hasText: name }).waitFor();
  };

  await walk("mouse", page, async (step) => {
    await step("sign in", async () => {
      await officer.signIn();
      assert.equal(await rows.count(), 25);
      assert.equal(await rows.first().getAttribute("data-code"), GUESTS.exact.code, "the newest that waits is on top");
    });

    await step("the head of a column sorts, once more turns it round", async () => {
      await sortBy("Số hồ sơ", "ascending");
      const up = await cells("Số hồ sơ");
      assert.deepEqual(up, [...up].sort((a, b) => a.slice(6).localeCompare(b.slice(6)) || a.localeCompare(b)));
      await sortBy("Số hồ sơ", "descending");
      assert.notDeepEqual(await cells("Số hồ sơ"), up);
      await sortBy("Họ và tên", "ascending");
      const given = (await cells("Họ và tên")).map((name) => name.replace(/\s*Tin lỗi$/, "").split(" ").at(-1));
      assert.deepEqual(given, [...given].sort(letters.compare), "by the letters of the given name");
      await page.getByRole("button", { name: "Về thứ tự mặc định" }).click();
      await list.locator("th[aria-sort=ascending]").waitFor({ state: "detached" });
    });

    await step("Mở rộng filters, each chip's cross takes one criterion away", async () => {
      await page.locator("#filter summary").click();
      await page.selectOption("#kind", { label: "Đăng ký mới" });
      await page.selectOption("#status", { label: "Chờ duyệt" });
      await page.locator("#filter details .primary").click();
      await until("two chips", async () => (await page.locator(".chips li").count()) === 2);
      assert.deepEqual(await officer.chips(), ["Tình trạng: Đăng ký mới", "Trạng thái: Chờ duyệt"]);
      assert.ok((await cells("Trạng thái")).every((status) => status === "Chờ duyệt"));
      await page.getByRole("button", { name: "Bỏ điều kiện Tình trạng: Đăng ký mới" }).click();
      await until("one chip", async () => (await page.locator(".chips li").count()) === 1);
      assert.deepEqual(await officer.chips(), ["Trạng thái: Chờ duyệt"]);
    });

    await step("several numbers at once, and a serial alone", async () => {
      const [first, second] = await cells("Số hồ sơ");
      await page.fill("#numbers", `${first}; ${Number(second.split("/")[0])}`);
      await page.locator("#filter details .primary").click();
      await until("two rows", async () => (await rows.count()) === 2);
      assert.deepEqual((await cells("Số hồ sơ")).sort(), [first, second].sort());
      await page.getByRole("button", { name: "Bỏ hết điều kiện" }).click();
      await until("the whole list", async () => (await rows.count()) === 25);
    });

    await step("the page size applies at once, and pages turn", async () => {
      await page.selectOption("#size", "50");
      await until("fifty rows", async () => (await rows.count()) === 50);
      await page.getByRole("link", { name: "Trang sau" }).click();
      await until("row 51", async () => (await rows.first().locator(".stt").innerText()) === "51");
      await page.getByRole("link", { name: "Trang trước" }).click();
      await until("row 1", async () => (await rows.first().locator(".stt").innerText()) === "1");
    });

    await step("the counter of late ones filters for them", async () => {
      await page.locator(".counters .late button").click();
      await until("the chips of late ones", async () => (await officer.chips()).includes("Hạn: Muộn"));
      assert.ok((await cells("Hạn")).every((text) => text.startsWith("Muộn")));
      await page.getByRole("button", { name: "Bỏ hết điều kiện" }).click();
      await until("no chips", async () => (await page.locator(".chips").count()) === 0);
    });

    await step("rows are selected and their numbers copied", async () => {
      await rows.nth(0).locator("[data-pick]").click();
      await rows.nth(2).locator("[data-pick]").click();
      assert.equal(await page.locator("[data-selected]").innerText(), "2");
      await page.locator("[data-copy-selected]").click();
      const numbers = await cells("Số hồ sơ");
      assert.equal(await clipboard(), `${numbers[0]}\n${numbers[2]}`);
      await list.locator("[data-all]").click();
      assert.equal(await page.locator("[data-selected]").innerText(), "50");
    });

    await step("a right-click copies, and opens", async () => {
      await officer.search(GUESTS.exact.find);
      await officer.row(GUESTS.exact).click({ button: "right" });
      await page.getByRole("menuitem", { name: "Chép mã số BHXH" }).click();
      await until("the code on the clipboard", async () => (await clipboard()) === GUESTS.exact.code);
      await officer.row(GUESTS.exact).click({ button: "right" });
      await page.mouse.click(700, 20);
      await page.locator("#row-menu").waitFor({ state: "hidden" });
      await officer.row(GUESTS.exact).click({ button: "right" });
      await page.getByRole("menuitem", { name: "Mở hồ sơ" }).click();
      await officer.decision.waitFor();
    });

    await step("Thoát: the list as it was filtered, on the same row", async () => {
      await officer.decision.getByRole("link", { name: "Thoát" }).click();
      await page.locator(`#list tr[data-code="${GUESTS.exact.code}"]:focus`).waitFor();
      assert.equal(await page.locator("#q").inputValue(), GUESTS.exact.find);
      assert.equal(await page.locator("#size").inputValue(), "50");
    });

    await step("a double-click opens", async () => {
      await officer.row(GUESTS.exact).locator(".name").dblclick();
      await officer.decision.waitFor();
      await page.locator(".verdict.exact").waitFor();
    });

    await step("a picture is looked at in full size", async () => {
      await page.locator(".portrait > a").click();
      await page.locator("dialog.zoom[open] img").waitFor();
      await page.getByRole("button", { name: "Đóng" }).click();
      await page.locator("dialog.zoom").waitFor({ state: "detached" });
      await page.locator(".papers a").first().click();
      await page.locator("dialog.zoom[open]").waitFor();
      // Beside the picture.
      await page.mouse.click(3, 3);
      await page.locator("dialog.zoom").waitFor({ state: "detached" });
    });

    await step("the photo is replaced: wheel, dragging and buttons", async () => {
      const before = await page.locator(".portrait > a").getAttribute("href");
      // What is chosen and written before stays when the photo is replaced.
      await officer.decision.getByLabel("Hồ sơ hợp lệ").check();
      await officer.decision.locator("[name=id_compared]").check();
      await page.setInputFiles("#photo", quarters(1200, 1600));
      await page.locator("#studio[open]").waitFor();
      const box = await page.locator("#studio canvas").boundingBox();
      const middle = [box.x + box.width / 2, box.y + box.height / 2];
      await page.mouse.move(...middle);
      for (let turn = 0; turn < 8; turn += 1) await page.mouse.wheel(0, -100);
      await page.mouse.down();
      await page.mouse.move(middle[0] + 400, middle[1] + 500, { steps: 4 });
      await page.mouse.up();
      await page.getByRole("button", { name: "Xoay phải" }).click();
      await page.getByRole("button", { name: "Xoay trái" }).click();
      await page.getByRole("button", { name: "Dùng ảnh này" }).click();
      await officer.flash("Đã thay ảnh");
      assert.notEqual(await page.locator(".portrait > a").getAttribute("href"), before);
      // Dragged to its end, an enlarged picture shows its first quarter alone.
      const portrait = await officer.portrait();
      for (const corner of ["topLeft", "topRight", "bottomLeft", "bottomRight"]) {
        sameColour(portrait[corner], QUARTERS.topLeft, corner);
      }
      assert.ok(await officer.decision.getByLabel("Hồ sơ hợp lệ").isChecked(), "the choice is still there");
      assert.ok(await officer.decision.locator("[name=id_compared]").isChecked(), "the tick is still there");
    });

    await step("an earlier photo is put back", async () => {
      await page.getByText("Ảnh trước đây", { exact: true }).click();
      await page.locator(".earlier button").first().click();
      await officer.flash("Đã dùng lại ảnh cũ");
      const portrait = await officer.portrait();
      assert.ok(portrait.topLeft.some((part, at) => Math.abs(part - QUARTERS.topLeft[at]) > 24), "it is not the new one");
    });

    await step("something that is no picture is refused beside the field", async () => {
      await officer.decision.getByLabel("Hồ sơ không hợp lệ").check();
      await page.fill("#reason", "Ảnh bị mờ");
      await page.setInputFiles("#photo", { name: "anh.png", mimeType: "image/png", buffer: Buffer.from("%PDF-1.7 not a picture") });
      await page.locator("form[data-photo] button", { hasText: "Thay ảnh" }).click();
      await page.locator("#photo-about.error", { hasText: "Tệp không phải ảnh" }).waitFor();
      assert.equal(await page.locator("#reason").inputValue(), "Ảnh bị mờ", "the reason is still there");
    });

    await step("Ghi nhận: Đăng ký thành công, an account by SMS", async () => {
      await officer.decision.getByLabel("Hồ sơ hợp lệ").check();
      await officer.tickAll();
      await officer.record();
      await officer.flash("Đăng ký thành công");
      assertAccount(await desk.sms(GUESTS.exact.phone), GUESTS.exact);
    });

    await step("Mở hồ sơ chờ duyệt tiếp theo", async () => {
      const before = page.url();
      await page.getByRole("link", { name: "Mở hồ sơ chờ duyệt tiếp theo" }).click();
      await page.waitForURL((url) => url.href !== before && /^\/applications\/\d+$/.test(url.pathname));
      await officer.status("Chờ duyệt");
      await officer.decision.getByRole("link", { name: "Thoát" }).click();
      await page.waitForURL(/\/applications\?list=/);
      assert.equal(await page.locator("#q").inputValue(), GUESTS.exact.find, "the list is still as it was filtered");
    });

    await step("a decided one is gone from a list of those that wait: the focus stays at its place", async () => {
      await page.locator("#q").fill("");
      await page.locator("#filter summary").click();
      await page.selectOption("#status", { label: "Chờ duyệt" });
      await page.locator("#filter details .primary").click();
      await until("the list of those that wait", async () => (await officer.chips()).includes("Trạng thái: Chờ duyệt"));
      const codes = await rows.evaluateAll((all) => all.map((row) => row.dataset.code));
      const at = codes.indexOf(GUESTS.blurred.code);
      await officer.row(GUESTS.blurred).dblclick();
      await officer.decision.getByLabel("Hồ sơ không hợp lệ").check();
      await page.selectOption("#reason_choice", { index: 2 });
      await officer.record();
      await officer.flash("Từ chối duyệt thành công");
      await officer.decision.getByRole("link", { name: "Thoát" }).click();
      await page.locator(`#list tr[data-code="${codes[at + 1]}"]:focus`).waitFor();
    });

    await step("somebody at the counter is entered, with the communes of the chosen province", async () => {
      await page.getByRole("link", { name: "Nhập hồ sơ" }).click();
      await page.getByRole("button", { name: "Ghi nhận" }).click();
      await page.locator(".flash.bad", { hasText: "mục cần sửa" }).waitFor();
      assert.ok(await officer.focused("#code"), "the first thing that is wrong has the focus");
      const typed = { code: "9999000077", name: "Đỗ Thị Thử Nghiệm", birth_date: "02/03/1990", id_number: "999190900077", phone: "0959900077" };
      for (const [name, value] of Object.entries(typed)) await page.fill(`#${name}`, value);
      await page.getByLabel("Nữ").check();
      await page.selectOption("#province_code", { index: 1 });
      await page.locator("#commune-list option").first().waitFor({ state: "attached" });
      await page.fill("#commune", await page.locator("#commune-list option").first().getAttribute("value"));
      await page.getByRole("button", { name: "Ghi nhận" }).click();
      await officer.decision.waitFor();
      await page.locator(".identity .who", { hasText: typed.name }).waitFor();
    });

    await step("sign out", async () => {
      await page.getByRole("button", { name: "Đăng xuất" }).click();
      await page.locator("#login").waitFor();
    });

    await step("no errors and no breach of the content security policy", () => assert.deepEqual(officer.troubles, []));
  });
  await officer.leave();
}
