// The column of assumptions: which two runs are compared, and the levers that move one of them.

function controls(act) {
  const root = el("div", { class: "controls-inner" });
  const sides = SIDES.map((side) => sidePicker(side, act));
  const more = el("button", { type: "button", class: "small", click: act.add }, t("page.add_run"));
  const edited = el("div", { class: "segments edited", role: "group" });
  for (const side of SIDES) {
    edited.append(
      el(
        "button",
        { type: "button", "data-side": side, click: () => act.edit(side) },
        t("page.move_side", { side: side.toUpperCase() }),
      ),
    );
  }
  const tools = el("div", { class: "tools" });
  const tool = (key, run) => {
    const said = t(`page.${key}`, { side: "A" });
    const button = el("button", { type: "button", "data-tool": key, click: run }, said);
    tools.append(button);
    return button;
  };
  const undoTool = tool("undo", act.undo);
  const redoTool = tool("redo", act.redo);
  const resetTool = tool("reset", act.reset);
  tool("swap", act.swap);
  const keepTool = tool("keep", act.keep);
  const yamlTool = tool("copy_yaml", act.copyYaml);
  // Inside a notebook a page has no address.
  if (location.protocol !== "about:") tool("copy_link", act.copyLink);
  const different = SIDES.slice(1).map((side) => differences(side));
  const groups = DATA.groups.map((group) => leverGroup(group, act));
  root.append(
    el("h2", {}, t("page.compare")),
    ...sides.map((each) => each.node),
    more,
    ...different.map((each) => each.node),
    el("h2", {}, t("page.levers")),
    edited,
    el("p", { class: "hint" }, t("page.levers_hint")),
    tools,
    ...groups.map((each) => each.node),
  );

  /** Bring the column up to the state; where one lever moved, nothing but what it touches. */
  function update(results, lever = null) {
    const { state } = store;
    sides.forEach((each) => each.update());
    different.forEach((each) => each.update(results));
    more.hidden = sidesOf(state).length === SIDES.length;
    for (const button of edited.children) {
      const side = button.dataset.side;
      button.setAttribute("aria-pressed", String(side === state.edited));
      button.hidden = !state[side].scenario;
    }
    root.dataset.edited = state.edited;
    const side = { side: state.edited.toUpperCase() };
    setText(resetTool, t("page.reset", side));
    setText(yamlTool, t("page.copy_yaml", side));
    setText(keepTool, t("page.keep", side));
    undoTool.disabled = store.past.length === 0;
    redoTool.disabled = store.future.length === 0;
    resetTool.disabled = !Object.keys(state[state.edited].moved).length;
    for (const each of groups) {
      if (!lever || each.group.levers.includes(lever)) each.update(lever);
    }
  }
  return { node: root, update };
}

const SAVED = "saved:"; // before the name of a run that the browser keeps

function sidePicker(side, act) {
  const select = el("select", { id: `run-${side}`, change: () => act.preset(side, select.value) });
  const group = (key, options) =>
    options.length ? [el("optgroup", { label: t(`page.${key}`) }, ...options)] : [];
  const option = ({ id, name }) => el("option", { value: id }, pick(name));
  const kept = savedRuns();
  const listed = (kind) => DATA.scenarios.filter((scenario) => scenario.kind === kind).map(option);
  const [stories, policies, tests] = ["story", "policy", "test"].map(listed);
  if (side !== "a") select.append(el("option", { value: NONE }, t("page.no_run")));
  const grouped = policies.length || tests.length || kept.length;
  select.append(
    ...(grouped ? group("stories", stories) : stories),
    ...group("policies", policies),
    ...group("kept_runs", kept.map(({ name }) => el("option", { value: SAVED + name }, name))),
    ...group("tests", tests),
  );
  const overlays = overlayBoxes(side, act);
  const moved = el("span", { class: "moved" });
  const about = el("p", { class: "about" });
  const forget = el("button", { type: "button", class: "small", click: () => act.forget(side) });
  setText(forget, t("page.forget", { name: "–" }));
  const node = el(
    "div",
    { class: `side side-${side}` },
    el(
      "div",
      { class: "side-row" },
      el("label", { for: `run-${side}`, class: "side-name" }, side.toUpperCase()),
      select,
    ),
    el("div", { class: "side-moved" }, moved, forget),
    overlays.node,
    el("details", { class: "side-about" }, el("summary", {}, t("page.about_scenario")), about),
  );
  function update() {
    const run = store.state[side];
    node.hidden = side !== "a" && side !== "b" && !run.scenario;
    const name = savedAs(run);
    select.value = name ? SAVED + name : run.scenario && partsOf(run.scenario)[0];
    overlays.update(run);
    const count = Object.keys(run.moved).length;
    setText(moved, count ? t("page.moved", { count }) : "");
    forget.hidden = !name;
    if (name) setText(forget, t("page.forget", { name }));
    moved.parentNode.hidden = !count && !name;
    setText(about, run.scenario ? pick(scenarioOf(run).about) : "");
    about.parentNode.hidden = !run.scenario;
  }
  return { node, update };
}

