// What the user has set: one value, changed by replacement, with undo and a place in the address.

const DATA = JSON.parse(document.getElementById("data").textContent);
const LEVERS = DATA.groups.flatMap((group) => group.levers);
const LEVER = new Map(LEVERS.map((lever) => [lever.id, lever]));
const SCENARIO = new Map(DATA.scenarios.map((scenario) => [scenario.id, scenario]));
const TABS = ["overview", "charts", "targets", "map", "about"];
const NONE = "";

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
  const [place] = lever.inputs;
  const set = scenarioOf(run).values.find(([each]) => each === place);
  return set ? set[1] : modelProgram.defaults[place];
}

// The address

/** Write a state as a fragment; what is as at first is left out. */
function fragmentOf(state) {
  const first = firstState();
  const parts = new URLSearchParams();
  for (const key of ["lang", "tab", "edited"]) {
    if (state[key] !== first[key]) parts.set(key, state[key]);
  }
  for (const side of ["a", "b"]) {
    if (state[side].scenario !== first[side].scenario) parts.set(side, state[side].scenario);
    for (const [id, value] of Object.entries(state[side].moved)) {
      parts.set(`${side}:${id.replaceAll(" ", "_")}`, String(value));
    }
  }
  return parts.toString();
}

/** Read a fragment; what this page does not know is left out. */
function stateOf(fragment) {
  const state = firstState();
  const parts = new URLSearchParams(fragment);
  if (["en", "zh"].includes(parts.get("lang"))) state.lang = parts.get("lang");
  if (TABS.includes(parts.get("tab"))) state.tab = parts.get("tab");
  for (const side of ["a", "b"]) {
    const id = parts.get(side);
    if (id !== null && (SCENARIO.has(id) || (side === "b" && id === NONE))) {
      state[side] = { scenario: id, moved: {} };
    }
    if (!state[side].scenario) continue;
    for (const lever of LEVERS) {
      const text = parts.get(`${side}:${lever.id.replaceAll(" ", "_")}`);
      if (text !== null && text !== "" && Number.isFinite(Number(text))) {
        state[side].moved[lever.id] = Number(text);
      }
    }
  }
  if (parts.get("edited") === "b" && state.b.scenario) state.edited = "b";
  return state;
}

// Undo

const store = {
  state: stateOf(location.hash.slice(1)),
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
