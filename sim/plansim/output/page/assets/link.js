// A state as the fragment of an address, and back: what a link holds, and what is wrong with one.

const MODEL_DIGITS = 8; // of the model's digest, enough to tell one version from another

const linkName = (side, lever) => `${side}:${lever.id.replaceAll(" ", "_")}`;

/** Write a state as a fragment; what is as at first is left out. */
function fragmentOf(state) {
  const first = firstState();
  const parts = new URLSearchParams();
  for (const key of ["lang", "tab", "edited"]) {
    if (state[key] !== first[key]) parts.set(key, state[key]);
  }
  const bare = parts.size;
  for (const side of SIDES) {
    if (state[side].scenario !== first[side].scenario) parts.set(side, state[side].scenario);
    for (const [id, value] of Object.entries(state[side].moved)) {
      parts.set(linkName(side, LEVER.get(id)), String(value));
    }
  }
  // Figures of another version of the model would be others: whoever opens the link is told.
  if (parts.size > bare) parts.set("model", DATA.sha256.slice(0, MODEL_DIGITS));
  return parts.toString();
}

/**
 * Read a fragment: the state, which of its entries this page does not understand, and whether the
 * link was made with another version of the model. A lever goes no further than the model admits.
 */
function readLink(fragment) {
  const state = firstState();
  const levers = new Map(
    SIDES.flatMap((side) => LEVERS.map((lever) => [linkName(side, lever), { side, lever }])),
  );
  let other = false;
  const one = (key, known) => (text) => known.includes(text) && (state[key] = text);
  const scenario = (side) => (text) =>
    (scenarioNamed(text) || (text === NONE && side !== "a")) &&
    (state[side] = { scenario: text, moved: {} });
  const take = {
    lang: one("lang", ["en", "zh"]),
    tab: one("tab", TABS),
    edited: one("edited", SIDES),
    ...Object.fromEntries(SIDES.map((side) => [side, scenario(side)])),
    model(text) {
      other = text !== DATA.sha256.slice(0, MODEL_DIGITS);
      return true;
    },
  };
  function move({ side, lever }, text) {
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value) || !state[side].scenario) return false;
    const [low, high] = lever.limits.map((end, i) => end ?? [-Infinity, Infinity][i]);
    state[side].moved[lever.id] = Math.min(Math.max(value, low), high);
    return true;
  }
  const entries = [...new URLSearchParams(fragment)];
  const isMove = ([key]) => levers.has(key);
  // Scenarios come first: whatever is moved, is moved from there.
  const sorted = [...entries.filter((each) => !isMove(each)), ...entries.filter(isMove)];
  const unknown = sorted.filter(([key, text]) =>
    levers.has(key) ? !move(levers.get(key), text) : !(Object.hasOwn(take, key) && take[key](text)),
  );
  const names = unknown.map(([key, text]) => (text ? `${key}=${text}` : key));
  return { state: withRun(state, "a", state.a), unknown: [...new Set(names)], other };
}
