// Which of another run's assumptions a target's margin owes its difference from A to: a sentence,
// signed bars, and the same of its series year by year.

const SHOWN_SHARES = 8;
const TELLING_SHARE = 0.05; // a change below this part of the largest one is not named in words
const SHOWN_PAIRS = 2;
const TELLING_PAIR = 0.05; // pairs that do less together than this part of the largest share are not named
const REDRAWN = 250; // milliseconds between two pictures of estimates that still sharpen

/** Make the section for one target; `start` begins to compute, and gives what stops it. */
function dueSection(target, results) {
  const others = SIDES.slice(1).filter((side) => results[side]);
  let other = others.includes(dueSection.side) ? dueSection.side : others[0];
  const said = el("p", { class: "due-said" });
  const paired = el("p", { class: "due-pairs" });
  const bars = el("ol", { class: "share-list" });
  const how = el("p", { class: "hint" });
  const yearly = el("div", { class: "due-yearly" });
  const heading = el("h3", {});
  const hint = el("p", { class: "hint" });
  const chooser = el("div", { class: "segments", role: "group" });
  const node = el("section", { class: "due" }, heading, chooser, said, paired, hint, bars, how, yearly);
  const place = DATA.targets.indexOf(target);
  const line = lineOf(target);
  let stop = () => {};

  for (const side of others.length > 1 ? others : []) {
    const choose = () => {
      dueSection.side = other = side;
      stop();
      stop = start();
    };
    const text = t("page.due_pair", { side: side.toUpperCase() });
    chooser.append(el("button", { type: "button", "data-side": side, click: choose }, text));
  }

  function only(key) {
    hint.hidden = true;
    setText(said, t(key, { side: (other ?? "b").toUpperCase() }));
    for (const part of [paired, how]) setText(part, "");
    for (const part of [bars, yearly]) part.replaceChildren();
    return () => {};
  }
  function start() {
    const [a, b] = [results.a, results[other]];
    const side = (other ?? "b").toUpperCase();
    setText(heading, t("page.due_title", { side }));
    setText(hint, t("page.due_hint", { side }));
    hint.hidden = false;
    for (const button of chooser.children) {
      button.setAttribute("aria-pressed", String(button.dataset.side === other));
    }
    if (!b) return only("page.due_alone");
    const [clock, second] = [a, b].map((each) => scenarioOf(each.run).clock);
    if (!sameClock(clock, second)) return only("page.due_clocks");
    if (![a, b].every((each) => Number.isFinite(each.verdicts[place].margin))) {
      return only("page.due_unknown");
    }
    if (!changesBetween(DATA.changes, a.inputs, b.inputs).length) return only("page.due_same");
    setText(how, t("page.due_computing"));
    const years = yearsOf({ a, b });
    const work = shareOut(a.inputs, b.inputs, waysOf(target, a, b));
    let drawn = -Infinity;
    return inSlices(work, {
      seen(latest) {
        if (performance.now() - drawn < REDRAWN) return;
        show(latest(), years, [a, b]);
        drawn = performance.now();
      },
      done: (found) => show(found, years, [a, b]),
    });
  }
  function show(found, years, runs) {
    const [shares] = found.shares;
    const [errors] = found.errors;
    if (!shares.every(Number.isFinite)) {
      only("page.due_broken");
      return;
    }
    const decimals = sharesDecimals(shares);
    setText(said, dueText(target, found, decimals, other.toUpperCase()));
    setText(paired, pairsText(found, decimals, marginUnit(target)));
    const order = shares.map((_, i) => i).sort((x, y) => Math.abs(shares[y]) - Math.abs(shares[x]));
    const moving = order.filter((i) => Math.abs(shares[i]) > NOTHING);
    const named = moving.slice(0, moving.length > SHOWN_SHARES + 1 ? SHOWN_SHARES : moving.length);
    const rest = order.filter((i) => !named.includes(i));
    const longest = Math.abs(shares[named[0]] ?? 0) || 1;
    const unit = marginUnit(target);
    const rows = named.map((i) => {
      const change = found.changes[i];
      const size = signed(shares[i], decimals);
      const doubt = found.exact ? "" : errorText(errors[i], decimals);
      const part = shares[i] / longest;
      return shareRow(pick(change.name), part, `${size}${doubt} ${unit}`, runs, change);
    });
    if (rest.length) {
      const sum = rest.reduce((total, i) => total + shares[i], 0);
      const name = t("page.due_rest", { count: rest.length });
      rows.push(shareRow(name, sum / longest, `${signed(sum, decimals)} ${unit}`));
    }
    bars.replaceChildren(...rows);
    const key = found.exact ? "page.due_exact" : "page.due_sampled";
    setText(how, t(key, found));
    showYears(found, years);
  }
  /** Show what each change does to the series, year by year. */
  function showYears(found, years) {
    const parts = found.changes.map((change, i) => ({
      name: pick(change.name),
      values: years.map((_, at) => found.shares[1 + at][i]),
    }));
    const sizeOfPart = ({ values }) => Math.max(...values.map(Math.abs));
    const moving = parts.filter((part) => sizeOfPart(part) > NOTHING);
    moving.sort((one, two) => sizeOfPart(two) - sizeOfPart(one));
    const chart = DATA.charts[target.chart];
    const unit = pick(chart.unit);
    const values = { name: pick(chart.lines.length > 1 ? line.name : chart.name), unit, side: other.toUpperCase() };
    yearly.replaceChildren(
      el("h4", {}, t("page.wedge_title", values)),
      moving.length ? wedge(years, moving, unit) : el("p", {}, t("page.due_still", values)),
    );
  }
  return {
    node,
    start() {
      stop = start();
      return () => stop();
    },
  };
}

