// The page at work: an action changes the state, runs what it touches, and shows what came of it.

let results = { a: null, b: null };
let built = {};
let panel = null;

const act = {
  move(lever, value, lasting) {
    const { edited } = store.state;
    if (!act.before) act.before = store.state;
    const before = act.before;
    setState(withLever(store.state, edited, lever, value), { lasting, from: before });
    if (lasting) act.before = null;
    results = { ...results, [edited]: compute(store.state[edited]) };
    show(lever);
    if (lasting) settled();
  },
  /** Lay an overlay over a run, or take it away; what was moved stays. */
  overlay(side, name) {
    const run = store.state[side];
    const scenario = withOverlay(run.scenario, name);
    setState({ ...store.state, [side]: { ...run, scenario } });
    rerun();
  },
  /** Run another scenario, under the overlays that lie over the present one. */
  preset(side, base) {
    const edited = side === "b" && base === NONE ? "a" : store.state.edited;
    const names = base === NONE ? [] : partsOf(store.state[side].scenario)[1];
    const scenario = [base, ...names].join("+");
    const lost = Object.keys(store.state[side].moved).length;
    setState({ ...store.state, edited, [side]: { scenario, moved: {} } });
    rerun();
    if (lost) say(t("page.preset_said", { side: side.toUpperCase() }));
  },
  edit(side) {
    setState({ ...store.state, edited: side });
    show();
  },
  reset() {
    const { edited } = store.state;
    setState({ ...store.state, [edited]: { ...store.state[edited], moved: {} } });
    rerun();
    say(t("page.reset_said", { side: edited.toUpperCase() }));
  },
  swap() {
    const { a, b } = store.state;
    if (!b.scenario) return;
    setState({ ...store.state, a: b, b: a });
    rerun();
  },
  undo() {
    if (undo()) rerun();
  },
  redo() {
    if (redo()) rerun();
  },
  copyYaml() {
    const { edited } = store.state;
    return copy(yamlOf(store.state[edited]), t("page.yaml_copied", { side: edited.toUpperCase() }));
  },
  copyLink() {
    saveAddress();
    return copy(location.href, t("page.link_copied"));
  },
  open(target) {
    detail(target, results, act);
  },
  showLever(lever) {
    const input = document.querySelector(`[data-lever="${CSS.escape(lever.id)}"]`);
    input.closest("details").open = true;
    input.scrollIntoView({ block: "center" });
    input.focus();
  },
};

function rerun() {
  const { a, b } = store.state;
  results = { a: compute(a), b: b.scenario ? compute(b) : null };
  show();
  settled();
  detail.again?.(results);
}

/** Bring what is on the screen up to the results. */
function show(lever = null) {
  panel.update(results, lever);
  const view = built[store.state.tab];
  view.update(results);
}

/** What may wait until a lever rests. */
function settled() {
  for (const chart of built[store.state.tab].charts) chart.describe();
}

function showTab(tab) {
  // The address is left as it is until something is changed.
  if (tab !== store.state.tab) setState({ ...store.state, tab });
  for (const each of TABS) {
    const button = document.getElementById(`tab-${each}`);
    const chosen = each === tab;
    if (button) {
      button.setAttribute("aria-selected", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    }
    document.getElementById(`panel-${each}`).hidden = !chosen;
  }
  if (!built[tab]) {
    built[tab] = VIEWS[tab](act);
    document.getElementById(`panel-${tab}`).replaceChildren(built[tab].node);
  }
  show();
  settled();
  for (const chart of built[tab].charts) chart.resize();
}

/** Build all that holds words, in the language of the state. */
function build() {
  const { lang, tab } = store.state;
  document.documentElement.lang = lang === "zh" ? "zh-Hans" : "en";
  document.title = pick(DATA.title);
  document.getElementById("title").textContent = pick(DATA.title);
  const made = ["about_model", "about_digest", "about_version"].map((key) => t(`page.${key}`));
  const facts = [DATA.model, DATA.sha256, DATA.version];
  document.getElementById("printed").textContent = made
    .map((each, i) => `${each}${t("page.colon")}${facts[i]}`)
    .join(" · ");
  document.getElementById("subtitle").textContent = t("page.subtitle");
  document.getElementById("answer").textContent = pick(DATA.answer);
  for (const node of document.querySelectorAll("[data-text]")) {
    node.textContent = t(node.dataset.text);
  }
  for (const node of document.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", t(node.dataset.label));
  }
  for (const button of document.querySelectorAll("[data-lang]")) {
    button.setAttribute("aria-pressed", String(button.dataset.lang === lang));
  }
  const groups = [...document.querySelectorAll("details.group[open]")];
  const open = new Set(groups.map((each) => each.id));
  panel = controls(act);
  const column = document.getElementById("controls");
  column.replaceChildren(
    el(
      "details",
      { class: "drawer", open: !narrow.matches || drawerOpen },
      el("summary", {}, t("page.assumptions")),
      panel.node,
    ),
  );
  if (open.size) {
    for (const each of document.querySelectorAll("details.group")) each.open = open.has(each.id);
  }
  for (const view of Object.values(built)) view.charts.forEach((chart) => chart.destroy());
  built = {};
  const shown = TABS.filter((each) => each !== "map" || DATA.modules.length);
  document.getElementById("tabs").replaceChildren(
    ...shown.map((each) =>
      el(
        "button",
        {
          type: "button",
          role: "tab",
          id: `tab-${each}`,
          "aria-controls": `panel-${each}`,
          click: () => showTab(each),
          keydown: walk,
        },
        t(`page.tab_${each}`),
      ),
    ),
  );
  for (const each of TABS) {
    document.getElementById(`panel-${each}`).setAttribute("aria-labelledby", `tab-${each}`);
  }
  showTab(shown.includes(tab) ? tab : "overview");
  showNotice();
  detail.again?.(results);
}

/** Arrow keys walk along the tabs. */
function walk(event) {
  const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!way) return;
  const tabs = [...document.getElementById("tabs").children];
  const next = tabs[(tabs.indexOf(event.target) + way + tabs.length) % tabs.length];
  next.focus();
  next.click();
}

