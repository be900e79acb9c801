// Makes pages live, and gives them keys. When an incident changes, the parts marked `data-live` are fetched again and put in
// place; a form marked `data-tries` shows what comes of it while it is written. The server writes all HTML, so what a cloud
// service sent is escaped there and only there.
(() => {
  "use strict";
  const rows = () => [...document.querySelectorAll("tr[data-id]")];
  const drawer = document.getElementById("drawer");
  const help = document.getElementById("keys");
  let at = null;

  const select = (row) => {
    if (!row) return;
    document.querySelectorAll("tr[aria-selected]").forEach((one) => one.removeAttribute("aria-selected"));
    row.setAttribute("aria-selected", "true");
    at = row.dataset.id;
    row.querySelector("a")?.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };

  const step = (by) => {
    const all = rows();
    const place = all.findIndex((row) => row.dataset.id === at);
    select(all[place < 0 ? 0 : Math.min(Math.max(place + by, 0), all.length - 1)]);
  };

  const tick = () => {
    const box = rows().find((row) => row.dataset.id === at)?.querySelector("input[type=checkbox]");
    if (box) box.checked = !box.checked;
  };

  const open = async (path) => {
    const answer = await fetch(path, { credentials: "same-origin", redirect: "error" });
    if (!answer.ok) return location.assign(path);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const parts = [...page.querySelectorAll("[data-drawer]")].map((part) => document.importNode(part, true));
    parts.forEach((part) => {
      part.removeAttribute("id");
      part.removeAttribute("data-live");
      part.removeAttribute("data-stream");
    });
    const body = drawer.querySelector("[data-body]");
    body.replaceChildren(...parts);
    drawer.querySelector("[data-whole]").href = path;
    drawer.showModal();
  };

  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");
    const box = document.activeElement?.type === "checkbox";
    if ((typing && !box) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const act = {
      "/": () => document.querySelector("[data-search]")?.focus(),
      j: () => step(1),
      k: () => step(-1),
      x: tick,
      "?": () => help?.showModal(),
      Enter: () => {
        const link = rows().find((row) => row.dataset.id === at)?.querySelector("a");
        if (drawer && link && document.activeElement === link) open(link.getAttribute("href"));
        else return false;
      },
    }[event.key];
    if (act && act() !== false) event.preventDefault();
  });

  document.querySelectorAll("dialog").forEach((dialog) =>
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
    }),
  );

  // What is written is checked while it is written, by the same check that saving makes.
  const rule = document.querySelector("textarea[data-check]");
  if (rule) {
    const form = rule.form;
    const said = document.getElementById(rule.dataset.check);
    const words = [...(document.getElementById("words")?.options ?? [])].map((option) => option.value);
    const offers = document.getElementById("offers");
    let timer = null;
    const check = async () => {
      const values = new FormData(form);
      const document_ = {
        name: values.get("name") || "unnamed",
        severity: values.get("severity"),
        trigger: { connections: values.getAll("connection"), actions: values.getAll("action") },
        rule: values.get("rule"),
        effect: values.get("effect"),
        mode: values.get("mode"),
      };
      const answer = await fetch("/api/v1/policies/check", {
        method: "POST",
        credentials: "same-origin",
        headers: { "content-type": "application/json", "x-csrf-token": values.get("csrf") },
        body: JSON.stringify(document_),
      });
      if (!answer.ok) return;
      const mistakes = (await answer.json()).mistakes.filter((one) => one.field === "/rule");
      said.className = mistakes.length ? "mistake" : "good";
      said.textContent = mistakes.length
        ? mistakes.map((one) => `line ${one.line ?? 1}, column ${one.column ?? 1}: ${one.message}${one.hint ? ` — ${one.hint}` : ""}`).join("; ")
        : "The rule has no mistakes.";
    };
    const offer = () => {
      const before = rule.value.slice(0, rule.selectionStart);
      const begun = /[_a-z.]+$/i.exec(before)?.[0] ?? "";
      const fitting = begun.length > 1 ? words.filter((word) => word.startsWith(begun) && word !== begun).slice(0, 8) : [];
      offers.replaceChildren(
        ...fitting.map((word) => {
          const button = document.createElement("button");
          button.type = "button";
          button.className = "small";
          button.textContent = word;
          button.addEventListener("click", () => {
            rule.setRangeText(word, rule.selectionStart - begun.length, rule.selectionStart, "end");
            offers.replaceChildren();
            rule.focus();
          });
          return button;
        }),
      );
    };
    rule.addEventListener("input", () => {
      offer();
      clearTimeout(timer);
      timer = setTimeout(check, 300);
    });
  }

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
    const active = document.activeElement;
    const writing = active.matches("input:not([type=checkbox]), textarea, select");
    if (part.querySelector("details.bulk[open]") || (part.contains(active) && writing)) return;
    const before = ids(part);
    const ticked = new Set([...part.querySelectorAll("input[type=checkbox]:checked")].map((box) => box.value));
    const held = part.contains(active);
    const copy = document.importNode(fresh, true);
    copy.querySelectorAll("[data-id]").forEach((row) => {
      if (!before.has(row.dataset.id)) row.classList.add("fresh");
    });
    copy.querySelectorAll("input[type=checkbox]").forEach((box) => {
      box.checked = ticked.has(box.value);
    });
    part.replaceWith(copy);
    if (held && at) select(rows().find((row) => row.dataset.id === at));
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
