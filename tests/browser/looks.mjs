// A look at every page, in every state that an officer meets: axe's rules, nothing wider than the window, nothing too small
// to touch, nothing lying on something else. Axe alone passes fields that touch each other.

import { readFile } from "node:fs/promises";
import { SHOTS, assert, check } from "./check.mjs";
import { GUESTS, quarters } from "./desk.mjs";
import { LIST, stands } from "./imports.mjs";
import { officersAccounts, supervisorsForms } from "./looks-accounts.mjs";
import { measure } from "./measure.mjs";
import { adminsMessages, officersMessages } from "./messages.mjs";
import { arrive } from "./officer.mjs";
import { supervisorsReports } from "./reports.mjs";
import { signInAtTheCentre } from "./texts.mjs";

const AXE = new URL("node_modules/axe-core/axe.min.js", import.meta.url);
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
// The narrowest window in which WCAG 2.2 asks for no sideways scrolling, a tablet, and the desks' usual screen.
const WIDTHS = [320, 768, 1366];
const DESK = { width: 1366, height: 768 };
const TELEPHONE = { width: 390, height: 844 };

/** The same fault in every row of a list says no more than in the first. */
function none(problems) {
  if (problems.length) throw new Error([...problems.slice(0, 10), ...problems.slice(10, 11).map(() => `${problems.length} in all`)].join("\n"));
}

