// What the scripts of the page take of the above. In a worker there is no document: there members are
// run as they are asked for, the last request alone.

if (!globalThis.document) {
  let members = null;
  let stop = () => {};
  globalThis.onmessage = ({ data }) => {
    stop();
    if (data.members) members = membersOf(data.members);
    if (!data.runs) return;
    const { id } = data;
    const post = (chunk) =>
      postMessage({ id, chunk }, chunk.flatMap(({ values }) => (values ? [values.buffer] : [])));
    stop = inSlices(runMembers(members, data.runs, data.chosen, post), { done: () => {} });
  };
}

return {
  simulate,
  evaluate,
  modelProgram,
  verdictProgram,
  rowOf,
  valueAt,
  figuresOf,
  JUDGED,
  STATUS_AT,
  changesBetween,
  sameClock,
  shareOut,
  inSlices,
  membersOf,
  memberInputs,
  runMembers,
};
