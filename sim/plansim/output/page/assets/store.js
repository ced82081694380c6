// What the user has set: one value, changed by replacement, with undo and a place in the address.

const DATA = JSON.parse(document.getElementById("data").textContent);
const LEVERS = DATA.groups.flatMap((group) => group.levers);
const LEVER = new Map(LEVERS.map((lever) => [lever.id, lever]));
const SCENARIO = new Map(DATA.scenarios.map((scenario) => [scenario.id, scenario]));
const TABS = ["overview", "charts", "targets", "map", "about"];
const NONE = "";
const SIDES = ["a", "b"];

const scenarioOf = (run) => SCENARIO.get(run.scenario);

function firstState() {
  const [a, b] = DATA.scenarios;
  return {
    lang: DATA.lang,
    tab: "overview",
    edited: "a",
    a: { scenario: a.id, moved: {} },
    b: { scenario: b ? b.id : NONE, moved: {} },
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
  JSON.stringify([one.a, one.b]) === JSON.stringify([other.a, other.b]);

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

/** Give a state with one lever of the edited run moved; back to rest is not moved at all. */
function withLever(state, side, lever, value) {
  const moved = { ...state[side].moved };
  if (value === restOf(lever, state[side])) delete moved[lever.id];
  else moved[lever.id] = value;
  return { ...state, [side]: { ...state[side], moved } };
}
