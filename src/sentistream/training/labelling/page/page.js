"use strict";

const KEYS = { o: "open", c: "closed", s: "skip", " ": "skip" };
const STRIP = 13;
const at = (id) => document.getElementById(id);

let entries = [];
let now = 0;
let saving = Promise.resolve();
let unsaved = 0;
const done = [];

function nextUndecided(from) {
  for (let step = 0; step < entries.length; step += 1) {
    const number = (from + step) % entries.length;
    if (!entries[number].decision) return number;
  }
  return Math.min(from, entries.length - 1);
}

function show() {
  const decided = entries.filter((entry) => entry.decision).length;
  at("progress").max = entries.length || 1;
  at("progress").value = decided;
  at("count").textContent = `${decided} of ${entries.length} decided`
    + (entries.length && decided === entries.length ? ": all done, you may close this page." : "");
  const entry = entries[now];
  if (!entry) { at("name").textContent = "There is nothing to label."; return; }
  at("view").src = `view/${now}`;
  at("view").dataset.decision = entry.decision;
  at("name").textContent = `${now + 1}: ${entry.name}${entry.person ? `, ${entry.person}` : ""}`;
  at("proposal").textContent = entry.proposal
    ? `Proposed: ${entry.proposal} (lips ${(100 * entry.gap).toFixed(0)} % of the eyes' distance apart)`
    : `No proposal: lips ${(100 * entry.gap).toFixed(0)} % of the eyes' distance apart`;
  at("decision").textContent = entry.decision
    ? `Decided: ${entry.decision === "skip" ? "skipped" : entry.decision}` : "Not decided";
  showStrip();
}

function showStrip() {
  const first = Math.max(0, Math.min(now - Math.floor(STRIP / 2), entries.length - STRIP));
  const shown = entries.slice(first, first + STRIP).map((entry, index) => {
    const image = document.createElement("img");
    image.src = `view/${first + index}`;
    image.alt = `Mouth ${first + index + 1}`;
    image.dataset.decision = entry.decision;
    image.classList.toggle("now", first + index === now);
    image.addEventListener("click", () => { now = first + index; show(); });
    return image;
  });
  at("strip").replaceChildren(...shown);
}

async function save(number, decision) {
  const answer = await fetch("decide", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ number, decision }),
  });
  if (!answer.ok) throw new Error((await answer.json()).problem);
}

function tellSaved() {
  at("saved").textContent = unsaved ? "Saving" : "Saved";
}

// the page goes on at once; decisions reach the disk in their order behind it
function change(number, decision, isUndo) {
  // a picture that is not there yet cannot have been judged
  if (!entries[number] || (!isUndo && !at("view").complete)) return;
  const before = entries[number].decision;
  entries[number].decision = decision;
  if (!isUndo) done.push([number, before]);
  now = isUndo ? number : nextUndecided(number + 1 === entries.length ? 0 : number + 1);
  unsaved += 1;
  tellSaved();
  saving = saving.then(() => save(number, decision)).then(() => {
    at("problem").textContent = "";
  }, (error) => {
    entries[number].decision = before;
    now = number;
    at("problem").textContent = `Not saved: ${error.message}. Is the program still running?`;
    show();
  }).finally(() => {
    unsaved -= 1;
    tellSaved();
  });
  show();
}

function undo() {
  const last = done.pop();
  if (last) change(last[0], last[1], true);
}

window.addEventListener("beforeunload", (event) => {
  if (unsaved) event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key in KEYS) change(now, KEYS[key], false);
  else if (key === "Enter") { if (entries[now]?.proposal) change(now, entries[now].proposal, false); }
  else if (key === "u" || key === "Backspace") undo();
  else if (key === "ArrowLeft") { now = Math.max(0, now - 1); show(); }
  else if (key === "ArrowRight") { now = Math.min(entries.length - 1, now + 1); show(); }
  else if (key === "n") { now = nextUndecided(now); show(); }
  else return;
  event.preventDefault();
});

for (const button of document.querySelectorAll("button")) {
  button.addEventListener("click", () => { button.blur(); change(now, button.dataset.decision, false); });
}

fetch("state").then((answer) => answer.json()).then((state) => {
  entries = state.entries;
  now = nextUndecided(0);
  show();
}, () => { at("problem").textContent = "The program does not answer."; });
