// Zones drawn on the camera's picture; the text beside each zone is what is saved.

const SVG = "http://www.w3.org/2000/svg";
let drawing;
let active = null;
let timer;
const undos = [];
const LONGEST = 200;

/** Remembers how to take back what is about to happen. */
const remember = (undo) => {
  undos.push(undo);
  if (undos.length > LONGEST) undos.shift();
  offer();
};
const rememberPoints = (input) => {
  const before = input.value;
  remember(() => {
    input.value = before;
  });
};
const offer = () => {
  const button = document.querySelector("[data-undo]");
  if (button) button.disabled = !undos.length;
};
const undo = () => {
  const last = undos.pop();
  if (!last) return;
  last();
  buttons();
  draw();
  offer();
  drawing.root.querySelector("[data-status]").textContent = drawing.root.dataset.undone;
};

const parse = (text) =>
  text.trim().split(/\s+/).map((pair) => pair.split(",").map(Number)).filter((pair) => pair.length === 2 && pair.every(Number.isFinite));
const write = (input, points) => {
  input.value = points.map((point) => point.map((each) => Number(each.toFixed(3))).join(",")).join(" ");
  draw();
};
const clamp = (value) => Math.max(0, Math.min(1, value));
const inputs = () => [...document.querySelectorAll("[data-points]")];

const shape = (input) => {
  const points = parse(input.value);
  const polygon = document.createElementNS(SVG, "polygon");
  polygon.setAttribute("points", points.map(([x, y]) => `${x * 1000},${y * 1000}`).join(" "));
  const masked = input.closest("[data-row]").querySelector("select[name$='.masked']").value !== "never";
  polygon.setAttribute("class", `zone-shape${masked ? " is-masked" : ""}${input === active ? " is-active" : ""}`);
  return polygon;
};

const corner = (input, points, place) => {
  const mark = document.createElementNS(SVG, "ellipse");
  const box = drawing.stage.getBoundingClientRect();
  const [x, y] = points[place];
  for (const [name, value] of Object.entries({
    class: "corner", cx: x * 1000, cy: y * 1000, rx: 7000 / (box.width || 1), ry: 7000 / (box.height || 1),
    tabindex: 0, role: "button", "aria-label": drawing.root.dataset.corner.replace("{n}", place + 1), "data-place": place,
  })) mark.setAttribute(name, value);
  mark.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const size = event.shiftKey ? 0.05 : 0.01;
    if (!step && event.key !== "Delete" && event.key !== "Backspace") return;
    rememberPoints(input);
    if (step) points[place] = [clamp(points[place][0] + step[0] * size), clamp(points[place][1] + step[1] * size)];
    else points.splice(place, 1);
    event.preventDefault();
    write(input, points);
    (drawing.svg.querySelector(`[data-place="${place}"]`) ?? drawing.svg.querySelector(".corner"))?.focus();
  });
  mark.addEventListener("pointerdown", (event) => {
    event.stopPropagation();
    rememberPoints(input);
    const move = (moving) => {
      points[place] = at(moving);
      write(input, points);
    };
    const end = () => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", end);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end);
  });
  return mark;
};

const draw = () => {
  if (active && !active.isConnected) active = null;
  const marks = active ? parse(active.value) : [];
  drawing.svg.replaceChildren(...inputs().map(shape), ...marks.map((_, place) => corner(active, marks, place)));
  drawing.stage.toggleAttribute("data-active", Boolean(active));
  drawing.root.querySelector("[data-middle]").hidden = !active;
};

const at = (event) => {
  const box = drawing.svg.getBoundingClientRect();
  return [clamp((event.clientX - box.left) / box.width), clamp((event.clientY - box.top) / box.height)];
};

const buttons = () => {
  for (const input of inputs()) {
    if (input.nextElementSibling?.matches("[data-draw]")) continue;
    const button = Object.assign(document.createElement("button"), { type: "button", className: "secondary small", textContent: drawing.root.dataset.draw });
    button.dataset.draw = "";
    button.setAttribute("aria-pressed", "false");
    const name = input.closest("[data-row]")?.querySelector("legend")?.textContent.trim();
    if (name) button.append(Object.assign(document.createElement("span"), { className: "visually-hidden", textContent: ` ${name}` }));
    input.after(button);
    input.addEventListener("input", draw);
  }
};

const picture = async () => {
  clearTimeout(timer);
  const address = drawing.root.dataset.picture;
  const answer = address ? await fetch(address, { cache: "no-store" }).catch(() => null) : null;
  const message = drawing.root.querySelector("[data-status]");
  if (answer?.status === 200) {
    const image = await createImageBitmap(await answer.blob());
    const canvas = drawing.root.querySelector("canvas");
    canvas.width = image.width;
    canvas.height = image.height;
    canvas.getContext("2d").drawImage(image, 0, 0);
    image.close();
    drawing.pictured = true;
    if (!active) message.textContent = "";
    draw();
  } else if (!drawing.pictured) {
    message.textContent = drawing.root.dataset.empty;
  }
  if (address) timer = setTimeout(picture, document.hidden ? 5000 : drawing.pictured ? 2000 : 700);
};

const begin = () => {
  const root = document.querySelector("[data-drawing]");
  if (!root) return;
  active = null;
  undos.length = 0;
  drawing = { root, stage: root.querySelector(".drawing-stage"), svg: root.querySelector("svg") };
  drawing.svg.addEventListener("pointerdown", (event) => {
    if (!active) return;
    rememberPoints(active);
    write(active, [...parse(active.value), at(event)]);
  });
  buttons();
  draw();
  offer();
  void picture();
};

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-undo]")) {
    undo();
    return;
  }
  if (event.target.closest("[data-middle]") && active) {
    // by keyboard: a corner that the arrow keys move from there
    rememberPoints(active);
    const points = [...parse(active.value), [0.5, 0.5]];
    write(active, points);
    drawing.svg.querySelector(`[data-place="${points.length - 1}"]`)?.focus();
    return;
  }
  const button = event.target.closest("button[data-draw]");
  if (!button) return;
  const input = button.previousElementSibling;
  active = active === input ? null : input;
  for (const each of document.querySelectorAll("button[data-draw]")) each.setAttribute("aria-pressed", String(each.previousElementSibling === active));
  drawing.root.querySelector("[data-status]").textContent = active ? drawing.root.dataset.drawingText : "";
  if (active) drawing.root.scrollIntoView({ block: "nearest" });
  draw();
});
document.addEventListener("change", (event) => {
  if (event.target.matches("select[name$='.masked']")) draw();
});
document.addEventListener("keydown", (event) => {
  // a field that somebody types in takes back its own letters
  if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.key.toLowerCase() !== "z" || event.target.matches("input, textarea, select")) return;
  if (!undos.length) return;
  event.preventDefault();
  undo();
});
document.addEventListener("rows:changed", ({ detail }) => {
  if (detail.removed?.querySelector("[data-points]")) {
    remember(() => detail.list.insertBefore(detail.removed, detail.before?.isConnected ? detail.before : null));
  }
  buttons();
  draw();
});
document.addEventListener("page:replaced", begin);
begin();
