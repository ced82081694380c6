// What each changed assumption does to a series, year by year: areas stacked above and below zero,
// which add up to the difference between two runs.

const WEDGE = { width: 620, height: 230, left: 58, right: 18, top: 8, bottom: 22 };
const SHADES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a6d3b"];
const REST = "#9aa5af";

/** Draw contributions by year: `parts` are `{name, values}`, the largest first. */
function wedge(years, parts, unit) {
  const shown = parts.slice(0, SHADES.length);
  const rest = parts.slice(SHADES.length);
  const rows = shown.map((part, i) => ({ ...part, colour: SHADES[i] }));
  if (rest.length) {
    const values = years.map((_, at) => rest.reduce((sum, part) => sum + part.values[at], 0));
    rows.push({ name: t("page.due_rest", { count: rest.length }), values, colour: REST });
  }
  const areas = stacked(rows, years.length);
  const total = years.map((_, at) => rows.reduce((sum, row) => sum + row.values[at], 0));
  const ends = areas.flatMap(({ from, to }) => [...from, ...to]);
  const [low, high] = [Math.min(0, ...ends), Math.max(0, ...ends)];
  const { width, height, left, right, top, bottom } = WEDGE;
  const x = (at) => left + (at / Math.max(1, years.length - 1)) * (width - left - right);
  const y = (value) => top + ((high - value) / (high - low || 1)) * (height - top - bottom);
  const point = (at, value) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`;
  const svg = svgOf("svg", { viewBox: `0 0 ${width} ${height}`, class: "wedge", role: "img" });
  svg.setAttribute("aria-label", wedgeSaid(years, rows, unit));
  for (const { row, from, to } of areas) {
    const up = to.map((value, at) => point(at, value));
    const down = from.map((value, at) => point(at, value)).reverse();
    const area = svgOf("polygon", { points: [...up, ...down].join(" "), fill: row.colour });
    area.append(svgOf("title", {}, row.name));
    svg.append(area);
  }
  const line = total.map((value, at) => point(at, value)).join(" ");
  svg.append(
    svgOf("line", { x1: left, x2: width - right, y1: y(0), y2: y(0), class: "wedge-zero" }),
    svgOf("polyline", { points: line, class: "wedge-total" }),
  );
  const decimals = sharesDecimals([low, high]);
  for (const value of new Set([low, 0, high])) {
    const near = value && Math.abs(y(value) - y(0)) < 14;
    const mark = { x: left - 6, y: y(value) + 4, "text-anchor": "end" };
    if (!near) svg.append(svgOf("text", mark, signed(value, decimals)));
  }
  years.forEach((year, at) => {
    if (year % 5 === 0) {
      svg.append(svgOf("text", { x: x(at), y: height - 6, "text-anchor": "middle" }, String(year)));
    }
  });
  const key = rows.map((row) => {
    const colour = el("i", {});
    colour.style.background = row.colour;
    return el("li", {}, colour, row.name);
  });
  key.push(el("li", {}, el("i", { class: "is-total" }), t("page.wedge_total")));
  return el("div", {}, svg, el("ul", { class: "wedge-key" }, ...key));
}

/**
 * Stack what is above zero upwards and what is below it downwards, year by year; what is nowhere on
 * a side has no area there.
 */
function stacked(rows, count) {
  const tops = new Float64Array(count);
  const bottoms = new Float64Array(count);
  const areas = rows.flatMap((row) =>
    [tops, bottoms].map((edge, sign) => {
      const from = Array.from(edge);
      row.values.forEach((value, at) => {
        if (sign ? value < 0 : value > 0) edge[at] += value;
      });
      return { row, from, to: Array.from(edge) };
    }),
  );
  return areas.filter(({ from, to }) => to.some((value, at) => value !== from[at]));
}

function wedgeSaid(years, rows, unit) {
  const last = years.length - 1;
  const decimals = sharesDecimals(rows.map((row) => row.values[last]));
  const parts = rows.map((row) => `${row.name} ${signed(row.values[last], decimals)} ${unit}`);
  return `${years[last]}${t("list_sep.colon")}${parts.join(t("list_sep.comma"))}`;
}

function svgOf(tag, attributes, text = "") {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(text);
  return node;
}
