// Which of B's assumptions a target's margin owes its difference to: a sentence, and signed bars.

const SHOWN_SHARES = 8;
const OPPOSED = 0.2; // where more than this part works the other way, "most of it" would mislead
const REDRAWN = 250; // milliseconds between two pictures of estimates that still sharpen

/** Make the section for one target; `start` begins to compute, and gives what stops it. */
function dueSection(target, { a, b }) {
  const said = el("p", { class: "due-said" });
  const bars = el("ol", { class: "share-list" });
  const how = el("p", { class: "hint" });
  const heading = el("h3", {}, t("page.due_title"));
  const hint = el("p", { class: "hint" }, t("page.due_hint"));
  const node = el("section", { class: "due" }, heading, said, hint, bars, how);
  const place = DATA.targets.indexOf(target);

  function only(key) {
    hint.hidden = true;
    setText(said, t(key));
    return () => {};
  }
  function start() {
    if (!b) return only("page.due_alone");
    const [clock, other] = [a, b].map((each) => scenarioOf(each.run).clock);
    if (!sameClock(clock, other)) return only("page.due_clocks");
    if (![a, b].every((each) => Number.isFinite(each.verdicts[place].margin))) {
      return only("page.due_unknown");
    }
    if (!changesBetween(a.inputs, b.inputs).length) return only("page.due_same");
    setText(how, t("page.due_computing"));
    // Nothing after the target's year tells on its margin.
    const work = shareOut(a, b, [target], { until: untilOf(target, clock) });
    let drawn = -Infinity;
    return inSlices(work, {
      seen(latest) {
        if (performance.now() - drawn < REDRAWN) return;
        show(latest());
        drawn = performance.now();
      },
      done: show,
    });
  }
  function show(found) {
    const [shares] = found.shares;
    const [errors] = found.errors;
    if (!shares.every(Number.isFinite)) {
      only("page.due_broken");
      setText(how, "");
      return;
    }
    const decimals = sharesDecimals(shares);
    setText(said, dueText(target, found, decimals));
    const order = shares.map((_, i) => i).sort((x, y) => Math.abs(shares[y]) - Math.abs(shares[x]));
    const moving = order.filter((i) => Math.abs(shares[i]) > NOTHING);
    const named = moving.slice(0, moving.length > SHOWN_SHARES + 1 ? SHOWN_SHARES : moving.length);
    const rest = order.filter((i) => !named.includes(i));
    const longest = Math.abs(shares[named[0]] ?? 0) || 1;
    const unit = pick(target.unit);
    const rows = named.map((i) => {
      const change = found.changes[i];
      const size = signed(shares[i], decimals);
      const doubt = found.exact ? "" : errorText(errors[i], decimals);
      const part = shares[i] / longest;
      return shareRow(pick(change.name), part, `${size}${doubt} ${unit}`, [a, b], change);
    });
    if (rest.length) {
      const sum = rest.reduce((total, i) => total + shares[i], 0);
      const name = t("page.due_rest", { count: rest.length });
      rows.push(shareRow(name, sum / longest, `${signed(sum, decimals)} ${unit}`));
    }
    bars.replaceChildren(...rows);
    const key = found.exact ? "page.due_exact" : "page.due_sampled";
    setText(how, t(key, found));
  }
  return { node, start };
}

/** Until when a run has to go for a target's margin. */
const untilOf = (target, clock) => Math.min(clock.final, Math.max(target.year, target.since) + 1);

/** Decimals of shares: three digits of the largest. */
function sharesDecimals(shares) {
  const largest = Math.max(...shares.map(Math.abs));
  return largest > NOTHING ? Math.min(6, Math.max(0, digitsOf(largest))) : 0;
}

/** Write a number with its sign; none if it rounds to zero. */
function signed(value, decimals) {
  const text = figure(value, decimals).replace("-", "−");
  return rounded(value, decimals) > 0 ? `+${text}` : text;
}

/** Write a standard error; one that rounds to zero is smaller than what can be shown. */
function errorText(error, decimals) {
  const least = 10 ** -decimals;
  return ` ± ${error && error < least ? `<${figure(least, decimals)}` : figure(error, decimals)}`;
}

function shareRow(name, part, size, runs = null, change = null) {
  const bar = el("div", { class: `share-bar ${part < 0 ? "is-less" : "is-more"}` }, el("i", {}));
  bar.style.setProperty("--part", Math.min(1, Math.abs(part)));
  const places = new Set(change ? change.inputs : []);
  const rows = runs ? rowsOf(runs[0].inputs, runs[1].inputs, places) : [];
  const text = rows.map(([each, one, other]) => {
    const values = t("page.due_values", { one, other });
    return rows.length > 1 || each !== name ? `${each}${t("page.colon")}${values}` : values;
  });
  return el(
    "li",
    { class: "share" },
    el("span", { class: "share-name" }, name),
    el("span", { class: "share-size" }, size),
    bar,
    text.length ? el("span", { class: "share-values" }, text.join(t("page.semicolon"))) : null,
  );
}

/** Say in a sentence or two what moves the margin from A to B. */
function dueText(target, found, decimals) {
  const [shares] = found.shares;
  const [from] = found.from;
  const [to] = found.to;
  const change = to - from;
  if (Math.abs(change) <= NOTHING) {
    const moving = shares.some((each) => Math.abs(each) > NOTHING);
    return t(moving ? "page.due_cancel" : "page.due_still");
  }
  const ends = Math.max(0, decimalsFor(target.value, target.value + from), digitsOf(change) - 1);
  const said = [
    t(change < 0 ? "page.due_less" : "page.due_more", {
      from: signed(from, Math.min(ends, 6)),
      to: signed(to, Math.min(ends, 6)),
      change: signed(change, decimals),
      unit: pick(target.unit),
    }),
  ];
  // Shares along the change, and against it.
  const along = shares.map((each) => each * Math.sign(change));
  const name = (i) => pick(found.changes[i].name);
  const share = (i) => signed(shares[i], decimals);
  const most = along.indexOf(Math.max(...along));
  const least = along.indexOf(Math.min(...along));
  const against = along.reduce((sum, each) => sum + Math.max(0, -each), 0);
  if (found.changes.length === 1) said.push(t("page.due_only", { name: name(0) }));
  else if (against > OPPOSED * Math.abs(change)) {
    const [down, up] = change < 0 ? [most, least] : [least, most];
    said.push(
      t("page.due_both", { down: name(down), less: share(down), up: name(up), more: share(up) }),
    );
  } else {
    const key = along[most] > Math.abs(change) / 2 ? "page.due_most" : "page.due_largest";
    said.push(t(key, { name: name(most), share: share(most) }));
    if (along[least] < -0.05 * along[most]) {
      said.push(t("page.due_against", { name: name(least), share: share(least) }));
    }
  }
  return said.join(t("page.sentence"));
}
