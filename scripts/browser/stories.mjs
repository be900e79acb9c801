// The three stories of who uses it, whole, in a browser: an administrator connects a service and writes a policy; the service
// pushes what a user did and the analyst sees it without reloading; the analyst works it, by keyboard alone.
import { complain, signIn, tabTo, until, watched } from "./harness.mjs";

const RULE = "_share.public and _content.count('credit-card') >= 3";

// From the catalogue to a feed, then a policy, then off again: nothing is left registered.
export const administrator = async (browser, world) => {
  const { base, cloud, api } = world;
  const { context, page } = await watched(browser, base);
  await signIn(page, world);
  await page.getByRole("link", { name: "Connections", exact: true }).click();
  await page.getByRole("searchbox", { name: "Search the catalogue" }).fill("toy");
  await page.keyboard.press("Enter");
  await page.locator("details.card summary").first().click();
  const form = page.locator("details.card[open] form");
  await form.getByLabel("Name").fill("Acme, once more");
  await form.getByLabel("Address").fill(cloud);
  await form.getByLabel("OAuth client id").fill("tidegate");
  await form.getByLabel("OAuth client secret").fill("toy-secret");
  await form.getByRole("button").click();
  await page.getByText("Awaits consent").waitFor();
  await page.getByRole("button", { name: "Authorize" }).click();
  await page.locator(`a[href^="${cloud}"]`).first().click();
  await page.getByLabel("Password").fill("toy");
  await page.getByRole("button", { name: "Allow" }).click();
  await page.waitForURL(new RegExp(`^${base}/connections/`));
  await page.getByRole("button", { name: "Check health" }).click();
  await page.getByText("Everything that is needed can be reached").waitFor();
  await page.getByRole("button", { name: "Enable", exact: true }).click();
  await page.locator(".head .badge", { hasText: "Enabled" }).waitFor();
  const connection = page.url().split("/").at(-1);
  if (!(await page.locator("table.matrix").innerText()).includes("Push, by webhook")) complain("the connection does not say what its service can do");

  await page.goto(`${base}/policies/new`);
  await page.getByLabel("Name").first().fill("Cards, by the story");
  await page.locator("textarea[name=rule]").fill(RULE);
  await page.getByText("The rule has no mistakes.").waitFor();
  await page.locator("input[name=action][value=share]").check();
  await page.getByRole("button", { name: /^Save/ }).first().click();
  await page.waitForURL(/\/policies/);
  await until("the policy", async () => (await api("/api/v1/policies")).items.some((one) => one.document?.name === "Cards, by the story" || one.name === "Cards, by the story"));

  await page.goto(`${base}/connections/${connection}`);
  await page.getByRole("button", { name: "Disable" }).click();
  await page.locator(".head .badge", { hasText: "Disabled" }).waitFor();
  const left = await api(`/api/v1/connections/${connection}`);
  if (left.lifecycle.leftover) complain("a webhook is left after disabling");
  await context.close();
};

// A user acts at the service; the list that an analyst looks at shows it by itself; what nobody signed is refused.
export const service = async (browser, world) => {
  const { base, cloud, api } = world;
  const { context, page } = await watched(browser, base);
  await signIn(page, world);
  await page.locator("[data-live-state][data-state=on]").waitFor();
  const before = (await api("/api/v1/incidents?limit=1")).items[0].number;
  const user = await watched(browser, base);
  await user.page.goto(`${cloud}/`);
  await user.page.locator("form", { has: user.page.locator("input[value=u_acme_alice]") }).getByRole("button").click();
  await user.page.getByRole("button", { name: "Upload a document with card numbers" }).click();
  await user.page.getByRole("button", { name: "Public link" }).first().click();
  const began = Date.now();
  const row = page.locator("tr.fresh, tr[data-id]").filter({ hasNotText: before }).filter({ hasText: "Payment cards behind a public link" }).first();
  await until("the incident in the open list", async () => {
    const newest = (await api("/api/v1/incidents?limit=1")).items[0].number;
    return newest !== before && (await page.locator("tr[data-id]", { hasText: newest }).count()) > 0;
  });
  console.error(`browser-check: the row was there ${Date.now() - began} ms after the click, without reloading`);
  await row.getByText(/all \d+ done/).waitFor({ timeout: 60_000 });

  const pushed = (await api("/api/v1/connections")).items.find((one) => one.feed === "push");
  const webhook = `${base}/webhooks/${pushed.id}`;
  const forged = await fetch(webhook, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
  if (forged.status < 400 || forged.status >= 500) complain(`a delivery that nobody signed was answered with ${forged.status}`);

  await page.goto(`${base}/activity?actor=alice&event_type=sharing`);
  await page.locator("table.list tbody tr a").first().click();
  await page.waitForURL(/\/activity\/conn_/);
  if ((await page.locator("table.fields tbody tr").count()) !== 24) complain("an activity does not show 24 fields");
  await user.context.close();
  await context.close();
};

// An analyst works the newest incident without a mouse: to it, beside the list, into its page, why it matched, closed with a
// verdict; then puts back what was set aside.
export const analyst = async (browser, world) => {
  const { base, api } = world;
  const { context, page } = await watched(browser, base);
  await signIn(page, world);
  const keys = page.keyboard;
  const row = page.locator("tr[aria-selected]");
  // The newest whose rule has parts.
  for (let step = 0; step < 20; step += 1) {
    await keys.press("j");
    if ((await row.innerText()).includes("Payment cards behind a public link")) break;
  }
  const number = (await row.locator("a").first().innerText()).trim();
  await keys.press("x");
  if (!(await row.locator("input[type=checkbox]").isChecked())) complain("`x` ticks nothing");
  await keys.press("Enter");
  await page.locator("#drawer[open]").waitFor();
  await keys.press("Escape");
  await keys.press("?");
  await page.locator("#keys[open]").waitFor();
  await keys.press("Escape");
  await keys.press("/");
  await keys.type(number);
  await keys.press("Enter");
  await page.waitForURL(/q=/);
  if ((await page.locator("tr[data-id]").count()) !== 1) complain(`a search for ${number} does not show it alone`);
  await keys.press("j");
  await keys.press("Enter");
  await page.locator("#drawer[open]").waitFor();
  await tabTo(page, "the whole page's link", () => document.activeElement?.matches("[data-whole]"));
  await keys.press("Enter");
  await page.waitForURL(/\/incidents\//);
  await tabTo(page, "the trace", () => document.activeElement?.matches(".trace summary"));
  const trace = page.locator(".trace details").first();
  const wasOpen = await trace.getAttribute("open");
  await keys.press("Space");
  if ((await trace.getAttribute("open")) === wasOpen) complain("the trace neither opens nor closes by the keyboard");
  await tabTo(page, "the status", () => document.activeElement?.name === "status");
  await keys.type("Res");
  await keys.press("Tab");
  await keys.type("True");
  await tabTo(page, "the comment", () => document.activeElement?.name === "comment");
  await keys.type("handled by keyboard");
  await keys.press("Tab");
  await keys.press("Enter");
  await page.getByText("came to the verdict true_positive").first().waitFor();

  await tabTo(page, "the quarantine", () => document.activeElement?.getAttribute("href") === "/quarantine");
  await keys.press("Enter");
  await page.waitForURL(/\/quarantine/);
  const held = async () => (await api("/api/v1/quarantine?state=held")).items.length;
  const there = await held();
  await tabTo(page, "the restoring", () => document.activeElement?.textContent === "Restore");
  await keys.press("Enter");
  await until("what was held to be put back", async () => (await held()) < there);
  await context.close();
};
