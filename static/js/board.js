// Rows, tabs, filter and keys of the board and of a fixture's page.
(() => {
  "use strict";
  const { $, $$ } = desk;
  const table = $("#board-table"), cards = $("#markets");
  const filter = $("#filter");
  const ATTENTION = ["stale", "held", "gone", "trouble"];
  // States of a match that is played; what the desk or the feeds make of it comes after them.
  const PLAYED = ["live", "point", "between", "alert", "break", "trouble"];
  const STATE_ORDER = [...PLAYED, "suspended", "held", "stale", "warm", "wait", "soon", "postponed", "gone", "finished"];
  const ids = (text) => new Set((text || "").split(",").filter(Boolean));
  const watched = ids(table && table.dataset.watched), mine = ids(table && table.dataset.mine);
  let tab = "live", part = "all";

  const rows = () => (table ? $$("#board-rows > tr") : cards ? $$("#markets > .market") : []);
  const shownRows = () => rows().filter((row) => !row.hidden);

  // ---- what is shown -------------------------------------------------------------------------------------------
  const inTab = {
    live: (row) => !["soon", "finished", "postponed"].includes(state(row)) && (PLAYED.includes(state(row)) || started(row)),
    soon: (row) => state(row) === "soon" || !inTab.live(row),
    mine: (row) => mine.has(row.dataset.fixture) || watched.has(row.dataset.fixture) || $("[data-cell=overrides]", row).textContent.trim() !== "",
    attention: (row) => ATTENTION.includes(state(row)) || (state(row) === "suspended" && started(row)) || (state(row) === "live" && number(row, "open") === 0),
  };
  const state = (row) => $("[data-cell=state]", row).dataset.state || row.dataset.state;
  const started = (row) => Number(row.dataset.start || 0) <= desk.now();
  const number = (row, cell) => Number($(`[data-cell=${cell}]`, row).textContent) || 0;

  // Markets that are over are kept apart, so that the open ones stay at hand.
  const going = (test) => (card) => !card.dataset.over && test(card);
  const inPart = {
    all: going(() => true),
    main: going((card) => card.dataset.part === "main"),
    sets: going((card) => card.dataset.part === "sets"),
    games: going((card) => card.dataset.part === "games"),
    points: going((card) => card.dataset.part === "points"),
    overridden: (card) => $$("[data-price]", card).some((p) => p.dataset.override || p.dataset.s === "override"),
    over: (card) => Boolean(card.dataset.over),
  };

  const show = () => {
    if (!table && !cards) return;
    const words = filter.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const tests = table ? inTab : inPart;
    const chosen = tests[table ? tab : part];
    const counts = {};
    for (const row of rows()) {
      for (const name in tests) counts[name] = (counts[name] || 0) + (tests[name](row) ? 1 : 0);
      // A row that holds the focus stays where it is until the person has left it.
      const wanted = chosen(row) && words.every((w) => row.dataset.words.includes(w));
      const hide = !wanted && !row.contains(document.activeElement);
      if (row.hidden !== hide) row.hidden = hide;
    }
    for (const chip of $$("[data-tab], [data-part]")) {
      if (!chip.matches("button")) continue;
      const count = String(counts[chip.dataset.tab || chip.dataset.part] || 0);
      if ($("[data-count]", chip).textContent !== count) $("[data-count]", chip).textContent = count;
    }
    $("#no-rows").hidden = shownRows().length > 0;
    count();
  };

  const choose = (chip) => {
    if (chip.dataset.tab) tab = chip.dataset.tab; else part = chip.dataset.part;
    for (const other of $$("button[data-tab], button[data-part]")) other.setAttribute("aria-pressed", String(other === chip));
    show();
  };
  for (const chip of $$("button[data-tab], button[data-part]")) chip.addEventListener("click", () => choose(chip));
  if (filter && (table || cards)) filter.addEventListener("input", show);

  // ---- sort: only when asked, never under the pointer ------------------------------------------------------------
  const sortKey = {
    state: (row) => STATE_ORDER.indexOf(state(row)),
    name: (row) => row.dataset.words,
    suspended: (row) => -number(row, "suspended"),
    overrides: (row) => -number(row, "overrides"),
  };
  const sortBy = (button, down) => {
    const th = button.closest("th");
    for (const other of $$("th[aria-sort]")) other.removeAttribute("aria-sort");
    th.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = sortKey[button.dataset.sort];
    const sorted = rows().map((row, at) => ({ row, key: key(row), at })).sort((a, b) => ((a.key < b.key ? -1 : a.key > b.key ? 1 : a.at - b.at) * (down ? -1 : 1)));
    $("#board-rows").append(...sorted.map((s) => s.row));
  };
  for (const button of $$(".sort")) button.addEventListener("click", () => sortBy(button, button.closest("th").getAttribute("aria-sort") === "ascending"));

  // ---- views: a tab, a filter and a sorting under a name -------------------------------------------------------------
  const views = $("#views");
  if (views) {
    $("#views-open").addEventListener("click", () => views.showModal());
    $("#keep-view").addEventListener("htmx:configRequest", ({ detail }) => {
      const sorted = $("th[aria-sort]");
      Object.assign(detail.parameters, { tab, words: filter.value.trim(), sort: sorted ? $(".sort", sorted).dataset.sort : "" });
      if (sorted?.getAttribute("aria-sort") === "descending") detail.parameters.down = "1";
    });
    $("#keep-view").addEventListener("htmx:afterRequest", ({ detail }) => { if (detail.successful) $("#keep-view").reset(); });
    views.addEventListener("click", ({ target }) => {
      const view = target.closest("[data-view]");
      if (!view) return;
      filter.value = view.dataset.words;
      choose($(`button[data-tab="${view.dataset.view}"]`));
      if (view.dataset.sort) sortBy($(`.sort[data-sort="${view.dataset.sort}"]`), Boolean(view.dataset.down));
      views.close();
    });
  }

  // ---- stars and ticks ---------------------------------------------------------------------------------------------
  const paintStars = () => {
    for (const star of $$("[data-star]")) {
      const on = watched.has(star.dataset.star);
      if (star.getAttribute("aria-pressed") === String(on)) continue;
      star.setAttribute("aria-pressed", String(on));
      star.textContent = on ? "★" : "☆";
    }
  };
  document.addEventListener("click", (event) => {
    const star = event.target.closest("[data-star]");
    if (!star) return;
    const id = star.dataset.star;
    const turn = () => { if (watched.has(id)) watched.delete(id); else watched.add(id); };
    turn();
    desk.ask("POST", "/watch", { source: star, target: star, swap: "outerHTML", values: { fixture: id } })
      .then((answered) => { if (!answered) { turn(); paintStars(); } });
  });
  const ticked = () => (table ? $$("#board-rows input[name=target]:checked") : []);
  const count = () => {
    const label = $("#selected");
    if (label) label.textContent = ticked().length ? `${ticked().length} selected` : "";
  };
  if (table) table.addEventListener("change", (event) => {
    if (event.target.id === "select-all") for (const row of shownRows()) $("input[name=target]", row).checked = event.target.checked;
    count();
  });

  // ---- suspend and resume --------------------------------------------------------------------------------------------
  // The ticked rows; else what the keys stand on: the row on the board, the price on a fixture's page.
  const act = (does) => {
    if (!desk.trades) return;
    const chosen = ticked();
    if (chosen.length) { does("fixture", chosen.map((c) => c.value), chosen.map((c) => c.closest("tr"))); return; }
    const here = document.activeElement;
    const row = table && here.closest("tr[data-fixture]");
    if (row) { does("fixture", [row.dataset.fixture], [row]); return; }
    if (here.matches("[data-price]")) { does("selection", [here.id.slice(2)], [here]); return; }
    desk.say("Choose a row or a price first.", "warn");
  };
  const wholeFixture = (does) => {
    if (!desk.trades) return;
    const row = document.activeElement.closest("tr[data-fixture]") || $(".fixture-head");
    if (row) does("fixture", [row.dataset.fixture], [row]);
  };
  if ($("#suspend-rows")) {
    $("#suspend-rows").addEventListener("mousedown", (event) => event.preventDefault());
    $("#resume-rows").addEventListener("mousedown", (event) => event.preventDefault());
    $("#suspend-rows").addEventListener("click", () => act(desk.hold));
    $("#resume-rows").addEventListener("click", () => act(desk.release));
  }

  // ---- keys ------------------------------------------------------------------------------------------------------------
  const lines = () => (table ? shownRows() : $$("#markets > .market:not([hidden]) tr[data-selection]"));
  const stops = (line) => $$("[data-price], .fz-3 a", line);
  const move = (by) => {
    const all = lines();
    if (!all.length) return;
    const current = document.activeElement.closest("tr");
    const at = all.indexOf(current);
    const column = at < 0 ? -1 : stops(current).indexOf(document.activeElement);
    const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by))];
    const targets = stops(next);
    (targets[column] || $("[data-price]", next) || targets[0])?.focus();
  };
  const sideways = (by) => {
    const current = document.activeElement.closest("tr");
    if (cards) { besides(by); return; }
    if (!current) { move(1); return; }
    const targets = stops(current);
    targets[Math.max(0, Math.min(targets.length - 1, targets.indexOf(document.activeElement) + by))]?.focus();
  };
  const besides = (by) => {
    const all = shownRows(), at = all.indexOf(document.activeElement.closest(".market"));
    const next = all[Math.max(0, Math.min(all.length - 1, at + by))];
    if (next) $("[data-price]", next)?.focus();
  };
  const openFixture = () => { const link = document.activeElement.closest("tr")?.querySelector(".fz-3 a"); if (link) location.href = link.href; };
  // A fixture in a window of its own; asked for again, the same window comes to the front.
  const popOut = () => {
    const href = $("#pop-out")?.dataset.pop || document.activeElement.closest("tr")?.querySelector(".fz-3 a")?.href;
    if (href) window.open(`${href}?pop=1`, `desk-${href.split("/").pop()}`, "popup,width=820,height=940")?.focus();
  };
  $("#pop-out")?.addEventListener("click", popOut);
  const tickRow = () => { const box = document.activeElement.closest("tr")?.querySelector("input[name=target]"); if (box) { box.checked = !box.checked; count(); } };
  // The price under the keys, else the only one that waits for it.
  const stillHolds = () => {
    if (!desk.trades) return;
    const here = document.activeElement, old = $$("[data-price][data-old]");
    const cell = here.matches("[data-price][data-old]") ? here : old.length === 1 ? old[0] : null;
    if (cell) desk.stillHolds(cell);
    else desk.say(old.length ? "Choose the price whose override still holds." : "No override waits for a confirmation.", "warn");
  };
  const takeOver = () => ($("#take-over:not([hidden])") || $("#hand-back:not([hidden])"))?.click();
  const explain = () => { if (document.activeElement.matches("[data-price]")) desk.explain(document.activeElement); };

  const does = {
    down: () => move(1), up: () => move(-1), left: () => sideways(-1), right: () => sideways(1),
    filter: () => { filter?.focus(); filter?.select(); }, views: () => views?.showModal(),
    suspend: () => act(desk.hold), resume: () => act(desk.release),
    "suspend-fixture": () => wholeFixture(desk.hold), "resume-fixture": () => wholeFixture(desk.release),
    undo: () => desk.undo(), "pop-out": popOut, open: openFixture, select: tickRow, explain, "still-holds": stillHolds, "take-over": takeOver,
    pause: () => $("#pause")?.click(), help: () => $("#help").showModal(),
  };
  const AGAIN = ["down", "up", "left", "right"];  // what a key that is held down goes on doing
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && event.target === filter) { filter.value = ""; filter.blur(); show(); return; }
    const typing = event.target.matches("input:not([type=checkbox]), select, textarea") || document.querySelector("dialog[open]");
    const action = desk.keys.get(event.shiftKey ? event.key : event.key.toLowerCase());
    if (typing || !action || !desk.keysOn() || (event.repeat && !AGAIN.includes(action))) return;
    event.preventDefault();
    does[action]();
  });

  // The row under the keys is marked; on a fixture's page its graph follows.
  let drawing = 0;
  document.addEventListener("focusin", (event) => {
    for (const row of $$("tr.sel")) row.classList.remove("sel");
    const row = event.target.closest("#board-rows > tr, tr[data-selection]");
    if (row) row.classList.add("sel");
    if (!cards || !event.target.matches("[data-price]")) return;
    clearTimeout(drawing);
    drawing = setTimeout(() => desk.ask("GET", `/selection/${event.target.id.slice(2)}/graph`, { source: "#graph", target: "#graph", swap: "innerHTML" }), 300);
  });

  // New rows come by the socket: stars, sparklines and the filter catch up.
  document.addEventListener("htmx:oobAfterSwap", (event) => {
    if (event.detail.target && event.detail.target.closest && event.detail.target.closest("#board-rows, #markets")) later();
  });
  // A row may have left, or not come yet, while its sparkline was asked for.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id !== "extras") return;
    const parts = document.createElement("template");
    parts.innerHTML = event.detail.serverResponse;
    for (const part of [...parts.content.children]) if (!document.getElementById(part.id)) part.remove();
    event.detail.serverResponse = parts.innerHTML;
  });
  let waiting = 0;
  const later = () => { clearTimeout(waiting); waiting = setTimeout(() => { paintStars(); show(); const extras = $("#extras"); if (extras) htmx.trigger(extras, "desk:rows"); }, 200); };
  paintStars();
  show();
  setInterval(show, 1000);
})();
