// Figures as people read them: the rules of output/words/text.py, which tests hold these to.

const SIGNIFICANT = 3;
const SHARPEST = 3;
const BLUR = 0.25;

/** Round half to even as Python does, to a number of decimals (negative: to tens, hundreds). */
function rounded(value, decimals) {
  if (decimals > 0) {
    const places = value.toFixed(60); // in full, for what lies between two figures
    const cut = places.indexOf(".") + 1 + decimals;
    const isTie = /^50*$/.test(places.slice(cut)) && Number(places[cut - 1]) % 2 === 0;
    return Number(isTie ? places.slice(0, cut) : value.toFixed(decimals));
  }
  const unit = 10 ** -decimals;
  const whole = Math.floor(value / unit);
  const rest = value / unit - whole;
  const up = rest > 0.5 || (rest === 0.5 && whole % 2 !== 0);
  return (whole + (up ? 1 : 0)) * unit;
}

/** Write a number; thousands are parted from five digits on. */
function figure(value, decimals) {
  if (value === null || Number.isNaN(value)) return "–";
  const number = rounded(value, decimals) + 0;
  const places = Math.max(decimals, 0);
  const text = Math.abs(number).toFixed(places);
  const [whole, part] = text.split(".");
  const parted = Math.abs(number) >= 9999.5 ? whole.replace(/\B(?=(\d{3})+$)/g, ",") : whole;
  return (number < 0 ? "-" : "") + parted + (part ? `.${part}` : "");
}

/** Decimals that show three digits of a number of this size. */
function digitsOf(reference) {
  if (reference === 0 || !Number.isFinite(reference)) return SIGNIFICANT - 1;
  return SIGNIFICANT - 1 - Math.floor(Math.log10(Math.abs(reference)));
}

/** Decimals that write a figure of the plan in full; zeros left of the point count as negative. */
function writtenDecimals(number) {
  const text = Math.abs(number).toFixed(6).replace(/0+$/, "");
  const places = text.length - text.indexOf(".") - 1;
  if (places || number === 0) return places;
  const digits = text.replace(".", "");
  return digits.replace(/0+$/, "").length - digits.length;
}

/** On which side of a limit a value lies. */
function sideOf(value, limit) {
  const size = Math.max(Math.abs(value), Math.abs(limit));
  if (Math.abs(value - limit) <= 1e-9 * size) return 0;
  return value > limit ? 1 : -1;
}

/** Decimals of a value beside a target: more where rounding would hide a miss, or blur its size. */
function decimalsFor(target, value, slack = 0) {
  const coarsest = writtenDecimals(target);
  if (value === null || Number.isNaN(value)) return Math.max(digitsOf(target), coarsest);
  const decimals = Math.max(Math.min(digitsOf(value || target), digitsOf(target) + 1), coarsest);
  const limits = [target - slack, target + slack];
  const tells = (one) =>
    limits.every((limit) => sideOf(rounded(value, one), limit) === sideOf(value, limit));
  const told = Array.from({ length: SHARPEST + 1 }, (_, more) => decimals + more).filter(tells);
  const nearest = Math.min(...limits.map((limit) => Math.abs(value - limit)));
  const error = BLUR * nearest + 1e-9 * Math.abs(value);
  return told.find((one) => Math.abs(rounded(value, one) - value) <= error) ?? told[0] ?? decimals;
}

/** Decimals of a row of figures: three digits of its middle size. */
function decimalsOf(values) {
  const sizes = values.filter((each) => each && Number.isFinite(each)).map(Math.abs);
  if (!sizes.length) return 0;
  sizes.sort((a, b) => a - b);
  const decimals = digitsOf(sizes[sizes.length >> 1]);
  return sizes[sizes.length - 1] >= 9999.5 ? decimals : Math.max(decimals, 0);
}

/** Write a signed margin. */
function marginFigure(margin, decimals) {
  if (margin === 0 || Number.isNaN(margin)) return figure(margin, decimals);
  let finer = Math.min(decimals, Math.max(digitsOf(margin), 0));
  const most = Math.max(finer, 0) + SHARPEST;
  while (finer < most && rounded(margin, finer) === 0) finer += 1;
  const written = figure(margin, finer);
  return margin < 0 ? written.replace("-", "−") : `+${written}`;
}

/** Write a signed percentage. */
function percent(share) {
  if (share === null || Number.isNaN(share)) return "–";
  return `${marginFigure(share, Math.abs(share) >= 0.95 ? 0 : 1)} %`;
}

/** Write a moment of the model's time as a month: TIME = y is the middle of year y. */
function month(time, lang) {
  const months = Math.round((time + 0.5) * 12);
  const year = Math.floor(months / 12);
  const number = (months % 12) + 1;
  return lang === "zh" ? `${year}年${number}月` : `${year}-${String(number).padStart(2, "0")}`;
}

/** Decimals that a slider's steps need. */
function decimalsOfStep(step) {
  return Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
}

/** Decimals that write every multiple of a step in full. */
function decimalsOfTicks(step) {
  for (let places = 0; places < 9; places += 1) {
    const units = step * 10 ** places;
    if (Math.abs(units - Math.round(units)) < 1e-6 * units) return places;
  }
  return 9;
}
