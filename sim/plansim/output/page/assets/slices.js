// Long work in slices: between two of them the page, or a worker, takes what else is to be done.

const SLICE = 6; // milliseconds that a long computation keeps its thread to itself

/**
 * Do long work in slices, so that no input is kept waiting; gives a function that stops it.
 *
 * `seen` is called with what the work last gave, as long as it goes on, and `done` with its end.
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
