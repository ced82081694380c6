// The verdicts: a light for each target and run, with its value, its margin and what becomes of it.

const LIGHTS = {
  met: ["M10 1a9 9 0 1 1 0 18a9 9 0 0 1 0-18Z", "M5.8 10.2l3 3 5.4-6.2"],
  open: [
    "M10 1a9 9 0 1 1 0 18a9 9 0 0 1 0-18Z",
    "M7.2 7.6a2.8 2.8 0 1 1 4.2 2.4c-.9.5-1.4 1-1.4 2.1M10 15v.2",
  ],
  against: "M10 2 19 18H1ZM10 7.5v5M10 14.4v1.4",
  missed: ["M10 .2 19.8 10 10 19.8.2 10Z", "M7.3 7.3l5.4 5.4M12.7 7.3l-5.4 5.4"],
  assumed: "M2.5 2.5h15v15h-15ZM6 8h8M6 12h8",
  untestable: "M3 10h14",
};

const NAME_WIDTH = 200;
const CELL_WIDTH = 150;

function light(status) {
  const found = icon(LIGHTS[status], status);
  found.removeAttribute("aria-hidden");
  found.setAttribute("role", "img");
  found.setAttribute("aria-label", outcomeWord(status));
  return found;
}

/** What a light says: a verdict, or how it is open. */
const outcomeWord = (shown) =>
  t(shown === "open" || shown === "against" ? `certainty.${shown}` : `status.${shown}`);

const askedText = (target) =>
  `${t(`direction.${target.sign}`)} ${target.asked} ${pick(target.unit)}`.trim();

/** A cell of one run: it is made once and changed in place. */
function verdictCell(side, target) {
  const lamp = el("span", { class: "lamp" });
  const value = el("span", { class: "verdict-value" });
  const margin = el("span", { class: "verdict-margin" });
  const share = el("span", { class: "verdict-share" });
  const note = el("span", { class: "verdict-note" });
  const node = el(
    "div",
    { class: `verdict of-${side}`, role: "cell" },
    el("span", { class: "verdict-side", "aria-hidden": "true" }, side.toUpperCase()),
    lamp,
    value,
    el("span", { class: "verdict-more" }, margin, note),
    share,
  );
  let shown = "";
  function update(verdict) {
    node.hidden = !verdict;
    if (!verdict) return;
    if (shown !== verdict.shown) {
      shown = verdict.shown;
      lamp.replaceChildren(light(shown));
      node.dataset.status = shown;
    }
    const decimals = decimalsFor(target.value, verdict.value, target.slack);
    const isOne = verdict.status !== "undecided"; // else its note says which value is which
    const both = () => verdict.bases.map(([, one]) => basisFigure(target, one)).join(" / ");
    setText(value, isOne ? valueText(target, verdict.value, decimals) : both());
    const hasMargin = isOne && Number.isFinite(verdict.margin);
    setText(margin, hasMargin ? marginText(target, verdict, decimals) : "");
    setText(share, verdict.pending ? "…" : shareText(verdict));
    share.style.setProperty("--share", verdict.share ?? 0);
    share.title = verdict.share === null ? "" : t("page.share_said", { share: verdict.share });
    setText(note, noteOf(target, verdict));
    node.dataset.central = verdict.status;
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
  return `${shown} (${percent((verdict.margin / Math.abs(target.value)) * 100)})`;
}

/** The unit of a target's margin: of percentages points. */
const marginUnit = (target) =>
  target.points ? t(`margin.${target.points}`, { margin: "" }).trim() : pick(target.unit);

/** A value that a target has by one of its readings. */
const basisFigure = (target, value) => figure(value, decimalsFor(target.value, value));

/** What becomes of a target after its year; of an undecided one, what its readings say. */
function noteOf(target, verdict) {
  if (verdict.status === "undecided") {
    return verdict.bases
      .map(([basis, value]) => `${t(`basis.${basis}`)} ${basisFigure(target, value)}`)
      .join(t("list_sep.comma"));
  }
  const followed = target.attribute === "binding" && target.sign !== "about";
  if (!followed || verdict.status === "assumed" || verdict.status === "untestable") {
    return t(`status.${verdict.status}`);
  }
  if (verdict.status === "missed") return t("page.missed_in", { year: target.year });
  if (verdict.breach) return t("page.breach", { year: verdict.breach });
  return t("page.holds", { year: target.horizon });
}

/** The columns of a table: each run by its letter and its name. */
function columnHeads(label) {
  const cells = SIDES.map((side) => {
    const name = el("span", { class: "column-name" });
    const badge = el("span", { class: "badge" }, side.toUpperCase());
    const node = el("div", { class: `column of-${side}`, role: "columnheader" }, badge, name);
    return { side, name, node };
  });
  const node = el(
    "div",
    { class: "board-row board-head", role: "row" },
    el("div", { class: "board-name", role: "columnheader" }, label),
    ...cells.map((each) => each.node),
  );
  function update(results) {
    for (const cell of cells) {
      cell.node.hidden = !results[cell.side];
      if (results[cell.side]) setText(cell.name, titleOf(results[cell.side].run));
    }
  }
  return { node, update };
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
    const differs = el("span", { class: "differs", role: "img" }, "≠");
    const node = el(
      "div",
      { class: "board-row", role: "row", "data-target": target.id },
      el(
        "div",
        { class: "board-name", role: "rowheader" },
        name,
        el("span", { class: "board-asked" }, `${askedText(target)} · ${target.year}`, differs),
      ),
      ...cells.map((each) => each.node),
    );
    return { node, cells, place, differs };
  });
  const heads = columnHeads(t("page.column_target"));
  const counted = el("p", { class: "hint board-counted" });
  const node = el(
    "section",
    { class: "board card" },
    el(
      "div",
      { class: "board-top" },
      title ? el("h2", {}, t(`page.board_${attribute}`)) : null,
      counted,
      el(
        "button",
        { type: "button", class: "small", click: () => act.copyTable(attribute) },
        t("page.copy_table"),
      ),
    ),
    el(
      "div",
      { class: "board-rows", role: "table", "aria-label": t(`page.board_${attribute}`) },
      heads.node,
      ...rows.map((each) => each.node),
    ),
    attribute === "binding" ? lightKey() : null,
  );
  /** Put a target above its cells where there is no room for a column a run. */
  function stack() {
    const runs = Number(node.dataset.runs);
    node.classList.toggle("is-stacked", node.clientWidth < NAME_WIDTH + runs * CELL_WIDTH);
  }
  new ResizeObserver(stack).observe(node);
  function update(results) {
    const sides = SIDES.filter((side) => results[side]);
    const sure = Object.fromEntries(sides.map((side) => [side, surely(results[side])]));
    heads.update(results);
    let different = 0;
    for (const row of rows) {
      row.cells.forEach((cell, i) => cell.update(sure[SIDES[i]]?.[row.place]));
      const outcomes = sides.map((side) => sure[side][row.place]);
      const differs = new Set(outcomes.map(({ shown, status }) => `${shown} ${status}`)).size > 1;
      different += differs ? 1 : 0;
      row.node.classList.toggle("is-different", differs);
      row.differs.hidden = !differs;
      row.differs.setAttribute("aria-label", t("page.differs"));
      row.differs.title = t("page.differs");
    }
    if (node.dataset.runs !== String(sides.length)) {
      node.dataset.runs = sides.length;
      stack();
    }
    const key = different === 1 ? "page.differing_one" : "page.differing";
    const counts = different ? t(key, { count: different }) : t("page.differing_none");
    setText(counted, sides.length > 1 ? counts : "");
  }
  return { node, update, count: rows.length };
}

