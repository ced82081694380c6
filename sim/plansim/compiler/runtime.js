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
  program.layout ??= layoutOf(program);
  const { initials } = program.layout;
  for (let i = 0; i < initials.length; i += 1) M[states + i] = M[initials[i]];
  const rings = program.pipes.map((pipe) =>
    new Float64Array(M[pipe.steps]).fill(M[pipe.initial]),
  );

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
      M[0] = clock.initial + (i + stages[s][0]) * clock.step;
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
      advance(program, stages, s, clock.step);
    }
    for (let k = 0; k < rings.length; k += 1) {
      rings[k][i % rings[k].length] = M[program.pipes[k].entering];
    }
    for (let k = 0; k < program.states.length; k += 1) watch += M[states + k] * 0;
  }
  return { time, values: found, finite: watch === 0 };
}

/** Give where states have their first and their next value, in arrays that are quick to read. */
const layoutOf = ({ states }) => ({
  initials: Int32Array.from(states, ([initial]) => initial),
  changes: Int32Array.from(states, ([, change]) => change),
  levels: Uint8Array.from(states, ([, , isLevel]) => isLevel),
});

/** Move levels on by a stage, and after the last stage of a step what remembers things too. */
function advance(program, stages, s, step) {
  const M = program.memory;
  const { states, given } = program.at;
  const { changes, levels } = program.layout;
  const size = changes.length;
  const onto = given + (s + 1) * size;
  const last = s === stages.length - 1;
  const [, length, weights] = stages[s];
  if (s === 0) M.copyWithin(given, states, states + size);
  for (let k = 0; k < size; k += 1) {
    if (levels[k]) {
      const start = M[given + k];
      let base = start;
      for (let j = 0; j < weights.length; j += 1) {
        base += weights[j] * (M[given + (j + 1) * size + k] - start);
      }
      M[onto + k] = base + M[changes[k]] * (length * step);
    } else M[onto + k] = M[last ? changes[k] : states + k];
  }
  M.copyWithin(states, onto, onto + size);
}

/** Compute the outputs of a program that has neither states nor time. */
function evaluate(program, values) {
  const M = program.memory;
  M.set(values, program.at.inputs);
  program.once(M);
  const found = new Float64Array(program.shown.length);
  for (let k = 0; k < found.length; k += 1) found[k] = M[program.shown[k]];
  return found;
}

// What JavaScript's own functions do otherwise than C's and LLVM's.

/** A power; 1 and -1 have one to whatever exponent, as IEEE 754 has it. */
function power(base, exponent) {
  if (base >= NORMAL && base <= Number.MAX_VALUE) {
    const size = exponent * quickLog(base);
    if (size > -LARGEST && size < LARGEST) return quickExp(size);
  }
  if (base === 1 || (base === -1 && Math.abs(exponent) === Infinity)) return 1;
  return Math.pow(base, exponent);
}

// Logarithm and exponential of numbers of ordinary size by a table and a short polynomial, to some
// 1e-16 of the larger of 1 and the logarithm: a power takes a third of the time of Math.pow.

const NORMAL = 2 ** -1022;
const LARGEST = 700; // of a logarithm whose exponential is an ordinary number
const PARTS = 256; // of the tables
const BIAS = 1023; // of the exponent in the bits of a number
const REAL = new Float64Array(1);
const BITS = new Int32Array(REAL.buffer);
const HIGH = new Int8Array(new Int32Array([1]).buffer)[0]; // where these have the exponent
const SCALES = Float64Array.from({ length: 2 * BIAS }, (_, i) => 2 ** (i - BIAS));
const INVERSE = Float64Array.from({ length: PARTS }, (_, i) => 1 / (1 + (i + 0.5) / PARTS));
const LOG = INVERSE.map((inverse) => -Math.log(inverse));
const ROOTS = Float64Array.from({ length: PARTS }, (_, i) => 2 ** (i / PARTS));
const [LOG_2, PER_PART, PART] = [Math.LN2, PARTS / Math.LN2, Math.LN2 / PARTS];
const [THIRD, FIFTH, SIXTH, TWENTY_FOURTH] = [1 / 3, 1 / 5, 1 / 6, 1 / 24];

function quickLog(value) {
  REAL[0] = value;
  const high = BITS[HIGH];
  const part = (high >> 12) & (PARTS - 1);
  const exponent = (high >> 20) - BIAS;
  const r = value * SCALES[BIAS - exponent] * INVERSE[part] - 1; // less than 1 / 512
  const square = r * r;
  const series = r + square * (r * THIRD - 0.5 + square * (r * FIFTH - 0.25));
  return exponent * LOG_2 + LOG[part] + series;
}

function quickExp(value) {
  const count = Math.floor(value * PER_PART + 0.5);
  const r = value - count * PART; // less than 1 / 738
  const square = r * r;
  const series = 1 + r + square * (0.5 + r * SIXTH + square * TWENTY_FOURTH);
  return series * ROOTS[count & (PARTS - 1)] * SCALES[(count >> 8) + BIAS];
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

/** A number between 0 and 1, by Threefry-2x32-20 as in llvm/random_numbers.py. */
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
