// From what a user has set to runs and verdicts: nothing here touches the document.

const { simulate, modelProgram, verdictProgram, valueAt, figuresOf, JUDGED } = engine;
const { shareOut, changesBetween, sameClock, inSlices } = engine;

const atRest = new Map();

/** Give the inputs of a scenario of which no lever is moved. */
function inputsAtRest(scenario) {
  let values = atRest.get(scenario);
  if (!values) {
    values = Float64Array.from(modelProgram.defaults);
    for (const [place, value] of scenario.values) values[place] = value;
    atRest.set(scenario, values);
  }
  return values;
}

/** Give the inputs of the model's program: defaults, then the scenario, then the levers. */
function inputsOf(run) {
  const values = Float64Array.from(inputsAtRest(scenarioOf(run)));
  for (const lever of LEVERS) {
    const moved = run.moved[lever.id];
    if (moved === undefined) continue;
    for (const place of lever.inputs) {
      if (lever.apply === "set") values[place] = moved;
      else if (lever.apply === "add") values[place] += moved;
      else values[place] *= moved;
    }
  }
  return values;
}

/** Simulate and judge one run. */
function compute(run) {
  const inputs = inputsOf(run);
  const { time, values, finite } = simulate(modelProgram, inputs, scenarioOf(run).clock);
  const result = { run, inputs, time, values, finite, rows: new Map() };
  result.verdicts = judge(result, scenarioOf(run).assumed);
  return result;
}

/** Give the verdict on each target. */
function judge(result, assumed) {
  const found = figuresOf(result);
  return DATA.targets.map((target) => {
    const of = (what) => found[JUDGED.get(`${target.id}.${what}`)];
    const breach = of("breach");
    return {
      value: of("value"),
      margin: of("margin"),
      percent: of("percent"),
      breach: Number.isNaN(breach) ? null : breach,
      status: DATA.statuses[of(target.id in assumed ? "assumed" : "status")],
      bases: target.bases.map((basis) => [basis, of(basis)]),
    };
  });
}

/**
 * Try each lever at both ends of its range, and give what that does to a target's margin, the
 * strongest first. A generator: it stops between two levers.
 */
function* sensitivity(run, target) {
  const place = DATA.targets.indexOf(target);
  const marginOf = (lever, value) =>
    compute({ ...run, moved: { ...run.moved, [lever.id]: value } }).verdicts[place].margin;
  const found = [];
  for (const lever of LEVERS) {
    const low = marginOf(lever, lever.low);
    const high = marginOf(lever, lever.high);
    const reach = Math.abs(high - low);
    if (Number.isFinite(reach) && reach > 0) found.push({ lever, low, high, reach });
    yield null;
  }
  return found.sort((a, b) => b.reach - a.reach);
}

/** Give between which values of a lever all that it moves stays plausible, in a run's scenario. */
function plausibleOf(lever, run) {
  const still = inputsAtRest(scenarioOf(run));
  const ends = [-Infinity, Infinity];
  lever.inputs.forEach((place, i) => {
    const range = lever.plausible[i];
    if (!range) return;
    const [low, high] = range.map((end) => {
      if (lever.apply === "add") return end - still[place];
      return lever.apply === "multiply" ? end / still[place] : end;
    });
    if (Number.isNaN(low + high)) return;
    ends[0] = Math.max(ends[0], Math.min(low, high));
    ends[1] = Math.min(ends[1], Math.max(low, high));
  });
  return ends;
}

/** Tell whether a value of a lever makes something that it moves implausible. */
function isImplausible(lever, run, value) {
  const [low, high] = plausibleOf(lever, run);
  const slack = 1e-9 * Math.max(1, Math.abs(value));
  return value < low - slack || value > high + slack;
}
