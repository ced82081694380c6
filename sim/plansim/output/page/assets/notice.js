// One message at the top of the page, which stays until it is read: what is wrong with a link.

const NAMED = 4; // things that a message names
const LONGEST_NAME = 40;

let told = null;

/** Name a few things, each cut to some length, and count the others. */
function someOf(names) {
  const cut = (name) => (name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name);
  const shown = names.slice(0, NAMED).map(cut).join(t("list_sep.comma"));
  const more = names.length - NAMED;
  return more > 0 ? t("page.and_more", { names: shown, count: more }) : shown;
}

/** Say what is wrong with a link. */
function tellOf(link) {
  told = link.other || link.unknown.length ? link : null;
  showNotice();
}

/** Show the message in the language of the page; none, if there is nothing to tell. */
function showNotice() {
  const node = document.getElementById("notice");
  node.hidden = !told;
  if (!told) return;
  const said = [];
  if (told.other) said.push(t("page.link_other"));
  if (told.unknown.length) said.push(t("page.link_unknown", { names: someOf(told.unknown) }));
  const close = () => {
    told = null;
    node.hidden = true;
  };
  node.replaceChildren(
    el("p", {}, said.join(t("list_sep.sentence"))),
    el("button", { type: "button", click: close }, t("page.close")),
  );
}
