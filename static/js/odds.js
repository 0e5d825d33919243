// Odds as the person reads them: fraction or American beside the decimal text, which stays what it is for scripts, panel and desk.
(() => {
  "use strict";
  // Denominators that a bookmaker writes, the plain ones first; a price of two decimals is met exactly by 100 at the latest.
  const PLAIN = [1, 2, 4, 5, 8, 10, 20], USUAL = [3, 6, 7, 9], SHORT = [...USUAL, 11, 13, 15], FINE = [25, 40, 50, 100, 1000, 10000];
  const EXACT = 1e-9;
  const fraction = (text) => {
    const profit = Number(text) - 1, near = 0.5 * 10 ** -text.split(".")[1].length;
    const fits = (within) => (q) => Math.round(profit * q) > 0 && Math.abs(Math.round(profit * q) / q - profit) < within;
    const q = PLAIN.find(fits(EXACT)) || (profit < 1 ? SHORT : USUAL).find(fits(near - EXACT)) || FINE.find(fits(EXACT));
    return q ? `${Math.round(profit * q)}/${q}` : text;
  };
  const american = (text) => {
    const profit = Number(text) - 1;
    return profit >= 1 ? `+${Math.round(profit * 100)}` : `−${Math.round(100 / profit)}`;
  };
  const say = { fraction, american }[document.body.dataset.odds];
  if (!say) return;

  const PRICES = ".px > span, [data-feed-of], .odds";
  const paint = (element) => {
    const text = element.textContent.trim();
    if (/^\d+\.\d+$/.test(text) && Number(text) > 1) element.dataset.shown = say(text); else delete element.dataset.shown;
  };
  const within = (node) => {
    if (!(node instanceof Element)) return;
    if (node.matches(PRICES)) paint(node); else node.querySelectorAll(PRICES).forEach(paint);
  };
  new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes) {
      if (target instanceof Element && target.matches(PRICES)) paint(target); else addedNodes.forEach(within);
    }
  }).observe(document.body, { childList: true, subtree: true });
  within(document.body);
})();