/** Switches for the overlays on one run; what sets the same as a chosen one cannot be chosen. */
function overlayBoxes(side, act) {
  const summary = el("summary", {});
  const boxes = DATA.overlays.map((overlay) => {
    const change = () => act.overlay(side, overlay.id);
    const kind = { type: "checkbox", role: "switch", class: "switch" };
    const box = el("input", { ...kind, "data-overlay": overlay.id, change });
    const about = el("span", { class: "overlay-about" }, pick(overlay.about));
    const label = el("label", {}, box, el("span", {}, pick(overlay.name), about));
    return { overlay, box, label };
  });
  const rows = boxes.map((each) => el("div", { class: "overlay" }, each.label));
  const node = el("details", { class: "side-about overlays" }, summary, ...rows);
  function update(run) {
    node.hidden = !boxes.length || !run.scenario;
    if (node.hidden) return;
    const chosen = partsOf(run.scenario)[1].map((name) => OVERLAY.get(name));
    const names = chosen.map((each) => pick(each.name)).join(t("list_sep.comma"));
    setText(summary, t("page.overlays", { names: names || t("page.no_overlays") }));
    for (const { overlay, box } of boxes) {
      box.checked = chosen.includes(overlay);
      box.disabled = !box.checked && clashes(overlay, chosen);
    }
  }
  return { node, update };
}

function leverGroup(group, act) {
  const levers = group.levers.map((lever) => leverRow(lever, act));
  const count = el("span", { class: "count" });
  const node = el(
    "details",
    { class: "group", id: `group-${group.id}` },
    el("summary", {}, el("span", { class: "group-name" }, pick(group.name)), count),
    ...levers.map((each) => each.node),
  );
  const isMoved = (lever) => lever.id in store.state[store.state.edited].moved;
  node.open = group.levers.some(isMoved) || group === DATA.groups[0];
  function update(lever) {
    const moved = group.levers.filter(isMoved).length;
    setText(count, moved ? t("page.moved", { count: moved }) : "");
    for (const each of levers) if (!lever || each.lever === lever) each.update();
  }
  return { group, node, update };
}

