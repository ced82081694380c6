// One target in full: its verdicts, its chart, what the plan says, what drives it.

function detail(target, results, act) {
  const dialog = document.getElementById("detail");
  const place = DATA.targets.indexOf(target);
  const chart = chartCard(DATA.charts[target.chart], { height: 260 });
  const cells = SIDES.map((side) => verdictCell(side, target));
  const due = dueSection(target, results);
  const drivers = el("div", { class: "drivers" }, el("p", { class: "hint" }, t("page.computing")));
  const said = [];
  const add = (key, text) => {
    if (text) said.push(el("dt", {}, t(key)), el("dd", {}, text));
  };
  const kind = t(`attribute.${target.attribute}`);
  add("page.plan_says", `${askedText(target)}, ${target.year} (${kind})`);
  add("page.wording", target.wording);
  add("page.place", pick(target.place));
  add("page.note", pick(target.note));
  add("page.judged_by", pick(target.variable));
  add("page.meaning", pick(target.meaning));
  add("page.causes", target.causes.map(pick).join(t("list_sep.comma")));
  const around = target.loops.map((loop) => {
    const [name, meaning] = loop.map(pick);
    return el("p", {}, el("b", {}, name), t("list_sep.colon"), meaning);
  });
  if (around.length) said.push(el("dt", {}, t("page.loops")), el("dd", {}, ...around));
  dialog.replaceChildren(
    el(
      "div",
      { class: "detail-head" },
      el("p", { class: "detail-id" }, target.id),
      el("h2", { id: "detail-title" }, pick(target.name)),
      el(
        "button",
        {
          type: "button",
          class: "detail-close",
          "aria-label": t("page.close"),
          click: () => dialog.close(),
        },
        icon("M4 4 16 16M16 4 4 16", "close"),
      ),
    ),
    el("div", { class: "detail-verdicts" }, ...cells.map((each) => each.node)),
    chart.node,
    due.node,
    el("h3", {}, t("page.drivers", { side: store.state.edited.toUpperCase() })),
    el("p", { class: "hint" }, t("page.drivers_hint", { year: target.year })),
    drivers,
    el("h3", {}, t("page.in_the_plan")),
    el("dl", { class: "facts" }, ...said),
  );
  const work = [];
  const leave = () => {
    work.forEach((stop) => stop());
    chart.destroy();
  };
  dialog.onclose = () => {
    leave();
    detail.again = null;
  };
  dialog.onclick = (event) => {
    if (event.target === dialog) dialog.close();
  };
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  SIDES.forEach((side, i) => cells[i].update(results[side] && surely(results[side])[place]));
  chart.update(results);
  chart.describe();
  // What is seen first is painted before what takes long begins.
  const timer = setTimeout(() => {
    work.push(due.start());
    const found = sensitivity(store.state[store.state.edited], target);
    const done = (levers) =>
      drivers.replaceChildren(driverBars(levers, target, results, act, dialog));
    work.push(inSlices(found, { done }));
  }, 30);
  work.push(() => clearTimeout(timer));
  detail.again = (now) => {
    leave();
    detail(target, now, act);
  };
}

/** Show the target that is open once more, since the runs have changed under it. */
detail.again = null;

const SHOWN_DRIVERS = 8;

/** Bars from the margin at one end of a lever to that at the other; at zero the target is met. */
function driverBars(levers, target, results, act, dialog) {
  const { edited } = store.state;
  const place = DATA.targets.indexOf(target);
  const now = results[edited].verdicts[place].margin;
  const found = levers.slice(0, SHOWN_DRIVERS);
  if (!found.length || !Number.isFinite(now)) return el("p", {}, t("page.no_drivers"));
  const ends = [0, now, ...found.flatMap((each) => [each.low, each.high])];
  const low = Math.min(...ends);
  const span = Math.max(...ends) - low || 1;
  const at = (value) => (value - low) / span;
  const decimals = Math.max(0, decimalsFor(target.value, target.value + now));
  const rows = found.map((each) => {
    const { lever } = each;
    const bar = el("div", { class: "bar" });
    bar.style.setProperty("--from", at(Math.min(each.low, each.high)));
    bar.style.setProperty("--to", at(Math.max(each.low, each.high)));
    bar.style.setProperty("--zero", at(0));
    bar.style.setProperty("--now", at(now));
    bar.append(...["span", "zero", "now"].map((part) => el("i", { class: `bar-${part}` })));
    const flips = Math.min(each.low, each.high) < 0 !== Math.max(each.low, each.high) < 0;
    const text = t("page.driver_said", {
      low: leverText(lever, lever.low, langIndex()),
      high: leverText(lever, lever.high, langIndex()),
      from: marginFigure(each.low, decimals),
      to: marginFigure(each.high, decimals),
      unit: marginUnit(target),
    });
    return el(
      "li",
      { class: flips ? "driver flips" : "driver" },
      el(
        "button",
        { type: "button", class: "link", click: () => { dialog.close(); act.showLever(lever); } },
        pick(lever.name),
      ),
      bar,
      el("span", { class: "driver-said" }, text, flips ? el("b", {}, ` ${t("page.flips")}`) : null),
    );
  });
  return el("ol", { class: "driver-list" }, ...rows);
}
