// A bound match of a point feed on its fixture's page: score, state and clocks from the frames, lines of the timeline as they are told.
(() => {
  "use strict";
  const { $, $$ } = desk;
  const head = $("#points-head");
  if (!head) return;
  const fixture = document.body.dataset.fixture;
  const LINES = 80, HEAL_MS = 600, AGAIN_MS = 1000;
  let cell = null, healing = 0, asking = false;

  const write = (element, text) => { if (element && element.textContent !== text) element.textContent = text; };
  const part = (name, root = head) => root.querySelector(`[data-points=${name}]`);

  // ---- what the frames say -----------------------------------------------------------------------------------------
  document.addEventListener("live:fixture", (event) => {
    if (event.detail.id !== fixture) return;
    cell = event.detail.cell.points;
    const score = $(".fixture-head [data-cell=score]");
    if (score) score.hidden = Boolean(cell);
    paint();
    follow();
    heal();
  });
  const paint = () => {
    if (!cell || Number($(".match", head)?.dataset.match) !== cell.match) return;
    for (const side of ["home", "away"]) paintSide($(`tr[data-side=${side}]`, head), cell[side]);
    write(part("words"), cell.words);
    write(part("clears"), cell.clears);
    part("clearing").hidden = !cell.clears;
    part("tie-break").hidden = !cell.tieBreak;
    write(part("points-played"), String(cell.points));
    write(part("mean"), cell.mean);
    write(part("match-time"), cell.matchTime);
    write(part("heard"), cell.heard);
    const takeover = part("takeover"), manual = Boolean(cell.manual);
    takeover.dataset.state = manual ? "held" : "open";
    takeover.title = cell.manual || "re-opens by itself";
    write(takeover, manual ? "MANUAL" : "AUTO");
    if ($("#take-over")) { $("#take-over").hidden = manual; $("#hand-back").hidden = !manual; }
    tick();
  };
  const paintSide = (row, side) => {
    const ball = part("serves", row);
    if (Boolean(ball.textContent) !== side.serves) ball.innerHTML = side.serves ? '●<span class="sr"> serves</span>' : "";
    write(part("sets", row), String(side.sets));
    $$("[data-points=games]", row).forEach((column, at) => write(column, side.games[at] || ""));
    write($("b", part("points", row)), side.points);
  };

  // ---- the timeline: lines that are new go on top, the oldest fall off; its strip changes without a line when a price comes --
  const list = () => $("#timeline");
  const follow = async () => {
    const lines = list();
    if (!cell || !lines || asking || Number(lines.dataset.match) !== cell.match) return;
    if (Number(lines.dataset.told) >= cell.told && lines.dataset.waits === String(Number(cell.waits))) return;
    asking = true;
    const told = cell.told, waits = cell.waits, after = $("[data-line]", lines)?.dataset.line || 0;
    let came = false;
    const answered = (event) => { if (event.detail.target === lines) came = event.detail.successful; };
    document.addEventListener("htmx:afterRequest", answered);
    await desk.ask("GET", `/fixture/${fixture}/timeline?match=${cell.match}&after=${after}`, { source: lines, target: lines, swap: "afterbegin" });
    document.removeEventListener("htmx:afterRequest", answered);
    asking = false;
    if (!came) { setTimeout(follow, AGAIN_MS); return; }
    lines.dataset.told = told;
    lines.dataset.waits = Number(waits);
    $$("[data-line]", lines).slice(LINES).forEach((line) => line.remove());
    follow();
  };

  // ---- structure that was missed, and another binding: the whole part anew -------------------------------------------
  const differs = () => {
    const here = $(".match", head)?.dataset.match;
    if (!cell) return here !== undefined;
    return Number(here) !== cell.match || ["#points-alerts", "#points-card"].some((id) => $(id)?.dataset.version !== cell.version);
  };
  const heal = () => {
    if (healing || !differs()) return;
    healing = setTimeout(async () => {
      if (differs()) await desk.ask("GET", `/fixture/${fixture}/points`, { source: "#points", target: "#points", swap: "innerHTML" });
      healing = 0;
      paint();
      follow();
      if (differs()) setTimeout(heal, AGAIN_MS);
    }, HEAL_MS);
  };

  // ---- clocks and the strip, by the server's time ----------------------------------------------------------------------
  const span = (ms) => {
    const s = Math.max(0, ms) / 1000, two = (n) => String(Math.floor(n)).padStart(2, "0");
    return s < 60 ? `${s.toFixed(1)} s` : s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)} min` : `${Math.floor(s / 3600)}:${two(s / 60 % 60)} h`;
  };
  const tick = () => write(part("elapsed"), cell && cell.since !== null && !live.lost() ? span(desk.now() - cell.since) : "");
  const move = () => {
    const strip = $("#points-strip");
    if (!strip || live.lost()) return;
    const now = desk.now(), length = Number(strip.dataset.span), width = strip.viewBox.baseVal.width;
    const across = (at) => Math.max(0, Math.min(1, 1 - (now - at) / length)) * width;
    for (const band of $$("[data-from]", strip)) {
      const from = across(Number(band.dataset.from)), to = band.dataset.to ? across(Number(band.dataset.to)) : width;
      band.setAttribute("x", from.toFixed(1));
      band.setAttribute("width", Math.max(to > from ? 1 : 0, to - from).toFixed(1));
    }
  };
  setInterval(tick, 100);
  setInterval(move, 1000);
})();
