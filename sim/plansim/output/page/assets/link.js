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
 * Read a fragment: the state, how many of its entries this page understands, which ones it does
 * not, which levers had to be set to an end of what the model admits, and whether the link was
 * made with another version of the model.
 */
function readLink(fragment) {
  const state = firstState();
  const entries = [...new URLSearchParams(fragment)];
  const unknown = [];
  const clamped = [];
  const levers = new Map(
    SIDES.flatMap((side) => LEVERS.map((lever) => [linkName(side, lever), { side, lever }])),
  );
  let other = false;
  const isScenario = (text) => scenarioNamed(text) !== undefined;
  const take = {
    lang: (text) => ["en", "zh"].includes(text) && (state.lang = text),
    tab: (text) => TABS.includes(text) && (state.tab = text),
    a: (text) => isScenario(text) && (state.a = { scenario: text, moved: {} }),
    ...Object.fromEntries(
      SIDES.slice(1).map((side) => [
        side,
        (text) =>
          (text === NONE || isScenario(text)) && (state[side] = { scenario: text, moved: {} }),
      ]),
    ),
    edited: (text) => SIDES.includes(text) && (state.edited = text),
    model(text) {
      other = text !== DATA.sha256.slice(0, MODEL_DIGITS);
      return true;
    },
  };
  function move({ side, lever }, text) {
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value) || !state[side].scenario) return false;
    const [low, high] = lever.limits.map((end, i) => end ?? [-Infinity, Infinity][i]);
    const within = Math.min(Math.max(value, low), high);
    if (within !== value) clamped.push({ side, lever });
    state[side].moved[lever.id] = within;
    return true;
  }
  // Scenarios come first: whatever is moved, is moved from there.
  const isMove = ([key]) => levers.has(key);
  for (const entry of [...entries.filter((each) => !isMove(each)), ...entries.filter(isMove)]) {
    const [key, text] = entry;
    const done = levers.has(key)
      ? move(levers.get(key), text)
      : Object.hasOwn(take, key) && take[key](text) !== false;
    if (!done) unknown.push(text ? `${key}=${text}` : key);
  }
  const known = entries.length - unknown.length;
  return { state: withRun(state, "a", state.a), known, unknown: [...new Set(unknown)], clamped, other };
}
