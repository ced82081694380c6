// The views of the page; each is made when it is first looked at, and updated while it is.

function overview(act) {
  const head = headline();
  const verdicts = board("binding", act);
  const charts = DATA.charts.filter((each) => each.key).map((each) => titled(each, act));
  const key = legend();
  return {
    node: el(
      "div",
      { class: "view" },
      head.node,
      verdicts.count ? verdicts.node : null,
      el("h2", { class: "charts-title" }, t("page.key_charts")),
      key.node,
      el("div", { class: "charts" }, ...charts.map((each) => each.node)),
    ),
    charts,
    update(results) {
      head.update(results);
      verdicts.update(results);
      key.update(results);
      charts.forEach((each) => each.update(results));
    },
  };
}

/** Make the card of a chart; its title opens the first target that it shows. */
const titled = (chart, act) => chartCard(chart, { open: opener(chart, act) });

/** Give what a click on a chart's title does: it opens the first target that the chart shows. */
function opener(chart, act) {
  const [mark] = chart.marks;
  return mark ? () => act.open(DATA.targets[mark.target]) : null;
}

/** What the lines, bands and marks of the charts mean. */
function legend() {
  const entry = (name, text) => el("span", { class: `key key-${name}` }, el("i", {}), el("span", {}, text));
  const runs = SIDES.map((side) => entry(side, ""));
  const band = MEMBERS && entry("band", "");
  const others = DATA.targets.length ? [entry("mark", t("page.key_mark"))] : [];
  const past = DATA.charts.flatMap((chart) => chart.lines.flatMap((line) => line.past));
  if (past.some(([, , isObserved]) => isObserved)) others.push(entry("dot", t("page.observed")));
  if (past.some(([, , isObserved]) => !isObserved)) others.push(entry("ring", t("page.derived")));
  const node = el("p", { class: "hint legend" }, ...runs, band, ...others);
  function update(results) {
    SIDES.forEach((side, i) => {
      runs[i].hidden = !results[side];
      const text = results[side] ? `${side.toUpperCase()} ${titleOf(results[side].run)}` : "";
      setText(runs[i].lastChild, text);
    });
    if (band) setText(band.lastChild, bandText(results[store.state.edited]));
  }
  return { node, update };
}

/** Say what the band of a chart is, and how many members have been run under a run so far. */
function bandText(result) {
  const [low, high] = MEMBERS.band.map((share) => 100 * share);
  const count = membersUnder(result)?.members ?? 0;
  return t("page.key_band", { share: high - low, count, all: MEMBERS.count });
}

function allCharts(act) {
  const key = legend();
  const charts = [];
  const sections = DATA.themes.map((theme) => {
    const cards = theme.charts.map((place) => titled(DATA.charts[place], act));
    charts.push(...cards);
    return el(
      "section",
      { class: "theme" },
      el("h2", {}, pick(theme.name)),
      el("div", { class: "charts" }, ...cards.map((each) => each.node)),
    );
  });
  return {
    node: el("div", { class: "view" }, key.node, ...sections),
    charts,
    update(results) {
      key.update(results);
      charts.forEach((each) => each.update(results));
    },
  };
}

function allTargets(act) {
  const boards = ["binding", "expected", "unlabelled"]
    .map((attribute) => board(attribute, act))
    .filter((each) => each.count);
  return {
    node: el(
      "div",
      { class: "view" },
      el("p", { class: "hint" }, t("page.targets_hint")),
      ...boards.map((each) => each.node),
      DATA.unjudged
        ? el("p", { class: "hint" }, t("page.unjudged", { count: DATA.unjudged }))
        : null,
    ),
    charts: [],
    update: (results) => boards.forEach((each) => each.update(results)),
  };
}

const nameOf = (id) => pick(SCENARIO.get(id).name);

