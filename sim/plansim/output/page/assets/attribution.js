// What the change of a margin from A to B is due to: Shapley shares of the changed assumptions, by
// the rules of analysis/attribution.py, to which tests hold them. Nothing touches the document.

const SLICE = 6; // milliseconds that a long computation keeps the page to itself

/** Give what B has otherwise than A: of each change its name, and the inputs that are not alike. */
function changesBetween(one, other) {
  return DATA.changes
    .map((change) => ({ ...change, inputs: change.inputs.filter((at) => one[at] !== other[at]) }))
    .filter((change) => change.inputs.length);
}

const sameClock = (one, other) =>
  ["initial", "final", "step", "saveper", "integration"].every((key) => one[key] === other[key]);

/** Give the margins of targets where some of the changes are made; a run stops at `until`. */
function marginsAt(game, chosen) {
  const key = chosen.join("");
  let found = game.known.get(key);
  if (!found) {
    const inputs = Float64Array.from(game.before);
    game.changes.forEach((change, i) => {
      if (chosen[i]) for (const at of change.inputs) inputs[at] = game.after[at];
    });
    const run = simulate(modelProgram, inputs, game.clock, game.until);
    const verdicts = figuresOf({ ...run, rows: new Map() });
    found = game.margins.map((place) => verdicts[place]);
    game.known.set(key, found);
  }
  return found;
}

/**
 * Share out what B changes of targets' margins among its changed assumptions.
 *
 * A generator, so that it can be cut into slices: between two runs it gives what is known so far,
 * as a function, or null; in the end everything. Shares are by target and change, in the target's
 * unit, and add up; errors are standard errors, zero where every subset of changes was run.
 */
function* shareOut(a, b, targets, { until, orders = DATA.shares.orders } = {}) {
  const changes = changesBetween(a.inputs, b.inputs);
  const game = {
    changes,
    before: a.inputs,
    after: b.inputs,
    clock: scenarioOf(a.run).clock,
    until,
    margins: targets.map((target) => JUDGED.get(`${target.id}.margin`)),
    known: new Map(),
  };
  const exact = changes.length <= DATA.shares.exact;
  const none = changes.map(() => 0);
  const ends = [none, none.map(() => 1)].map((chosen) => marginsAt(game, chosen));
  const about = { changes, exact, from: ends[0], to: ends[1] };
  const said = (found) => ({ ...about, ...found, runs: game.known.size });
  if (exact) return said(yield* everySubset(game));
  return said(yield* someOrders(game, orders, said));
}

/** Run every subset of changes: the shares are exact. */
function* everySubset(game) {
  const count = game.changes.length;
  const worth = [];
  for (let subset = 0; subset < 2 ** count; subset += 1) {
    worth.push(marginsAt(game, Array.from({ length: count }, (_, i) => (subset >> i) & 1)));
    yield null;
  }
  const weights = [];
  for (let size = 0, ways = 1; size < count; size += 1) {
    weights.push(1 / (count * ways));
    ways = (ways * (count - 1 - size)) / (size + 1);
  }
  const shares = game.margins.map((_, target) =>
    game.changes.map((_change, member) => {
      let total = 0;
      for (let subset = 0; subset < 2 ** count; subset += 1) {
        if ((subset >> member) & 1) continue;
        let size = 0;
        for (let rest = subset; rest; rest &= rest - 1) size += 1;
        total += weights[size] * (worth[subset | (1 << member)][target] - worth[subset][target]);
      }
      return total;
    }),
  );
  return { shares, errors: shares.map((row) => row.map(() => 0)), orders: 0 };
}

/** Walk along some orders of the changes, each and then its reverse: the shares are estimates. */
function* someOrders(game, wanted, said) {
  const count = game.changes.length;
  const numbers = mulberry32(0);
  // By target and change: the mean over pairs, and the squares about it (Welford 1962).
  const mean = game.margins.map(() => new Float64Array(count));
  const squares = game.margins.map(() => new Float64Array(count));
  const pairs = Math.max(2, Math.ceil(wanted / 2));
  let done = 0;
  const found = () => ({
    shares: mean.map((row) => Array.from(row)),
    errors: squares.map((row) => Array.from(row, (each) => Math.sqrt(each / (done - 1) / done))),
    orders: 2 * done,
    wanted: 2 * pairs,
  });
  while (done < pairs) {
    const order = Array.from({ length: count }, (_, i) => i);
    for (let last = count - 1; last > 0; last -= 1) {
      const other = Math.floor((numbers() * (last + 1)) / 2 ** 32);
      [order[last], order[other]] = [order[other], order[last]];
    }
    const gains = game.margins.map(() => new Float64Array(count));
    for (const way of [order, [...order].reverse()]) {
      const chosen = new Array(count).fill(0);
      let before = marginsAt(game, chosen);
      for (const member of way) {
        chosen[member] = 1;
        const after = marginsAt(game, chosen);
        gains.forEach((row, target) => (row[member] += (after[target] - before[target]) / 2));
        before = after;
        yield null;
      }
    }
    done += 1;
    gains.forEach((row, target) =>
      row.forEach((gain, member) => {
        const away = gain - mean[target][member];
        mean[target][member] += away / done;
        squares[target][member] += away * (gain - mean[target][member]);
      }),
    );
    if (done > 1) yield () => said(found());
  }
  return found();
}

/** Give a source of random whole numbers below 2 ** 32: that of analysis/attribution.py. */
function mulberry32(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/**
 * Do long work in slices, so that no input is kept waiting; gives a function that stops it.
 *
 * `seen` is called with what the work last gave, as long as it goes on, and `done` with its end. A
 * worker would need the page to permit itself code from a blob; slices need nothing.
 */
function inSlices(work, { seen = () => {}, done }) {
  const { port1, port2 } = new MessageChannel();
  const stop = () => port1.close();
  port1.onmessage = () => {
    const end = performance.now() + SLICE;
    let latest = null;
    let step = null;
    do {
      step = work.next();
      if (!step.done && step.value) latest = step.value;
    } while (!step.done && performance.now() < end);
    if (step.done) {
      stop();
      done(step.value);
    } else {
      if (latest) seen(latest);
      port2.postMessage(null);
    }
  };
  port2.postMessage(null);
  return stop;
}
