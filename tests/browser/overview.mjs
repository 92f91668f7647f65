// A supervisor opens Tổng quan in the morning, reads a chart by its table, follows a figure, and sets a target.

import { SHOTS, assert, walk } from "./check.mjs";
import { arrive } from "./officer.mjs";

const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

export async function overview(browser, desk) {
  const supervisor = await arrive(browser, desk);
  const { page } = supervisor;
  await walk("overview", page, async (step) => {
    await step("it is a supervisor's first page", async () => {
      await supervisor.signIn("supervisor");
      await page.waitForURL(/\/overview$/);
      await page.screenshot({ path: `${SHOTS}overview.png`, fullPage: true });
    });
    await step("four charts, each with a name, within the page on a telephone too", async () => {
      assert.equal(await page.getByRole("img").count(), 4);
      assert.ok(await page.getByRole("img", { name: /tiếp nhận, đã duyệt và từ chối theo ngày/ }).isVisible());
      await page.setViewportSize({ width: 390, height: 844 });
      assert.equal(await overflow(page), 0);
      // Letters of ten points at least.
      const height = await page.locator("figure text").first().evaluate((text) => text.getBoundingClientRect().height);
      assert.ok(height >= 10, `${height}`);
      await page.screenshot({ path: `${SHOTS}overview, telephone.png`, fullPage: true });
      await page.setViewportSize({ width: 1366, height: 768 });
    });
    await step("the table of a chart opens, and its sum is the figure above", async () => {
      await page.locator("#waiting summary").click();
      const sum = await page.locator("#waiting tfoot td:nth-child(2)").innerText();
      assert.equal(sum, await page.locator(".tiles .changed b").innerText());
    });
    await step("the messages that did not arrive are as many as it says", async () => {
      const tile = page.locator(".tiles li").last();
      const count = await tile.locator("b").innerText();
      await tile.getByRole("link").click();
      await page.getByRole("heading", { name: `Cần xử lý: ${count} tin` }).waitFor();
    });
    await step("a target is set for all offices at once, as a share of their people", async () => {
      await page.getByRole("link", { name: "Chỉ tiêu" }).click();
      await page.fill("#until", "30/06/2030");
      await page.getByRole("button", { name: "Xem hạn này" }).click();
      await page.getByRole("heading", { name: "30/06/2030" }).waitFor();
      await page.fill("#percent", "100");
      await page.getByRole("button", { name: "Điền vào bảng" }).click();
      await page.getByText("Đã điền vào bảng, chưa lưu").waitFor();
      await page.screenshot({ path: `${SHOTS}targets.png`, fullPage: true });
      await page.getByRole("button", { name: "Lưu chỉ tiêu" }).click();
      await page.locator(".flash.good", { hasText: "Đã lưu chỉ tiêu đến 30/06/2030 của 6 cơ quan" }).waitFor();
    });
    await step("nothing went wrong behind the pages", async () => assert.deepEqual(supervisor.troubles, []));
  });
}
