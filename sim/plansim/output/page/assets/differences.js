// What another run assumes differently than A: every input of the model that is not the same.

function differences(side) {
  const summary = el("summary", {});
  const list = el("dl", { class: "differences-list" });
  const node = el("details", { class: "differences", toggle: () => fill() }, summary, list);
  let last = "";
  let rows = [];

  function update(results) {
    const other = results[side];
    node.hidden = !other && side !== "b";
    rows = other ? rowsOf(results.a.inputs, other.inputs) : [];
    const values = { side: side.toUpperCase(), count: rows.length };
    setText(summary, other ? t("page.differ", values) : t("page.differ_none"));
    fill();
  }
  function fill() {
    if (!node.open) return;
    const now = JSON.stringify(rows);
    if (now === last) return;
    last = now;
    list.replaceChildren(
      ...rows.flatMap(([name, one, other]) => [
        el("dt", {}, name),
        el("dd", {}, el("span", { class: "of-a" }, one), el("span", { class: `of-${side}` }, other)),
      ]),
    );
  }
  return { node, update };
}

/** Give name, value and other value of what differs; `within` some places, if they are named. */
function rowsOf(one, other, within = null) {
  const rows = [];
  const differs = (place) => one[place] !== other[place] && (!within || within.has(place));
  for (const variable of DATA.variables) {
    const changed = variable.inputs.filter(differs);
    if (!changed.length) continue;
    const elements = changed.map((place) => variable.elements[variable.inputs.indexOf(place)]);
    const many = elements.length > 2;
    const count = many
      ? t("page.elements", { count: elements.length })
      : elements.map(pick).filter(Boolean).join(t("list_sep.comma"));
    const bare = pick(variable.name);
    const name = count ? t("page.of_elements", { name: bare, count }) : bare;
    const text = (values) => spanText(variable, changed.map((place) => values[place]));
    rows.push([name, text(one), text(other)]);
  }
  return rows;
}

/** Write values of one constant: the number, or from the least to the greatest. */
function spanText(variable, values) {
  const ends = [...new Set([Math.min(...values), Math.max(...values)])];
  if (variable.calendar) return ends.map((each) => month(each, store.state.lang)).join("–");
  const shown = ends.map((each) => Number((each * variable.factor).toPrecision(4)));
  const text = shown.map((each) => String(each).replace("-", "−")).join(" … ");
  return pick(variable.unit) ? `${text} ${pick(variable.unit)}` : text;
}
