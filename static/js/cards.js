// Market cards of many heights without a hole between them: each is told over how many of the grid's rows it reaches.
(() => {
  "use strict";
  const home = document.getElementById("markets");
  if (!home) return;
  const ROW = 4, GAP = 8;
  const seen = new ResizeObserver((changes) => {
    for (const { target } of changes) {
      const height = target.offsetHeight;
      if (height) target.style.gridRowEnd = `span ${Math.ceil((height + GAP) / ROW)}`;
    }
  });
  const look = () => { for (const card of home.children) seen.observe(card); };
  new MutationObserver(look).observe(home, { childList: true });
  look();
})();
