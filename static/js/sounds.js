// Sounds for those who want them: a short tone per class of event, and its word in the head of the page at the same moment.
(() => {
  "use strict";
  const { $ } = desk;
  const wanted = new Set((document.body.dataset.sounds || "").split(",").filter(Boolean));
  const SHOWN_MS = 2500, APART_MS = 250;
  // Frequencies in Hz, one after the other: down when something closes, up when it opens.
  const TONES = { point: [660, 440], open: [440, 660], alert: [880, 880], trouble: [220, 196, 220] };
  const WORDS = { point: ["POINT", "bad"], open: ["OPEN", "ok"], alert: ["ALERT", "warn"], trouble: ["TROUBLE", "bad"] };
  const STEP = 0.13, LOUD = 0.12;
  let audio = null, last = 0, hiding = 0;

  const play = (cue) => {
    // Nothing is asked of the browser before a person has touched the page: it would refuse, and say so.
    if (!navigator.userActivation?.hasBeenActive) return;
    audio = audio || new AudioContext();
    audio.resume();
    TONES[cue].forEach((hertz, at) => {
      const tone = audio.createOscillator(), loud = audio.createGain(), from = audio.currentTime + at * STEP;
      tone.frequency.value = hertz;
      loud.gain.setValueAtTime(LOUD, from);
      loud.gain.exponentialRampToValueAtTime(0.001, from + STEP);
      tone.connect(loud).connect(audio.destination);
      tone.start(from);
      tone.stop(from + STEP);
    });
  };
  const show = (cue) => {
    const chip = $("#cue");
    if (!chip) return;
    const [words, tone] = WORDS[cue];
    chip.textContent = `♪ ${words}`;
    chip.className = `pill ${tone}`;
    chip.dataset.cue = cue;
    chip.hidden = false;
    clearTimeout(hiding);
    hiding = setTimeout(() => { chip.hidden = true; }, SHOWN_MS);
  };
  const tell = (cue) => {
    if (!wanted.has(cue) || performance.now() - last < APART_MS) return;
    last = performance.now();
    show(cue);
    play(cue);
  };

  // What happened, from one state of a fixture to the next; the first one that is heard of tells nothing.
  const TROUBLE = ["trouble", "stale", "held", "gone"], ALERT = ["alert", "break"];
  const cueOf = (before, now) => {
    if (TROUBLE.includes(now.state) && !TROUBLE.includes(before.state)) return "trouble";
    if (ALERT.includes(now.state) && before.state !== now.state || now.alert && now.alert !== before.alert) return "alert";
    if (now.state === "point" && before.state !== "point") return "point";
    return now.open && !before.open ? "open" : "";
  };
  const known = new Map();
  const followed = (id, element) => document.body.dataset.fixture === id || element.querySelector("[data-star][aria-pressed=true]");
  if (wanted.size) document.addEventListener("live:fixture", ({ detail: { id, cell, element } }) => {
    const before = known.get(id), now = { state: cell.state, open: cell.open > 0, alert: cell.points?.alert || "" };
    known.set(id, now);
    const cue = before && followed(id, element) ? cueOf(before, now) : "";
    if (cue) tell(cue);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-cue]");
    if (button && button.matches("button")) { show(button.dataset.cue); play(button.dataset.cue); }
  });
})();
