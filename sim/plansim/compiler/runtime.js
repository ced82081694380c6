// Runs a program that javascript.py wrote: the clock, the steps, and the rings of fixed delays.
// The clock and the steps that are saved are those of engine/batch.py.

/** Give the numbers of the steps at which a clock saves. */
function savedSteps(clock) {
  const count = Math.ceil((clock.final - clock.initial) / clock.step - 1e-6);
  const slack = clock.step * 1e-6;
  const saved = [];
  for (let i = 0; i <= count; i += 1) {
    const over = (i * clock.step) % clock.saveper;
    if (over < slack || clock.saveper - over < slack) saved.push(i);
  }
  return { count, saved };
}

/**
 * Simulate once. The stages of a step are those of integration.py; see docs/integration.md.
 *
 * @param {Program} program what javascript.py wrote
 * @param {Float64Array} values one for each of program.inputs
 * @param {{initial: number, final: number, step: number, saveper: number, integration: string}}
 *   clock
 * @returns {{time: Float64Array, values: Float64Array, finite: boolean}} the values of all outputs
 *   at the first saved time, then at the next, and so on
 */
function simulate(program, values, clock) {
  const M = program.memory;
  const { inputs, states, pipes } = program.at;
  M[1] = clock.initial;
  M[2] = clock.final;
  M[3] = clock.step;
  M[4] = clock.saveper;
  M[0] = clock.initial;
  M.set(values, inputs);
  program.once(M);
  for (let i = 0; i < program.states.length; i += 1) M[states + i] = M[program.states[i][0]];
  const rings = program.pipes.map((pipe) => {
    const steps = Math.round(Math.max(M[pipe.delay] / clock.step, 1) + 1e-6);
    return new Float64Array(steps).fill(M[pipe.initial]);
  });

  const width = program.outputs.length;
  const { count, saved } = savedSteps(clock);
  const time = Float64Array.from(saved, (i) => clock.initial + i * clock.step);
  const found = new Float64Array(saved.length * width);
  let kept = 0;
  let watch = 0;
  const stages = STAGES[clock.integration];
  for (let i = 0; i <= count; i += 1) {
    for (let k = 0; k < rings.length; k += 1) M[pipes + k] = rings[k][i % rings[k].length];
    for (let s = 0; s < stages.length; s += 1) {
      const [offset, length, weight] = stages[s];
      M[0] = clock.initial + (i + offset) * clock.step;
      program.step(M, s === 0);
      if (s === 0 && saved[kept] === i) {
        program.save(M);
        const from = kept * width;
        for (let k = 0; k < width; k += 1) {
          const value = M[program.shown[k]];
          found[from + k] = value;
          watch += value * 0;
        }
        kept += 1;
      }
      if (i === count) break;
      const last = s === stages.length - 1;
      advance(program, s === 0, last, length * clock.step, weight);
    }
    for (let k = 0; k < rings.length; k += 1) {
      rings[k][i % rings[k].length] = M[program.pipes[k].entering];
    }
    for (let k = 0; k < program.states.length; k += 1) watch += M[states + k] * 0;
  }
  return { time, values: found, finite: watch === 0 };
}

/** Move levels on by a stage, and after the last stage of a step what remembers things too. */
function advance(program, first, last, length, weight) {
  const M = program.memory;
  const { states, following, starts, sums } = program.at;
  const size = program.states.length;
  if (first) {
    M.copyWithin(starts, states, states + size);
    M.fill(0, sums, sums + size);
  }
  for (let k = 0; k < size; k += 1) {
    const [, change, isLevel] = program.states[k];
    if (isLevel) {
      const way = M[change] * length;
      M[following + k] = M[starts + k] + (last ? M[sums + k] : 0) + way;
      M[sums + k] += weight * way;
    } else M[following + k] = M[last ? change : states + k];
  }
  M.copyWithin(states, following, following + size);
}

/** Compute the outputs of a program that has neither states nor time. */
function evaluate(program, values) {
  const M = program.memory;
  M.set(values, program.at.inputs);
  program.once(M);
  return Float64Array.from(program.shown, (at) => M[at]);
}

// What JavaScript's own functions do otherwise than C's and LLVM's.

/** A power; 1 and -1 have one to whatever exponent, as IEEE 754 has it. */
function power(base, exponent) {
  if (base === 1 || (base === -1 && Math.abs(exponent) === Infinity)) return 1;
  // Twice as quick as Math.pow, for a relative error of some 1e-16 times the exponent of the result.
  if (base > 0 && base < Infinity) return Math.exp(exponent * Math.log(base));
  return Math.pow(base, exponent);
}

/** A remainder with the sign of the divisor. */
function remainder(dividend, divisor) {
  const rest = dividend % divisor;
  return rest !== 0 && rest < 0 !== divisor < 0 ? rest + divisor : rest;
}

/** The value of a table: straight between its points, flat beyond its ends, NaN at NaN. */
function lookup(table, at) {
  const { x, y, slope } = table;
  const last = x.length - 1;
  if (!(at > x[0])) return at <= x[0] ? y[0] : NaN;
  if (at >= x[last]) return y[last];
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (x[middle] <= at) low = middle;
    else high = middle;
  }
  return y[low] + slope[low] * (at - x[low]);
}

/** A number between 0 and 1, by Threefry-2x32-20 as in vector_math.py. */
function random(seed, stream, step, place) {
  const keys = [Math.trunc(seed) | 0, Math.trunc(stream) | 0];
  keys.push(keys[0] ^ keys[1] ^ 0x1bd11bda);
  let a = ((Math.trunc(step) | 0) + keys[0]) | 0;
  let b = (place + keys[1]) | 0;
  for (let turn = 0; turn < 5; turn += 1) {
    for (const distance of turn % 2 ? [17, 29, 16, 24] : [13, 15, 26, 6]) {
      a = (a + b) | 0;
      b = ((b << distance) | (b >>> (32 - distance))) ^ a;
    }
    a = (a + keys[(turn + 1) % 3]) | 0;
    b = (b + keys[(turn + 2) % 3] + turn + 1) | 0;
  }
  return ((a >>> 6) * 67108864 + (b >>> 6) + 0.5) / 4503599627370496;
}
