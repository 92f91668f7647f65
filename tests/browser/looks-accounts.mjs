// The pages of accounts, of changes of information and of a supervisor, as `looks.mjs` looks at every page.

/** What an officer sees of accounts and of a change. */
export async function officersAccounts(look, officer, cases) {
  const { page } = officer;
  const open = (act) => page.locator(`details#${act}`).evaluate((details) => (details.open = true));

  await look("accounts", officer, () => page.goto("/accounts"), "accounts-list");
  await look("accounts, receiving, with an error", officer, async () => {
    await page.getByText("Tiếp nhận tài khoản của cơ quan khác").click();
    await page.fill("#code", "12");
    await page.getByRole("button", { name: "Tiếp nhận", exact: true }).click();
    await page.locator(".error, .flash.bad").first().waitFor();
  });
  await look("account", officer, async () => {
    await page.goto("/accounts");
    await page.locator("tbody a").first().click();
    await page.locator("aside.deeds").waitFor();
  }, "account");
  await look("account, every act open", officer, async () => {
    for (const act of ["reset-password", "contact", "lock", "unlock", "close"]) await open(act);
  });
  await look("account, an act with errors", officer, async () => {
    await page.fill("#phone", "12");
    await page.locator("details#contact button.primary").click();
    await page.locator("#phone-about.error").waitFor();
  }, "account-act");
  await look("entry of a change", officer, async () => {
    await page.getByRole("link", { name: "Đăng ký thay đổi thông tin" }).click();
    await page.locator("#phone").waitFor();
  });
  await look("detail: change", officer, () => page.goto(cases.change), "detail-change");
  await look("the question before a change", officer, async () => {
    await officer.decision.getByLabel("Hồ sơ hợp lệ", { exact: true }).check();
    await officer.tickAll();
    await officer.record();
    await page.locator("form.question").waitFor();
  }, "question");
}

/** What a supervisor does with an application. */
export async function supervisorsForms(look, supervisor, cases) {
  const { page } = supervisor;
  await look("inviting, the question", supervisor, async () => {
    await page.goto("/invitations");
    await page.getByRole("button", { name: "Đếm số người" }).click();
    await page.locator("#ask .sms").waitFor();
  }, "invitations");
  await look("moving, with an error", supervisor, async () => {
    await page.goto(cases.close);
    await page.locator("summary", { hasText: "Chuyển cơ quan" }).click();
    await page.getByRole("button", { name: "Chuyển" }).click();
    await page.locator("#move_reason-about.error").waitFor();
  }, "moving");
  await look("reopening, with an error", supervisor, async () => {
    await page.goto("/applications");
    await page.locator("#filter details:not([open]) summary").click();
    await page.selectOption("#status", { label: "Đã duyệt" });
    await page.selectOption("#kind", { label: "Đăng ký mới" });
    await page.locator("#filter details .primary").click();
    await page.locator("#list tbody a").first().click();
    await page.locator("summary", { hasText: "Mở lại hồ sơ" }).click();
    await page.getByRole("button", { name: "Mở lại" }).click();
    await page.locator("#reopen_reason-about.error").waitFor();
  }, "reopening");
}
