// The program under test: `tnhs demo` over a data folder of its own. The province is made once; each desk gets a copy, so
// that every walk meets the same four people with nothing decided.

import { spawn } from "node:child_process";
import { cp, mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import { until } from "./check.mjs";

const PROGRAM = fileURLToPath(new URL("../../target/debug/tnhs", import.meta.url));
// Enough for every verdict and for several pages of a list, and quick to make.
const DEMO = ["demo", "--applications", "700", "--registry", "900"];

/** The people of `src/demo/walk_through.rs`, by their mã số BHXH. */
export const GUESTS = {
  exact: { code: "9999000001", find: "nguyen thi minh hanh", phone: "0959900001" },
  unaccented: { code: "9999000002", find: "tran van duc", phone: "0959900002" },
  missing: { code: "9999000003", find: "le hoang bao ngoc", phone: "0959900003" },
  blurred: { code: "9999000004", find: "pham quoc khanh", phone: "0959900004" },
};

/** A folder that goes when the walk ends; whatever a program puts aside goes into it too. */
export async function makeWorkplace() {
  const folder = await mkdtemp(join(tmpdir(), "tnhs-walk-"));
  process.env.TMPDIR = folder;
  return folder;
}

function run(folder, args, address) {
  // Whatever the caller's shell has set for a desk of their own must not reach this one.
  const foreign = ([name]) => name.startsWith("TNHS_") || name === "DATABASE_URL";
  const env = Object.fromEntries(Object.entries(process.env).filter((pair) => !foreign(pair)));
  return spawn(PROGRAM, args, { env: { ...env, TNHS_DATA_DIR: folder, TNHS_LISTEN: address, TNHS_LOG: "warn" } });
}

const ended = (child) =>
  child.exitCode ?? child.signalCode ?? new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal)));

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Makes the province that the desks are copied from. */
export async function makeProvince(workplace) {
  const folder = join(workplace, "province");
  const child = run(folder, [...DEMO, "--no-serve"], "127.0.0.1:1");
  let said = "";
  child.stderr.on("data", (chunk) => (said += chunk));
  const code = await new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new Error(`${PROGRAM}: ${error.message}; run cargo build first`)));
    child.once("exit", resolve);
  });
  if (code !== 0) throw new Error(`tnhs demo ended with ${code}: ${said}`);
  return folder;
}

export class Desk {
  static running = new Set();

  /** Starts a desk over a copy of the province and waits until it is ready. */
  static async open(workplace, province) {
    const desk = new Desk();
    desk.folder = await mkdtemp(join(workplace, "desk-"));
    await cp(province, desk.folder, { recursive: true });
    const address = `127.0.0.1:${await freePort()}`;
    desk.url = `http://${address}`;
    desk.child = run(desk.folder, DEMO, address);
    Desk.running.add(desk);
    let out = "";
    desk.log = "";
    desk.child.stdout.on("data", (chunk) => (out += chunk));
    desk.child.stderr.on("data", (chunk) => (desk.log += chunk));
    await until("tnhs demo to be ready", async () => {
      if (desk.child.exitCode !== null) throw new Error(`tnhs demo ended with ${desk.child.exitCode}: ${desk.log}`);
      return fetch(`${desk.url}/readyz`).then((answer) => answer.ok, () => false);
    });
    // It says who can sign in: `role login password`.
    desk.people = await until("the demo's sign-ins", () => {
      const lines = [...out.matchAll(/^(officer|supervisor|admin) (\S+) (\S+)$/gm)];
      return lines.length === 3 && Object.fromEntries(lines.map(([, role, login, password]) => [role, { login, password }]));
    });
    // Everybody with a role has the same password in the demo.
    desk.people.colleague = { login: "canbo1.99001", password: desk.people.officer.password };
    return desk;
  }

  /** An admin of the centre, whom the demo has not: made on the command line, with a first password to be changed. */
  async addCentralAdmin() {
    const args = ["staff", "add", "--login", "trunguong", "--name", "Đỗ Minh Trung", "--role", "admin", "--agency", "000"];
    const child = run(this.folder, args, "127.0.0.1:1");
    let out = "";
    child.stdout.on("data", (chunk) => (out += chunk));
    await ended(child);
    const [, login, password] = out.trim().split(" ");
    this.people.central = { login, password };
  }

  /** The text message with these words that left for this telephone, once there is one. */
  async sms(phone, words = "") {
    const folder = join(this.folder, "sms");
    return until(`a text message to ${phone}`, async () => {
      const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".txt"));
      const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
      return texts.find((text) => text.startsWith(`To: ${phone}\n`) && text.includes(words));
    });
  }

  async close() {
    this.child.kill("SIGTERM");
    const impatience = setTimeout(() => this.child.kill("SIGKILL"), 10_000);
    const code = await ended(this.child);
    clearTimeout(impatience);
    Desk.running.delete(this);
    await rm(this.folder, { recursive: true, force: true });
    return code;
  }
}

/** Leaves nothing running and nothing behind. */
export async function cleanUp(workplace) {
  await Promise.all([...Desk.running].map((desk) => desk.close()));
  await rm(workplace, { recursive: true, force: true, maxRetries: 5 });
}

/** The colours of `quarters`, a picture whose every turn can be told. */
export const QUARTERS = { topLeft: [208, 48, 48], topRight: [48, 160, 64], bottomLeft: [48, 72, 208], bottomRight: [232, 200, 40] };

/** A PNG of four coloured quarters, as an officer's file. */
export function quarters(width, height) {
  const rows = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0, at = 0; y < height; y += 1) {
    rows[at++] = 0;
    for (let x = 0; x < width; x += 1) {
      const name = (y < height / 2 ? "top" : "bottom") + (x < width / 2 ? "Left" : "Right");
      for (const part of QUARTERS[name]) rows[at++] = part;
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const parts = [["IHDR", head], ["IDAT", deflateSync(rows)], ["IEND", Buffer.alloc(0)]].map(([type, data]) => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const part = Buffer.alloc(body.length + 8);
    part.writeUInt32BE(data.length, 0);
    body.copy(part, 4);
    part.writeUInt32BE(crc32(body), body.length + 4);
    return part;
  });
  const buffer = Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), ...parts]);
  return { name: "anh-the.png", mimeType: "image/png", buffer };
}

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
