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
    const count = new Set(rows.map(([, , , variable]) => variable)).size;
    const values = { side: side.toUpperCase(), count };
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

/** Parts of an array with more different changes than these are told by their direction. */
const MOST_ALIKE = 3;

/** Give name, value and other value of what differs, and the place of the constant that it is;
 * `within` some places, if they are named. Parts of an array that change differently are apart. */
function rowsOf(one, other, within = null) {
  const differs = (place) => one[place] !== other[place] && (!within || within.has(place));
  return DATA.variables.flatMap((variable, at) => {
    const groups = alikeIn(variable.inputs.filter(differs), one, other);
    return groups.map((places) => {
      const elements = places.map((place) => variable.elements[variable.inputs.indexOf(place)]);
      const count = elements.length > 2 && groups.length === 1
        ? t("page.elements", { count: elements.length })
        : elements.map(pick).filter(Boolean).join(t("list_sep.comma"));
      const bare = pick(variable.name);
      const name = count ? t("page.of_elements", { name: bare, count }) : bare;
      const text = (values) => spanText(variable, places.map((place) => values[place]));
      return [name, text(one), text(other), at];
    });
  });
}

/** Part places by how their values change: alike, or where that gives many parts up and down. */
function alikeIn(places, one, other) {
  const partedBy = (key) => {
    const parts = new Map();
    for (const place of places) parts.set(key(place), [...(parts.get(key(place)) ?? []), place]);
    return [...parts.values()];
  };
  const alike = partedBy((place) => `${one[place]} ${other[place]}`);
  return alike.length > MOST_ALIKE ? partedBy((place) => other[place] > one[place]) : alike;
}

/** Write values of one constant: the number, or from the least to the greatest. */
function spanText(variable, values) {
  const ends = [...new Set([Math.min(...values), Math.max(...values)])];
  if (variable.calendar) return ends.map((each) => month(each, store.state.lang)).join("–");
  const shown = ends.map((each) => each * variable.factor)
    .map((each) => Number(each.toPrecision(Math.abs(each) < 1000 ? 4 : 6)));
  const text = shown.map((each) => String(each).replace("-", "−")).join(" … ");
  return pick(variable.unit) ? `${text} ${pick(variable.unit)}` : text;
}
