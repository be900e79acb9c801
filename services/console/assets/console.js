// Makes pages live: when an incident changes, the parts marked `data-live` are fetched again and put in
// place; forms marked `data-tries` show what comes of them while they are written. The server writes all HTML, so what a cloud service sent is escaped there and only there.
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

  // A form marked `data-tries` is sent while it is written, and the part of that id is put in place.
  const trying = document.querySelector("form[data-tries]");
  if (trying && window.fetch) {
    const TRY_PAUSE_MS = 300;
    let waiting = null;
    let latest = 0;
    const attempt = async () => {
      waiting = null;
      const mine = ++latest;
      const form = new URLSearchParams(new FormData(trying));
      form.set("act", "try");
      try {
        const answer = await fetch(trying.action, { method: "POST", body: form, credentials: "same-origin", redirect: "error" });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById(trying.dataset.tries);
        const shown = document.getElementById(trying.dataset.tries);
        if (mine === latest && fresh && shown) shown.replaceWith(document.importNode(fresh, true));
      } catch {
        // The button still tries it.
      }
    };
    trying.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(attempt, TRY_PAUSE_MS);
    });
  }

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
