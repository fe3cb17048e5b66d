"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("script");

  const theme = document.getElementById("theme");
  const themes = ["", "light", "dark"];
  const said = { "": "as the system", light: "light", dark: "dark" };
  let place = 0;
  theme.addEventListener("click", () => {
    place = (place + 1) % themes.length;
    root.dataset.theme = themes[place];
    theme.setAttribute("aria-label", "Colours: " + said[themes[place]]);
    theme.title = "Colours: " + said[themes[place]];
  });

  const form = document.getElementById("filters");
  if (form) {
    const cards = [...document.querySelectorAll("#shown .card")];
    const selects = [...form.querySelectorAll("select[data-filter]")];
    const order = document.getElementById("order");
    const asMade = [...cards];
    // What a check scored lowest is what it nearly refused, or did; what it did not score comes last.
    const score = (card) => parseFloat(card.getAttribute(order.value) ?? "Infinity");
    const sort = () => {
      const sorted = order && order.value ? [...asMade].sort((a, b) => score(a) - score(b)) : asMade;
      cards.splice(0, cards.length, ...sorted);
      document.getElementById("shown").append(...cards);
    };
    const page = 48;
    let most = page;
    const more = document.getElementById("more");
    const apply = () => {
      const fits = cards.filter((card) =>
        selects.every((s) => !s.value || card.dataset[s.dataset.filter] === s.value));
      const shown = new Set(fits.slice(0, most));
      for (const card of cards) card.hidden = !shown.has(card);
      document.getElementById("count").textContent = fits.length + " fit, " + shown.size + " shown";
      document.getElementById("none").hidden = fits.length > 0;
      more.hidden = shown.size === fits.length;
    };
    const restart = () => { most = page; sort(); apply(); };
    more.addEventListener("click", () => {
      const next = most;
      most += page;
      apply();
      // The button moves away from under the keyboard: go on where the new cards begin.
      const first = cards.filter((card) => !card.hidden)[next];
      if (first) { first.tabIndex = -1; first.focus({ preventScroll: true }); }
    });
    restart();
    form.addEventListener("change", restart);
    form.addEventListener("reset", () => setTimeout(restart));
  }

  // Paper has no clicks: what is folded away is printed too.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    opened.forEach((part) => (part.open = true));
  });
  addEventListener("afterprint", () => opened.forEach((part) => (part.open = false)));
})();
