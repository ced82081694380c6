// How many plausible models meet each target, and between which values they lie: members of the
// ensemble are run under all runs of the page by workers, once the levers rest.

const QUIET = 120; // milliseconds without a move before members are run
const FEWEST = 100; // members of which shares are shown first; then those of all
const MOST_WORKERS = 8;
const MOST_KEPT = 8; // runs of which the members' results are kept

const MEMBERS = DATA.members;
const JUDGING = ["met", "missed", "undecided"].map((status) => DATA.statuses.indexOf(status));

const crowd = {
  workers: null, // null before they are made; none where the browser allows none
  found: new Map(), // by run
  id: 0,
  timer: 0,
  stop: () => {},
  seen: () => {},
};

const keyOf = (run) => JSON.stringify(run);
const keyOfResult = (result) => (result.key ??= keyOf(result.run));

/** Tell of each input whether the scenario or a lever sets it. */
function setBy(run) {
  const set = new Uint8Array(modelProgram.inputs.length);
  for (const [place] of scenarioOf(run).values) set[place] = 1;
  for (const id of Object.keys(run.moved)) for (const place of LEVER.get(id).inputs) set[place] = 1;
  return set;
}

/**
 * Run the members under these results' runs soon, as far as that has not been done; `seen` is
 * called as often as there is more to show.
 */
function askMembers(results, seen) {
  if (!MEMBERS) return;
  clearTimeout(crowd.timer);
  crowd.seen = seen;
  crowd.timer = setTimeout(() => startMembers(results), QUIET);
}

function startMembers(results) {
  const wanted = new Map();
  for (const side of SIDES) {
    const result = results[side];
    const key = result && keyOfResult(result);
    if (result && !isWhole(crowd.found.get(key))) wanted.set(key, result);
  }
  crowd.id += 1;
  crowd.stop();
  if (!wanted.size) return;
  const runs = [...wanted].map(([key, result]) => ({
    key,
    inputs: result.inputs,
    set: setBy(result.run),
    clock: scenarioOf(result.run).clock,
  }));
  for (const { key } of runs) {
    crowd.found.delete(key); // a new one is the last to be forgotten
    crowd.found.set(key, noTally());
  }
  for (const key of [...crowd.found.keys()].slice(0, -MOST_KEPT)) crowd.found.delete(key);
  crowd.workers ??= makeWorkers();
  const each = Array.from({ length: MEMBERS.count }, (_, member) => member);
  const { id } = crowd;
  if (!crowd.workers.length) {
    const work = engine.runMembers(mainMembers(), runs, each, (chunk) => takeChunk(id, chunk));
    crowd.stop = inSlices(work, { done: () => {} });
  }
  crowd.workers.forEach((worker, at) => {
    const chosen = each.filter((member) => member % crowd.workers.length === at);
    worker.postMessage({ id, runs, chosen });
  });
}

/** Read the members for the page's own thread, where there are no workers. */
function mainMembers() {
  crowd.members ??= engine.membersOf(MEMBERS);
  return crowd.members;
}

/** Start workers from the text of the engine; none where the browser forbids it. */
function makeWorkers() {
  const count = Math.min(Math.max(navigator.hardwareConcurrency || 1, 1), MOST_WORKERS);
  try {
    const text = document.getElementById("engine").textContent;
    const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    return Array.from({ length: count }, () => {
      const worker = new Worker(address);
      worker.onmessage = ({ data }) => takeChunk(data.id, data.chunk);
      worker.onerror = () => withoutWorkers();
      worker.postMessage({ members: MEMBERS });
      return worker;
    });
  } catch {
    return [];
  }
}

function withoutWorkers() {
  if (!crowd.workers.length) return;
  crowd.workers.forEach((worker) => worker.terminate());
  crowd.workers = [];
  startMembers(results);
}

/** What has been counted of members, and their courses. */
const noTally = () => ({
  members: 0,
  unsound: 0,
  counts: DATA.targets.map(() => new Uint32Array(DATA.statuses.length)),
  chunks: [],
  bands: new Map(),
});

