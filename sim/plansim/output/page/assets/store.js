// What the user has set: one value, changed by replacement, with undo and a place in the address.

const DATA = JSON.parse(document.getElementById("data").textContent);
const LEVERS = DATA.groups.flatMap((group) => group.levers);
const LEVER = new Map(LEVERS.map((lever) => [lever.id, lever]));
const SCENARIO = new Map(DATA.scenarios.map((scenario) => [scenario.id, scenario]));
const OVERLAY = new Map(DATA.overlays.map((overlay) => [overlay.id, overlay]));
const TABS = ["overview", "charts", "targets", "map", "about"];
const NONE = "";
const SIDES = ["a", "b", "c", "d"];

const sidesOf = (state) => SIDES.filter((side) => state[side].scenario);

const scenarioOf = (run) => scenarioNamed(run.scenario);

// Overlays: the id of a scenario with some laid over it is `scenario+overlay+overlay`.

const laid = new Map();

/** Give the scenario of an id, with its overlays; undefined if there is none. */
function scenarioNamed(id) {
  if (SCENARIO.has(id) || laid.has(id)) return SCENARIO.get(id) ?? laid.get(id);
  const [base, names] = partsOf(id);
  const overlays = names.map((name) => OVERLAY.get(name));
  if (!SCENARIO.has(base) || overlays.some((each, i) => !each || clashes(each, overlays, i))) {
    return undefined;
  }
  laid.set(id, overlaid(id, SCENARIO.get(base), overlays));
  return laid.get(id);
}

/** Split an id into that of a scenario of the page and the names of overlays. */
function partsOf(id) {
  const parts = id.split("+");
  let count = 1;
  while (count < parts.length && !SCENARIO.has(parts.slice(0, count).join("+"))) count++;
  return [parts.slice(0, count).join("+"), parts.slice(count)];
}

/** Tell whether an overlay sets what one of the first of some others sets, too. */
function clashes(overlay, others, count = others.length) {
  const inputs = new Set(overlay.values.map(([place]) => place));
  return others.slice(0, count).some((other) => other.values.some(([place]) => inputs.has(place)));
}

function overlaid(id, base, overlays) {
  const all = [base, ...overlays];
  const own = base.shipped ? {} : Object.assign({}, ...all.map((each) => each.own));
  return {
    ...base,
    id,
    name: [" + ", "＋"].map((sign, lang) => all.map((each) => each.name[lang]).join(sign)),
    about: [" ", ""].map((gap, lang) => all.map((each) => each.about[lang]).join(gap)),
    values: all.flatMap((each) => each.values),
    assumed: Object.assign({}, ...all.map((each) => each.assumed)),
    parent: base.shipped ? id : base.parent,
    own,
  };
}

/** Give the id of a scenario with an overlay laid over it, or taken away. */
function withOverlay(id, name) {
  const [base, names] = partsOf(id);
  const others = names.filter((each) => each !== name);
  const chosen = new Set(others.length < names.length ? others : [...names, name]);
  return [base, ...DATA.overlays.map((each) => each.id).filter((each) => chosen.has(each))].join(
    "+",
  );
}

function firstState() {
  const [a, b] = DATA.scenarios;
  return {
    lang: DATA.lang,
    tab: "overview",
    edited: "a",
    a: { scenario: a.id, moved: {} },
    b: { scenario: b ? b.id : NONE, moved: {} },
    c: { scenario: NONE, moved: {} },
    d: { scenario: NONE, moved: {} },
  };
}

/** Give what a lever stands at when nobody has moved it. */
function restOf(lever, run) {
  if (lever.apply === "add") return 0;
  if (lever.apply === "multiply") return 1;
  return inputsAtRest(scenarioOf(run))[lever.inputs[0]];
}

const opened = readLink(location.hash.slice(1));

// Undo

const store = {
  state: opened.state,
  past: [],
  future: [],
};

const sameRuns = (one, other) =>
  SIDES.every((side) => JSON.stringify(one[side]) === JSON.stringify(other[side]));

/** Take a new state; `lasting` ones can be undone and stand in the address. */
function setState(next, { lasting = true, from = store.state } = {}) {
  if (lasting && !sameRuns(next, from)) {
    store.past.push(from);
    store.future = [];
  }
  store.state = next;
  if (lasting) saveAddress();
}

function saveAddress() {
  try {
    history.replaceState(null, "", `#${fragmentOf(store.state)}`);
  } catch {
    // A page inside another document has no address of its own.
  }
}

/** Go one change back or forth; language, tab and the edited side stay. */
function travel(from, to) {
  const found = from.pop();
  if (!found) return false;
  to.push(store.state);
  const { lang, tab } = store.state;
  store.state = { ...found, lang, tab };
  saveAddress();
  return true;
}

const undo = () => travel(store.past, store.future);
const redo = () => travel(store.future, store.past);

/** Give a state with another run on a side; where it is none, those after it move up. */
function withRun(state, side, run) {
  const runs = SIDES.map((each) => (each === side ? run : state[each]));
  const kept = runs.filter((each) => each.scenario);
  const empty = { scenario: NONE, moved: {} };
  const next = { ...state };
  SIDES.forEach((each, i) => (next[each] = kept[i] ?? empty));
  if (!next[next.edited].scenario) next.edited = "a";
  return next;
}

/** Give a state with one lever of the edited run moved; back to rest is not moved at all. */
function withLever(state, side, lever, value) {
  const moved = { ...state[side].moved };
  if (value === restOf(lever, state[side])) delete moved[lever.id];
  else moved[lever.id] = value;
  return { ...state, [side]: { ...state[side], moved } };
}
