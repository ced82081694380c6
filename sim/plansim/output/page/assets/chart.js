// One chart over years: the runs, the bands of plausible models, what was observed, the targets as
// marks, and the values at a year.

const INK = "#26323d";
const HUES = { a: "#0072b2", b: "#d55e00", c: "#008060", d: "#8a4b9e" };
const SIDE_DASHES = { a: [], b: [8, 3], c: [2, 3], d: [8, 3, 2, 3] };
const NOTHING = 1e-9; // smaller values are what rounding leaves of the difference of equal numbers
const NARROW = 0.05; // values that lie closer are told apart by a digit more
const FLATTEST = 0.04; // an axis covers this share of its values at the least
const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3], [1, 2], [14, 4]];
const BARE = { stroke: null, width: 0, points: { show: false } }; // an end of a band
const cursors = uPlot.sync("years");

function yearsOf(results, dots = []) {
  const runs = SIDES.map((side) => results[side]).filter(Boolean);
  const starts = runs.map((each) => Math.ceil(each.time[0] - 1e-6));
  const first = Math.min(...starts, ...dots.map(([year]) => year));
  const last = Math.max(...runs.map((each) => Math.floor(each.time.at(-1) + 1e-6)));
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function chartCard(chart, { height = 168, open = null } = {}) {
  const title = el("h3", { class: "chart-title" });
  if (open) {
    title.append(el("button", { type: "button", class: "link", click: open }, pick(chart.name)));
  } else title.append(pick(chart.name));
  const year = el("span", { class: "read-year" });
  const reads = Object.fromEntries(
    SIDES.map((side) => [side, el("span", { class: `of-${side}` })]),
  );
  const asked = el("p", { class: "asked" });
  // To keys and screen readers a chart is a slider over years, which reads out the values.
  const canvas = el("div", {
    class: "chart-canvas",
    role: "slider",
    tabindex: 0,
    "aria-label": `${pick(chart.name)}${pick(chart.unit) && t("list_sep.comma")}${pick(chart.unit)}`,
    keydown: step,
    blur: () => plot.setCursor({ left: -10, top: -10 }, true, true),
  });
  const unit = pick(chart.unit);
  const download = (kind, make) => {
    const name = t("page.download", { kind, name: pick(chart.name) });
    return el("button", { type: "button", class: "small", "aria-label": name, click: make }, kind);
  };
  const downloads = el(
    "span",
    { class: "downloads" },
    download("PNG", () => savePicture(chart, plot, results)),
    download("CSV", () => save(`${chart.id}.csv`, "text/csv", `\ufeff${csvOf(chart, results)}`)),
  );
  const node = el(
    "article",
    { class: "card chart", "data-chart": chart.id },
    el("div", { class: "chart-head" }, title, downloads),
    el("p", { class: "read" }, year, ...Object.values(reads), el("span", { class: "unit" }, unit)),
    canvas,
    asked,
  );
  if (chart.lines.length > 1) node.append(lineKey(chart));
  const marks = chart.marks;
  const label = (mark) => pick(mark.label).replace(/-(?=\d)/g, "−");
  setText(asked, marks.map(label).join("  ·  "));

  let plot = null;
  let results = null;
  let decimals = 0;
  const dots = chart.lines.flatMap((line) => line.past);
  const home = marks[0]?.year ?? DATA.horizon ?? null;

  const count = chart.lines.length;
  let drawn = []; // the sides of the plot

  /** Give the years, then of each side its lines, then of each the ends of its band, line by line. */
  function data() {
    const years = yearsOf(results, dots);
    const nothing = years.map(() => null);
    const lines = drawn.flatMap((side) =>
      chart.lines.map((line) => years.map((year) => valueAt(results[side], line, year))),
    );
    const bands = drawn.flatMap((side) =>
      chart.lines.flatMap((line) => bandOf(results[side], line, years) ?? [nothing, nothing]),
    );
    return [years, ...lines, ...bands];
  }

  /** Levels at which a target is met, for each run; one if they are the same. */
  function levels(mark) {
    const found = [];
    for (const side of SIDES) {
      const result = results[side];
      if (!result) continue;
      const base = mark.scaled ? valueAt(result, chart.lines[mark.line], mark.since) : 1;
      if (base === null) continue;
      const ends = [mark.low, mark.high].map((each) => (each === null ? null : each * base));
      const same = found.find((each) =>
        each.ends.every((end, i) => Math.abs(end - ends[i]) <= 1e-3 * Math.abs(ends[i] ?? 1)),
      );
      if (same) same.colour = INK;
      else found.push({ ends, colour: mark.scaled && results.b ? HUES[side] : INK });
    }
    return found;
  }

  function range() {
    let low = Infinity;
    let high = -Infinity;
    const widen = (value) => {
      if (value === null || !Number.isFinite(value)) return;
      low = Math.min(low, value);
      high = Math.max(high, value);
    };
    for (const series of plot.data.slice(1)) series.forEach(widen);
    for (const [, value] of dots) widen(value);
    for (const mark of marks) levels(mark).forEach((each) => each.ends.forEach(widen));
    if (low > high || Math.max(Math.abs(low), Math.abs(high)) < NOTHING) return [0, 1];
    const least = FLATTEST * Math.max(Math.abs(low), Math.abs(high), 1e-9);
    const spread = Math.max(high - low, least);
    const middle = (low + high) / 2;
    const bottom = middle - spread * 0.58;
    return [low >= 0 && bottom < 0 ? 0 : bottom, middle + spread * 0.58];
  }

  function drawMarks(u) {
    const { ctx } = u;
    const ratio = uPlot.pxRatio;
    ctx.save();
    for (const mark of marks) {
      for (const { ends, colour } of levels(mark)) {
        const x = (year) => u.valToPos(year, "x", true);
        const y = (value) => u.valToPos(value, "y", true);
        ctx.strokeStyle = colour;
        ctx.fillStyle = colour;
        ctx.lineWidth = 1.25 * ratio;
        const [low, high] = ends;
        for (const level of [low, high]) {
          if (level === null) continue;
          ctx.setLineDash(mark.first < mark.year ? [] : [1.5 * ratio, 3 * ratio]);
          ctx.beginPath();
          ctx.moveTo(x(Math.min(mark.first, mark.year)), y(level));
          ctx.lineTo(x(Math.max(mark.until, mark.year)), y(level));
          ctx.stroke();
        }
        ctx.setLineDash([]);
        const size = 5.5 * ratio;
        if (low !== null) arrow(ctx, x(mark.year), y(low), size, -1);
        if (high !== null) arrow(ctx, x(mark.year), y(high), size, 1);
      }
    }
    ctx.restore();
  }

  /** What was observed, as dots; what was led back from a later year, as rings. */
  function drawDots(u) {
    const { ctx } = u;
    ctx.save();
    ctx.strokeStyle = INK;
    ctx.lineWidth = 1.25 * uPlot.pxRatio;
    for (const [year, value, isObserved] of dots) {
      ctx.fillStyle = isObserved ? INK : "#fff";
      const [x, y] = [u.valToPos(year, "x", true), u.valToPos(value, "y", true)];
      ctx.beginPath();
      ctx.arc(x, y, 2.75 * uPlot.pxRatio, 0, 2 * Math.PI);
      ctx.fill();
      ctx.stroke();
    }
    ctx.restore();
  }

  /** An arrowhead on the level of a target, towards where it is met; it has a white rim. */
  function arrow(ctx, x, y, size, towards) {
    ctx.beginPath();
    ctx.moveTo(x - size, y);
    ctx.lineTo(x + size, y);
    ctx.lineTo(x, y + towards * size * 1.7);
    ctx.closePath();
    ctx.fill();
    const { strokeStyle } = ctx;
    ctx.strokeStyle = "#fff";
    ctx.stroke();
    ctx.strokeStyle = strokeStyle;
  }

  function read(place) {
    const years = plot.data[0];
    const wanted = place ?? years.indexOf(home);
    const at = wanted >= 0 ? wanted : years.length - 1;
    setText(year, String(years[at]));
    SIDES.forEach((side) => {
      const said = results[side] ? `${side.toUpperCase()} ${shownAt(side, at)}` : "";
      setText(reads[side], said);
    });
  }

  /** Write the values of a side at a place among the years. */
  function shownAt(side, at) {
    const from = 1 + drawn.indexOf(side) * count;
    const lines = plot.data.slice(from, from + count);
    return lines.map((each) => figure(each[at], decimals).replace("-", "−")).join(" / ");
  }

  function make(values) {
    const series = drawn.flatMap((side) =>
      chart.lines.map((_, i) => ({
        stroke: HUES[side],
        width: side === "a" ? 2.25 : 2,
        dash: count === 1 ? SIDE_DASHES[side] : DASHES[i % DASHES.length],
        points: { show: false },
        spanGaps: false,
      })),
    );
    const ends = drawn.flatMap(() => chart.lines.flatMap(() => [BARE, BARE]));
    const bands = drawn.flatMap((side, at) =>
      chart.lines.map((_, i) => {
        const low = 1 + series.length + 2 * (at * count + i);
        return { series: [low + 1, low], fill: `${HUES[side]}22` };
      }),
    );
    const axis = { stroke: "#56616c", font: "11px system-ui, sans-serif" };
    const grid = { stroke: "#e6e9ec", width: 1 };
    plot = new uPlot(
      {
        width: Math.max(canvas.clientWidth, 200),
        height,
        padding: [8, 18, 0, 0],
        legend: { show: false },
        cursor: {
          sync: { key: cursors.key, setSeries: false },
          drag: { x: false, y: false },
          y: false,
          points: { size: 6 },
        },
        scales: { x: { time: false }, y: { range: () => range() } },
        series: [{}, ...series, ...ends],
        bands,
        axes: [
          {
            ...axis,
            grid: { show: false },
            ticks: { stroke: "#aab3bb", size: 4 },
            size: 26,
            gap: 3,
            values: (_, splits) => splits.map((at) => (Number.isInteger(at) ? String(at) : "")),
            incrs: [1, 5, 10, 20],
            space: 44,
          },
          {
            ...axis,
            grid,
            ticks: { show: false },
            size: (_, values) => 10 + 6.6 * Math.max(2, ...(values ?? []).map((at) => at.length)),
            gap: 4,
            space: 30,
            values: (_, splits) => {
              const step = Math.abs((splits[1] ?? 1) - splits[0]) || 1;
              const places = decimalsOfTicks(step);
              return splits.map((each) => figure(each, places).replace("-", "−"));
            },
          },
        ],
        hooks: {
          draw: [drawDots, drawMarks],
          setCursor: [(u) => read(u.cursor.idx)],
        },
      },
      values,
      canvas,
    );
  }

  /** Tell readers of the screen what stands at the year of the cursor, or at the targets' year. */
  function describe() {
    const years = plot.data[0];
    const there = years.indexOf(home) >= 0 ? years.indexOf(home) : years.length - 1;
    const at = plot.cursor.idx ?? there;
    const sides = SIDES.filter((side) => results[side]);
    const named = sides.map((side) => `${side.toUpperCase()} ${shownAt(side, at)}`);
    const text = sides.length > 1 ? named.join(t("list_sep.comma")) : shownAt("a", at);
    const said = t("page.chart_said", { year: years[at], values: text });
    canvas.setAttribute("aria-valuemin", years[0]);
    canvas.setAttribute("aria-valuemax", years.at(-1));
    canvas.setAttribute("aria-valuenow", years[at]);
    canvas.setAttribute("aria-valuetext", said);
  }

  /** Move the cursor of all charts with the keys. */
  function step(event) {
    const years = plot.data[0];
    const last = years.length - 1;
    const now = plot.cursor.idx ?? Math.max(0, years.indexOf(home));
    const next = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last }[event.key];
    if (next === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const year = years[Math.min(last, Math.max(0, next))];
    plot.setCursor({ left: plot.valToPos(year, "x"), top: 0 }, true, true); // in all charts
    describe();
  }

  function update(next) {
    results = next;
    const sides = SIDES.filter((side) => results[side]);
    if (plot && sides.join() !== drawn.join()) {
      plot.destroy();
      plot = null;
    }
    drawn = sides;
    const values = data();
    const sizes = values.slice(1, 1 + drawn.length * count).flat().map((each) => each ?? NaN);
    const known = sizes.filter(Number.isFinite);
    const largest = Math.max(...known.map(Math.abs));
    const range = (Math.max(...known) - Math.min(...known)) / largest;
    decimals = largest < NOTHING ? 0 : decimalsOf(known) + (range > NOTHING && range < NARROW);
    if (plot) plot.setData(values);
    else make(values);
    read(plot.cursor.idx ?? null);
  }
  function resize() {
    if (plot && canvas.clientWidth && canvas.clientWidth !== plot.width) {
      plot.setSize({ width: canvas.clientWidth, height });
    }
  }
  return {
    node,
    update,
    resize,
    describe: () => plot && describe(),
    destroy: () => plot?.destroy(),
  };
}

/** Name the lines of a chart that has several. */
function lineKey(chart) {
  return el(
    "ul",
    { class: "line-key" },
    ...chart.lines.map((line, i) => {
      const svg = icon("M0 10H20", "line");
      svg.firstChild.setAttribute("stroke-dasharray", DASHES[i % DASHES.length].join(" "));
      return el("li", {}, svg, pick(line.name));
    }),
  );
}