export async function looks(browser, desk) {
  const axe = await readFile(AXE, "utf8");

  // Axe is a script that the pages' policy would refuse; the walks themselves run under the policy.
  const enter = async (who) => {
    const person = await arrive(browser, desk, { bypassCSP: true });
    if (who) await person.signIn(who);
    return person;
  };

  /** Brings the page into a state and looks at it. */
  const look = async (name, officer, bring, shot) => {
    const { page } = officer;
    await page.setViewportSize(DESK);
    if (!(await check(`${name}: it comes up`, bring))) return;
    if (shot) await page.screenshot({ path: `${SHOTS}${shot}-1366.png` });
    await check(`${name}: axe`, async () => {
      await page.evaluate(axe);
      const violations = await page.evaluate(async (values) => {
        const { violations } = await globalThis.axe.run(document, { runOnly: { type: "tag", values }, resultTypes: ["violations"] });
        return violations.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.map((node) => `  ${node.html.slice(0, 160)}`).join("\n")}`);
      }, TAGS);
      none(violations);
    });
    await check(`${name}: nothing too wide, too small or in the way at ${WIDTHS.join(", ")} px`, async () => {
      const problems = [];
      const inDialog = await page.locator("dialog[open]").count();
      for (const width of WIDTHS) {
        // Tall, so that what sticks to an edge of the window lies over nothing; a dialog is as tall as the window lets it be.
        await page.setViewportSize({ width, height: inDialog ? 700 : 3000 });
        problems.push(...(await page.evaluate(measure)).map((problem) => `${width} px: ${problem}`));
      }
      none(problems);
    });
    if (shot) {
      await page.setViewportSize(TELEPHONE);
      await page.screenshot({ path: `${SHOTS}${shot}-390.png`, fullPage: !shot.includes("list") });
    }
    await page.setViewportSize(DESK);
  };

  const stranger = await enter();
  await look("sign-in", stranger, () => stranger.page.goto("/sign-in"), "sign-in");
  await look("sign-in with an error", stranger, async () => {
    await stranger.page.fill("#login", "khong-co");
    await stranger.page.fill("#password", "khong-co");
    await stranger.page.click("button.primary");
    await stranger.page.locator(".flash.bad").waitFor();
  });
  await stranger.leave();

  const officer = await enter("officer");
  const { page } = officer;
  const choose = (label) => officer.decision.getByLabel(label, { exact: true }).check();

  await look("list", officer, () => page.goto("/applications"), "list");
  await look("list with the panel open", officer, () => page.locator("#filter summary").click(), "list-open");
  await look("list with an error", officer, async () => {
    await page.fill("#numbers", "ba bảy");
    await page.fill("#from", "32/13/2026");
    await page.fill("#code", "12");
    await page.locator("#filter details .primary").click();
    await page.locator("#from-about.error").waitFor();
  });
  await look("list with nothing in it", officer, async () => {
    await page.getByRole("button", { name: "Bỏ hết điều kiện" }).click();
    await officer.search("khong ai ten the nay ca");
    await page.locator(".empty").waitFor();
  });
  await look("list, grouped, rows selected, the menu of a row open", officer, async () => {
    await page.fill("#q", "");
    await page.locator("#filter details:not([open]) summary").click();
    await page.selectOption("#group", { label: "Cán bộ" });
    await page.selectOption("#kind", { label: "Đăng ký mới" });
    await page.locator("#filter details .primary").click();
    await page.locator("#list .group").first().waitFor();
    await page.locator("[data-pick]").first().click();
    await page.locator("#list tbody tr:not(.group)").nth(3).click({ button: "right" });
    await page.locator("#row-menu").waitFor();
  }, "list-grouped");

  // One application of each kind of trouble among those that wait.
  await page.goto("/applications");
  await page.locator("#filter details[open] [name=clear]").click();
  await page.locator("#filter summary").click();
  await page.selectOption("#status", { label: "Chờ duyệt" });
  await page.selectOption("#size", "100");
  await page.locator("#list tbody tr").nth(26).waitFor();
  const cases = {};
  const waiting = await page.locator("#list tbody a").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  for (const href of waiting) {
    const html = await (await officer.context.request.get(href)).text();
    const found = [
      html.match(/class="panel verdict (\w+)"/)?.[1],
      html.includes('id="changes"') && !html.includes("disabled") && "change",
      html.includes('class="guardian"') && "minor",
      html.includes('id="candidates"') && "candidates",
      html.includes('id="attempts"') && "again",
      html.includes("Chưa có ảnh</p>") && "no portrait",
    ];
    for (const name of found) if (name) cases[name] ??= href;
  }
  await check("the demo has every verdict among those that wait", () => {
    for (const name of ["exact", "unaccented", "close", "different", "missing"]) assert.ok(cases[name], name);
  });
  for (const [name, href] of Object.entries(cases)) {
    await look(`detail: ${name}`, officer, () => page.goto(href), ["close", "missing", "minor"].includes(name) ? `detail-${name}` : null);
  }

  await look("detail", officer, () => officer.open(GUESTS.unaccented), "detail");
  await look("decision: valid", officer, () => choose("Hồ sơ hợp lệ"), "decision");
  await look("decision: a tick is missing", officer, async () => {
    await officer.record();
    await page.locator(".flash.bad").waitFor();
  });
  await look("decision: invalid", officer, () => choose("Hồ sơ không hợp lệ"), "decision-invalid");
  await look("decision: no reason", officer, async () => {
    await officer.record();
    await page.locator("#reason-about.error").waitFor();
  });
  await look("the studio", officer, async () => {
    await page.setInputFiles("#photo", quarters(800, 600));
    await page.locator("#studio[open]").waitFor();
  }, "studio");
  await look("after a new photo, earlier ones open", officer, async () => {
    await page.getByRole("button", { name: "Dùng ảnh này" }).click();
    await officer.flash("Đã thay ảnh");
    await page.getByText("Ảnh trước đây", { exact: true }).click();
  });
  await look("a picture in full size", officer, async () => {
    await page.locator(".portrait > a").click();
    await page.locator("dialog.zoom[open]").waitFor();
  });
  await look("result: approved", officer, async () => {
    await page.reload();
    await choose("Hồ sơ hợp lệ");
    await officer.tickAll();
    await officer.record();
    await officer.flash("Đăng ký thành công");
    await desk.sms(GUESTS.unaccented.phone);
  }, "result");
  await look("result: rejected", officer, async () => {
    await officer.open(GUESTS.blurred);
    await choose("Hồ sơ không hợp lệ");
    await page.selectOption("#reason_choice", { index: 2 });
    await officer.record();
    await officer.flash("Từ chối duyệt thành công");
  });
  await look("result: waiting for a code", officer, async () => {
    await officer.open(GUESTS.missing);
    await choose("Hồ sơ hợp lệ");
    await officer.tickAll();
    await officer.record();
    await officer.status("Chờ cấp mã số");
  });
  await look("somebody else was quicker", officer, async () => {
    const colleague = await enter("colleague");
    await officer.open(GUESTS.exact);
    await colleague.open(GUESTS.exact);
    await colleague.decision.getByLabel("Hồ sơ không hợp lệ").check();
    await colleague.page.fill("#reason", "Tờ khai chưa có chữ ký");
    await colleague.record();
    await colleague.flash("Từ chối duyệt thành công");
    await colleague.leave();
    await choose("Hồ sơ không hợp lệ");
    await page.fill("#reason", "Ảnh không đúng người");
    await officer.record();
    await page.locator(".kept").waitFor();
  });
  await look("printable form", officer, async () => {
    await page.getByRole("link", { name: "In tờ khai mẫu 01" }).click();
    await page.getByText("Kính gửi").waitFor();
  }, "form");
  await look("entry", officer, () => page.goto("/applications/new"), "entry");
  await look("entry with errors", officer, async () => {
    await page.fill("#phone", "12");
    await page.getByRole("button", { name: "Ghi nhận" }).click();
    await page.locator(".flash.bad").waitFor();
  }, "entry-errors");
  await look("password", officer, () => page.goto("/password"));
  await look("password with errors", officer, async () => {
    for (const name of ["current", "new", "again"]) await page.fill(`#${name}`, name);
    await page.locator("main button.primary").click();
    await page.locator(".error").first().waitFor();
  });
  await look("not found", officer, () => page.goto("/khong-co-trang-nay"));
  await look("not allowed", officer, () => page.goto("/staff"), "error");
  await look("session ended", officer, async () => {
    await page.goto(cases.different);
    await officer.context.clearCookies();
    await officer.record();
    await page.getByText("Nội dung bạn vừa nhập được giữ lại").waitFor();
  });
  await officer.leave();

  const clerk = await enter("officer");
  await officersAccounts(look, clerk, cases);
  await officersMessages(look, clerk);
  await clerk.leave();

  const supervisor = await enter("supervisor");
  await look("the supervisor's list, panel open", supervisor, async () => {
    await supervisor.page.goto("/applications");
    await supervisor.page.locator("#filter summary").click();
  }, "supervisor-list");
  await look("the supervisor's detail", supervisor, async () => {
    await supervisor.page.goto(cases.unaccented);
    assert.equal(await supervisor.page.locator("[name=outcome], #photo").count(), 0, "nothing to decide or replace");
  });
  await supervisorsForms(look, supervisor, cases);
  await supervisorsReports(look, supervisor);
  await supervisor.leave();

  const admin = await enter("admin");
  await adminsMessages(look, admin);
  await look("holidays", admin, () => admin.page.goto("/holidays"), "holidays");
  await look("staff", admin, () => admin.page.goto("/staff"), "staff");
  await look("staff with errors", admin, async () => {
    await admin.page.locator("summary").click();
    await admin.page.fill("#login", "Không dấu");
    await admin.page.getByRole("button", { name: "Thêm cán bộ" }).click();
    await admin.page.locator("#login-about.error").waitFor();
  });
  await look("staff, one added", admin, async () => {
    await admin.page.fill("#login", "thu.nghiem");
    await admin.page.fill("#name", "Đỗ Thị Thử Nghiệm");
    await admin.page.selectOption("#role", { label: "Cán bộ" });
    await admin.page.selectOption("#agency", { index: 3 });
    await admin.page.getByRole("button", { name: "Thêm cán bộ" }).click();
    await admin.page.locator(".secret").waitFor();
  }, "staff-added");

  const into = (kind, file) => async () => {
    await admin.page.goto("/imports");
    await admin.page.getByLabel(kind).check();
    await admin.page.setInputFiles("#file", file);
    await admin.page.getByRole("button", { name: "Đọc thử" }).click();
    await admin.page.locator(".identity").waitFor();
  };
  await look("imports, none yet", admin, () => admin.page.goto("/imports"));
  await look("imports with errors", admin, async () => {
    await admin.page.getByRole("button", { name: "Đọc thử" }).click();
    await admin.page.locator("#file-about.error").waitFor();
  }, "imports-errors");
  await look("a list that was read", admin, async () => {
    await into("Danh bạ hộ gia đình", LIST)();
    await stands(admin.page, "Chờ xác nhận");
  }, "import");
  await look("its warnings", admin, () => admin.page.getByRole("link", { name: "Cảnh báo" }).click());
  await look("who is new in it", admin, () => admin.page.getByRole("link", { name: "Mới" }).click(), "import-new");
  await look("its columns", admin, () => admin.page.getByText("Cách hiểu tệp").click(), "import-columns");
  await look("a list that counts", admin, async () => {
    await admin.page.getByRole("button", { name: "Nhập vào danh bạ" }).click();
    await stands(admin.page, "Đã nhập");
  });
  await look("the question before it is taken back", admin, () => admin.page.getByRole("link", { name: "Hoàn tác…" }).click(), "import-rollback");
  await look("a list without a header", admin, async () => {
    const rows = "k1;k2;k3\n1;0200000001;Phạm Thị Mới\n";
    await into("Danh bạ hộ gia đình", { name: "la.csv", mimeType: "text/csv", buffer: Buffer.from(rows) })();
    await stands(admin.page, "Không nhập được");
  }, "import-refused");
  await look("a correction with an error", admin, async () => {
    await admin.page.fill("[name=rows-0]", "hai");
    await admin.page.getByRole("button", { name: "Đọc lại với cách hiểu này" }).click();
    await admin.page.locator(".header-rows .error").waitFor();
  });
  await look("a list in an old encoding", admin, async () => {
    const text = Buffer.from("Ma so BHXH,Ho ten\r\n0200000001,Nguy\xD4n Th\xDE H\xDFa\r\n0200000002,Tr\xC7n V\xA8n \xA7\xF8c\r\n", "latin1");
    await into("Danh bạ hộ gia đình", { name: "cu.csv", mimeType: "text/csv", buffer: text })();
    await stands(admin.page, "Chờ xác nhận");
    await admin.page.getByRole("button", { name: "Nhập vào danh bạ" }).click();
    await admin.page.locator("#confirmed-about.error").waitFor();
  }, "import-encoding");
  await look("imports", admin, () => admin.page.goto("/imports"), "imports-list");
  await look("registry", admin, () => admin.page.goto("/registry"), "registry-list");
  await look("registry, nobody found", admin, async () => {
    await admin.page.fill("#q", "khong ai ten the nay ca");
    await admin.page.getByRole("button", { name: "Tra cứu" }).click();
    await admin.page.locator(".empty").waitFor();
  });
  await admin.leave();

  const central = await enter();
  await signInAtTheCentre(central);
  await look("texts", central, () => central.page.goto("/texts"), "texts-list");
  await look("a text with errors", central, async () => {
    await central.page.goto("/texts/approved");
    await central.page.fill("#body", "Hồ sơ {so} đã duyệt, xem vssid.vn");
    await central.page.getByRole("button", { name: "Lưu" }).click();
    await central.page.locator("#body-about.error").waitFor();
  }, "text-errors");
  await look("a mail with versions", central, async () => {
    await central.page.goto("/texts/rejected_mail");
    await central.page.fill("#subject", "Hồ sơ {so} chưa được duyệt");
    await central.page.getByRole("button", { name: "Lưu" }).click();
    await central.page.getByText("Đang dùng phiên bản 1").waitFor();
  }, "text-mail");
  await central.leave();
}
