// Drives Chromium over the real binary and its demo: the three stories, every page in both themes under axe and on a telephone,
// no console error, no violation of the content security policy, no page beyond its size. With SCREENSHOTS set to a folder it also
// draws the pages for the docs.
import path from "node:path";
import { gzipSync } from "node:zlib";
import { axe, complain, complaints, launch, signIn, start, until, watched } from "./harness.mjs";
import { administrator, analyst, service } from "./stories.mjs";

const PAGES = [
  "/overview", "/", "/remedies", "/remedies?state=done", "/quarantine", "/exceptions", "/activity", "/blind-spots", "/labels",
  "/policies", "/policies/new", "/detectors", "/scans", "/access", "/connections", "/users", "/audit", "/audit/1", "/sinks", "/settings", "/account",
];
const SHOTS = { "/": "incidents", "/overview": "overview", "/activity": "activity", "/remedies?state=done": "remedies", "/audit": "audit" };
const PAGE_BYTES_MAX = 100 * 1024;

const world = await start();
const { base, api } = world;
const browser = await launch();

const everyPage = async () => {
  const incident = (await api("/api/v1/incidents")).items.at(-1);
  const connection = (await api("/api/v1/connections")).items[0];
  const policy = (await api("/api/v1/policies")).items[0];
  const activity = (await api("/api/v1/activities?limit=1")).items[0];
  const event = `/activity/${activity.connection_id}/${encodeURIComponent(activity.event_id)}`;
  const shots = { ...SHOTS, [`/incidents/${incident.number}`]: "incident", [`/connections/${connection.id}`]: "connection", [event]: "event" };
  return { pages: [...PAGES, `/incidents/${incident.number}`, `/connections/${connection.id}`, `/policies/${policy.id}`, event], shots };
};

const inBothThemes = async () => {
  const { pages, shots } = await everyPage();
  for (const colorScheme of ["light", "dark"]) {
    const { context, page } = await watched(browser, base, { colorScheme });
    await signIn(page, world);
    for (const one of pages) {
      const answer = await page.goto(base + one);
      if (answer.status() !== 200) complain(`${one}: ${answer.status()}`);
      const size = gzipSync(await answer.body()).length;
      if (size > PAGE_BYTES_MAX) complain(`${one}: ${size} bytes, compressed`);
      await axe(page, `${one} (${colorScheme})`);
      if (process.env.SCREENSHOTS && shots[one]) await page.screenshot({ path: path.join(process.env.SCREENSHOTS, `${shots[one]}-${colorScheme}.png`) });
    }
    await page.setViewportSize({ width: 390, height: 844 });
    for (const one of pages) {
      await page.goto(base + one);
      const wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
      if (wide > 1) complain(`${one}: ${wide} px wider than a telephone`);
    }
    await context.close();
  }
};

const timed = async (what, act) => {
  const began = Date.now();
  await act().catch((error) => complain(`${what}: ${error}`));
  console.error(`browser-check: ${what}: ${((Date.now() - began) / 1000).toFixed(1)} s`);
};

try {
  await until("the demo's incidents", async () => ((await api("/api/v1/incidents"))?.items ?? []).length >= 3 && (await api("/api/v1/quarantine")).items.length > 0);
  await timed("every page, in both themes and on a telephone", inBothThemes);
  await timed("an administrator connects a service", () => administrator(browser, world));
  await timed("a service pushes, and the list shows it", () => service(browser, world));
  await timed("an analyst works by keyboard alone", () => analyst(browser, world));
} catch (error) {
  complain(String(error));
} finally {
  await browser.close();
  await world.stop();
}
for (const one of complaints) console.error(`browser-check: ${one}`);
console.error(`browser-check: ${complaints.length} complaints`);
process.exit(complaints.length ? 1 : 0);
