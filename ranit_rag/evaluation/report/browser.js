// The browser of errors: filters the rows in #rows and draws those that are left, some at a time.
"use strict";

const data = JSON.parse(document.getElementById("rows").textContent);
const filters = ["arm", "set", "type", "route", "kind"].map((name) => document.getElementById(`filter-${name}`));
const list = document.getElementById("errors");
const count = document.getElementById("error-count");
const more = document.getElementById("more");
const AT_ONCE = 20;
let found = [];

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

// Offsets count code points; strings here are UTF-16.
function codePoints(text) {
  return Array.from(text);
}

function keyOf(span) {
  return `${span.start} ${span.end} ${span.label}`;
}

function compared(row) {
  const gold = data.texts[row.text].gold;
  const there = new Set(gold.map(keyOf));
  const here = new Set(row.found.map(keyOf));
  return [
    ...gold.map((span) => ({ ...span, state: here.has(keyOf(span)) ? "right" : "missed" })),
    ...row.found.filter((span) => !there.has(keyOf(span))).map((span) => ({ ...span, state: "spurious" })),
  ];
}

function marked(text, spans) {
  const characters = codePoints(text);
  const edges = [...new Set([0, characters.length, ...spans.flatMap((span) => [span.start, span.end])])];
  edges.sort((one, other) => one - other);
  const drawn = element("p", "text");
  for (let i = 0; i + 1 < edges.length; i++) {
    const piece = characters.slice(edges[i], edges[i + 1]).join("");
    const over = spans.filter((span) => span.start <= edges[i] && edges[i + 1] <= span.end);
    if (over.length === 0) {
      drawn.append(piece);
      continue;
    }
    const mark = element("mark", [...new Set(over.map((span) => span.state || "example"))].join(" "), piece);
    mark.title = over.map((span) => `${span.label}${span.state ? `: ${span.state}` : ""}`).join("\n");
    drawn.append(mark);
  }
  return drawn;
}

function entities(text, spans) {
  const characters = codePoints(text);
  const shown = element("ul", "entities");
  for (const state of ["missed", "spurious", "right"]) {
    for (const span of spans.filter((each) => each.state === state)) {
      const mention = characters.slice(span.start, span.end).join("");
      const score = span.score == null ? "" : ` ${span.score.toFixed(2)}`;
      shown.append(element("li", state, element("b", "", state), ` ${mention} `, element("i", "", span.label + score)));
    }
  }
  return shown;
}

function dropped(row) {
  const shown = element("ul", "entities");
  for (const each of row.dropped || []) {
    shown.append(element("li", "dropped", element("b", "", each.reason), ` ${each.text} `, element("i", "", each.label)));
  }
  return shown;
}

function examples(row) {
  const shown = element("details", "", element("summary", "", `${row.examples.length} examples shown`));
  for (const number of row.examples.map((each) => each.example)) {
    const example = data.examples[number];
    const scores = row.examples.find((each) => each.example === number);
    const told = [example.domain, scores.similarity == null ? "" : `similarity ${scores.similarity}`];
    if (scores.bm25 != null) told.push(`BM25 ${scores.bm25}`);
    shown.append(element("p", "told", told.filter(Boolean).join(" · ")), marked(example.text, example.entities));
    const mentions = example.entities.map(
      (span) => `${codePoints(example.text).slice(span.start, span.end).join("")} (${span.label})`,
    );
    shown.append(element("p", "told", mentions.join(", ")));
  }
  return shown;
}

function card(row) {
  const { set, id, text } = data.texts[row.text];
  const spans = compared(row);
  const route = (row.route || "failed").replace("_", " ");
  const drawn = element("article", "error", element("h3", "", `${set} · ${row.arm}`));
  drawn.dataset.route = row.route || "failed";
  drawn.append(element("p", "told", element("strong", "", route), ` ${row.reason || row.error || ""}`));
  drawn.append(marked(text, spans), entities(text, spans));
  if (row.dropped && row.dropped.length) drawn.append(dropped(row));
  if (row.examples && row.examples.length) drawn.append(examples(row));
  drawn.append(element("p", "told id", id));
  return drawn;
}

function matches(row, arm, set, type, route, kind) {
  if (arm && row.arm !== arm) return false;
  if (set && data.texts[row.text].set !== set) return false;
  if (route && (row.route || "failed") !== route) return false;
  if (kind === "dropped") return (row.dropped || []).some((each) => !type || each.label.split(", ").includes(type));
  const wrong = compared(row).filter((span) => (kind ? span.state === kind : span.state !== "right"));
  if (!type) return !kind || wrong.length > 0;
  return wrong.some((span) => span.label === type);
}

function draw(rows) {
  list.append(...rows.map(card));
  more.hidden = list.childElementCount >= found.length;
}

function filter() {
  const wanted = filters.map((each) => each.value);
  found = data.rows.filter((row) => matches(row, ...wanted));
  count.textContent = `${found.length} of ${data.rows.length} texts`;
  list.replaceChildren();
  draw(found.slice(0, AT_ONCE));
}

for (const each of filters) each.addEventListener("change", filter);
more.addEventListener("click", () => draw(found.slice(list.childElementCount, list.childElementCount + AT_ONCE)));
filter();