function modelMap() {
  const name = t("page.tab_map");
  const view = el("div", { class: "map card", tabindex: 0, role: "region", "aria-label": name });
  const buttons = DATA.modules.map((module) =>
    el("button", { type: "button", click: () => show(module) }, pick(module.name)),
  );
  const whole = el(
    "button",
    { type: "button", class: "map-whole", "aria-pressed": "false", click: () => fit(!fitted) },
    t("page.map_whole"),
  );
  let fitted = false;

  /** Show a drawing whole, or in full size with its first stock in sight. */
  function fit(now) {
    fitted = now;
    whole.setAttribute("aria-pressed", String(fitted));
    view.classList.toggle("is-whole", fitted);
    const svg = view.firstElementChild;
    if (fitted) return;
    const ends = [...svg.querySelectorAll("rect.s")].map((stock) => stock.getBoundingClientRect());
    if (!ends.length) return;
    const first = ends.reduce((one, other) => (other.left < one.left ? other : one));
    const drawing = svg.getBoundingClientRect();
    const scrolled = (at, size) => (at < size * 0.7 ? 0 : at - size / 2);
    view.scrollLeft = scrolled((first.left + first.right) / 2 - drawing.left, view.clientWidth);
    view.scrollTop = scrolled((first.top + first.bottom) / 2 - drawing.top, view.clientHeight);
  }
  async function show(module) {
    const drawing = await unzip(module.svg).catch(() => null);
    if (drawing === null) {
      view.replaceChildren(el("p", {}, t("page.map_packed")));
      return;
    }
    // The drawing is the page's own, made with it; nothing of the reader's gets here.
    view.innerHTML = drawing;
    view.dataset.shown = pick(module.name);
    const svg = view.firstElementChild;
    svg.style.width = `${svg.viewBox.baseVal.width}px`;
    buttons.forEach((each, i) => {
      each.setAttribute("aria-pressed", String(DATA.modules[i] === module));
    });
    fit(fitted);
  }
  if (DATA.modules.length) show(DATA.modules[0]);
  return {
    node: el(
      "div",
      { class: "view" },
      el(
        "div",
        { class: "map-bar" },
        el("div", { class: "modules", role: "group", "aria-label": name }, ...buttons),
        whole,
      ),
      view,
      el("p", { class: "hint" }, t("page.map_hint")),
      DATA.signed
        ? el("p", { class: "hint" }, t("page.map_signs", { scenario: nameOf(DATA.signed) }))
        : null,
    ),
    charts: [],
    update: () => {},
  };
}

function about() {
  const [first] = DATA.scenarios;
  const { integration, step } = first.clock;
  const run = t("page.about_run", { method: t(`integration.${integration}`), step });
  const rows = [
    ["page.about_model", DATA.model],
    ["page.about_digest", DATA.sha256],
    ["page.about_version", DATA.version],
    ["page.about_method", run],
  ];
  const reading = [
    "page.read_units",
    "page.read_margin",
    "page.read_shares",
    "page.read_breach",
    "page.read_undecided",
    "page.read_assumed",
    "page.read_levers",
    "page.read_due",
    "page.read_trust",
    "page.read_keys",
  ];
  const pairs = (listed) => listed.flatMap(([k, v]) => [el("dt", {}, k), el("dd", {}, v)]);
  return {
    node: el(
      "div",
      { class: "view prose card" },
      el("h2", {}, t("page.how_to_read")),
      el("ul", {}, ...reading.map((key) => el("li", {}, t(key)))),
      el("h2", {}, t("page.scenarios")),
      el(
        "dl",
        { class: "facts" },
        ...pairs(DATA.scenarios.map((each) => [pick(each.name), pick(each.about)])),
      ),
      el("h2", {}, t("page.run_card")),
      el("dl", { class: "facts" }, ...pairs(rows.map(([key, text]) => [t(key), text]))),
    ),
    charts: [],
    update: () => {},
  };
}

const VIEWS = { overview, charts: allCharts, targets: allTargets, map: modelMap, about };
