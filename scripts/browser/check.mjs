// Drives Chromium over the real binary and its demo: the stories by keyboard, every page in both themes under axe, no console
// error, no violation of the content security policy. With SCREENSHOTS set to a folder it also draws the pages for the docs.
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
const PAGES = ["/overview", "/", "/activity", "/policies", "/policies/new", "/exceptions", "/quarantine", "/connections", "/users", "/account"];
const complaints = [];
const complain = (what) => complaints.push(what);

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const until = async (what, look) => {
  const end = Date.now() + DEADLINE_MS;
  while (Date.now() < end) {
    const found = await look().catch(() => null);
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what} did not come within ${DEADLINE_MS / 1000} s`);
};

const data = fs.mkdtempSync(path.join(os.tmpdir(), "tidegate-browser-"));
const port = await freePort();
const base = `http://127.0.0.1:${port}`;
const program = spawn(process.env.TIDEGATE, ["up", "--demo", "--data", data, "--listen", `127.0.0.1:${port}`], { stdio: ["ignore", "pipe", "inherit"] });
program.stdout.resume();

const api = async (path_) => {
  const token = fs.readFileSync(path.join(data, "admin-token"), "utf8").trim();
  const answer = await fetch(base + path_, { headers: { authorization: `Bearer ${token}` } });
  return answer.ok ? answer.json() : null;
};

const watched = async (browser, options) => {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") complain(`${page.url()}: console: ${message.text()}`);
  });
  page.on("pageerror", (error) => complain(`${page.url()}: ${error}`));
  return { context, page };
};

const signIn = async (page) => {
  await page.goto(`${base}/`);
  await page.locator("input[name=token]").first().fill(fs.readFileSync(path.join(data, "admin-token"), "utf8").trim());
  await page.keyboard.press("Enter");
  await page.waitForURL(`${base}/`);
};

// Axe runs in a world of its own: the page's policy takes no script but ours.
const axe = async (page, name) => {
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

// An analyst works the newest incident without a mouse: to it, beside the list, into its page, closed with a verdict.
const byKeyboard = async (page) => {
  await page.goto(`${base}/`);
  await page.keyboard.press("j");
  const row = page.locator("tr[aria-selected]");
  const number = (await row.locator("a").first().innerText()).trim();
  await page.keyboard.press("x");
  if (!(await row.locator("input[type=checkbox]").isChecked())) complain("`x` ticks nothing");
  await page.keyboard.press("Enter");
  await page.locator("#drawer[open]").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await page.locator("#keys[open]").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  await page.keyboard.type(number);
  await page.keyboard.press("Enter");
  await page.waitForURL(/q=/);
  if ((await page.locator("tr[data-id]").count()) !== 1) complain(`a search for ${number} does not show it alone`);
  await page.goto(`${base}/incidents/${number}`);
  await page.locator("select[name=status]").focus();
  await page.keyboard.type("Res");
  await page.keyboard.press("Tab");
  await page.keyboard.type("True");
  await page.locator("textarea[name=comment]").focus();
  await page.keyboard.type("handled by keyboard");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByText("came to the verdict true_positive").first().waitFor();
};

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
try {
  await until("the demo's incidents", async () => ((await api("/api/v1/incidents"))?.items ?? []).length >= 3 && (await api("/api/v1/quarantine")).items.length > 0);
  const incident = (await api("/api/v1/incidents")).items.at(-1);
  const connection = (await api("/api/v1/connections")).items[0];
  const policy = (await api("/api/v1/policies")).items[0];
  const pages = [...PAGES, `/incidents/${incident.number}`, `/connections/${connection.id}`, `/policies/${policy.id}`];
  for (const colorScheme of ["light", "dark"]) {
    const { context, page } = await watched(browser, { colorScheme, viewport: { width: 1280, height: 860 } });
    await signIn(page);
    for (const one of pages) {
      await page.goto(base + one);
      await axe(page, `${one} (${colorScheme})`);
      const shot = { "/": "incidents", "/overview": "overview", [`/incidents/${incident.number}`]: "incident" }[one];
      if (process.env.SCREENSHOTS && shot) await page.screenshot({ path: path.join(process.env.SCREENSHOTS, `${shot}-${colorScheme}.png`) });
    }
    await page.setViewportSize({ width: 390, height: 844 });
    for (const one of pages) {
      await page.goto(base + one);
      const wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
      if (wide > 1) complain(`${one}: ${wide} px wider than a telephone`);
    }
    await context.close();
  }
  const { page } = await watched(browser, { viewport: { width: 1280, height: 860 } });
  await signIn(page);
  await byKeyboard(page);
} catch (error) {
  complain(String(error));
} finally {
  await browser.close();
  program.kill("SIGTERM");
  await new Promise((resolve) => program.on("exit", resolve));
  fs.rmSync(data, { recursive: true, force: true });
}
for (const one of complaints) console.error(`browser-check: ${one}`);
console.error(`browser-check: ${complaints.length} complaints`);
process.exit(complaints.length ? 1 : 0);
