// Small helpers for the document, and the phrases in the language of the page.

const langIndex = () => (store.state.lang === "zh" ? 1 : 0);

/** Give a phrase, its {placeholders} filled. */
function t(key, values = {}) {
  const phrase = DATA.phrases[key];
  if (!phrase) throw new Error(`no phrase ${key}`);
  return phrase[langIndex()].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Of a text in both languages, give the one of the page. */
const pick = (both) => both[langIndex()];

/** Make an element; attributes that are functions become listeners. */
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((each) => each !== null && each !== undefined));
  return node;
}

/** Make an icon of one path or more, seen by eyes only. */
function icon(paths, name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  for (const path of [paths].flat()) {
    const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
    shape.setAttribute("d", path);
    svg.append(shape);
  }
  return svg;
}

/** Change a text only if it is another one: nothing is laid out in vain. */
function setText(node, text) {
  if (node.firstChild?.nodeType === 3 && node.childNodes.length === 1) {
    if (node.firstChild.data !== text) node.firstChild.data = text;
  } else node.textContent = text;
}

/** Tell readers of the screen, and show for a moment. */
function say(text) {
  const said = document.getElementById("said");
  said.textContent = text;
  said.classList.add("is-shown");
  clearTimeout(say.timer);
  say.timer = setTimeout(() => said.classList.remove("is-shown"), 2500);
}

/** Unpack a text that came as gzip in base64. */
function unzip(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

/** Ask for a name, and do something with it. */
function askName(given, done) {
  const input = el("input", { type: "text", maxlength: 60, required: true, id: "asked-name" });
  input.value = given;
  const box = el(
    "dialog",
    { class: "copy-box", close: () => box.remove() },
    el(
      "form",
      {
        method: "dialog",
        submit: () => input.value.trim() && done(input.value.trim()),
      },
      el("label", { for: "asked-name" }, t("page.keep_name")),
      input,
      el(
        "div",
        { class: "box-buttons" },
        el("button", { class: "is-first" }, t("page.keep_done")),
        el("button", { type: "button", click: () => box.close() }, t("page.close")),
      ),
    ),
  );
  document.body.append(box);
  box.showModal();
  input.select();
}

/** Let the browser save a file. */
function save(name, type, content) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = el("a", { href: address, download: name.replace(/[^\p{L}\p{N}.-]+/gu, "-") });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

async function copy(text, done) {
  try {
    await navigator.clipboard.writeText(text);
    say(done);
  } catch {
    // Without leave to write to the clipboard the text is shown, selected, to be copied by hand.
    const area = el("textarea", { class: "copy-area", readonly: true, rows: 14 });
    area.value = text;
    const box = el(
      "dialog",
      { class: "copy-box", close: () => box.remove() },
      el("p", {}, t("page.copy_by_hand")),
      area,
      el("button", { type: "button", click: () => box.close() }, t("page.close")),
    );
    document.body.append(box);
    box.showModal();
    area.select();
  }
}