function takeChunk(id, chunk) {
  if (id !== crowd.id) return;
  let isNew = false;
  for (const part of chunk) {
    const tally = crowd.found.get(part.key);
    const before = tally.members;
    const targets = engine.STATUS_AT.length;
    for (let i = 0; i < part.members; i += 1) {
      if (part.unsound[i]) tally.unsound += 1;
      else tally.counts.forEach((row, at) => (row[part.statuses[i * targets + at]] += 1));
    }
    tally.members += part.members;
    tally.chunks.push(part);
    isNew ||= (before < FEWEST && tally.members >= FEWEST) || isWhole(tally);
  }
  if (isNew) crowd.seen();
}

const isWhole = (tally) => tally?.members === MEMBERS.count;

/** Give what has been counted of the members under a run, as soon as that is enough; else null. */
function membersUnder(result) {
  const tally = MEMBERS && crowd.found.get(keyOfResult(result));
  return tally && (tally.members >= FEWEST || isWhole(tally)) ? tally : null;
}

/** Tell whether a run's shares are still to come. */
const isPending = (result) =>
  Boolean(MEMBERS) && !knownShares(result) && !membersUnder(result);

/** Give the shares of a shipped scenario as it is, which came with the page; else undefined. */
function knownShares({ run }) {
  return Object.keys(run.moved).length ? undefined : DATA.known[run.scenario];
}

/** Give how many of 100 members meet each target under a run; null where that is not known. */
function sharesOf(result) {
  const known = knownShares(result);
  if (known) return known;
  const found = membersUnder(result);
  const { assumed } = scenarioOf(result.run);
  return DATA.targets.map((target, at) =>
    found && !(target.id in assumed) ? ofHundred(found.counts[at]) : null,
  );
}

/**
 * Write counts of verdicts as members of 100; undecided ones count as half, and 0 and 100 stand for
 * none and all alone, as in targets/verdict.py.
 */
function ofHundred(counts) {
  const [met, missed, undecided] = JUDGING.map((code) => counts[code]);
  const all = met + missed + undecided;
  if (!all) return null;
  const share = (met + undecided / 2) / all;
  if (share === 0 || share === 1) return 100 * share;
  return Math.min(Math.max(rounded(100 * share, 0), 1), 99);
}

/** Give each verdict of a run with its share and its certainty, by the table of the rule. */
function surely(result) {
  const members = membersUnder(result)?.members ?? 0;
  if (result.sure?.members !== members) result.sure = { members, verdicts: sureVerdicts(result) };
  return result.sure.verdicts;
}

function sureVerdicts(result) {
  const shares = sharesOf(result);
  const pending = isPending(result);
  return result.verdicts.map((verdict, at) => {
    const share = shares[at];
    const certainty = DATA.certainty.by_status[verdict.status]?.[share ?? 101] ?? null;
    const isOpen = certainty === "open" || certainty === "against";
    return { ...verdict, share, certainty, isOpen, pending, shown: isOpen ? certainty : verdict.status };
  });
}

/** Give the ends of the members' band under a run, by year: of one line of a chart. */
function bandOf(result, line, years) {
  const found = membersUnder(result);
  if (!found) return null;
  const { members, chunks } = found;
  const key = `${line.output}:${years[0]}:${years.length}`;
  let kept = found.bands.get(key);
  if (kept?.members !== members) {
    const width = modelProgram.outputs.length;
    const size = result.values.length;
    const columns = years.map((year) => {
      const row = engine.rowOf(result, year, line.output);
      if (row < 0) return [null, null];
      const values = [];
      for (const { members: count, unsound, values: all } of chunks) {
        for (let i = 0; i < count; i += 1) {
          if (!unsound[i]) values.push(all[i * size + row * width + line.output]);
        }
      }
      const sorted = Float64Array.from(values).sort();
      return MEMBERS.band.map((share) => quantile(sorted, share) * line.factor);
    });
    kept = { members, ends: [0, 1].map((end) => columns.map((at) => at[end])) };
    found.bands.set(key, kept);
  }
  return kept.ends;
}

/** Give a quantile of sorted numbers, straight between them. */
function quantile(sorted, share) {
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}
