"use strict";
(() => {
  const root = document.documentElement;
  const preferred = window.matchMedia("(prefers-color-scheme: dark)");
  const button = document.querySelector(".theme");
  let chosen = null;
  const show = (theme) => {
    root.dataset.theme = theme;
    button.setAttribute("aria-pressed", String(theme === "dark"));
  };
  const follow = () => { if (!chosen) show(preferred.matches ? "dark" : "light"); };
  follow();
  preferred.addEventListener("change", follow);
  button.addEventListener("click", () => show(chosen = root.dataset.theme === "dark" ? "light" : "dark"));
  // Paper is light.
  window.addEventListener("beforeprint", () => { root.dataset.theme = "light"; document.querySelectorAll("details").forEach((part) => { part.open = true; }); });
  window.addEventListener("afterprint", () => { if (chosen) show(chosen); else follow(); });

  const contents = document.querySelector("nav details");
  const wide = window.matchMedia("(min-width: 68rem)");
  const unfold = () => { contents.open = wide.matches; };
  unfold();
  wide.addEventListener("change", unfold);

  document.querySelectorAll("table[data-sortable]").forEach((table) => {
    const heads = [...table.tHead.rows[0].cells];
    const body = table.tBodies[0];
    heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
      const numeric = head.classList.contains("number");
      const first = numeric && column > 0 ? "descending" : "ascending";
      const other = first === "ascending" ? "descending" : "ascending";
      const order = head.getAttribute("aria-sort") === first ? other : first;
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      const key = (row) => row.cells[column].dataset.order ?? row.cells[column].textContent.trim();
      const compare = (a, b) => {
        if (!numeric) return sign * a.localeCompare(b, document.documentElement.lang);
        const [x, y] = [parseFloat(a), parseFloat(b)];
        // What is undefined stays at the end in both orders.
        return Number.isNaN(x) ? (Number.isNaN(y) ? 0 : 1) : Number.isNaN(y) ? -1 : sign * (x - y);
      };
      body.append(...[...body.rows].sort((a, b) => compare(key(a), key(b))));
    }));
  });

  document.querySelectorAll(".gallery").forEach((gallery) => {
    const cards = [...gallery.querySelectorAll(".card")];
    const buttons = [...gallery.querySelectorAll("button[data-outcome]")];
    const select = gallery.querySelector("select");
    const output = gallery.querySelector("output");
    const more = gallery.querySelector(".more");
    let outcome = "all";
    // A page that opens on fifty images hides what comes below them.
    let limit = 20;
    const ofClass = (card) => select.selectedIndex === 0 || card.dataset.truth === select.value;
    const ofOutcome = (card, wanted) => wanted === "all" || card.dataset.outcome === wanted;
    const update = () => {
      const wanted = cards.filter((card) => ofClass(card) && ofOutcome(card, outcome));
      cards.forEach((card) => { card.hidden = !wanted.slice(0, limit).includes(card); });
      more.hidden = wanted.length <= limit;
      buttons.forEach((each) => {
        each.setAttribute("aria-pressed", String(each.dataset.outcome === outcome));
        each.querySelector("b").textContent = cards.filter((card) => ofClass(card) && ofOutcome(card, each.dataset.outcome)).length;
      });
      const shown = cards.filter((card) => !card.hidden).length;
      output.textContent = output.dataset.pattern.replace("{shown}", shown).replace("{all}", cards.length);
    };
    buttons.forEach((each) => each.addEventListener("click", () => { outcome = each.dataset.outcome; update(); }));
    select.addEventListener("change", update);
    more.addEventListener("click", () => { limit = Infinity; update(); });
    update();
  });
})();
