// What may come between an officer and a decision: the session ends, a colleague is quicker. And the webcam.

import { assert, until, walk } from "./check.mjs";
import { GUESTS, quarters } from "./desk.mjs";
import { arrive, assertAccount } from "./officer.mjs";

export async function sessionEnds(browser, desk) {
  const officer = await arrive(browser, desk);
  const { page } = officer;
  const reason = "Chữ ký trên tờ khai không giống giấy tờ; đề nghị ký lại & nộp lại 100%";

  await walk("the session ends", page, async (step) => {
    await step("while a reason is being written", async () => {
      await officer.signIn();
      await officer.open(GUESTS.blurred);
      await officer.decision.getByLabel("Hồ sơ không hợp lệ").check();
      await page.selectOption("#reason_choice", { index: 4 });
      await page.fill("#reason", reason);
      const other = await officer.context.newPage();
      await other.goto("/applications");
      await other.getByRole("button", { name: "Đăng xuất" }).click();
      await other.locator("#login").waitFor();
      await other.close();
    });

    await step("Ghi nhận asks to sign in and says that nothing is lost", async () => {
      await officer.record();
      await page.getByText("Nội dung bạn vừa nhập được giữ lại").waitFor();
    });

    await step("a wrong password on the way loses nothing either", async () => {
      await page.fill("#login", desk.people.officer.login);
      await page.fill("#password", "sai-mat-khau");
      await page.click("button.primary");
      await page.locator(".flash.bad", { hasText: "không đúng" }).waitFor();
    });

    await step("back on the form with everything that was typed", async () => {
      await officer.fillSignIn();
      await officer.decision.waitFor();
      await page.locator(".flash", { hasText: "Nội dung đã nhập được giữ lại" }).waitFor();
      assert.ok(await page.locator("[name=outcome][value=invalid]").isChecked());
      assert.equal(await page.locator("#reason_choice").inputValue(), "Tờ khai chưa có chữ ký của người đăng ký");
      assert.equal(await page.locator("#reason").inputValue(), reason);
    });

    await step("and then it is recorded", async () => {
      await officer.record();
      await officer.flash("Từ chối duyệt thành công");
      await officer.status("Từ chối");
      await desk.sms(GUESTS.blurred.phone);
    });

    await step("the same with the entry form", async () => {
      await page.goto("/applications/new");
      await page.fill("#code", "9999000078");
      await page.fill("#name", "Đỗ Thị Thử Nghiệm");
      await officer.context.clearCookies();
      await page.getByRole("button", { name: "Ghi nhận" }).click();
      await officer.fillSignIn();
      await page.locator("form.entry").waitFor();
      assert.equal(await page.locator("#code").inputValue(), "9999000078");
      assert.equal(await page.locator("#name").inputValue(), "Đỗ Thị Thử Nghiệm");
    });

    await step("no errors and no breach of the content security policy", () => assert.deepEqual(officer.troubles, []));
  });
  await officer.leave();
}