/** What the lights and the counts beside them mean. */
function lightKey() {
  const { sure } = DATA.certainty;
  const entry = (shown, text) => el("li", {}, icon(LIGHTS[shown], shown), " ", text);
  if (!MEMBERS) return null;
  return el(
    "ul",
    { class: "light-key hint" },
    entry("met", t("page.key_met", { sure })),
    entry("missed", t("page.key_missed", { sure })),
    entry("open", t("page.key_open")),
    entry("against", t("page.key_against", { sure })),
    el("li", {}, el("b", {}, "44/100"), " ", t("page.key_share", { count: MEMBERS.count })),
  );
}

/** Count the targets that hold, are open and fail under each run, light by light. */
function headline() {
  const lines = SIDES.map((side) => {
    const name = el("strong", { class: "headline-name" });
    const said = el("span", { class: "headline-said" });
    const lamps = el("span", { class: "headline-lamps", "aria-hidden": "true" });
    const warned = el("span", {});
    const sign = icon(LIGHTS.against, "against");
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
  function update(results) {
    for (const line of lines) {
      const result = results[line.side];
      line.node.hidden = !result;
      if (!result) continue;
      const run = result.run;
      setText(line.name, titleOf(run));
      setText(line.said, result.finite ? talliedText(result) : t("page.broken"));
      line.node.classList.toggle("is-broken", !result.finite);
      const beyond = Object.entries(run.moved).filter(([id, value]) =>
        isImplausible(LEVER.get(id), run, value),
      ).length;
      setText(line.warned, beyond ? t("page.beyond", { count: beyond }) : "");
      line.warning.hidden = !beyond;
      const chosen = bindingFirst(surely(result));
      const now = chosen.map((each) => each.shown).join();
      if (now !== line.shown && chosen[0]?.target.attribute === "binding") {
        line.shown = now;
        const order = Object.keys(LIGHTS);
        const shown = chosen.map((each) => each.shown);
        const sorted = shown.sort((x, y) => order.indexOf(x) - order.indexOf(y));
        line.lamps.replaceChildren(...sorted.map((each) => icon(LIGHTS[each], each)));
      }
    }
  }
  return { node, update };
}

/** Say in a few words how many targets hold, are open and fail. */
function talliedText(result) {
  const judged = bindingFirst(surely(result)).filter(isJudged);
  if (!judged.length) return DATA.targets.length ? t("page.none_judged") : "";
  const open = judged.filter((each) => each.isOpen).length;
  const met = judged.filter((each) => each.status === "met" && !each.isOpen).length;
  return t("page.tallied", { met, open, missed: judged.length - met - open });
}
