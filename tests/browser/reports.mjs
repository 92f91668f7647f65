// A supervisor makes a report, follows a figure to its list, prints the report and takes it along as a workbook.

import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { SHOTS, assert, walk } from "./check.mjs";
import { arrive } from "./officer.mjs";

/** The sheet as it comes out of the printer: its words, and its size in points. */
function printed(file) {
  const words = execFileSync("pdftotext", ["-layout", file, "-"], { encoding: "utf8" });
  const [, width, height] = execFileSync("pdfinfo", [file], { encoding: "utf8" }).match(/Page size:\s+([\d.]+) x ([\d.]+)/);
  return { words, width: Number(width), height: Number(height) };
}

export async function reports(browser, desk) {
  const supervisor = await arrive(browser, desk);
  const { page } = supervisor;
  const number = (text) => Number(text.replaceAll(".", ""));

  await walk("a report", page, async (step) => {
    await step("it is chosen in the form", async () => {
      await supervisor.signIn("supervisor");
      await page.locator(".menu").getByRole("link", { name: "Báo cáo", exact: true }).click();
      await page.selectOption("#kind", { label: "Tình hình giải quyết theo cơ quan" });
      await page.selectOption("#span", { label: "Năm" });
      await supervisor.onward(() => page.getByRole("button", { name: "Xem báo cáo" }).click());
      assert.match(await page.locator(".report .subtitle").first().innerText(), /Từ ngày 01\/01\/\d+ đến ngày 31\/12\/\d+/);
    });
    await step("a figure leads to a list with as many applications", async () => {
      const figure = page.locator(".figures tfoot a").nth(2);
      const count = number(await figure.innerText());
      assert.ok(count > 0);
      await supervisor.onward(() => figure.click());
      assert.equal(number(await page.locator("#count").innerText()), count);
      assert.equal(await page.locator(".list tbody tr").count(), Math.min(count, 50));
      await supervisor.onward(() => page.goBack());
    });
    await step("it is printed on A4 landscape with the official head and foot, and without the menu", async () => {
      const file = `${SHOTS}report.pdf`;
      await writeFile(file, await page.pdf({ preferCSSPageSize: true, printBackground: true }));
      const { words, width, height } = printed(file);
      assert.ok(Math.abs(width - 841.9) < 1 && Math.abs(height - 595.3) < 1, `${width} x ${height}`);
      for (const said of ["BẢO HIỂM XÃ HỘI VIỆT NAM", "Độc lập - Tự do - Hạnh phúc", "Tổng cộng", "NGƯỜI LẬP", "GIÁM ĐỐC"]) {
        assert.ok(words.includes(said), `${said} is not in\n${words}`);
      }
      assert.ok(!words.includes("Đăng xuất") && !words.includes("Xem báo cáo"), words);
    });
    await step("it is taken along as a workbook", async () => {
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Tải .xlsx" }).click()]);
      assert.match(download.suggestedFilename(), /_\d{8}\.xlsx$/);
      assert.equal((await readFile(await download.path())).subarray(0, 2).toString(), "PK");
    });
    await step("behind the page nothing went wrong", async () => assert.deepEqual(supervisor.troubles, []));
  });
  await supervisor.leave();
}

/** What `looks.mjs` looks at. */
export async function supervisorsReports(look, supervisor) {
  const { page } = supervisor;
  await look("a report", supervisor, () => page.goto("/reports/agencies?span=year"), "report");
  await look("a report over time", supervisor, () => page.goto("/reports/times?span=month"), "report-times");
  await look("the reasons of rejections", supervisor, () => page.goto("/reports/reasons?span=year"), "report-reasons");
  await look("the messages", supervisor, () => page.goto("/reports/messages?span=month"), "report-messages");
  await look("a report, with an error", supervisor, async () => {
    await page.goto("/reports");
    await page.fill("#first", "31/02/2026");
    await page.getByRole("button", { name: "Xem báo cáo" }).click();
    await page.locator("#first-about.error").waitFor();
  }, "report-error");
  await look("the list behind a figure", supervisor, async () => {
    await page.goto("/reports/agencies?span=year");
    await page.locator(".figures tfoot a").nth(2).click();
    await page.locator("#count").waitFor();
  }, "report-list");
}