function leverRow(lever, act) {
  const id = `lever-${lever.id.replace(/[^A-Za-z0-9]+/g, "-")}`;
  const input = el("input", {
    type: "range",
    id,
    "data-lever": lever.id,
    input: () => act.move(lever, read(), false),
    change: () => act.move(lever, read(), true),
  });
  const value = el("output", { for: id, class: "lever-value" });
  const rest = el("i", { class: "lever-rest" });
  const others = SIDES.map((side) => el("i", { class: `lever-other is-${side}` }));
  const beyond = [0, 1].map(() => el("i", { class: "lever-beyond" }));
  const warned = el("span", {});
  const sign = icon(LIGHTS.against, "against");
  const warning = el("p", { class: "lever-warning", hidden: true }, sign, " ", warned);
  const note = leverNote(lever, `${id}-help`);
  const opener = el(
    "button",
    {
      type: "button",
      class: "help-button",
      "aria-expanded": "false",
      "aria-controls": `${id}-help`,
      "aria-label": t("page.help", { name: pick(lever.name) }),
      click: () => {
        note.node.hidden = !note.node.hidden;
        update();
        if (!note.node.hidden) note.ends();
        opener.setAttribute("aria-expanded", String(!note.node.hidden));
      },
    },
    "?",
  );
  const back = el(
    "button",
    {
      type: "button",
      class: "lever-back",
      "aria-label": t("page.back", { name: pick(lever.name) }),
      click: () => act.move(lever, restOf(lever, store.state[store.state.edited]), true),
    },
    icon("M7 4 3 8l4 4M3 8h8a5 5 0 0 1 0 10H8", "back"),
  );
  const low = el("span", {});
  const high = el("span", {});
  const node = el(
    "div",
    { class: "lever" },
    el(
      "div",
      { class: "lever-head" },
      el("div", { class: "lever-name" }, el("label", { for: id }, pick(lever.name)), " ", opener),
      back,
      value,
    ),
    el("div", { class: "track" }, ...beyond, rest, ...others, input),
    el("div", { class: "ends", "aria-hidden": "true" }, low, high),
    warning,
    note.node,
  );
  const step = stepOf(lever);
  const factor = lever.calendar ? 1 : lever.factor;
  const clean = (number) => Number(number.toPrecision(12));
  const near = (one, other) => Math.abs(one - other) <= 1e-9 * Math.max(1, Math.abs(other));

  /** Give what the slider stands at: on a step, or at an end of its range. */
  function read() {
    const shown = Number(input.value);
    const end = [Number(input.min), Number(input.max)].find((each) => near(shown, each));
    return clean((end ?? Math.round(shown / step) * step) / factor);
  }
  const at = (number, ends) =>
    Math.min(1, Math.max(0, (number - ends[0]) / (ends[1] - ends[0] || 1)));

  function valueOf(run) {
    return run.moved[lever.id] ?? restOf(lever, run);
  }
  /** Say what the marks on the track stand for. */
  function marksText(still, beside) {
    const text = (value) => leverText(lever, value, langIndex());
    const said = [t("page.scenario_value", { value: text(still) })];
    for (const side of beside) {
      const value = text(valueOf(store.state[side]));
      said.push(t("page.other_value", { side: side.toUpperCase(), value }));
    }
    return said.join(t("list_sep.semicolon"));
  }
  /** Hatch what is not plausible, and say so where the lever stands there. */
  function warn(run, now, ends) {
    const plausible = plausibleOf(lever, run);
    const [from, to] = plausible.map((each) => at(each, ends));
    [
      [0, from],
      [to, 1],
    ].forEach(([start, end], i) => {
      beyond[i].hidden = end - start < 1e-6;
      beyond[i].style.setProperty("--from", start);
      beyond[i].style.setProperty("--to", end);
    });
    const is = isImplausible(lever, run, now);
    const text = is ? rangeText(lever, plausible) : "";
    setText(warned, text);
    warning.hidden = !is;
    return text;
  }
  function update() {
    const { state } = store;
    const run = state[state.edited];
    const beside = sidesOf(state).filter((side) => side !== state.edited);
    const now = valueOf(run);
    const still = restOf(lever, run);
    const reached = [lever.low, lever.high, now, still];
    for (const side of beside) reached.push(valueOf(state[side]));
    const ends = [Math.min(...reached), Math.max(...reached)];
    input.min = clean(ends[0] * factor);
    input.max = clean(ends[1] * factor);
    input.step = "any";
    input.value = now * factor;
    input.step = clean(step);
    if (Math.abs(Number(input.value) - now * factor) > 1e-9) input.step = "any";
    input.value = now * factor;
    const text = leverText(lever, now, langIndex());
    const more = warn(run, now, ends);
    input.setAttribute("aria-valuetext", more ? `${text}${t("list_sep.comma")}${more}` : text);
    setText(value, text);
    setText(low, leverText(lever, ends[0], langIndex()));
    setText(high, leverText(lever, ends[1], langIndex()));
    rest.style.setProperty("--at", at(still, ends));
    SIDES.forEach((side, i) => {
      others[i].hidden = !beside.includes(side);
      if (beside.includes(side)) others[i].style.setProperty("--at", at(valueOf(state[side]), ends));
    });
    if (!note.node.hidden) note.say(marksText(still, beside));
    node.classList.toggle("is-moved", lever.id in run.moved);
    back.disabled = !(lever.id in run.moved);
  }
  return { lever, node, update };
}

/** Say within which values a lever would be plausible. */
function rangeText(lever, [low, high]) {
  const text = (value) => leverText(lever, value, langIndex());
  if (low > high) return t("page.implausible_all");
  if (low === -Infinity) return t("page.implausible_over", { high: text(high) });
  if (high === Infinity) return t("page.implausible_under", { low: text(low) });
  return t("page.implausible", { low: text(low), high: text(high) });
}
