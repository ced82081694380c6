// The answer in sentences: the rules of output/words/answer.py, to which tests hold them.

const ORDER = ["missed", "undecided", "met"];

/**
 * Say how many binding targets hold under each run, which are open, and what others change: a
 * sentence a run, and one that says what open means.
 */
function answerOf(results) {
  const sides = sidesOf(store.state).filter((side) => results[side]);
  const runs = sides.map((side) => ({
    name: t("answer.title", { title: titleOf(results[side].run) }),
    verdicts: bindingFirst(surely(results[side])),
  }));
  const [first] = runs;
  const sentences = runs.map((run) => {
    const change = run === first ? "" : changeText(first, run);
    const parts = countsText(run.verdicts, run === first) + change;
    return t("answer.under", { scenario: run.name, parts });
  });
  const shared = runs.flatMap((run) => run.verdicts).find((each) => each.isOpen && shareText(each));
  if (shared) {
    const example = shareText(shared);
    const values = { sure: DATA.certainty.sure, example, count: example.split("/")[0] };
    sentences.push(t("answer.open_means", values));
  }
  return sentences;
}

/** Name a run: its scenario, and whether levers were moved. */
function titleOf(run) {
  const title = pick(scenarioOf(run).name);
  return Object.keys(run.moved).length ? t("page.moved_title", { scenario: title }) : title;
}

const shareText = ({ share }) => (share === null ? "" : `${share}/100`);
const isJudged = ({ status }) => ORDER.includes(status);

/** Of the verdicts on all targets give those on binding ones; all where no target is binding. */
function bindingFirst(verdicts) {
  const every = verdicts.map((verdict, at) => ({ ...verdict, target: DATA.targets[at] }));
  const binding = every.filter(({ target }) => target.attribute === "binding");
  return binding.length ? binding : every;
}

/** Give which way a target turns; 0 where a run does not judge it, or its share goes another way. */
function stepsBetween(before, after) {
  if (!isJudged(before) || !isJudged(after)) return 0;
  const [one, other] = [before, after].map((verdict) => {
    const central = ORDER.indexOf(verdict.status);
    return (verdict.isOpen ? 1 : central) * ORDER.length + central;
  });
  const sign = Math.sign(other - one);
  const told = (before.isOpen || after.isOpen) && before.share !== null && after.share !== null;
  return told && Math.sign(after.share - before.share) !== sign ? 0 : sign;
}

function countsText(verdicts, isFirst) {
  const judged = verdicts.filter(isJudged);
  const open = judged.filter((each) => each.isOpen);
  const met = judged.filter((each) => each.status === "met" && !each.isOpen).length;
  if (judged.length === 1 && isFirst) return onlyText(judged[0]);
  const one = (key, count) => (count === 1 ? `answer.${key}_one` : `answer.${key}`);
  const parts = [isFirst ? holdsText(met, judged) : holdText(met, judged.length)];
  const failed = judged.filter((each) => each.status !== "met" && !each.isOpen);
  const told = [
    ["fail", failed, failed.map(({ target }) => pick(target.name))],
    ["open", open, open.map(namedText)],
  ];
  for (const [key, some, names] of told) {
    const values = { count: some.length, names: names.join(t("list_sep.semicolon")) };
    if (some.length) parts.push(t(one(isFirst ? key : `${key}_bare`, some.length), values));
  }
  const given = verdicts.filter((each) => each.status === "assumed").length;
  if (given) parts.push(t(one("assumed", given), { count: given }));
  const last = parts.pop();
  if (!parts.length) return last;
  return [parts.join(t("answer.clause")), last].join(t("answer.last_clause"));
}

function onlyText(verdict) {
  const held = verdict.status === "met" ? "answer.only_holds" : "answer.only_fails";
  const key = verdict.isOpen ? "answer.only_open" : held;
  return withKind(key, verdict.target, { name: namedText(verdict) });
}

function holdsText(met, judged) {
  const count = judged.length;
  if (!count) return t("answer.nothing");
  const some = met > 1 ? "answer.holds" : met ? "answer.holds_one" : "answer.holds_none";
  const years = new Set(judged.map(({ target }) => target.year));
  const year = years.size > 1 ? null : judged[0].target.year;
  const { attribute } = judged[0].target;
  return withKind(met === count ? "answer.holds_all" : some, { attribute, year }, { met, count });
}

/** Give a phrase with the year of its targets and, if they are binding, that they are. */
function withKind(key, target, values) {
  const kind = target.attribute === "binding" ? t("attribute.binding") : "";
  const year = target.year ? t("answer.of_year", { year: target.year }) : "";
  return t(key, { kind, year, ...values }).split(/\s+/).filter(Boolean).join(" ");
}

function holdText(met, judged) {
  if (!judged) return t("answer.nothing");
  if (met === judged) return t("answer.hold_all", { met });
  return t(met > 1 ? "answer.hold" : met ? "answer.hold_one" : "answer.hold_none", { met });
}

function namedText(verdict) {
  const name = pick(verdict.target.name);
  const share = shareText(verdict);
  return share ? t("answer.named", { name, share }) : name;
}

/** Say what a run loses and gains against the first. */
function changeText(first, other) {
  const named = (sign) => {
    const turned = other.verdicts
      .map((after, at) => [first.verdicts[at], after])
      .filter(([before, after]) => stepsBetween(before, after) === sign);
    return andText(turned.map(([before, after]) => turnedText(before, after)));
  };
  const [losses, gains] = [named(-1), named(1)];
  if (!losses && !gains) return t("answer.change_none", { first: first.name });
  return t("answer.change", {
    first: first.name,
    loses: losses ? t("answer.loses", { names: losses }) : t("answer.loses_none"),
    gains: gains ? t("answer.gains", { names: gains }) : t("answer.gains_none"),
  });
}

function andText(parts) {
  if (parts.length < 2) return parts.join("");
  const some = parts.slice(0, -1).join(t("list_sep.comma"));
  return [some, parts.at(-1)].join(t("list_sep.and"));
}

/** Name a target; with its shares where one of the verdicts is open. */
function turnedText(before, after) {
  const name = pick(after.target.name);
  const shares = [shareText(before), shareText(after)];
  if (!(before.isOpen || after.isOpen) || !shares.every(Boolean)) return name;
  return t("answer.turned", { name, before: before.share, after: shares[1] });
}
