// The page at work: an action changes the state, runs what it touches, and shows what came of it.

let results = Object.fromEntries(SIDES.map((side) => [side, null]));
let built = {};
let panel = null;
const tally = el("span", { class: "tally" });

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
  /** Run another scenario, under the overlays that lie over the present one; or a run that is kept. */
  preset(side, base) {
    const { state } = store;
    const lost = Object.keys(state[side].moved).length;
    const kept = savedRuns().find(({ name }) => SAVED + name === base)?.run;
    const names = base === NONE || !state[side].scenario ? [] : partsOf(state[side].scenario)[1];
    const run = kept ?? { scenario: [base, ...names].join("+"), moved: {} };
    setState(withRun(state, side, run));
    rerun();
    if (lost) say(t("page.preset_said", { side: side.toUpperCase() }));
  },
  /** Compare one more scenario: the first that is not compared yet. */
  add() {
    const { state } = store;
    const side = SIDES.find((each) => !state[each].scenario);
    const shown = sidesOf(state).map((each) => partsOf(state[each].scenario)[0]);
    const next = DATA.scenarios.find(({ id, kind }) => kind !== "test" && !shown.includes(id));
    const { id } = next ?? DATA.scenarios[0];
    setState({ ...state, [side]: { scenario: id, moved: {} } });
    rerun();
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
  /** Keep the run that is moved in the browser, by a name that is asked for. */
  keep() {
    const run = store.state[store.state.edited];
    askName(savedAs(run) ?? titleOf(run), (name) => {
      say(t(saveRun(name, run) ? "page.kept" : "page.not_kept", { name }));
      build();
    });
  },
  forget(side) {
    const name = savedAs(store.state[side]);
    forgetRun(name);
    say(t("page.forgotten", { name }));
    build();
  },
  copyTable(attribute) {
    return copy(tableText(attribute, results), t("page.table_copied"));
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

/** Run what is compared. */
function computeAll() {
  const { state } = store;
  return Object.fromEntries(
    SIDES.map((side) => [side, state[side].scenario ? compute(state[side]) : null]),
  );
}

function rerun() {
  results = computeAll();
  show();
  settled();
  detail.again?.(results);
}

/** Bring what is on the screen up to the results. */
function show(lever = null) {
  panel.update(results, lever);
  const view = built[store.state.tab];
  view.update(results);
  showAnswer();
  askMembers(results, () => {
    built[store.state.tab].update(results);
    showAnswer();
    detail.members?.();
  });
}

/** Say the answer; while members are still run, the last one stands, greyed. */
function showAnswer() {
  const node = document.getElementById("answer");
  const pending = SIDES.some((side) => results[side] && isPending(results[side]));
  node.classList.toggle("is-pending", pending);
  document.documentElement.dataset.pending = String(pending);
  setText(tally, talliesText(results));
  if (pending && node.dataset.saidIn === store.state.lang) return;
  node.dataset.saidIn = store.state.lang;
  const sides = SIDES.filter((side) => results[side]);
  const sentences = answerOf(results).map((text, i) => {
    const side = sides[i] ? `answer-part side-${sides[i]}` : "answer-part";
    return el("span", { class: side }, text + (i < sides.length ? t("list_sep.sentence") : ""));
  });
  node.replaceChildren(...sentences);
  setText(document.getElementById("title"), questionOf(results));
}

/** Ask what the answer answers. */
function questionOf(found) {
  const [first, ...others] = SIDES.filter((side) => found[side]).map((side) =>
    t("answer.title", { title: titleOf(found[side].run) }),
  );
  if (!DATA.targets.length) return andText([first, ...others]);
  const key = others.length > 1 ? "page.question_many" : others.length ? "page.question" : "page.question_one";
  return t(key, { first, others: andText(others) });
}

/** Count verdicts of all runs in one line. */
const talliesText = (found) =>
  SIDES.filter((side) => found[side])
    .map((side) => `${side.toUpperCase()} ${talliedText(found[side])}`)
    .join(" · ");

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
  document.getElementById("plan").textContent = pick(DATA.title);
  document.getElementById("subtitle").textContent = t("page.subtitle");
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
      el("summary", {}, el("span", {}, t("page.assumptions")), tally),
      panel.node,
    ),
  );
  if (open.size) {
    for (const each of document.querySelectorAll("details.group")) each.open = open.has(each.id);
  }
  for (const view of Object.values(built)) view.charts.forEach((chart) => chart.destroy());
  for (const each of TABS) document.getElementById(`panel-${each}`).replaceChildren();
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
narrow.addEventListener("change", () => {
  document.querySelector(".drawer").open = !narrow.matches;
});

new ResizeObserver(() => {
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
  setState(link.state);
  results = computeAll();
  build();
  tellOf(link);
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the fragment is not the place of an element here
  document.getElementById("main").focus();
});

results = computeAll();
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
  shares: (side) => surely(results[side]),
  band: (side, reference) => {
    const line = DATA.charts.flatMap((chart) => chart.lines).find(
      ({ output }) => modelProgram.outputs[output] === reference,
    );
    return bandOf(results[side], line, yearsOf({ a: results[side] }));
  },
  /** Give how many members have been run. */
  members: (side) => crowd.found.get(keyOfResult(results[side]))?.members ?? 0,
  ensemble: MEMBERS?.count ?? 0,
  /** Give the shares of all targets' margins at once, from A to B. */
  attribute: (orders) =>
    new Promise((done) => {
      const margins = DATA.targets.map(({ id }) => JUDGED.get(`${id}.margin`));
      const figures = (run) => {
        const found = figuresOf(run);
        return margins.map((place) => found[place]);
      };
      const { clock } = scenarioOf(results.a.run);
      const ways = { ...DATA.shares, changes: DATA.changes, figures, clock, orders };
      inSlices(shareOut(results.a.inputs, results.b.inputs, ways), { done });
    }),
  /** Give what is shared out of a target, from A to B: its margin, then its series by year. */
  yearly: (id) => {
    const target = DATA.targets.find((each) => each.id === id);
    const { a, b } = results;
    return new Promise((done) => inSlices(shareOut(a.inputs, b.inputs, waysOf(target, a, b)), { done }));
  },
  /** Begin anew, as at first. */
  restart() {
    detail.again = null;
    for (const box of document.querySelectorAll("dialog[open]")) box.close();
    keepRuns([]);
    tellOf({ unknown: [] });
    Object.assign(store, { state: firstState(), past: [], future: [] });
    saveAddress();
    results = computeAll();
    document.getElementById("controls").replaceChildren();
    build();
  },
  programs: { model: modelProgram, verdicts: verdictProgram },
  targets: DATA.targets.map((each) => each.id),
};
