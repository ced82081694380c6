// The verdicts: a light for each target and run, with its value, its margin and what becomes of it.

const LIGHTS = {
  met: ["M10 1a9 9 0 1 1 0 18a9 9 0 0 1 0-18Z", "M5.8 10.2l3 3 5.4-6.2"],
  missed: ["M10 .2 19.8 10 10 19.8.2 10Z", "M7.3 7.3l5.4 5.4M12.7 7.3l-5.4 5.4"],
  undecided: "M10 2 19 18H1ZM10 7.5v5M10 14.4v1.4",
  assumed: "M2.5 2.5h15v15h-15ZM6 8h8M6 12h8",
  untestable: "M3 10h14",
};

function light(status) {
  const found = icon(LIGHTS[status], status);
  found.removeAttribute("aria-hidden");
  found.setAttribute("role", "img");
  found.setAttribute("aria-label", t(`status.${status}`));
  return found;
}

const askedText = (target) =>
  `${t(`direction.${target.sign}`)} ${target.asked} ${pick(target.unit)}`.trim();

/** A cell of one run: it is made once and changed in place. */
function verdictCell(side, target) {
  const lamp = el("span", { class: "lamp" });
  const value = el("span", { class: "verdict-value" });
  const margin = el("span", { class: "verdict-margin" });
  const note = el("span", { class: "verdict-note" });
  const node = el(
    "div",
    { class: `verdict of-${side}`, role: "cell" },
    el("span", { class: "verdict-side", "aria-hidden": "true" }, side.toUpperCase()),
    lamp,
    value,
    margin,
    note,
  );
  let shown = "";
  function update(verdict) {
    node.hidden = !verdict;
    if (!verdict) return;
    if (shown !== verdict.status) {
      shown = verdict.status;
      lamp.replaceChildren(light(shown));
      node.dataset.status = shown;
    }
    const decimals = decimalsFor(target.value, verdict.value, target.slack);
    setText(value, valueText(target, verdict.value, decimals));
    setText(margin, Number.isFinite(verdict.margin) ? marginText(target, verdict, decimals) : "");
    setText(note, noteOf(target, verdict));
  }
  return { node, update };
}

const isRise = (target, value, decimals) => target.falls && rounded(value, decimals) < 0;

/** A value; a fall that is none is written as the rise that it is. */
function valueText(target, value, decimals) {
  const shown = figure(value, decimals);
  if (isRise(target, value, decimals)) return t("margin.rises", { value: shown.replace("-", "") });
  return shown.replace("-", "−");
}

/** The margin of the value as shown: of percentages in points, else with its size. */
function marginText(target, verdict, decimals) {
  if (isRise(target, verdict.value, decimals)) {
    return t("margin.should_fall", { value: `${target.asked} ${pick(target.unit)}` });
  }
  const beyond = rounded(verdict.value, decimals) - target.value;
  const sides = { "at least": beyond, "at most": -beyond };
  const margin = sides[target.sign] ?? target.slack - Math.abs(beyond);
  const ends = [decimals, writtenDecimals(target.value), writtenDecimals(target.slack)];
  const digits = Math.max(...ends);
  const isNone = rounded(margin, digits) === 0;
  const shown = isNone ? marginFigure(verdict.margin, digits) : signed(margin, digits);
  if (target.points) return t(`margin.${target.points}`, { margin: shown });
  return `${shown} (${percent((margin / Math.abs(target.value)) * 100)})`;
}

/** What becomes of a target after its year; of an undecided one, what its readings say. */
function noteOf(target, verdict) {
  if (verdict.status === "undecided") {
    const written = (value) => figure(value, decimalsFor(target.value, value));
    return verdict.bases
      .map(([basis, value]) => `${t(`basis.${basis}`)} ${written(value)}`)
      .join(t("page.comma"));
  }
  const followed = target.attribute === "binding" && target.sign !== "about";
  if (!followed || verdict.status === "assumed" || verdict.status === "untestable") {
    return t(`status.${verdict.status}`);
  }
  if (verdict.status === "missed") return t("page.missed_in", { year: target.year });
  if (verdict.breach) return t("page.breach", { year: verdict.breach });
  return t("page.holds", { year: target.horizon });
}