/** Give what is shared out of a target between two runs: its margin, then its series by year. */
function waysOf(target, a, b) {
  const margin = JUDGED.get(`${target.id}.margin`);
  const years = yearsOf({ a, b });
  const line = lineOf(target);
  const figures = (run) => [
    figuresOf(run)[margin],
    ...years.map((year) => valueAt(run, line, year) ?? 0),
  ];
  const changes = DATA.changes.map((change) => ({ ...change, name: labelOf(change, a, b) }));
  return { ...DATA.shares, changes, figures, clock: scenarioOf(a.run).clock };
}

/** Give the name of a change: of a single constant that differs its label. */
function labelOf(change, a, b) {
  const rows = rowsOf(a.inputs, b.inputs, new Set(change.inputs));
  const variables = new Set(rows.map(([, , , variable]) => variable));
  return variables.size === 1 ? DATA.variables[[...variables][0]].name : change.name;
}

/** The other run that was last compared with A. */
dueSection.side = "b";

/** Give the line of the chart that shows by what a target is judged. */
const lineOf = (target) => DATA.charts[target.chart].lines[target.line];

/** Name the pairs of changes that help or hinder each other most. */
function pairsText({ changes, pairs, shares: [shares] }, decimals, unit) {
  const largest = Math.max(...shares.map(Math.abs));
  const telling = pairs.filter(([, , size]) => Math.abs(size) > TELLING_PAIR * largest);
  const said = (sign, key) => {
    const some = telling.filter(([, , size]) => Math.sign(size) === sign).slice(0, SHOWN_PAIRS);
    const named = some.map(([one, other, size]) =>
      t("page.pair", {
        one: pick(changes[one].name),
        other: pick(changes[other].name),
        size: `${signed(size, decimals)} ${unit}`,
      }),
    );
    return named.length ? [t(key, { pairs: named.join(t("list_sep.comma")) })] : [];
  };
  const parts = [...said(1, "page.pairs_help"), ...said(-1, "page.pairs_hinder")];
  return parts.join(t("list_sep.sentence"));
}

/** Decimals of shares: three digits of the largest. */
function sharesDecimals(shares) {
  const largest = Math.max(...shares.map(Math.abs));
  return largest > NOTHING ? Math.min(6, Math.max(0, digitsOf(largest))) : 0;
}

/** Write a number with its sign; none if it rounds to zero. */
function signed(value, decimals) {
  const text = figure(value, decimals).replace("-", "−");
  return rounded(value, decimals) > 0 ? `+${text}` : text;
}

/** Write a standard error; one that rounds to zero is smaller than what can be shown. */
function errorText(error, decimals) {
  const least = 10 ** -decimals;
  return ` ± ${error && error < least ? `<${figure(least, decimals)}` : figure(error, decimals)}`;
}

function shareRow(name, part, size, runs = null, change = null) {
  const bar = el("div", { class: `share-bar ${part < 0 ? "is-less" : "is-more"}` }, el("i", {}));
  bar.style.setProperty("--part", Math.min(1, Math.abs(part)));
  const places = new Set(change ? change.inputs : []);
  const rows = runs ? rowsOf(runs[0].inputs, runs[1].inputs, places) : [];
  const text = rows.map(([each, one, other]) => {
    const values = t("page.due_values", { one, other });
    return rows.length > 1 || each !== name ? `${each}${t("list_sep.colon")}${values}` : values;
  });
  return el(
    "li",
    { class: "share" },
    el("span", { class: "share-name" }, name),
    el("span", { class: "share-size" }, size),
    bar,
    text.length ? el("span", { class: "share-values" }, text.join(t("list_sep.semicolon"))) : null,
  );
}

/** Say how far the margin moves from A to B, and what lowers and raises it most. */
function dueText(target, found, decimals, side) {
  const [shares] = found.shares;
  const [from] = found.from;
  const [to] = found.to;
  const change = to - from;
  if (Math.abs(change) <= NOTHING) {
    const moving = shares.some((each) => Math.abs(each) > NOTHING);
    return t(moving ? "page.due_cancel" : "page.due_still", { side });
  }
  const ends = Math.max(0, decimalsFor(target.value, target.value + from), digitsOf(change) - 1);
  const said = [
    t(change < 0 ? "page.due_less" : "page.due_more", {
      from: signed(from, Math.min(ends, 6)),
      to: signed(to, Math.min(ends, 6)),
      change: signed(change, decimals),
      unit: marginUnit(target),
      side,
    }),
  ];
  // What works along the change first.
  for (const sign of [Math.sign(change), -Math.sign(change)]) {
    const sizes = shares.map((each) => sign * each);
    const most = sizes.indexOf(Math.max(...sizes));
    const values = { name: pick(found.changes[most].name), share: signed(shares[most], decimals) };
    if (sizes[most] > TELLING_SHARE * Math.max(...shares.map(Math.abs))) {
      said.push(t(sign < 0 ? "page.due_lowers" : "page.due_raises", values));
    }
  }
  return said.join(t("list_sep.sentence"));
}
