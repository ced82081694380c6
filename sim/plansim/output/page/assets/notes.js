// The note of a lever: what it is, what the model's comment says, what comes of it at either end of
// its range in the run that is moved, what that costs, and where its range is from.

const SHOWN_EFFECTS = 4;
const TELLING = 0.005; // an effect below this part of a value is not told
const COSTING = 0.0005; // nor a cost below this one

function leverNote(lever, id) {
  const stands = el("p", { class: "stands" });
  const ends = el("dl", { class: "note-ends" });
  const facts = [["page.note_meaning", pick(lever.meaning)], ["page.note_source", sourceList(lever)]];
  const node = el(
    "div",
    { class: "help", id, hidden: true },
    el("p", {}, pick(lever.help)),
    stands,
    ends,
    el(
      "dl",
      {},
      ...facts.flatMap(([key, text]) => (text ? [el("dt", {}, t(key)), el("dd", {}, text)] : [])),
    ),
  );
  return {
    node,
    say: (text) => setText(stands, text),
    ends: () => ends.replaceChildren(...[lever.low, lever.high].flatMap((end) => endText(lever, end))),
  };
}

function sourceList(lever) {
  const sources = pick(lever.sources);
  return sources.length ? el("ul", {}, ...sources.map((each) => el("li", {}, each))) : "";
}

/** Say what the run that is moved would be with a lever at one end. */
function endText(lever, end) {
  const { edited } = store.state;
  const run = store.state[edited];
  const [now, then] = [compute(run), compute({ ...run, moved: { ...run.moved, [lever.id]: end } })];
  const said = [];
  const effects = effectsBetween(now, then);
  const telling = effects.filter(({ chart, size }) => !chart.cost && size >= TELLING);
  const changes = telling.slice(0, SHOWN_EFFECTS).map(effectText);
  if (changes.length) said.push(changes.join(t("list_sep.comma")));
  const turned = bindingFirst(then.verdicts).flatMap((after, at) => {
    const before = bindingFirst(now.verdicts)[at];
    if (!isJudged(after) || !isJudged(before) || after.status === before.status) return [];
    return [t(`page.note_${after.status}`, { name: pick(after.target.name) })];
  });
  if (turned.length) said.push(turned.join(t("list_sep.comma")));
  const costs = effects
    .filter(({ chart, from, to }) => (chart.cost === "more" ? to > from : to < from) && chart.cost)
    .map(effectText);
  if (costs.length) said.push(t("page.note_costs", { costs: costs.join(t("list_sep.comma")) }));
  const value = leverText(lever, end, langIndex());
  const text = said.join(t("list_sep.semicolon")) || t("page.note_nothing");
  return [el("dt", {}, t("page.note_end", { value, year: DATA.year })), el("dd", {}, text)];
}

/** Give what changes on charts of one line between two runs in the plan's year, the most first. */
function effectsBetween(now, then) {
  const shown = DATA.charts.filter((chart) => (chart.key || chart.cost) && chart.lines.length === 1);
  return shown
    .map((chart) => {
      const [from, to] = [now, then].map((run) => valueAt(run, chart.lines[0], DATA.year));
      return { chart, from, to, size: Math.abs(to - from) / Math.max(Math.abs(from), 1e-12) };
    })
    .filter(({ from, to, size }) => from !== null && to !== null && size >= COSTING)
    .sort((one, other) => other.size - one.size);
}

function effectText({ chart, from, to }) {
  const decimals = Math.max(0, Math.min(6, digitsOf(to - from) - 1));
  const unit = pick(chart.unit);
  const size = `${signed(to - from, decimals)}${unit ? `\u2009${unit}` : ""}`;
  return t("page.note_effect", { name: pick(chart.name), size });
}
