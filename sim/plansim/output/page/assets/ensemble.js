// Members of an ensemble of plausible models: their inputs under a run, and what they decide. The
// rule of what a member changes is that of scenario/members.py. Nothing touches the document.

const CHUNK = 25; // members of which the results go out together
const [, UNSET, SET] = [0, 1, 2]; // when a member moves an input; 0 is always

/** Read the members that travel with the page. */
function membersOf(data) {
  const bytes = Uint8Array.from(atob(data.steps), (letter) => letter.charCodeAt(0));
  return { ...data, steps: new Uint16Array(bytes.buffer) };
}

/** Give the inputs of a member under a run, whose `set` says which inputs the scenario sets. */
function memberInputs(members, member, { inputs, set }) {
  const values = Float64Array.from(inputs);
  members.factors.forEach((factor, row) => {
    const change = factor.low + factor.step * members.steps[row * members.count + member];
    for (const [input, when, low, high] of factor.moves) {
      if ((when === UNSET && set[input]) || (when === SET && !set[input])) continue;
      const value = factor.adds ? inputs[input] + change : inputs[input] * change;
      values[input] = Math.min(Math.max(value, low ?? -Infinity), high ?? Infinity);
    }
  });
  return values;
}

const STATUS_AT = verdictProgram.outputs
  .map((name, place) => (name.endsWith(".status") ? place : -1))
  .filter((place) => place >= 0);

/**
 * Run members under some runs, each of them under all of these, and post what comes of them by
 * chunks. A generator: it stops after each member.
 *
 * A chunk has of each run `key`, the number of `members` in it, which of them are `unsound`, their
 * `statuses` (member, target) and their `values` (member, time, output).
 */
function* runMembers(members, runs, chosen, post) {
  const targets = STATUS_AT.length;
  for (let from = 0; from < chosen.length; from += CHUNK) {
    const some = chosen.slice(from, from + CHUNK);
    const chunk = runs.map(({ key }) => ({
      key,
      members: some.length,
      unsound: new Uint8Array(some.length),
      statuses: new Uint8Array(some.length * targets),
      values: null,
    }));
    for (const [i, member] of some.entries()) {
      runs.forEach((run, at) => {
        const result = simulate(modelProgram, memberInputs(members, member, run), run.clock);
        result.rows = run.rows ??= new Map();
        const { values } = result;
        const part = chunk[at];
        part.values ??= new Float32Array(some.length * values.length);
        part.values.set(values, i * values.length);
        const sound = result.finite && values.every((value) => Math.abs(value) <= members.limit);
        part.unsound[i] = sound ? 0 : 1;
        const found = figuresOf(result);
        STATUS_AT.forEach((place, target) => (part.statuses[i * targets + target] = found[place]));
      });
      yield null;
    }
    post(chunk);
  }
}
