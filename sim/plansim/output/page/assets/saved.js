// Runs that the browser keeps, as far as it keeps anything for a page from disk.

const KEPT = `plansim:${DATA.model}`;

/** Give the runs that are kept, as `{name, run}`; those that this page does not understand are left
 * out. */
function savedRuns() {
  try {
    const text = localStorage.getItem(KEPT) ?? "[]";
    if (text !== savedRuns.text) savedRuns.kept = JSON.parse(text);
    savedRuns.text = text;
    return savedRuns.kept.filter(
      ({ name, run }) =>
        typeof name === "string" &&
        scenarioNamed(run.scenario) &&
        Object.entries(run.moved).every(([id, value]) => LEVER.has(id) && Number.isFinite(value)),
    );
  } catch {
    return [];
  }
}

/** Keep a run by a name, in place of one that bears it; tells whether the browser does. */
function saveRun(name, run) {
  const others = savedRuns().filter((each) => each.name !== name);
  return keepRuns([...others, { name, run }]);
}

const forgetRun = (name) => keepRuns(savedRuns().filter((each) => each.name !== name));

function keepRuns(runs) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(runs));
    return true;
  } catch {
    return false;
  }
}

/** Give the name by which a run is kept; undefined if it is not. */
const savedAs = (run) => savedRuns().find((each) => keyOf(each.run) === keyOf(run))?.name;
