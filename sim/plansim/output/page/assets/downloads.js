// What a reader downloads or copies: a chart as table or picture, the verdicts as a table.

const PICTURE = { width: 900, height: 420, edge: 16, row: 24 };

/** Write a chart's values as CSV: a row a year, and of each run its line and the ends of its band. */
function csvOf(chart, results) {
  const years = yearsOf(results, chart.lines.flatMap((line) => line.past));
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const columns = [[t("page.column_year"), years]];
  for (const side of SIDES.filter((each) => results[each])) {
    for (const line of chart.lines) {
      const name = `${side.toUpperCase()} ${titleOf(results[side].run)}: ${pick(line.name)}`;
      columns.push([name, years.map((year) => valueAt(results[side], line, year))]);
      const band = bandOf(results[side], line, years);
      MEMBERS?.band.forEach((share, end) => {
        const what = t("page.quantile", { share: 100 * share });
        if (band) columns.push([`${name}, ${what}`, band[end]]);
      });
    }
  }
  for (const line of chart.lines) {
    for (const [word, wanted] of [["page.derived", false], ["page.observed", true]]) {
      const known = new Map(line.past.filter(([, , isObserved]) => isObserved === wanted));
      const name = `${t(word)}: ${pick(line.name)}`;
      if (known.size) columns.push([name, years.map((year) => known.get(year) ?? null)]);
    }
  }
  const unit = pick(chart.unit);
  const head = columns.map(([name], i) => quoted(i && unit ? `${name} (${unit})` : name));
  const number = (value) => (value === null ? "" : String(Number(value.toPrecision(6))));
  const rows = years.map((_, at) => columns.map(([, values]) => number(values[at])).join(","));
  return [head.join(","), ...rows].join("\r\n") + "\r\n";
}

/** Save a chart as a picture, with its title, its unit and the names of the runs. */
async function savePicture(chart, plot, results) {
  const sides = SIDES.filter((side) => results[side]);
  const top = PICTURE.edge + PICTURE.row * (1 + sides.length);
  const notes = notesOf(chart, results);
  const before = { width: plot.width, height: plot.height };
  // Drawn anew in the size of the picture; before anything is painted it has its own again.
  plot.setSize({ width: PICTURE.width - 2 * PICTURE.edge, height: PICTURE.height });
  await Promise.resolve();
  const drawn = plot.ctx.canvas;
  const canvas = el("canvas", {
    width: drawn.width + 2 * PICTURE.edge,
    height: drawn.height + top + PICTURE.edge + PICTURE.row * Math.ceil(notes.length / 2),
  });
  const ctx = canvas.getContext("2d");
  ctx.fillStyle = "#fff";
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.drawImage(drawn, PICTURE.edge, top);
  plot.setSize(before);
  const unit = pick(chart.unit);
  const title = unit ? t("page.of_elements", { name: pick(chart.name), count: unit }) : pick(chart.name);
  writeText(ctx, title, PICTURE.edge, PICTURE.row, { weight: 600 });
  sides.forEach((side, i) => {
    const y = PICTURE.row * (2 + i);
    ctx.strokeStyle = HUES[side];
    ctx.lineWidth = 2.5;
    ctx.setLineDash(SIDE_DASHES[side]);
    ctx.beginPath();
    ctx.moveTo(PICTURE.edge, y - 5);
    ctx.lineTo(PICTURE.edge + 34, y - 5);
    ctx.stroke();
    const name = `${side.toUpperCase()} ${titleOf(results[side].run)}`;
    writeText(ctx, name, PICTURE.edge + 42, y, { colour: HUES[side] });
  });
  notes.forEach(([mark, text], i) => {
    const x = PICTURE.edge + (i % 2) * (drawn.width / 2);
    const y = top + drawn.height + PICTURE.row * (1 + Math.floor(i / 2)) - 4;
    ctx.setLineDash([]);
    ctx.beginPath();
    mark(ctx, x + 17, y - 5);
    writeText(ctx, text, x + 42, y);
  });
  canvas.toBlob((blob) => save(`${chart.id}.png`, "image/png", blob));
}

/** Give what a picture of a chart explains below it: how to draw a mark at a place, and its text. */
function notesOf(chart, results) {
  const filled = (shape, colour = INK) => (ctx, x, y) => {
    shape(ctx, x, y);
    ctx.fillStyle = colour;
    ctx.fill();
  };
  const dot = (ctx, x, y) => ctx.arc(x, y, 3.5, 0, 2 * Math.PI);
  const ring = (ctx, x, y) => {
    dot(ctx, x, y);
    ctx.strokeStyle = INK;
    ctx.lineWidth = 1.5;
    ctx.stroke();
  };
  const arrow = (ctx, x, y) => [[0, -5], [6, 5], [-6, 5]].forEach(([dx, dy]) => ctx.lineTo(x + dx, y + dy));
  const past = chart.lines.flatMap((line) => line.past);
  const has = (kind) => past.some(([, , isObserved]) => isObserved === kind);
  const notes = [];
  const band = MEMBERS && bandText(results.a);
  if (band) notes.push([filled((ctx, x, y) => ctx.rect(x - 17, y - 6, 34, 12), "#d3e3f0"), band]);
  if (chart.marks.length) notes.push([filled(arrow), t("page.key_mark")]);
  if (has(true)) notes.push([filled(dot), t("page.observed")]);
  if (has(false)) notes.push([ring, t("page.derived")]);
  return notes;
}

function writeText(ctx, text, x, y, { weight = 400, colour = INK } = {}) {
  const family = getComputedStyle(document.documentElement).fontFamily;
  ctx.font = `${weight} 15px ${family}`;
  ctx.fillStyle = colour;
  ctx.fillText(text, x, y, ctx.canvas.width - x - PICTURE.edge);
}

/** Write the verdicts as a table that a spreadsheet takes: tabs between columns. */
function tableText(attribute, results) {
  const sides = SIDES.filter((side) => results[side]);
  const columns = ["value", "margin", "verdict", "share"];
  const head = [t("page.column_target"), t("page.column_asked"), t("page.column_unit"),
    t("page.column_year"),
    ...sides.flatMap((side) =>
      columns.map((each) => `${side.toUpperCase()} ${titleOf(results[side].run)}: ${t(`page.column_${each}`)}`),
    )];
  const sure = sides.map((side) => surely(results[side]));
  const number = (value) => (Number.isFinite(value) ? String(Number(value.toPrecision(6))) : "");
  const rows = DATA.targets.flatMap((target, at) => {
    if (target.attribute !== attribute) return [];
    const cells = sure.flatMap((verdicts) => {
      const { value, margin, shown, share } = verdicts[at];
      return [number(value), number(margin), outcomeWord(shown), share === null ? "" : share / 100];
    });
    const asked = `${t(`direction.${target.sign}`)} ${target.asked}`;
    return [[pick(target.name), asked, pick(target.unit), target.year, ...cells]];
  });
  return [head, ...rows].map((row) => row.join("\t")).join("\n");
}
