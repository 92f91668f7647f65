// What the desk does after the account was granted: another telephone with Xác nhận, a new password, a supervisor who opens a
// case again.

import { assert, walk } from "./check.mjs";
import { GUESTS } from "./desk.mjs";
import { arrive } from "./officer.mjs";

const { exact, unaccented } = GUESTS;

/** Finds an account by whatever is typed and opens it. */
async function openAccount({ page }, typed) {
  await page.getByRole("link", { name: "Tài khoản", exact: true }).click();
  await page.fill("#q", typed);
  await page.getByRole("button", { name: "Tra cứu" }).click();
  await page.locator("tbody tr").first().getByRole("link").first().click();
  await page.locator("aside.deeds").waitFor();
}

/** Opens one of the acts and fills in what each of them asks. */
async function deed({ page }, act, reason) {
  const panel = page.locator(`aside.deeds details#${act}`);
  if (!(await panel.evaluate((details) => details.open))) await panel.locator("summary").click();
  await panel.locator("select[name=reason_choice]").selectOption({ index: reason });
  for (const box of await panel.locator("input[type=checkbox]").all()) await box.check();
  await panel.locator("button.primary").click();
}

async function life(step, officer, guest, phones) {
  const { page, desk } = officer;
  let address;

  await step("the application is approved, and its account opens from it", async () => {
    await officer.open(guest);
    await page.getByLabel("Hồ sơ hợp lệ").check();
    await officer.tickAll();
    await officer.record();
    await officer.flash("Đăng ký thành công");
    await desk.sms(guest.phone, "Mat khau:");
    await page.locator("#account ~ p a").click();
    await page.locator("aside.deeds").waitFor();
    assert.equal(await page.locator(".notice-phone").innerText(), guest.phone);
    address = page.url();
  });

  await step("a change is declared on a form that begins with what the account has", async () => {
    await page.getByRole("link", { name: "Đăng ký thay đổi thông tin" }).click();
    assert.equal(await page.inputValue("#phone"), guest.phone);
    await page.fill("#phone", phones[0]);
    await page.getByRole("button", { name: "Ghi nhận" }).click();
    const row = page.locator("table.changes tbody tr");
    await row.first().waitFor();
    assert.deepEqual((await row.allInnerTexts()).map((text) => text.split(/\s+/).join(" ")), [
      `Điện thoại ${guest.phone} ${phones[0]}`,
    ]);
  });

  await step("Ghi nhận asks what will change, and Quay lại changes nothing", async () => {
    await page.getByLabel("Hồ sơ hợp lệ").check();
    await officer.tickAll();
    await officer.record();
    await page.locator("form.question li", { hasText: phones[0] }).waitFor();
    await page.getByRole("button", { name: "Quay lại" }).click();
    await page.getByRole("button", { name: "Ghi nhận" }).waitFor();
    assert.ok(await page.getByLabel("Ảnh đúng người").isChecked(), "what was ticked stays ticked");
  });

  await step("Xác nhận: cập nhật thông tin thành công, told to the old and the new telephone", async () => {
    await officer.record();
    await page.getByRole("button", { name: "Xác nhận" }).click();
    await officer.flash("Cập nhật thông tin thành công");
    for (const phone of [phones[0], guest.phone]) await desk.sms(phone, "da duoc cap nhat");
  });

  await step("the account is found by its new telephone, which stands in no address", async () => {
    await openAccount(officer, phones[0]);
    assert.ok(!page.url().includes(phones[0]));
    assert.equal(page.url().split("?")[0], address.split("?")[0]);
    assert.equal(await page.locator(".notice-phone").innerText(), phones[0]);
  });

  await step("cấp lại mật khẩu: it leaves for the telephone and is on no page", async () => {
    await deed(officer, "reset-password", 1);
    await officer.flash("Đã cấp lại mật khẩu");
    const sms = await desk.sms(phones[0], "Mat khau moi");
    const password = sms.match(/: ([A-Za-z0-9]{8,})\. Mat khau cu/)[1];
    await page.reload();
    assert.ok(!(await page.content()).includes(password), "nobody at the desk sees a password");
    await page.locator("ol.history li", { hasText: "Lý do: Quên mật khẩu" }).waitFor();
  });

  await step("again at once is refused, with the time from when on it is possible", async () => {
    const panel = page.locator("details#reset-password");
    await panel.locator("summary").click();
    assert.match(await panel.innerText(), /Làm lại được từ \d\d\/\d\d\/\d{4} \d\d:\d\d|đang được gửi đi/);
  });

  await step("khóa and mở khóa", async () => {
    await deed(officer, "lock", 1);
    await officer.flash("Đã khóa tài khoản");
    await officer.status("Đã khóa");
    await desk.sms(phones[0], "da bi khoa");
    await deed(officer, "unlock", 1);
    await officer.flash("Đã mở khóa tài khoản");
    await officer.status("Đang hoạt động");
  });

  await step("no errors", () => assert.deepEqual(officer.troubles, []));
}

export async function accounts(browser, desk) {
  const officer = await arrive(browser, desk);
  await walk("an account's life", officer.page, async (step) => {
    await step("sign in", () => officer.signIn());
    await life(step, officer, exact, ["0959900011"]);
  });
  await officer.leave();

  const plain = await arrive(browser, desk, { javaScriptEnabled: false });
  await walk("an account's life without scripts", plain.page, async (step) => {
    await step("sign in", () => plain.signIn());
    await life(step, plain, unaccented, ["0959900012"]);
  });
  await plain.leave();

  const supervisor = await arrive(browser, desk);
  const { page } = supervisor;
  await walk("a case is opened again", page, async (step) => {
    await step("sign in", () => supervisor.signIn("supervisor"));
    await step("only knowingly, because the account is locked meanwhile", async () => {
      await supervisor.search(exact.find);
      await page.locator(`#list tr[data-code="${exact.code}"]`, { hasText: "Đăng ký mới" }).getByRole("link").click();
      await page.getByText("Mở lại hồ sơ").click();
      await page.fill("#reopen_reason", "Cần đối chiếu lại ảnh");
      await page.getByRole("button", { name: "Mở lại" }).click();
      await page.locator(".flash.bad", { hasText: "tài khoản sẽ bị khóa" }).waitFor();
      await page.getByLabel("Tôi hiểu tài khoản sẽ bị khóa").check();
      await page.getByRole("button", { name: "Mở lại" }).click();
      await supervisor.status("Chờ duyệt");
      await page.locator("#account ~ p", { hasText: "đang được xét lại" }).waitFor();
    });
    await step("and given to another office under the same number", async () => {
      const number = await page.locator("h1").innerText();
      await page.locator("summary", { hasText: "Chuyển cơ quan" }).click();
      await page.locator("#agency").selectOption({ label: "99002 · Bảo hiểm xã hội cơ sở Phước Hòa" });
      await page.fill("#move_reason", "Người dân đến Phước Hòa");
      await page.getByRole("button", { name: "Chuyển" }).click();
      await supervisor.flash("Đã chuyển hồ sơ đến Bảo hiểm xã hội cơ sở Phước Hòa");
      assert.equal(await page.locator("h1").innerText(), number);
    });
    await step("no errors", () => assert.deepEqual(supervisor.troubles, []));
  });
  await supervisor.leave();
}
