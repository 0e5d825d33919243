// The override panel: opens at once on a price with the value selected; what it would do comes from the server while one types.
(() => {
  "use strict";
  const { $, $$ } = desk;
  const panel = $("#panel"), form = $("#override");
  const PREVIEW_MS = 120;
  // Steps of a price by where it stands: [below, step].
  const LADDER = [[2, 0.01], [3, 0.02], [4, 0.05], [6, 0.1], [10, 0.2], [20, 0.5], [30, 1], [50, 2], [100, 5], [Infinity, 10]];

  // Explain a price: for everyone, also where nothing may be changed.
  desk.explain = (cell) => desk.ask("GET", `/selection/${cell.id.slice(2)}/explain`, { source: "#explain-body", target: "#explain-body", swap: "innerHTML" });

  if (!form) {
    document.addEventListener("click", (event) => {
      const cell = event.target.closest("[data-price]");
      if (cell) desk.explain(cell);
    });
    return;
  }

  const field = (name) => $(`#override-${name}`);
  const value = field("value"), seconds = field("seconds"), kind = field("kind"), fields = field("fields");
  const floating = panel.classList.contains("floating");
  let opener = null, timer = 0, asking = null;

  const open = (cell) => {
    if (cell.dataset.s === "stale" || cell.closest(".stale")) { desk.say("This price is stale: wait for the feed or the connection.", "warn"); return; }
    opener = cell;
    panel.hidden = false;
    fields.disabled = false;
    field("name").textContent = cell.dataset.name;
    field("selection").value = cell.id.slice(2);
    field("version").value = cell.dataset.version || "";
    field("key").value = desk.key();
    field("said").textContent = "";
    $("#override-preview").textContent = "";
    $("input[name=through_points]", form).checked = false;
    kind.value = "price";
    value.value = shown(cell);
    doubt();
    value.focus();
    value.select();
    preview(0);
  };

  const leave = () => {
    clearTimeout(timer);
    if (asking) asking.abort();
    if (floating) panel.hidden = true;
    fields.disabled = true;
    field("name").textContent = floating ? "" : "Choose a price and press Enter.";
    $("#override-preview").textContent = "";
    if (opener) document.getElementById(opener.id)?.focus();  // its row may have come anew meanwhile
    opener = null;
  };
  desk.openPanel = open;

  const shown = (cell) => { const text = $("span", cell).textContent.trim(); return /^\d/.test(text) ? text : cell.dataset.feed || ""; };
  // Any change takes a confirmation back.
  const doubt = () => { field("confirmed").value = ""; $("[data-needs-reason]", form)?.removeAttribute("data-needs-reason"); };

  const preview = (wait = PREVIEW_MS) => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      if (asking) asking.abort();
      const mine = (asking = new AbortController());
      const query = new URLSearchParams({ selection: field("selection").value, kind: kind.value, value: value.value.trim(), seconds: seconds.value.trim(), reason: field("reason").value });
      try {
        const answer = await fetch(`${form.dataset.preview}?${query}`, { headers: { "HX-Request": "true" }, signal: mine.signal });
        if (answer.ok && asking === mine && opener) $("#override-preview").innerHTML = await answer.text();
      } catch { /* replaced by a newer question, or offline: the command itself will say so */ }
    }, wait);
  };

  const tick = (steps) => {
    let price = Number(value.value);
    if (!Number.isFinite(price)) return;
    for (let n = Math.abs(steps); n > 0; n--) price += Math.sign(steps) * step(price, Math.sign(steps));
    value.value = kind.value === "price" ? Math.max(1.01, price).toFixed(2) : price.toFixed(2);
    doubt();
    preview();
  };
  const step = (price, direction) => kind.value === "price" ? LADDER.find(([below]) => (direction > 0 ? price + 1e-9 < below : price - 1e-9 <= below))[1] : 0.01;

  document.addEventListener("click", (event) => {
    const cell = event.target.closest("[data-price]");
    if (cell) open(cell);
  });
  value.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault();
    tick((event.key === "ArrowUp" ? 1 : -1) * (event.shiftKey ? 5 : 1));
  });
  panel.addEventListener("keydown", (event) => { if (event.key === "Escape" && opener) { event.preventDefault(); event.stopPropagation(); leave(); } });
  // Enter applies from wherever one is in the form, but on a button, which does what it says.
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("select, input[type=checkbox]") || field("apply").disabled) return;
    event.preventDefault();
    form.requestSubmit();
  });
  // Beyond the soft limit a reason is asked for before the server has to.
  form.addEventListener("submit", (event) => {
    if (!$("[data-needs-reason]", $("#override-preview")) || field("reason").value.trim()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    field("reason").focus();
  }, true);
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target === field("said") && $("[data-field=reason]", field("said"))) field("reason").focus();
  });
  field("leave").addEventListener("click", leave);
  for (const button of $$("[data-tick]", form)) button.addEventListener("click", () => tick(Number(button.dataset.tick)));
  for (const chip of $$("[data-seconds]", form)) chip.addEventListener("click", () => { seconds.value = chip.dataset.seconds; changed(); seconds.focus(); });
  const changed = () => {
    doubt();
    for (const chip of $$("[data-seconds]", form)) chip.setAttribute("aria-pressed", String(chip.dataset.seconds === seconds.value.trim()));
    preview();
  };
  for (const input of [value, seconds, kind, field("reason")]) input.addEventListener("input", changed);

  form.addEventListener("desk:done", () => {
    const said = $("[data-said]", field("said"));
    if (said) desk.tell(said);
    field("said").textContent = "";
    leave();
  });
})();
