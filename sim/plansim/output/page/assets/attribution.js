// What the difference between two runs is due to: Shapley shares of the changed assumptions, by the
// rules of analysis/attribution/, to which tests hold them. Nothing touches the document.

/** Give what B has otherwise than A: of each change its name, and the inputs that are not alike. */
function changesBetween(changes, one, other) {
  return changes
    .map((change) => ({ ...change, inputs: change.inputs.filter((at) => one[at] !== other[at]) }))
    .filter((change) => change.inputs.length);
}

const sameClock = (one, other) =>
  ["initial", "final", "step", "saveper", "integration"].every((key) => one[key] === other[key]);

/** Give all figures that are shared out where some of the changes are made. */
function figuresWith(game, chosen) {
  const key = chosen.join("");
  let found = game.known.get(key);
  if (!found) {
    const inputs = Float64Array.from(game.before);
    game.changes.forEach((change, i) => {
      if (chosen[i]) for (const at of change.inputs) inputs[at] = game.after[at];
    });
    const run = { ...simulate(modelProgram, inputs, game.clock), rows: new Map() };
    found = game.figures(run);
    game.known.set(key, found);
  }
  return found;
}

/**
 * Share out what B changes of some figures of a run among its changed assumptions.
 *
 * `figures` gives them of a run, a list of numbers. A generator, so that it can be cut into slices:
 * between two runs it gives what is known so far, as a function, or null; in the end everything.
 * Shares are by figure and change, and add up; errors are standard errors, zero where every subset
 * of changes was run, as it is for up to `exact` of them. Then `pairs` holds what each two of the
 * changes do together beyond what each does (`interactions`).
 */
function* shareOut(a, b, { changes, figures, clock, exact: most, orders }) {
  const differing = changesBetween(changes, a, b);
  const game = { changes: differing, before: a, after: b, clock, figures, known: new Map() };
  const exact = differing.length <= most;
  const none = differing.map(() => 0);
  const ends = [none, none.map(() => 1)].map((chosen) => figuresWith(game, chosen));
  const about = { changes: differing, exact, from: ends[0], to: ends[1] };
  const said = (found) => ({ ...about, ...found, runs: game.known.size });
  if (exact) return said(yield* everySubset(game, ends[0].length));
  return said(yield* someOrders(game, ends[0].length, orders, said));
}

/** Run every subset of changes: the shares are exact. */
function* everySubset(game, length) {
  const count = game.changes.length;
  const worth = [];
  for (let subset = 0; subset < 2 ** count; subset += 1) {
    worth.push(figuresWith(game, Array.from({ length: count }, (_, i) => (subset >> i) & 1)));
    yield null;
  }
  const weights = orderWeights(count);
  const rows = Array.from({ length }, (_, row) => row);
  const shares = rows.map((row) =>
    game.changes.map((_change, member) => {
      let total = 0;
      for (let subset = 0; subset < 2 ** count; subset += 1) {
        if ((subset >> member) & 1) continue;
        total += weights[sizeOf(subset)] * (worth[subset | (1 << member)][row] - worth[subset][row]);
      }
      return total;
    }),
  );
  const errors = shares.map((row) => row.map(() => 0));
  return { shares, errors, orders: 0, pairs: interactions(worth, count) };
}

/** Give the part of all orders in which just a set of each size stands before one of some members. */
function orderWeights(count) {
  const weights = [];
  for (let size = 0, ways = 1; size < count; size += 1) {
    weights.push(1 / (count * ways));
    ways = (ways * (count - 1 - size)) / (size + 1);
  }
  return weights;
}

function sizeOf(subset) {
  let size = 0;
  for (let rest = subset; rest; rest &= rest - 1) size += 1;
  return size;
}

/**
 * Give what each two changes do to the first figure beyond what each does without the other, on the
 * mean over all orders (Grabisch & Roubens 1999): `[one, other, size]`, the strongest first.
 */
function interactions(worth, count) {
  const pairs = [];
  const weights = orderWeights(count - 1);
  for (let one = 0; one < count; one += 1) {
    for (let other = one + 1; other < count; other += 1) {
      const [first, second] = [1 << one, 1 << other];
      let total = 0;
      for (let subset = 0; subset < 2 ** count; subset += 1) {
        if (subset & (first | second)) continue;
        const gain = (extra) => worth[subset | extra][0];
        total += weights[sizeOf(subset)] *
          (gain(first | second) - gain(first) - gain(second) + gain(0));
      }
      pairs.push([one, other, total]);
    }
  }
  return pairs.sort((x, y) => Math.abs(y[2]) - Math.abs(x[2]));
}

/** Walk along some orders of the changes, each and then its reverse: the shares are estimates. */
function* someOrders(game, length, wanted, said) {
  const rows = Array.from({ length });
  const count = game.changes.length;
  const numbers = mulberry32(0);
  // By figure and change: the mean over pairs, and the squares about it (Welford 1962).
  const mean = rows.map(() => new Float64Array(count));
  const squares = rows.map(() => new Float64Array(count));
  const pairs = Math.max(2, Math.ceil(wanted / 2));
  let done = 0;
  const found = () => ({
    shares: mean.map((row) => Array.from(row)),
    errors: squares.map((row) => Array.from(row, (each) => Math.sqrt(each / (done - 1) / done))),
    orders: 2 * done,
    pairs: [],
    wanted: 2 * pairs,
  });
  while (done < pairs) {
    const order = Array.from({ length: count }, (_, i) => i);
    for (let last = count - 1; last > 0; last -= 1) {
      const other = Math.floor((numbers() * (last + 1)) / 2 ** 32);
      [order[last], order[other]] = [order[other], order[last]];
    }
    const gains = rows.map(() => new Float64Array(count));
    for (const way of [order, [...order].reverse()]) {
      const chosen = new Array(count).fill(0);
      let before = figuresWith(game, chosen);
      for (const member of way) {
        chosen[member] = 1;
        const after = figuresWith(game, chosen);
        gains.forEach((row, at) => (row[member] += (after[at] - before[at]) / 2));
        before = after;
        yield null;
      }
    }
    done += 1;
    gains.forEach((row, at) =>
      row.forEach((gain, member) => {
        const away = gain - mean[at][member];
        mean[at][member] += away / done;
        squares[at][member] += away * (gain - mean[at][member]);
      }),
    );
    if (done > 1) yield () => said(found());
  }
  return found();
}

/** Give a source of random whole numbers below 2 ** 32: that of analysis/attribution/. */
function mulberry32(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}