const narrow = matchMedia("(max-width: 859px)");
let drawerOpen = false;
const paper = matchMedia("print");
narrow.addEventListener("change", () => {
  if (!paper.matches) document.querySelector(".drawer").open = !narrow.matches;
});

// On paper a chart is a picture of itself: a canvas that is laid out anew is printed empty.
addEventListener("beforeprint", () => {
  const drawer = document.querySelector(".drawer");
  drawer.dataset.was = String(drawer.open);
  drawer.open = true;
  const differences = document.querySelector(".differences");
  differences.dataset.was = String(differences.open);
  differences.open = true;
  panel.update(results);
  for (const chart of built[store.state.tab].charts) chart.picture();
  detail.picture?.();
});
addEventListener("afterprint", () => {
  for (const each of document.querySelectorAll("[data-was]")) {
    each.open = each.dataset.was === "true";
  }
  for (const each of document.querySelectorAll(".chart-picture")) each.remove();
});
new ResizeObserver(() => {
  if (paper.matches) return;
  for (const chart of built[store.state.tab]?.charts ?? []) chart.resize();
}).observe(document.getElementById("main"));

for (const button of document.querySelectorAll("[data-lang]")) {
  button.addEventListener("click", () => {
    drawerOpen = document.querySelector(".drawer").open;
    setState({ ...store.state, lang: button.dataset.lang });
    build();
  });
}
document.addEventListener("keydown", (event) => {
  const letter = event.key.toLowerCase();
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
  if (letter === "z") event.shiftKey ? act.redo() : act.undo();
  else if (letter === "y") act.redo();
  else return;
  event.preventDefault();
});
addEventListener("hashchange", () => {
  if (location.hash.slice(1) === fragmentOf(store.state)) return;
  const link = readLink(location.hash.slice(1));
  if (link.unknown.length && !link.known) {
    tellOf(link, "page.link_nothing");
    return;
  }
  const changed = !sameRuns(link.state, store.state);
  setState(link.state);
  const { a, b } = store.state;
  results = { a: compute(a), b: b.scenario ? compute(b) : null };
  build();
  tellOf(link, changed ? "page.link_undo" : null);
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the fragment is not the place of an element here
  document.getElementById("main").focus();
});

const { a: firstRun, b: secondRun } = store.state;
results = { a: compute(firstRun), b: secondRun.scenario ? compute(secondRun) : null };
build();
tellOf(opened);
document.documentElement.dataset.ready = "true";
const ready = performance.now();

// For tests and for the curious: what the page computed, by the model's names.
window.plansim = {
  ready,
  compute,
  results: () => results,
  yaml: (side) => yamlOf(store.state[side]),
  state: () => store.state,
  /** Give the shares of all targets at once, and margins of B from runs to their years alone. */
  attribute: (orders) =>
    new Promise((done) => {
      inSlices(shareOut(results.a, results.b, DATA.targets, { orders }), { done });
    }),
  shortened: () =>
    DATA.targets.map((target, place) => {
      const { clock } = scenarioOf(results.b.run);
      const until = untilOf(target, clock);
      const short = simulate(modelProgram, results.b.inputs, clock, until);
      const found = figuresOf({ ...short, rows: new Map() });
      return [results.b.verdicts[place].margin, found[JUDGED.get(`${target.id}.margin`)]];
    }),
  programs: { model: modelProgram, verdicts: verdictProgram },
  targets: DATA.targets.map((each) => each.id),
};
