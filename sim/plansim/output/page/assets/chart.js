// One chart over years: both runs, the band between them, the targets as marks, values at a year.

const INK = "#26323d";
const HUES = { a: "#0072b2", b: "#d55e00" };
const NOTHING = 1e-9; // smaller values are what rounding leaves of the difference of equal numbers
const FLATTEST = 0.04; // an axis covers this share of its values at the least
const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3], [1, 2], [14, 4]];
const BETWEEN = [[2, 1], [1, 2]].map((series) => ({ series, fill: "#8a94a033" }));
const cursors = uPlot.sync("years");

function yearsOf(results) {
  const runs = [results.a, results.b].filter(Boolean);
  const first = Math.min(...runs.map((each) => Math.ceil(each.time[0] - 1e-6)));
  const last = Math.max(...runs.map((each) => Math.floor(each.time.at(-1) + 1e-6)));
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function chartCard(chart, { height = 168, open = null } = {}) {
  const title = el("h3", { class: "chart-title" });
  if (open) {
    title.append(el("button", { type: "button", class: "link", click: open }, pick(chart.name)));
  } else title.append(pick(chart.name));
  const year = el("span", { class: "read-year" });
  const ofA = el("span", { class: "of-a" });
  const ofB = el("span", { class: "of-b" });
  const asked = el("p", { class: "asked" });
  // To keys and screen readers a chart is a slider over years, which reads out the values.
  const canvas = el("div", {
    class: "chart-canvas",
    role: "slider",
    tabindex: 0,
    "aria-label": `${pick(chart.name)}${pick(chart.unit) && t("page.comma")}${pick(chart.unit)}`,
    keydown: step,
    blur: () => plot.setCursor({ left: -10, top: -10 }, true, true),
  });
  const unit = DATA.phrases && pick(chart.unit);
  const node = el(
    "article",
    { class: "card chart", "data-chart": chart.id },
    title,
    el("p", { class: "read" }, year, ofA, ofB, el("span", { class: "unit" }, unit)),
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
  const home = marks[0]?.year ?? DATA.horizon ?? null;

  function data() {
    const years = yearsOf(results);
    const of = (result) =>
      chart.lines.map((line) => years.map((y) => (result ? valueAt(result, line, y) : null)));
    return [years, ...of(results.a), ...of(results.b)];
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
    const count = chart.lines.length;
    const of = (from) =>
      plot.data.slice(from, from + count).map((series) => figure(series[at], decimals)).join(" / ");
    setText(year, String(years[at]));
    setText(ofA, `A ${of(1).replaceAll("-", "−")}`);
    setText(ofB, results.b ? `B ${of(1 + count).replaceAll("-", "−")}` : "");
  }

  function make(values) {
    const count = chart.lines.length;
    const series = SIDES.flatMap((side) =>
      chart.lines.map((_, i) => ({
        stroke: HUES[side],
        width: side === "a" ? 2.25 : 2,
        dash: side === "b" && count === 1 ? [8, 3] : DASHES[i % DASHES.length],
        points: { show: false },
        spanGaps: false,
      })),
    );
    const axis = { stroke: "#56616c", font: "11px system-ui, plansim, plansim-rest, sans-serif" };
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
        series: [{}, ...series],
        bands: count === 1 ? BETWEEN : [],
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
          draw: [drawMarks],
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
    const count = chart.lines.length;
    const of = (from) =>
      plot.data.slice(from, from + count).map((series) => figure(series[at], decimals)).join(" / ");
    const said = t(results.b ? "page.chart_said" : "page.chart_said_one", {
      year: years[at],
      a: of(1),
      b: results.b ? of(1 + count) : "",
    });
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
    const values = data();
    const sizes = values.slice(1).flat();
    decimals = sizes.every((each) => Math.abs(each ?? 0) < NOTHING) ? 0 : decimalsOf(sizes);
    if (plot) plot.setData(values);
    else make(values);
    read(plot.cursor.idx ?? null);
  }
  function resize() {
    if (plot && canvas.clientWidth && canvas.clientWidth !== plot.width) {
      plot.setSize({ width: canvas.clientWidth, height });
    }
  }
  function picture() {
    const drawn = canvas.querySelector("canvas");
    if (!drawn) return;
    canvas.append(el("img", { class: "chart-picture", src: drawn.toDataURL(), alt: "" }));
  }
  return {
    node,
    update,
    resize,
    picture,
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
