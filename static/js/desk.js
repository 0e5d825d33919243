// The shell of every page: theme, clock, messages, dialogs, commands, the stop button.
// Prices and states are patched by live.js; a command's effect comes back by that same road.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const body = document.body;
  const loadedAt = performance.now();
  const loadedNow = Number(body.dataset.now) || Date.now();
  const TOAST_MS = { ok: 5000, warn: 9000, bad: 12000 };
  const UNDO_MS = 8000;
  const PENDING_MS = 3000;
  const SUMMARY_MS = 5000;
  const HOLD_MS = 1000;

  const desk = {
    $, $$,
    trades: body.hasAttribute("data-trades"),
    // The server's clock, never the browser's: what live.js last heard, else the time in the page.
    now: () => (window.live && window.live.now ? window.live.now() : loadedNow + performance.now() - loadedAt),
    // An Idempotency-Key for a command that comes from no form.
    key: () => [...crypto.getRandomValues(new Uint8Array(15))].map((b) => b.toString(16).padStart(2, "0")).join(""),
    store: (name, value) => { try { if (value === undefined) return localStorage.getItem(name); localStorage.setItem(name, value); } catch { /* private window */ } return null; },
  };
  // htmx.ajax, which throws nothing at all where no answer came: that is told as an event, and here as false.
  desk.ask = (verb, url, options) => htmx.ajax(verb, url, options).then(() => true, () => false);
  window.desk = desk;

  // Messages: shown for a while, and told to screen readers at most every five seconds.
  let unsaid = [];
  desk.say = (words, tone = "ok") => {
    const line = document.createElement("p");
    line.className = `said ${tone}`;
    line.textContent = words;
    $("#toasts").append(line);
    expire(line, TOAST_MS[tone]);
    unsaid.push(words);
    return line;
  };
  // What the desk answered to a command, with its reverse where there is one.
  desk.tell = (said) => offerUndo(desk.say(said.textContent), said.dataset.undo);
  desk.summary = (words) => unsaid.push(words);
  const expire = (line, ms) => { clearTimeout(line.expiring); line.expiring = setTimeout(() => line.remove(), ms); };
  // Only the last command can be undone: what came before it may rest on something else by now.
  const offerUndo = (line, text) => {
    for (const older of $$("#toasts .undo")) older.remove();
    if (!text) return;
    const undo = JSON.parse(text), button = document.createElement("button");
    button.type = "button";
    button.className = "undo";
    button.innerHTML = 'Undo <kbd data-key="undo"></kbd>';
    nameKeys(button);
    button.addEventListener("click", () => {
      line.remove();
      const { until, ...values } = undo.values;
      // What it had left, by the server's clock.
      if (until) values.seconds = Math.max(1, Math.floor((until - desk.now()) / 1000));
      desk.command(undo.url, { ...values, undone: "1" });
    });
    line.append(" ", button);
    expire(line, UNDO_MS);
  };
  desk.undo = () => {
    const last = $$("#toasts .undo").pop();
    if (last) last.click(); else desk.say("Nothing to undo.", "warn");
  };
  setInterval(() => {
    const region = $("#live-summary");
    if (!region || !unsaid.length) return;
    region.textContent = unsaid.slice(-3).join(". ");
    unsaid = [];
  }, SUMMARY_MS);
  const toasts = $("#toasts");
  if (toasts) new MutationObserver((changes) => changes.forEach((c) => c.addedNodes.forEach((n) => {
    if (!(n instanceof HTMLElement) || !n.matches("[data-said]")) return;
    unsaid.push(n.textContent);
    expire(n, TOAST_MS[["bad", "warn"].find((t) => n.classList.contains(t)) || "ok"]);
    if (n.classList.contains("ok")) offerUndo(n, n.dataset.undo);
  }))).observe(toasts, { childList: true });

  // Commands from keys and small buttons. Shown as pending until the server's frame changes the cell.
  desk.command = (url, values, marked = []) => {
    marked.forEach(pending);
    // htmx queues what comes of one element, and keeps only the last: each command comes of one of its own, so that none is lost.
    const source = document.createElement("i");
    source.hidden = true;
    body.append(source);
    return desk.ask("POST", url, { source, target: "#toasts", swap: "beforeend", values }).finally(() => source.remove());
  };
  const pending = (element) => {
    element.dataset.pending = "1";
    const done = () => { delete element.dataset.pending; watch.disconnect(); };
    const watch = new MutationObserver(done);
    watch.observe(element, { attributes: true, subtree: true, attributeFilter: ["data-s", "data-state", "data-open"] });
    setTimeout(done, PENDING_MS);
  };
  desk.hold = (scope, targets, marked, everyone, reason) => desk.command("/do/suspend", { ...wanted(scope, targets, everyone), ...(reason ? { reason } : {}) }, marked);
  desk.release = (scope, targets, marked, everyone) => desk.command("/do/resume", wanted(scope, targets, everyone), marked);
  const wanted = (scope, targets, everyone) => ({ scope, target: targets, ...(everyone ? { everyone: "1" } : {}) });
  // That an override from before the point still holds: one key. Far from the feed's price the desk asks once more.
  const AGAIN_MS = 8000;
  let doubted = { id: "", until: 0 };
  desk.stillHolds = async (cell) => {
    const id = cell.id.slice(2), again = doubted.id === id && performance.now() < doubted.until;
    doubted = { id: "", until: 0 };
    await desk.command("/do/override/confirm", { selection: id, version: cell.dataset.version, point_ended: cell.dataset.old || 0, ...(again ? { confirmed: "1" } : {}) }, [cell]);
    const said = $$("#toasts [data-said]").pop();
    if (said?.classList.contains("warn")) { doubted = { id, until: performance.now() + AGAIN_MS }; said.append(` (${named.get("still-holds") || ""} again)`); }
    // A reason needs a place to be typed: the panel, on this price.
    if (said?.dataset.field === "reason" && desk.openPanel) { desk.openPanel(cell); $("#override-reason").focus(); }
  };

  document.addEventListener("htmx:configRequest", (event) => {
    const { verb, parameters, headers } = event.detail;
    if (verb === "post" && !parameters.idempotency_key) headers["Idempotency-Key"] = desk.key();
  });
  // A part that renews itself fails in silence: the banner and the parts' own ages tell.
  const POLLED = ["aside", "extras", "cards", "active", "audit", "audit-rows", "graph", "timeline", "points", "states", "bindings", "links", "beside"];
  const polled = (event) => event.detail.requestConfig?.verb === "get" && POLLED.includes(event.detail.target?.id);
  // Nor does it go on asking once the desk has closed the page for good.
  document.addEventListener("htmx:beforeRequest", (event) => { if (polled(event) && window.live?.over?.()) event.preventDefault(); });
  document.addEventListener("htmx:sendError", (event) => polled(event) || desk.say("No answer from the desk. Look at the state before you try again.", "bad"));
  document.addEventListener("htmx:responseError", (event) => polled(event) || desk.say(`The desk failed (${event.detail.xhr.status}). Look at the state before you try again.`, "bad"));
  // A polled part is not swapped away from under a person who types or chooses in it; a button's focus is given back to its twin.
  const same = (e) => e.getAttributeNames().filter((n) => n !== "class").map((n) => `${n}=${e.getAttribute(n)}`).join() + e.textContent;
  let focused = null, scrolled = 0, unfolded = [];
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr } = event.detail, here = document.activeElement;
    focused = null;
    scrolled = $(".tl", target)?.scrollTop || 0;
    unfolded = $$("details", target).map((one) => one.open);
    if (!polled(event)) return;
    if (xhr.status >= 400) { event.detail.shouldSwap = false; return; }  // what it says is a page of its own, not this part
    if (!target.contains(here) || here === target) return;
    if (here.matches("input, select, textarea, summary, details *")) event.detail.shouldSwap = false;
    else focused = { tag: here.tagName, key: same(here) };
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (scrolled && POLLED.includes(event.detail.target.id)) $(".tl", event.detail.target)?.scrollTo(0, scrolled);
    if (event.detail.target.id === "states") $$("details", event.detail.target).forEach((one, at) => { one.open = Boolean(unfolded[at]); });
    if (!focused || !POLLED.includes(event.detail.target.id)) return;
    $$(focused.tag, event.detail.target).find((e) => same(e) === focused.key)?.focus();
    focused = null;
  });

  // What a part says of the feeds holds no longer than the desk renews it, or vouches for anything.
  const RENEWED_MS = 12000;
  const renewed = new Map();
  document.addEventListener("htmx:afterSwap", (event) => renewed.set(event.detail.target.id, performance.now()));
  setInterval(() => {
    for (const state of $$("[data-feed-state]:not([data-feed-state=stale])")) {
      const age = performance.now() - (renewed.get(state.closest("#aside, #cards").id) || loadedAt);
      if (age < RENEWED_MS && !body.classList.contains("stale")) continue;
      state.dataset.feedState = "stale";
      for (const shown of [state, state.parentElement]) shown.classList.replace("ok", "warn");
      state.textContent = state.matches(".pill") ? "STALE" : `stale, was ${state.textContent}`;
      state.title = "no word from the desk";
    }
  }, 500);

  // Buttons that suspend or resume one thing.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-hold], [data-release]");
    if (!button) return;
    const marked = [button.closest(".market, .fixture-head")].filter(Boolean);
    const act = button.dataset.hold ? desk.hold : desk.release;
    act(button.dataset.hold || button.dataset.release, [button.dataset.target], marked, button.dataset.everyone, button.dataset.reason);
    button.blur();
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-still-holds]"), cell = button && document.getElementById(`p-${button.dataset.stillHolds}`);
    if (cell) desk.stillHolds(cell);
  });

  // Dialogs.
  document.addEventListener("click", (event) => {
    const close = event.target.closest("[data-close]");
    if (close) close.closest("dialog").close();
    const dismiss = event.target.closest("[data-dismiss]");
    if (!dismiss) return;
    // Each opening is a command of its own; sent twice, it is one.
    $("#dismiss-key").value = desk.key();
    $("#dismiss-frame").value = dismiss.dataset.dismiss;
    $("#dismiss-said").textContent = "";
    $("#dismiss").querySelector("form").reset();
    $("#dismiss").showModal();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const dialog = event.detail.target.closest ? event.detail.target.closest("dialog") : null;
    if (dialog && !dialog.open && ["confirm-body", "raw-body", "explain-body"].includes(event.detail.target.id)) dialog.showModal();
  });
  document.addEventListener("desk:done", (event) => {
    const dialog = event.target.closest ? event.target.closest("dialog") : null;
    const said = dialog && $("[data-said]", dialog);
    if (!said) return;
    desk.tell(said);
    said.remove();
    dialog.close();
  });
  const holdOpen = $("#hold-open");
  if (holdOpen) {
    const scope = $("#hold-scope"), target = $("#hold-target");
    const fit = () => {
      const options = $$("option", target);
      options.forEach((o) => { o.hidden = o.disabled = o.dataset.scope !== scope.value; });
      target.disabled = scope.value === "everything";
      $("#hold-target-label").hidden = target.disabled;
      const first = options.find((o) => !o.disabled);
      if (first && target.selectedOptions[0]?.disabled !== false) target.value = first.value;
    };
    scope.addEventListener("change", fit);
    holdOpen.addEventListener("click", () => { fit(); $("#hold").showModal(); });
    $("#hold-resume").addEventListener("click", (event) => {
      const given = new FormData($("#hold-form"));
      desk.command(event.target.dataset.url, Object.fromEntries(given));
      $("#hold").close();
    });
  }

  // Theme: a cookie, so that the server's next page is right from its first paint.
  const theme = $("#theme");
  if (theme) {
    const root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)");
    const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
    const name = () => { theme.textContent = dark() ? "Light theme" : "Dark theme"; };
    theme.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      name();
      document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
    });
    system.addEventListener("change", name);
    name();
  }
  const bookmaker = $("#bookmaker");
  if (bookmaker) bookmaker.addEventListener("change", () => bookmaker.form.submit());
  const csv = $("#csv");
  if (csv) csv.addEventListener("click", () => { location.href = `${csv.dataset.url}?${new URLSearchParams(new FormData($("#audit-filter")))}`; });

  // Which key does what, as the person wants it, and so on whatever names a key.
  desk.keys = new Map((body.dataset.keys || "").split(" ").filter(Boolean).map(([key, ...action]) => [key, action.join("")]));
  const named = new Map([...desk.keys].map(([key, action]) => [action, key === key.toLowerCase() ? key.toUpperCase() : `Shift ${key}`]));
  const nameKeys = (root) => {
    for (const label of $$("kbd[data-key]", root)) {
      const name = named.get(label.dataset.key) || "";
      if (label.textContent !== name) label.textContent = name;
      label.hidden = !name;
    }
  };
  nameKeys(body);
  for (const swapped of ["htmx:afterSwap", "htmx:oobAfterSwap"]) document.addEventListener(swapped, (event) => nameKeys(event.detail.target));

  // Help, with the switch for single keys.
  const keysOn = $("#keys-on");
  desk.keysOn = () => !keysOn || keysOn.checked;
  if (keysOn) {
    keysOn.checked = desk.store("keys") !== "off";
    keysOn.addEventListener("change", () => desk.store("keys", keysOn.checked ? "on" : "off"));
    $("#help-open").addEventListener("click", () => $("#help").showModal());
    $("#help-close").addEventListener("click", () => $("#help").close());
  }

  // The stop button: a second of holding, by pointer or key, so that no slip of the hand stops the house.
  const panic = $("#panic");
  if (panic) {
    const meter = $("progress", panic);
    let since = 0, timer = 0;
    const stop = () => { clearInterval(timer); timer = 0; meter.value = 0; };
    const start = () => {
      if (timer) return;
      since = performance.now();
      timer = setInterval(() => {
        meter.value = performance.now() - since;
        if (performance.now() - since < HOLD_MS) return;
        stop();
        desk.command(panic.dataset.url, {});
        $("#alarm").textContent = "Suspend all was sent.";
      }, 40);
    };
    panic.addEventListener("pointerdown", start);
    for (const name of ["pointerup", "pointerleave", "pointercancel", "blur"]) panic.addEventListener(name, stop);
    panic.addEventListener("keydown", (e) => { if (["Enter", " "].includes(e.key)) { e.preventDefault(); start(); } });
    panic.addEventListener("keyup", (e) => { if (["Enter", " "].includes(e.key)) stop(); });
    panic.addEventListener("contextmenu", (e) => e.preventDefault());
  }

  // The clock and every countdown, by the server's time.
  const two = (n) => String(n).padStart(2, "0");
  const left = (ms) => { const s = Math.max(0, Math.ceil(ms / 1000)); return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${two(Math.floor(s / 60))}:${two(s % 60)}`; };
  setInterval(() => {
    const now = desk.now();
    const clock = $("#clock");
    if (clock) clock.textContent = new Date(now).toISOString().slice(11, 19);
    for (const row of $$(".active-override")) {
      const rest = Number(row.dataset.ends) - now;
      const whole = Number(row.dataset.ends) - Number(row.dataset.set);
      $("[data-countdown]", row).textContent = left(rest);
      const meter = $("progress", row);
      meter.value = Math.max(0, Math.min(1000, (rest / whole) * 1000));
      meter.classList.toggle("late", rest < 60000);
      $("[data-countdown]", row).classList.toggle("late", rest < 60000);
      const cell = document.getElementById(`p-${row.dataset.of}`);
      if (cell) $("[data-hidden]", row).hidden = cell.dataset.s !== "suspended";
      const confirm = $("[data-still-holds]", row);
      if (cell && confirm) confirm.hidden = !cell.dataset.old;
    }
  }, 500);
})();
