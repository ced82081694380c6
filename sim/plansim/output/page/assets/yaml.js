// A run as a scenario file that `plansim run` reads.

/** Write a name or text so that YAML takes it for one. */
function yamlText(text) {
  const plain = /^\p{L}[\p{L}\p{N} -]*$/u.test(text) && !/\s$/.test(text);
  const word = /^(true|false|null|yes|no|on|off|y|n)$/i.test(text);
  return plain && !word ? text : JSON.stringify(text);
}

const yamlWords = ([en, zh]) => `{en: ${JSON.stringify(en)}, zh: ${JSON.stringify(zh)}}`;

/** Group `name[e1,e2]` by name: {name: number} or {name: {e1: {e2: number}}}. */
function nested(values) {
  const found = {};
  for (const [key, value] of values) {
    const parts = /^(.*?)\[(.*)\]$/.exec(key);
    const way = parts ? [parts[1], ...parts[2].split(",")] : [key];
    let inner = found;
    for (const each of way.slice(0, -1)) inner = inner[each] ??= {};
    inner[way.at(-1)] = value;
  }
  return found;
}

function yamlValue(value) {
  if (typeof value === "number") return String(value);
  const parts = Object.entries(value).map(([key, each]) => `${yamlText(key)}: ${yamlValue(each)}`);
  return `{${parts.join(", ")}}`;
}

/** Write a run: its scenario as parent, and what was moved. */
function yamlOf(run) {
  const scenario = scenarioOf(run);
  const inputs = inputsOf(run);
  const values = new Map(Object.entries(scenario.own));
  for (const id of Object.keys(run.moved)) {
    for (const place of LEVER.get(id).inputs) values.set(modelProgram.inputs[place], inputs[place]);
  }
  const moved = Object.keys(run.moved).length > 0;
  const title = scenario.name.map((name, lang) =>
    moved ? DATA.phrases["page.moved_title"][lang].replace("{scenario}", name) : name,
  );
  const about = Object.entries(run.moved).map(([id, value]) => {
    const lever = LEVER.get(id);
    return [0, 1].map((lang) => `${lever.name[lang]}: ${leverText(lever, value, lang)}`);
  });
  const said = about.length
    ? [0, 1].map((lang) => about.map((each) => each[lang]).join("; "))
    : scenario.about;
  const lines = [`title: ${yamlWords(title)}`, `description: ${yamlWords(said)}`];
  if (scenario.parent) lines.push(`parent: ${scenario.parent}`);
  if (values.size) {
    lines.push("values:");
    for (const [name, value] of Object.entries(nested(values))) {
      lines.push(`  ${yamlText(name)}: ${yamlValue(value)}`);
    }
  }
  const assumed = Object.entries(scenario.assumed);
  if (!scenario.shipped && assumed.length) {
    lines.push("assumes:", ...assumed.map(([id, why]) => `  ${id}: ${yamlWords(why)}`));
  }
  return `${lines.join("\n")}\n`;
}

/** Write what a lever stands at, with its unit. */
function leverText(lever, value, lang) {
  if (lever.calendar) return month(value, lang ? "zh" : "en");
  const shown = value * lever.factor;
  const text = figure(shown, decimalsOfStep(stepOf(lever))).replace("-", "−");
  const signed = lever.apply === "add" && shown > 0 ? `+${text}` : text;
  const times = lever.apply === "multiply" ? "×\u2009" : "";
  return `${times}${signed}${lever.unit[lang] ? `\u2009${lever.unit[lang]}` : ""}`;
}

/** Give the step of a lever, in the unit in which it is shown: round, a fiftieth of its range. */
function stepOf(lever) {
  if (lever.calendar) return 0.25;
  const fine = ((lever.high - lever.low) * lever.factor) / 60;
  const power = 10 ** Math.floor(Math.log10(fine));
  return [1, 2, 5, 10].find((each) => each * power >= fine * 0.999) * power;
}