function board(attribute, act, { title = true } = {}) {
  const wanted = DATA.targets.map((target, place) => [target, place]);
  const chosen = wanted.filter(([target]) => target.attribute === attribute);
  const rows = chosen.map(([target, place]) => {
    const cells = SIDES.map((side) => verdictCell(side, target));
    const name = el(
      "button",
      { type: "button", class: "link", click: () => act.open(target) },
      pick(target.name),
    );
    const node = el(
      "div",
      { class: "board-row", role: "row", "data-target": target.id },
      el(
        "div",
        { class: "board-name", role: "rowheader" },
        name,
        el("span", { class: "board-asked" }, `${askedText(target)} · ${target.year}`),
      ),
      ...cells.map((each) => each.node),
    );
    return { node, cells, place };
  });
  const node = el(
    "section",
    { class: "board card" },
    title ? el("h2", {}, t(`page.board_${attribute}`)) : null,
    el(
      "div",
      { class: "board-rows", role: "table", "aria-label": t(`page.board_${attribute}`) },
      ...rows.map((each) => each.node),
    ),
  );
  function update({ a, b }) {
    for (const row of rows) {
      row.cells[0].update(a.verdicts[row.place]);
      row.cells[1].update(b && b.verdicts[row.place]);
    }
    node.classList.toggle("is-single", !b);
  }
  return { node, update, count: rows.length };
}

/** The answer in one line for each run: how many binding targets it meets, light by light. */
function headline() {
  const lines = SIDES.map((side) => {
    const name = el("strong", { class: "headline-name" });
    const said = el("span", { class: "headline-said" });
    const lamps = el("span", { class: "headline-lamps", "aria-hidden": "true" });
    const warned = el("span", {});
    const sign = icon(LIGHTS.undecided, "undecided");
    const warning = el("span", { class: "headline-warned" }, sign, " ", warned);
    const node = el(
      "div",
      { class: `headline-run of-${side}` },
      el("span", { class: "badge" }, side.toUpperCase()),
      el("div", {}, name, said, warning),
      lamps,
    );
    return { side, node, name, said, warned, warning, lamps, shown: "" };
  });
  const node = el("section", { class: "headline" }, ...lines.map((each) => each.node));
  const binding = DATA.targets.some((each) => each.attribute === "binding");
  function update(results) {
    for (const line of lines) {
      const result = results[line.side];
      line.node.hidden = !result;
      if (!result) continue;
      const run = result.run;
      const moved = Object.keys(run.moved).length;
      const title = pick(scenarioOf(run).name);
      setText(line.name, moved ? t("page.moved_title", { scenario: title }) : title);
      const chosen = result.verdicts.filter(
        (_, place) => !binding || DATA.targets[place].attribute === "binding",
      );
      const judged = chosen.filter((each) => each.status !== "untestable").length;
      const met = chosen.filter((each) => each.status === "met").length;
      const key = binding ? "page.met_binding" : "page.met_any";
      const answer = judged ? t(key, { met, count: chosen.length }) : t("page.none_judged");
      setText(line.said, result.finite ? answer : t("page.broken"));
      line.node.classList.toggle("is-broken", !result.finite);
      const beyond = Object.entries(run.moved).filter(([id, value]) =>
        isImplausible(LEVER.get(id), run, value),
      ).length;
      setText(line.warned, beyond ? t("page.beyond", { count: beyond }) : "");
      line.warning.hidden = !beyond;
      const now = chosen.map((each) => each.status).join();
      if (now !== line.shown && binding) {
        line.shown = now;
        const order = Object.keys(LIGHTS);
        const statuses = chosen.map((each) => each.status);
        const sorted = statuses.sort((x, y) => order.indexOf(x) - order.indexOf(y));
        line.lamps.replaceChildren(...sorted.map((each) => icon(LIGHTS[each], each)));
      }
    }
  }
  return { node, update };
}