export async function twoOfficers(browser, desk) {
  const [first, second] = await Promise.all([arrive(browser, desk), arrive(browser, desk)]);

  await walk("two officers", second.page, async (step) => {
    await step("have the same application open", async () => {
      // One after the other: who tries from the same place while another try is judged must wait.
      await first.signIn("officer");
      await second.signIn("colleague");
      await Promise.all([first.open(GUESTS.exact), second.open(GUESTS.exact)]);
    });

    await step("the first records", async () => {
      await first.decision.getByLabel("Hồ sơ hợp lệ").check();
      await first.tickAll();
      await first.record();
      await first.flash("Đăng ký thành công");
    });

    await step("the second is told who decided what, and sees what they had typed", async () => {
      const name = await first.page.locator("header .person b").innerText();
      await second.decision.getByLabel("Hồ sơ không hợp lệ").check();
      await second.page.fill("#reason", "Ảnh không đúng người");
      await second.record();
      await second.page.locator(".flash.bad", { hasText: `${name} đã ghi nhận hồ sơ này là «Đã duyệt»` }).waitFor();
      await second.decision.getByText("Bạn đã nhập (chưa được ghi nhận):").waitFor();
      const kept = await second.decision.locator(".kept").innerText();
      assert.match(kept, /Hồ sơ không hợp lệ[\s\S]*Lý do: Ảnh không đúng người/);
    });

    await step("and nothing else was recorded", async () => {
      await second.page.reload();
      await second.status("Đã duyệt");
      assertAccount(await desk.sms(GUESTS.exact.phone), GUESTS.exact);
    });

    await step("a colleague's new photo is noticed too, and what was typed stays", async () => {
      await Promise.all([first.open(GUESTS.unaccented), second.open(GUESTS.unaccented)]);
      await first.page.locator("#photo").setInputFiles(quarters(600, 800));
      await first.page.getByRole("button", { name: "Dùng ảnh này" }).click();
      await first.flash("Đã thay ảnh");
      await second.decision.getByLabel("Hồ sơ hợp lệ").check();
      await second.tickAll();
      await second.record();
      await second.page.locator(".flash.bad", { hasText: "Hồ sơ đã có thay đổi sau khi bạn mở" }).waitFor();
      assert.ok(await second.decision.getByLabel("Hồ sơ hợp lệ").isChecked());
      assert.ok(!(await second.decision.locator("[name=photo_matches]").isChecked()), "the new photo is yet to be compared");
      await second.tickAll();
      await second.record();
      await second.flash("Đăng ký thành công");
    });

    await step("no errors and no breach of the content security policy", () =>
      assert.deepEqual([...first.troubles, ...second.troubles], []));
  });
  await Promise.all([first.leave(), second.leave()]);
}

export async function webcam(browser, desk) {
  const officer = await arrive(browser, desk, { permissions: ["camera"] });
  const { page } = officer;

  await walk("webcam", page, async (step) => {
    await step("shoot and use", async () => {
      await officer.signIn();
      await officer.open(GUESTS.blurred);
      const before = await page.locator(".portrait > a").getAttribute("href");
      await page.getByRole("button", { name: "Chụp bằng webcam" }).click();
      await page.waitForFunction(() => document.querySelector("#studio video").readyState >= 2);
      await page.getByRole("button", { name: "Chụp", exact: true }).click();
      await page.getByRole("button", { name: "Dùng ảnh này" }).click();
      await officer.flash("Đã thay ảnh");
      assert.notEqual(await page.locator(".portrait > a").getAttribute("href"), before);
      const portrait = await officer.portrait();
      assert.ok(Math.abs(portrait.ratio - 3 / 4) < 0.01, `3:4, not ${portrait.ratio}`);
    });

    await step("closing the studio turns the camera off", async () => {
      await page.getByRole("button", { name: "Chụp bằng webcam" }).click();
      await page.waitForFunction(() => document.querySelector("#studio video").readyState >= 2);
      const track = await page.evaluateHandle(() => document.querySelector("#studio video").srcObject.getTracks()[0]);
      await page.keyboard.press("Escape");
      await page.locator("#studio").waitFor({ state: "hidden" });
      await until("the camera to be off", () => track.evaluate((one) => one.readyState === "ended"));
    });

    await step("leaving it while the browser still asks for permission keeps it off", async () => {
      await page.evaluate(() => {
        const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (wish) => {
          await new Promise((allow) => (globalThis.allow = allow));
          return (globalThis.stream = await ask(wish));
        };
      });
      await page.getByRole("button", { name: "Chụp bằng webcam" }).click();
      await page.keyboard.press("Escape");
      await page.locator("#studio").waitFor({ state: "hidden" });
      await page.evaluate(() => globalThis.allow());
      await until("the camera to be off", () =>
        page.evaluate(() => globalThis.stream?.getTracks().every((track) => track.readyState === "ended")),
      );
    });

    await step("no camera: a sentence says what to do", async () => {
      await page.evaluate(() => {
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("none", "NotFoundError"));
      });
      await page.getByRole("button", { name: "Chụp bằng webcam" }).click();
      await page.locator("[data-studio-error]", { hasText: "Không mở được webcam" }).waitFor();
    });

    await step("no errors and no breach of the content security policy", () => assert.deepEqual(officer.troubles, []));
  });
  await officer.leave();
}
