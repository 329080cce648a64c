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

  // Masks lie on a copy of the photo, which the page holds once; a pointer reads the classes out of their colours.
  const masks = (gallery) => {
    const items = [...gallery.querySelectorAll(".legend li[data-colour]")];
    const names = new Map(items.map((item) => [item.dataset.colour, item.textContent.trim()]).reverse());
    const ignored = gallery.querySelector(".legend li[data-ignored]")?.textContent.trim() ?? "—";
    const clear = items.find((item) => "clear" in item.dataset);
    if (clear) gallery.style.setProperty("--none", clear.dataset.colour);
    const fade = gallery.querySelector(".fade input");
    const dim = () => {
      gallery.style.setProperty("--fade", fade.value / 100);
      // A mask that hides the photo is shown as it is: its background, too.
      gallery.classList.toggle("plain", fade.value === fade.max);
    };
    if (fade) fade.addEventListener("input", dim);
    const pixels = (image) => {
      const canvas = Object.assign(document.createElement("canvas"), { width: image.naturalWidth, height: image.naturalHeight });
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(image, 0, 0);
      return context;
    };
    const nameAt = (context, x, y) => {
      const { width, height } = context.canvas;
      const place = (share, side) => Math.min(side - 1, Math.max(0, Math.floor(share * side)));
      const [red, green, blue, opaque] = context.getImageData(place(x, width), place(y, height), 1, 1).data;
      if (!opaque) return clear ? names.get(clear.dataset.colour) : ignored;
      return names.get("#" + [red, green, blue].map((part) => part.toString(16).padStart(2, "0")).join("")) ?? ignored;
    };
    gallery.querySelectorAll(".card.masks:has(.frames)").forEach((card) => {
      const frames = card.querySelector(".frames");
      const probe = card.querySelector(".probe");
      const zoom = card.querySelector(".zoom");
      const photo = card.querySelector(".photo");
      card.querySelectorAll(".frame").forEach((frame) => {
        if (!frame.contains(photo)) frame.prepend(Object.assign(photo.cloneNode(), { className: "under", alt: "" }));
        frame.append(Object.assign(document.createElement("i"), { className: "cross" }));
      });
      zoom.addEventListener("click", () => zoom.setAttribute("aria-pressed", String(frames.classList.toggle("large"))));
      let read = null;
      const point = (event) => {
        const frame = event.target.closest(".frame");
        if (!frame) return;
        const box = frame.getBoundingClientRect();
        const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
        read ??= ["truth", "predicted"].map((kind) => pixels(card.querySelector(`.${kind} .layer`)));
        const [truth, predicted] = read.map((context) => nameAt(context, x, y));
        card.classList.add("pointed");
        frames.style.setProperty("--x", `${100 * x}%`);
        frames.style.setProperty("--y", `${100 * y}%`);
        probe.textContent = probe.dataset.pattern.replace("{truth}", () => truth).replace("{predicted}", () => predicted);
      };
      frames.addEventListener("pointermove", point);
      frames.addEventListener("pointerdown", point);
      frames.addEventListener("pointerleave", () => { card.classList.remove("pointed"); probe.textContent = ""; });
    });
  };

  // Boxes scale with their photo, their labels do not: those that find no room are left out, the errors come first.
  const boxes = (gallery) => {
    const canvases = [...gallery.querySelectorAll(".canvas")];
    const switches = [...gallery.querySelectorAll(".switches input")];
    const ranks = ["false", "missed", "right", "ignored", "found", "crowd"];
    const roleOf = (box) => ranks.find((role) => box.classList.contains(role));
    const corner = (value, room) => Math.max(0, Math.min(value, room));
    const label = (canvas) => {
      const area = canvas.getBoundingClientRect();
      if (!area.width) return;
      canvas.querySelectorAll(".tag").forEach((tag) => tag.remove());
      if (!switches.some((each) => each.value === "labels" && each.checked)) return;
      const shown = [...canvas.querySelectorAll("g:not(.off):not(.other)")];
      shown.sort((a, b) => ranks.indexOf(roleOf(a)) - ranks.indexOf(roleOf(b)));
      const places = shown.map((box) => box.lastElementChild.getBoundingClientRect());
      const tags = shown.map((box) => {
        const tag = Object.assign(document.createElement("span"), { className: `tag ${roleOf(box)}`, textContent: box.dataset.label });
        canvas.append(tag);
        return tag;
      });
      // All is measured before anything moves: one layout for a photo.
      const sizes = tags.map((tag) => [tag.offsetWidth, tag.offsetHeight]);
      const taken = [];
      tags.forEach((tag, place) => {
        const [width, height] = sizes[place];
        const [box, left] = [places[place], corner(places[place].left - area.left, area.width - width)];
        const free = [box.top - area.top - height, box.bottom - area.top, box.top - area.top, box.bottom - area.top - height].find((top) =>
          top >= 0 && top + height <= area.height && !taken.some(([x, y, across, down]) =>
            left < x + across && x < left + width && top < y + down && y < top + height));
        if (free === undefined) return tag.remove();
        taken.push([left, free, width, height]);
        tag.style.left = `${left}px`;
        tag.style.top = `${free}px`;
      });
    };
    const update = () => {
      switches.forEach((each) => gallery.querySelectorAll(each.value === "masks" ? ".pixels" : `.canvas g.${each.value}`)
        .forEach((part) => part.classList.toggle("off", !each.checked)));
      canvases.forEach(label);
    };
    const resized = new ResizeObserver((entries) => entries.forEach((entry) => label(entry.target)));
    switches.forEach((each) => each.addEventListener("change", update));
    canvases.forEach((canvas) => {
      const card = canvas.closest(".card");
      const probe = card.querySelector(".probe");
      const zoom = card.querySelector(".zoom");
      zoom.addEventListener("click", () => zoom.setAttribute("aria-pressed", String(card.classList.toggle("large"))));
      const point = (event) => {
        const box = event.target.closest("g");
        canvas.querySelectorAll(".pointed").forEach((each) => each.classList.remove("pointed"));
        card.classList.toggle("pointed", Boolean(box));
        if (box) box.classList.add("pointed");
        const kind = box && switches.find((each) => each.value === roleOf(box)).closest("label").textContent.trim();
        probe.textContent = box ? `${box.dataset.label} · ${kind}` : "";
      };
      ["pointermove", "pointerdown", "pointerleave"].forEach((name) => canvas.addEventListener(name, point));
      resized.observe(canvas);
    });
    update();
    return (name) => {
      canvases.forEach((canvas) => canvas.querySelectorAll("g").forEach((box) => box.classList.toggle("other", name !== null && box.dataset.class !== name)));
      update();
    };
  };

  document.querySelectorAll(".gallery").forEach((gallery) => {
    const cards = [...gallery.querySelectorAll(".card")];
    const list = gallery.querySelector(".cards");
    const buttons = [...gallery.querySelectorAll("button[data-outcome]")];
    const select = gallery.querySelector("select.tags");
    const sorting = gallery.querySelector("select.order");
    const output = gallery.querySelector("output");
    const more = gallery.querySelector(".more");
    const tags = new Map(cards.map((card) => [card, JSON.parse(card.dataset.tags)]));
    let outcome = "all";
    // A page that opens on fifty images hides what comes below them.
    let limit = Number(gallery.dataset.atFirst);
    const ofClass = (card) => select.selectedIndex === 0 || tags.get(card).includes(select.value);
    const ofOutcome = (card, wanted) => wanted === "all" || card.dataset.outcome === wanted;
    const sorted = () => {
      if (!sorting || sorting.value === "stored") return cards;
      const sign = sorting.value === "ascending" ? 1 : -1;
      const order = (card) => parseFloat(card.dataset.order);
      const last = (card) => Number(Number.isNaN(order(card)));
      return [...cards].sort((a, b) => last(a) - last(b) || sign * (order(a) - order(b)) || 0);
    };
    const update = () => {
      const wanted = sorted().filter((card) => ofClass(card) && ofOutcome(card, outcome));
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
    const showClass = gallery.querySelector(".canvas") ? boxes(gallery) : () => {};
    select.addEventListener("change", () => { update(); showClass(select.selectedIndex === 0 ? null : select.value); });
    if (sorting) sorting.addEventListener("change", () => { list.append(...sorted()); update(); });
    more.addEventListener("click", () => { limit = Infinity; update(); });
    update();
    masks(gallery);
  });
})();
