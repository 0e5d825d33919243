// What the socket says, painted into the page: JSON frames patch cells (rows are never swapped), HTML fragments go to htmx.
// Every open price is a lease: whatever is not confirmed in time shows suspended, by this script alone (promises D1, D2).
(() => {
  "use strict";
  const root = document.getElementById("live");
  if (!root || !window.htmx) return;
  const $ = (id) => document.getElementById(id);
  const TTL = 2000, SILENT = 5000, BANNER = 3000, DEAD = 10000, TINT = 600, ARROW = 10000, UNDRAWN = 200;
  const SHOWN_OPEN = "[data-price]:is([data-s=open], [data-s=override], [data-s=stale])";
  const MARKS = { suspended: "S", override: "OVR" };
  const GONE = document.body.dataset.fixture
    ? "This fixture is not listed any more, or your access has changed: nothing here holds. See the live board."
    : "Your access has changed: nothing here holds. Load the page again.";
  const FOR_GOOD = { 4401: "You are signed out. Sign in again.", 4403: GONE };  // the desk will not have this page back

  let fixtures = {}, markets = {}, prices = {}, feeds = {};  // what the server said, by id
  let seq = null, confirmed = 0, heard = 0;                  // the last frame's number; server times in ms
  let ahead = Date.now() - performance.now(), synced = false;  // server time = performance.now() + ahead, never less than it is
  let lost = false, final = "", silentBecause = "", delay = null, attempt = 0, timer = 0;
  let socket = null, openedAt = 0, reopen = null, lastHeard = performance.now(), retryAt = lastHeard + DEAD, lastTick = [Date.now(), lastHeard];
  let paused = false, drawing = false, wasCut = false;
  const shown = new Map(), tints = new Map(), dirty = new Set(), held = new Set(), behind = new Set();
  const now = () => performance.now() + ahead;
  window.live = { now, cell: (id) => prices[id], lost: () => lost, over: () => Boolean(final) };

  // Until the socket tells of them, the page's own prices count as confirmed at the moment it was asked for.
  const asked = performance.getEntriesByType("navigation")[0]?.requestStart || 0;
  const firstUntil = asked + TTL;

  // ---- frames --------------------------------------------------------------------------------------------------
  const take = {
    snapshot(f) {
      const before = fixtures, cells = prices;
      fixtures = {}; markets = f.markets; prices = f.prices; feeds = f.feeds;
      behind.clear();
      for (const id in f.fixtures) keepNewest(id, f.fixtures[id], before[id]);
      for (const id in cells) if (prices[id] && prices[id].value !== cells[id].value) tint(id, cells[id].value, prices[id].value);
      seq = f.seq; confirmed = heard = f.now; lost = false; attempt = 0; silentBecause = "";
      stampAll(f.now);
      every();
      if (differs()) refetch();
    },
    frame(f) {
      if (f.prevSeq !== seq) { missed(); return; }
      seq = f.seq; heard = f.now;
      for (const id in f.fixtures) { keepNewest(id, f.fixtures[id], fixtures[id]); dirty.add("f-" + id); }
      for (const id in f.markets) { markets[id] = f.markets[id]; dirty.add("m-" + id); }
      let overrides = false;
      for (const id in f.prices) {
        const old = prices[id], cell = f.prices[id];
        if (old && old.value !== cell.value) tint(id, old.value, cell.value);
        overrides = overrides || JSON.stringify(old?.override) !== JSON.stringify(cell.override);
        cell.at = f.now;
        prices[id] = cell;
        dirty.add("p-" + id);
      }
      if (overrides) htmx.trigger(document.body, "desk:overrides");
    },
    beat(f) {
      feeds = f.feeds; heard = f.now;
      if (seq !== null && f.seq !== seq) { missed(); return; }
      if (f.renews) confirmed = f.now;
      silentBecause = f.renews ? "" : f.reason;
    },
    pong(f) {
      delay = performance.now() - f.ping;
      ahead = Math.min(ahead, f.now - f.ping);
    },
  };
  // A revision never goes down (D1): a process that is behind is believed again when it has caught up; until then all is suspended.
  const keepNewest = (id, cell, known) => {
    const older = Boolean(known) && (cell.revision < known.revision || cell.bookmakerRevision < known.bookmakerRevision);
    fixtures[id] = older ? known : cell;
    if (older === behind.has(id)) return;
    if (older) behind.add(id); else behind.delete(id);
    every();
  };
  const stampAll = (at) => { for (const id in prices) prices[id].at = at; };
  const missed = () => { lose(); reconnect(); };
  const lose = () => { if (!lost) { lost = true; seq = null; every(); } };

  const hear = (text) => {
    const frame = JSON.parse(text), at = performance.now();
    if (frame.kind !== "pong") { lastHeard = at; retryAt = at + DEAD; }
    // Whatever was held up on its way counts as old: the first frame is taken as said when its socket was asked for, and the
    // quickest answer to a ping bounds the server's clock from above from then on.
    ahead = Math.max(synced ? ahead : frame.now - openedAt, frame.now - at);
    synced = true;
    if (seq === null && frame.kind === "frame") return;
    take[frame.kind]?.(frame);
    draw();
    connection();
  };

  // Nothing that was said holds any more; a fixture's head says so as its prices do.
  const cut = () => lost || now() - heard > SILENT;
  const vouched = (element) => !cut() && !behind.has(element.closest("[data-fixture]")?.dataset.fixture);
  const NO_WORD = "no word from the desk";
  const unheard = (c) => ({
    ...c, state: "stale", stateWords: "STALE", suspended: c.suspended + c.open, open: 0, reason: NO_WORD,
    points: c.points && { ...c.points, words: NO_WORD, clears: "" },
  });

  // ---- is it open? -----------------------------------------------------------------------------------------------
  const holds = (id, cell, element) => {
    if (!cell.open || lost) return false;
    const at = now();
    if (at - heard > SILENT) return false;
    const fixture = element.closest("[data-fixture]")?.dataset.fixture;
    const feed = fixtures[fixture] && feeds[fixtures[fixture].source];
    return at < Math.max(confirmed, cell.at || 0) + cell.ttl && (cell.until === null || at < cell.until) && !(feed && feed.ends !== null && at >= feed.ends) && !behind.has(fixture);
  };

  // ---- painting ----------------------------------------------------------------------------------------------------
  const put = (element, name, value) => {
    if (value === null || value === "") { if (name in element.dataset) delete element.dataset[name]; } else if (element.dataset[name] !== String(value)) element.dataset[name] = value;
  };
  const write = (element, text) => { if (element && element.textContent !== text) element.textContent = text; };
  const cell = (element, name) => element.querySelector(`[data-cell=${name}]`);
  const clock = (ms) => new Date(ms).toISOString().slice(11, 19);

  // Why this selection alone is suspended, where its market does not say the same.
  const own = (id, element) => {
    const c = element && prices[id], market = element?.closest("[data-market]")?.dataset.market;
    if (!c) return;
    const told = c.open || !c.value || markets[market]?.words.includes(c.reason);
    write(element, told ? "" : c.reason + (c.since ? `, since ${clock(c.since)}` : ""));
  };

  const paint = {
    p(id, element) {
      const c = prices[id];
      if (!c) return;
      const open = holds(id, c, element), state = c.open && !open ? "suspended" : c.state;
      const holdBack = paused && open && shown.get(id)?.open && shown.get(id).value !== c.value;
      if (holdBack) held.add(id); else { held.delete(id); shown.set(id, { open, value: c.value }); write(element.querySelector("span"), c.value || "–"); }
      put(element, "s", holdBack ? "stale" : state);
      put(element, "version", c.version); put(element, "feed", c.feed); put(element, "override", c.override && c.override.value); put(element, "old", c.old);
      if (!c.override) { put(element, "left", null); put(element, "late", null); }
      const t = tints.get(id);
      put(element, "d", t && !holdBack ? t.way + (performance.now() - t.at < TINT ? "" : "-late") : null);
      write(element.querySelector("i"), MARKS[state] || (t && !holdBack ? (t.way === "up" ? "▲" : "▼") : ""));
      const why = c.open && !open ? "not confirmed by the desk" : c.reason + (c.since ? ` (since ${clock(c.since)})` : "");
      if (element.title !== why) element.title = why;
      own(id, document.querySelector(`[data-why-of="${id}"]`));
      write(document.querySelector(`[data-feed-of="${id}"]`), c.feed || "–");
      write(document.querySelector(`[data-probability-of="${id}"]`), c.probability || "–");
    },
    f(id, element) {
      if (!fixtures[id]) return;
      head(id, element, vouched(element) ? fixtures[id] : unheard(fixtures[id]));
    },
    m(id, element) {
      const c = markets[id];
      if (!c) return;
      put(element, "over", c.over ? "1" : null);
      card(element, c.open && vouched(element));
      write(cell(element, "book"), c.book || "–");
      write(cell(element, "words"), c.words);
      write(cell(element, "doubt"), c.doubt);
      for (const beside of element.querySelectorAll("[data-why-of]")) own(beside.dataset.whyOf, beside);
    },
  };
  const head = (id, element, c) => {
    put(element, "state", c.state);
    const state = cell(element, "state");
    if (state) { put(state, "state", c.state); write(state, c.stateWords); }
    for (const name of ["score", "open", "suspended", "book", "reason"]) write(cell(element, name), String(c[name]));
    const reason = cell(element, "reason");
    if (reason) reason.title = c.reason;
    write(cell(element, "overrides"), c.overrides ? String(c.overrides) : "");
    const age = cell(element, "age");
    if (age) put(age, "source", c.source);
    document.dispatchEvent(new CustomEvent("live:fixture", { detail: { id, cell: c, element } }));
  };
  const card = (element, open) => {
    put(element, "open", open);
    const pill = cell(element, "open");
    if (pill) { put(pill, "state", open ? "open" : "held"); write(pill, open ? "OPEN" : "SUSP"); }
  };
  const flush = () => {
    if (!drawing) return;
    drawing = false;
    for (const key of dirty) {
      const element = $(key);
      try { if (element) paint[key[0]](key.slice(2), element); } catch (error) { reportError(error); }  // one bad cell keeps no other open
    }
    dirty.clear();
    write($("held-count"), held.size ? ` ${held.size}` : "");
  };
  const draw = () => {
    if (drawing || !dirty.size) return;
    drawing = true;
    requestAnimationFrame(flush);
    setTimeout(flush, document.hidden ? 0 : UNDRAWN);  // a window that is not drawn gets no animation frames
  };
  const every = () => {
    for (const id in fixtures) dirty.add("f-" + id);
    for (const id in markets) dirty.add("m-" + id);
    for (const id in prices) dirty.add("p-" + id);
    draw();
  };
  const tint = (id, from, to) => { if (from && to) tints.set(id, { way: Number(to) > Number(from) ? "up" : "dn", at: performance.now() }); };

  // ---- structure: HTML fragments, and what was missed of them ---------------------------------------------------------
  const home = () => $("board-rows") || $("markets");
  const differs = () => {
    const known = $("board-rows") ? fixtures : markets, here = [...home().children].map((e) => e.id.slice(2)).filter(Boolean);
    const strange = [...home().querySelectorAll("[data-price]")].some((p) => !(p.id.slice(2) in prices));
    return strange || here.length !== Object.keys(known).length || here.some((id) => !(id in known));
  };
  const refetch = () => htmx.ajax("GET", location.href, { source: "#" + home().id, target: "#" + home().id, select: `#${home().id} > *`, swap: "innerHTML" })
    .catch(() => {});  // no answer: the next snapshot asks again
  // What is said of an element that this page has lost meanwhile, or never had, is left out; the page asks for what it lacks.
  const LACK_MS = 500;
  htmx.defineExtension("present", { transformResponse: (text, request) => (request ? text : present(text)) });
  const present = (text) => {
    const parts = document.createElement("template");
    parts.innerHTML = text;
    const strange = [...parts.content.children].filter((part) => ["outerHTML", "delete"].includes(part.getAttribute("hx-swap-oob")) && !$(part.id));
    if (!strange.length) return text;
    strange.forEach((part) => part.remove());
    setTimeout(() => { if (seq !== null && differs()) refetch(); }, LACK_MS);
    return parts.innerHTML;
  };

  // A row or card that comes anew takes over what a person did with the old one: its tick, its place in the filter, the focus in it.
  const REACHED = "a, button, input, select, textarea, summary";
  const replaced = new Map();
  const remember = (element) => replaced.set(element.id, {
    hidden: element.hidden,
    ticked: [...element.querySelectorAll("input[type=checkbox]")].map((box) => box.checked),
    focused: [...element.querySelectorAll(REACHED)].indexOf(document.activeElement),
    focusedId: element.contains(document.activeElement) ? document.activeElement.id : "",
  });
  const takeOver = () => {
    for (const [id, was] of replaced) {
      const element = $(id);
      if (!element) continue;
      element.hidden = was.hidden;
      element.querySelectorAll("input[type=checkbox]").forEach((box, at) => { box.checked = Boolean(was.ticked[at]); });
      if (was.focused >= 0) ((was.focusedId && $(was.focusedId)) || element.querySelectorAll(REACHED)[was.focused])?.focus({ preventScroll: true });
    }
    replaced.clear();
  };
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    for (const child of event.detail.fragment.children) {
      const twin = child.id && $(child.id);
      if (!twin) continue;
      if (twin.parentElement === home()) remember(twin);
      if (twin !== event.detail.target) twin.remove();
    }
  });
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.target !== home()) return;
    if (detail.xhr.status >= 400) detail.shouldSwap = false;  // a page that says why is no list of rows
    else [...home().children].forEach(remember);
  });
  document.addEventListener("htmx:afterSwap", (event) => { if (event.detail.target === home()) takeOver(); });
  document.addEventListener("htmx:oobAfterSwap", takeOver);
  for (const name of ["htmx:oobAfterSwap", "htmx:afterSettle"]) document.addEventListener(name, every);

  // ---- the socket ------------------------------------------------------------------------------------------------------
  htmx.config.wsReconnectDelay = () => 2 ** 31 - 1;  // coming back is this script's business, whatever the code
  htmx.createWebSocket = (url) => { socket = new WebSocket(url); synced = false; openedAt = performance.now(); retryAt = openedAt + DEAD; return socket; };
  root.addEventListener("htmx:wsBeforeMessage", (event) => {
    if (event.detail.message[0] !== "{") return;
    event.preventDefault();
    hear(event.detail.message);
  });
  root.addEventListener("htmx:wsOpen", (event) => { reopen = event.detail.socketWrapper.reconnect; ping(); });
  root.addEventListener("htmx:wsClose", (event) => {
    reopen = event.detail.socketWrapper.reconnect;
    if (event.detail.event.target !== socket) return;
    lose();
    final = FOR_GOOD[event.detail.event.code] || "";
    if (!final) { clearTimeout(timer); timer = setTimeout(reconnect, Math.min(8000, 400 * 2 ** attempt++) * (0.5 + Math.random())); }
    connection();
  });
  const reconnect = () => {
    if (final || !reopen) return;
    clearTimeout(timer);
    const old = socket;
    seq = null; delay = null;
    reopen();
    old.close();
  };
  const ping = () => { if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ ping: performance.now() })); };
  const resync = () => { tick(); if (lost || performance.now() - lastHeard > 1500) { lose(); reconnect(); } };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) resync(); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) { lose(); reconnect(); } });
  window.addEventListener("online", () => { lose(); reconnect(); });
  window.addEventListener("offline", () => { lose(); connection(); });
  $("retry-now")?.addEventListener("click", () => { if (final) location.reload(); else reconnect(); });
  $("pause")?.addEventListener("click", (event) => {
    paused = !paused;
    event.currentTarget.setAttribute("aria-pressed", String(paused));
    if (!paused) every();
  });

  // ---- time: leases that run out, ages, arrows, the watchdog -------------------------------------------------------------
  const connection = () => {
    const silent = performance.now() - lastHeard, pill = $("connection"), banner = $("banner");
    const words = final || (silentBecause && `${silentBecause[0].toUpperCase()}${silentBecause.slice(1)}. Everything is suspended.`)
      || (lost || silent > BANNER ? `No word from the desk for ${Math.floor(silent / 1000)} s. Prices are suspended until it is back.` : "");
    const show = Boolean(final || silentBecause || silent > BANNER);
    if (pill) {
      pill.className = `pill ${final ? "bad" : lost || seq === null || show ? "warn" : "ok"}`;
      write(pill, final ? "CLOSED" : lost || show ? "RECONNECTING" : seq === null ? "connecting" : `LIVE${delay === null ? "" : ` ${Math.round(delay)} ms`}`);
    }
    write($("frame-number"), seq === null ? "" : `frame #${seq}`);
    document.body.classList.toggle("stale", lost || show);
    if (!banner || banner.hidden === !show) { if (show) write($("banner-words"), words); return; }
    banner.hidden = !show;
    write($("banner-words"), words);
    write($("alarm"), show ? words : "The desk is back.");
  };
  const tick = () => {
    const [date, perf] = lastTick, at = performance.now();
    lastTick = [Date.now(), at];
    if (Math.abs(Date.now() - date - (at - perf)) > 1000) { lose(); reconnect(); }  // slept, or a clock jumped
    for (const element of root.querySelectorAll(SHOWN_OPEN)) expire(element, at);
    if (cut() !== wasCut) { wasCut = cut(); every(); }
    if (at > firstUntil) for (const element of root.querySelectorAll("[id^='f-'], [id^='m-']")) untold[element.id[0]](element);
    for (const [id, t] of tints) { const old = at - t.at; if (old > ARROW) tints.delete(id); if (old > ARROW || old > TINT && !t.late) { t.late = true; dirty.add("p-" + id); } }
    if (at > retryAt) { retryAt = at + DEAD; lose(); reconnect(); }
    draw();
  };
  // Whatever is painted open must hold now; what came with the page and was never told of since holds no longer than the page does.
  const expire = (element, at) => {
    const id = element.id.slice(2), c = prices[id];
    if (c) { if (!holds(id, c, element)) dirty.add("p-" + id); return; }
    if (at > firstUntil) { put(element, "s", "suspended"); write(element.querySelector("i"), MARKS.suspended); element.title = "not confirmed by the desk"; }
  };
  // A head or a market that came with the page and was never told of since holds no longer than its prices do.
  const untold = {
    f(element) {
      if (fixtures[element.id.slice(2)]) return;
      const state = cell(element, "state"), open = cell(element, "open"), suspended = cell(element, "suspended");
      for (const one of [element, state]) if (one) put(one, "state", "stale");
      write(state, "STALE");
      write(suspended, String(Number(open.textContent) + Number(suspended.textContent)));
      write(open, "0");
      write(cell(element, "reason"), NO_WORD);
      write(element.querySelector("[data-points=words]"), NO_WORD);
    },
    m(element) { if (!markets[element.id.slice(2)]) card(element, false); },
  };
  const seconds = () => {
    ping();
    for (const element of document.querySelectorAll("[data-cell=age][data-source]")) {
      const feed = feeds[element.dataset.source], at = now();
      if (!feed) continue;
      write(element, feed.heardAt === null ? "never" : `${Math.max(0, (at - feed.heardAt) / 1000).toFixed(1)} s`);
      element.classList.toggle("bad", feed.ends === null || at >= feed.ends);
    }
    for (const id in prices) {
      const o = prices[id].override, element = o && $("p-" + id);
      if (!element) continue;
      const left = Math.max(0, Math.ceil((o.endsAt - now()) / 1000));
      put(element, "left", `${String(Math.floor(left / 60)).padStart(2, "0")}:${String(left % 60).padStart(2, "0")}`);
      put(element, "late", left < 60 ? "1" : null);
    }
    connection();
  };
  setInterval(tick, 100);
  setInterval(seconds, 1000);
})();
