// The README's walk through the desk with nothing but the keyboard. The mouse is never touched; only the file dialog of the
// operating system, which no page can see, is answered for the officer.

import { assert, until, walk } from "./check.mjs";
import { GUESTS, QUARTERS, quarters } from "./desk.mjs";
import { arrive, assertAccount, sameColour } from "./officer.mjs";

export async function byKeyboard(browser, desk) {
  const officer = await arrive(browser, desk);
  const { page } = officer;
  const selected = (guest) => page.locator(`#list tr[data-code="${guest.code}"]:focus`);

  /** Types into the quick search, and walks down to the person's row. */
  const find = async (guest) => {
    if (!(await officer.focused("#q"))) await officer.tabTo("#q", { back: await officer.focused("#list tr") });
    await page.keyboard.press("Control+A");
    await page.keyboard.type(guest.find);
    await officer.onward(() => officer.press("Enter"));
    await page.locator("#list").waitFor();
    const rows = await page.locator("#list tbody tr").count();
    for (let at = 0; at < rows && !(await selected(guest).count()); at += 1) await page.keyboard.press("ArrowDown");
    await selected(guest).waitFor();
  };
  const openRow = async () => {
    await page.keyboard.press("Enter");
    await officer.decision.waitFor();
  };
  /** The short way from the top of the page to the decision. */
  const goToDecision = async () => {
    await officer.tabTo("a.skip[href='#assess']", { most: 3 });
    await officer.press("Enter");
    await officer.tabTo("[name=outcome]", { most: 3 });
  };
  const tick = async (...names) => {
    for (const name of names) {
      await officer.tabTo(`[name=${name}]`, { most: 6 });
      await officer.press("Space");
      assert.ok(await page.locator(`[name=${name}]`).isChecked(), `${name} is ticked`);
    }
  };
  const checks = ["id_compared", "form_signed", "photo_matches"];
  const record = async () => {
    await officer.tabTo(".decision .acts .primary", { most: 10 });
    await officer.press("Enter");
  };
  const leave = async () => {
    await officer.tabTo(".decision .acts a");
    await officer.press("Enter");
    await page.locator("#list").waitFor();
  };

  await walk("keyboard", page, async (step) => {
    await step("sign in", async () => {
      await page.goto("/");
      assert.ok(await officer.focused("#login"), "the name has the focus from the start");
      await page.keyboard.type(desk.people.officer.login);
      await officer.press("Tab");
      await page.keyboard.type(desk.people.officer.password);
      await officer.press("Enter");
      await page.getByRole("heading", { name: "Danh sách hồ sơ đăng ký giao dịch điện tử cá nhân" }).waitFor();
    });

    await step("the first link leads past the menu", async () => {
      await officer.press("Tab");
      assert.ok(await officer.focused("a.skip[href='#main']"));
      const box = await page.locator("a.skip:focus").boundingBox();
      assert.ok(box.y >= 0, "it shows itself when it has the focus");
      await officer.press("Enter");
      await officer.tabTo("#q", { most: 1 });
    });

    await step("Mở rộng opens, finds by status and closes", async () => {
      await officer.tabTo("#filter summary");
      await officer.press("Enter");
      await officer.tabTo("#code", { most: 3 });
      await page.keyboard.type(GUESTS.missing.code);
      await officer.tabTo("#status", { most: 6 });
      await page.keyboard.type("Ch");
      await officer.tabTo("#code", { back: true, most: 6 });
      await officer.onward(() => officer.press("Enter"));
      assert.equal(await page.locator("#list tbody tr").count(), 1);
      assert.deepEqual(await officer.chips(), [`Mã số BHXH: ${GUESTS.missing.code}`, "Trạng thái: Chờ duyệt"]);
      await officer.tabTo("[name=clear]");
      await officer.onward(() => officer.press("Enter"));
      assert.equal(await page.locator(".chips").count(), 0);
      assert.equal(await page.locator("#list tbody tr").count(), 25);
    });

    await step("arrow keys, Home and End move along the rows, Space selects", async () => {
      await officer.press("ArrowDown");
      const at = () => page.evaluate(() => [...document.querySelectorAll("#list tbody tr")].indexOf(document.activeElement));
      assert.equal(await at(), 0);
      await officer.press("ArrowDown", "ArrowDown", "ArrowUp");
      assert.equal(await at(), 1);
      await officer.press("Space");
      assert.equal(await page.locator("[data-selected]").innerText(), "1");
      await officer.press("End");
      assert.equal(await at(), 24);
      await officer.press("Home");
      assert.equal(await at(), 0);
    });

    await step("the menu key opens the menu of the row, Esc closes it", async () => {
      await officer.press("ContextMenu");
      await page.locator("#row-menu").waitFor();
      await officer.press("ArrowDown", "ArrowDown");
      assert.ok(await officer.focused("[data-act=number]"));
      await officer.press("Escape");
      await page.locator("#row-menu").waitFor({ state: "hidden" });
      assert.ok(await officer.focused("#list tr"), "the row has the focus again");
    });

    await step("quick search without diacritics, Enter opens", async () => {
      await find(GUESTS.exact);
      await openRow();
      await page.locator(".verdict.exact", { hasText: "Khớp" }).waitFor();
    });

    await step("the photo is replaced: the studio turns, zooms and moves by keys", async () => {
      await officer.tabTo("#photo");
      await page.setInputFiles("#photo", quarters(800, 600));
      await page.locator("#studio[open]").waitFor();
      assert.ok(await officer.focused("#studio .stage"));
      await officer.press("r", "+", "+", "-", "ArrowUp", "ArrowLeft", "Enter");
      await officer.flash("Đã thay ảnh");
      const portrait = await officer.portrait();
      assert.ok(Math.abs(portrait.ratio - 3 / 4) < 0.01, `3:4, not ${portrait.ratio}`);
      // A quarter turn to the right brings the left bottom corner to the top.
      sameColour(portrait.topLeft, QUARTERS.bottomLeft, "top left");
      sameColour(portrait.topRight, QUARTERS.topLeft, "top right");
      sameColour(portrait.bottomRight, QUARTERS.topRight, "bottom right");
    });

    await step("Esc leaves the studio and changes nothing", async () => {
      await officer.tabTo("#photo");
      await page.setInputFiles("#photo", quarters(600, 800));
      await page.locator("#studio[open]").waitFor();
      await officer.press("Escape");
      await page.locator("#studio").waitFor({ state: "hidden" });
      // The dialog is hidden first; that it was left is told to the page a moment later.
      await until("the choice to be empty", async () => (await page.locator("#photo").inputValue()) === "");
      assert.ok(await officer.focused("#photo"), "the focus is back where it was");
      await page.reload();
    });

    await step("nothing chosen: told beside the choice", async () => {
      await goToDecision();
      await record();
      await page.locator("#outcome-about", { hasText: "Chọn Hồ sơ hợp lệ hoặc Hồ sơ không hợp lệ." }).waitFor();
      assert.ok(await officer.focused("[name=outcome]"), "the focus is where something is missing");
    });

    await step("a tick is missing: nothing is recorded, the other ticks stay", async () => {
      await officer.press("Space");
      await tick(...checks.slice(0, 2));
      await record();
      await page.locator(".flash.bad", { hasText: "Đánh dấu đủ ba mục" }).waitFor();
      assert.deepEqual(await Promise.all(checks.map((name) => page.locator(`[name=${name}]`).isChecked())), [true, true, false]);
    });

    await step("Hồ sơ hợp lệ, the ticks, Ghi nhận: Đăng ký thành công", async () => {
      if (!(await officer.focused("[name=outcome]"))) await goToDecision();
      await tick(checks[2]);
      await record();
      await officer.flash("Đăng ký thành công");
      await officer.status("Đã duyệt");
      assert.ok(await officer.focused("a[href^='/applications/next']"), "Enter would open the next one");
    });

    await step("the text message has the account and a password", async () => {
      assertAccount(await desk.sms(GUESTS.exact.phone), GUESTS.exact);
    });

    await step("Thoát: the list as it was filtered, on the same row", async () => {
      await leave();
      assert.equal(await page.locator("#q").inputValue(), GUESTS.exact.find);
      await selected(GUESTS.exact).waitFor();
    });

    await step("a rejection: the message is shown while the reason is written", async () => {
      await find(GUESTS.blurred);
      await openRow();
      await goToDecision();
      await officer.press("Space", "ArrowDown");
      assert.ok(await page.locator("[name=outcome][value=invalid]").isChecked());
      await officer.tabTo("#reason_choice", { most: 2 });
      await officer.press("ArrowDown", "ArrowDown");
      assert.equal(await page.locator("#reason_choice").inputValue(), "Ảnh chân dung không rõ mặt hoặc không đúng người");
      await page.locator("[data-sms]", { hasText: "Ly do: Anh chan dung khong ro mat" }).waitFor();
      await officer.tabTo("#reason", { most: 1 });
      await page.keyboard.type("Đề nghị chụp lại trên nền sáng");
      await page.locator("[data-sms]", { hasText: "dung nguoi. De nghi chup lai tren nen sang. Lien he" }).waitFor();
      assert.match(await page.locator("[data-count]").innerText(), /^\d+ ký tự, 2 tin, còn \d+ ký tự$/);
    });

    await step("Từ chối duyệt thành công, and the reason leaves by SMS", async () => {
      const announced = await page.locator("[data-sms]").innerText();
      await record();
      await officer.flash("Từ chối duyệt thành công");
      await officer.status("Từ chối");
      const sms = await desk.sms(GUESTS.blurred.phone);
      assert.ok(sms.includes(announced), `${sms} is what was shown: ${announced}`);
      await leave();
    });

    await step("a code that the registry does not have: Chờ cấp mã số, no account", async () => {
      await find(GUESTS.missing);
      await openRow();
      await page.locator(".verdict.missing", { hasText: "Hướng dẫn người đăng ký kê khai thủ tục cấp mã số BHXH" }).waitFor();
      await goToDecision();
      await officer.press("Space");
      await tick(...checks);
      await record();
      await officer.flash("Hồ sơ chuyển sang Chờ cấp mã số");
      await officer.status("Chờ cấp mã số");
      assert.equal(await page.locator("#account").count(), 0);
    });

    await step("Kiểm tra lại với HGĐ says that it is still not there", async () => {
      await officer.tabTo("form[action$=recheck] button");
      await officer.press("Enter");
      await page.locator(".flash.note", { hasText: "vẫn chưa có mã số này" }).waitFor();
      await leave();
    });

    await step("a name that differs only in diacritics needs one more tick", async () => {
      await find(GUESTS.unaccented);
      await openRow();
      await page.locator(".verdict.unaccented", { hasText: "Khớp không dấu" }).waitFor();
      assert.deepEqual(await page.locator(".compare mark").allInnerTexts(), ["Đức", "Đúc"]);
      await goToDecision();
      await officer.press("Space");
      await tick(...checks);
      await record();
      await page.locator(".flash.bad", { hasText: "Đã đối chiếu họ tên với giấy tờ" }).waitFor();
      if (!(await officer.focused("[name=outcome]"))) await goToDecision();
      await tick("name_compared");
      await record();
      await officer.flash("Đăng ký thành công");
      assertAccount(await desk.sms(GUESTS.unaccented.phone), GUESTS.unaccented);
    });

    await step("sign out", async () => {
      await page.goto("/applications");
      await officer.tabTo("form[action='/sign-out'] button");
      await officer.press("Enter");
      await page.locator("#login").waitFor();
      await page.goto("/applications");
      await page.locator("#login").waitFor();
    });

    await step("no errors and no breach of the content security policy", () => assert.deepEqual(officer.troubles, []));
  });
  await officer.leave();
}
