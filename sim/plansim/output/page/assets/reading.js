// What a run says of a year, and to the rules of the verdicts: nothing here touches the document.

/** Give the place in time of a year's value; -1 if the run did not save it. */
function rowOf(result, year, output) {
  const moment = MOMENTS[output];
  const key = year * 2 + (moment > 0 ? 1 : 0);
  let row = result.rows.get(key);
  if (row === undefined) {
    row = result.time.findIndex((time) => Math.abs(time - moment - year) < 1e-6);
    result.rows.set(key, row);
  }
  return row;
}

/** Give a value of an output in a year; null if the run does not have it, or it is missing. */
function valueAt(result, line, year) {
  const row = rowOf(result, year, line.output);
  if (row < 0) return null;
  const value = result.values[row * modelProgram.outputs.length + line.output];
  return Math.abs(value) < ABSURD ? value * line.factor : null;
}

// What the verdicts' program asks for, by output and year.
const ASKED = verdictProgram.inputs.map((name) => {
  const at = name.lastIndexOf("@");
  const output = modelProgram.outputs.indexOf(name.slice(0, at));
  return { output, factor: 1, year: Number(name.slice(at + 1)) };
});
const JUDGED = new Map(verdictProgram.outputs.map((name, place) => [name, place]));

/** Give the outputs of the verdicts' program. */
function figuresOf(result) {
  const figures = new Float64Array(ASKED.length);
  for (let i = 0; i < ASKED.length; i += 1) {
    figures[i] = valueAt(result, ASKED[i], ASKED[i].year) ?? NaN;
  }
  return evaluate(verdictProgram, figures);
}
