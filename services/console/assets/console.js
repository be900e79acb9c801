// Makes pages live: when an incident changes, the parts marked `data-live` are fetched again and put in
// place. The server writes all HTML, so what a cloud service sent is escaped there and only there.
(() => {
  "use strict";
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey) return;
    const search = document.querySelector("[data-search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  });

  const start = document.querySelector("[data-stream]");
  if (!start || !window.EventSource) return;
  const only = start.dataset.incident;
  const state = document.querySelector("[data-live-state]");
  const PAUSE_MS = 200;
  const COME_BACK_MS = 15000;
  let last = start.dataset.stream;
  let timer = null;
  let fetching = false;
  let again = false;

  const say = (text, word) => {
    if (!state) return;
    state.hidden = false;
    state.textContent = text;
    state.dataset.state = word;
  };

  const ids = (root) => new Set([...root.querySelectorAll("[data-id]")].map((row) => row.dataset.id));

  const replace = (part, fresh) => {
    if (part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) return;
    const before = ids(part);
    const copy = document.importNode(fresh, true);
    copy.querySelectorAll("[data-id]").forEach((row) => {
      if (!before.has(row.dataset.id)) row.classList.add("fresh");
    });
    part.replaceWith(copy);
  };

  const refresh = async () => {
    if (fetching) {
      again = true;
      return;
    }
    fetching = true;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin", redirect: "error" });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        document.querySelectorAll("[data-live]").forEach((part) => {
          const fresh = page.getElementById(part.id);
          if (fresh) replace(part, fresh);
        });
      }
    } catch {
      say("Offline", "off");
    }
    fetching = false;
    if (again) {
      again = false;
      schedule();
    }
  };

  const schedule = () => {
    if (timer) return;
    timer = setTimeout(() => {
      timer = null;
      refresh();
    }, PAUSE_MS);
  };

  const listen = () => {
    const source = new EventSource("/api/v1/incidents/stream?after=" + encodeURIComponent(last));
    source.addEventListener("open", () => say("Live", "on"));
    source.addEventListener("incident", (event) => {
      last = event.lastEventId;
      if (!only || JSON.parse(event.data).id === only) schedule();
    });
    source.addEventListener("error", () => {
      say("Reconnecting", "off");
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, COME_BACK_MS);
    });
  };
  listen();
})();
