// The program with its demo, and browsers that are watched: what stories and pages are told with.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { createRequire } from "node:module";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const require = createRequire(path.join(process.env.MODULES, "package.json"));
const { chromium } = require("playwright-core");
const AXE = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const DEADLINE_MS = 60_000;

export const complaints = [];
export const complain = (what) => complaints.push(what);

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

export const until = async (what, look) => {
  const end = Date.now() + DEADLINE_MS;
  while (Date.now() < end) {
    const found = await look().catch(() => null);
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what} did not come within ${DEADLINE_MS / 1000} s`);
};

// The program beside toy-cloud, and what both are reached by.
export const start = async () => {
  const data = fs.mkdtempSync(path.join(os.tmpdir(), "tidegate-browser-"));
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const program = spawn(process.env.TIDEGATE, ["up", "--demo", "--data", data, "--listen", `127.0.0.1:${port}`], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  program.stdout.on("data", (more) => (said += more));
  const token = () => fs.readFileSync(path.join(data, "admin-token"), "utf8").trim();
  const api = async (at) => {
    const answer = await fetch(base + at, { headers: { authorization: `Bearer ${token()}` } });
    return answer.ok ? answer.json() : null;
  };
  const cloud = await until("toy-cloud", async () => /toy-cloud (http:\S+?)\/\s/.exec(said)?.[1]);
  const stop = async () => {
    program.kill("SIGTERM");
    await new Promise((resolve) => program.on("exit", resolve));
    fs.rmSync(data, { recursive: true, force: true });
  };
  return { base, cloud, token, api, stop };
};

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });

// A page whose errors, those of the content security policy among them, are complaints: where it is ours.
export const watched = async (browser, base, options) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on("console", (message) => {
    if (message.type() === "error" && page.url().startsWith(base)) complain(`${page.url()}: console: ${message.text()}`);
  });
  page.on("pageerror", (error) => complain(`${page.url()}: ${error}`));
  return { context, page };
};

export const signIn = async (page, { base, token }) => {
  await page.goto(`${base}/`);
  await page.locator("input[name=token]").first().fill(token());
  await page.keyboard.press("Enter");
  await page.waitForURL(`${base}/`);
};

// Axe runs in a world of its own: the page's policy takes no script but ours.
export const axe = async (page, name) => {
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send("Page.getFrameTree");
  const { executionContextId } = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id, worldName: "axe" });
  const run = async (expression) => {
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", { expression, contextId: executionContextId, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(`axe on ${name}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
    return result.value;
  };
  await run(AXE);
  const found = await run(`axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }).then((result) => result.violations.map((one) => ({ id: one.id, impact: one.impact, nodes: one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)) })))`);
  for (const one of found) if (["serious", "critical"].includes(one.impact)) complain(`${name}: ${one.impact} ${one.id}: ${one.nodes.join(" | ")}`);
  await session.detach();
};

// Presses Tab until what has the focus is so: the way of somebody without a mouse.
export const tabTo = async (page, what, holds, presses = 150) => {
  for (let press = 0; press < presses; press += 1) {
    if (await page.evaluate(holds)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`${what} is not reached by ${presses} presses of Tab on ${page.url()}`);
};
