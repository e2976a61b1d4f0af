// Adding a camera: looks for some on the network, and tries one before it is saved.

import { put } from "./face_overlay.js";
import { at, send } from "./common.js";

// what each way to name a camera asks for
const WANTED = { demo: ["name"], address: ["host", "user", "password", "name"], onvif: ["host", "user", "password", "name"] };
const ALL = ["host", "user", "password", "channel", "name"];
let form;

const wanted = (maker) => (maker.startsWith("webcam-") ? ["name"] : WANTED[maker === "demo:" ? "demo" : maker] ?? ALL);

const choose = () => {
  const names = ["maker", ...wanted(form.elements.maker.value)];
  for (const part of form.querySelectorAll("[data-of]")) part.hidden = !names.includes(part.dataset.of);
};

const clear = () => {
  for (const error of form.querySelectorAll("[data-of] .error")) error.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    const rest = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => !id.endsWith("-error"));
    if (rest.join("")) field.setAttribute("aria-describedby", rest.join(" "));
    else field.removeAttribute("aria-describedby");
  }
};

const blame = (name, text) => {
  const field = form.elements[name] ?? form.elements.host;
  const part = field.closest("[data-of]");
  part.hidden = false;
  const error = Object.assign(document.createElement("p"), { className: "error", id: `${field.id}-error`, textContent: text });
  field.after(error);
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", [error.id, field.getAttribute("aria-describedby")].filter(Boolean).join(" "));
  field.focus();
};

const ask = async (address, button) => {
  button.setAttribute("aria-busy", "true");
  try {
    const answer = await send(at(address), { body: new URLSearchParams(new FormData(form)) });
    if (answer.status === 401 || answer.status === 403) return { failed: form.dataset.ended };
    return answer.ok || answer.status === 422 ? await answer.json() : { failed: form.dataset.unreachable };
  } catch {
    return { failed: form.dataset.unreachable };
  } finally {
    button.removeAttribute("aria-busy");
  }
};

const show = async (jpeg) => {
  const stage = form.querySelector("[data-trial]");
  stage.hidden = !jpeg;
  if (!jpeg) return;
  const bytes = Uint8Array.from(atob(jpeg), (letter) => letter.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
  const canvas = stage.querySelector("canvas");
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").drawImage(image, 0, 0);
  image.close();
};

const attempt = async (button) => {
  const said = form.querySelector("[data-tried]");
  clear();
  said.removeAttribute("data-bad");
  put(said, form.dataset.trying);
  const answer = await ask("/start/camera/try", button);
  put(said, answer.message ?? answer.failed ?? "");
  said.toggleAttribute("data-bad", Boolean(answer.failed));
  if (answer.problem) blame(answer.field, answer.problem);
  await show(answer.picture);
};

const use = (camera) => {
  form.elements.host.value = camera.host;
  form.elements.service.value = camera.service;
  form.elements.maker.value = "onvif";
  if (!form.elements.name.value) form.elements.name.value = camera.name;
  choose();
  form.elements.user.focus();
};

const look = async (button) => {
  const said = form.querySelector("[data-looked]");
  const list = form.querySelector("[data-found]");
  put(said, form.dataset.looking);
  list.replaceChildren();
  const answer = await ask("/start/camera/look", button);
  put(said, answer.message ?? answer.problem ?? answer.failed ?? "");
  list.replaceChildren(...(answer.cameras ?? []).map((camera) => {
    const row = document.createElement("li");
    const name = Object.assign(document.createElement("span"), { textContent: camera.text });
    const button = Object.assign(document.createElement("button"), { type: "button", className: "secondary small", textContent: form.dataset.use.replace("{name}", camera.name) });
    button.addEventListener("click", () => use(camera));
    row.append(name, button);
    return row;
  }));
};

const begin = () => {
  form = document.querySelector("[data-new-camera]");
  if (!form) return;
  form.elements.maker.addEventListener("change", choose);
  form.elements.host.addEventListener("input", () => (form.elements.service.value = ""));
  form.querySelector("[data-try]").addEventListener("click", (event) => void attempt(event.currentTarget));
  form.querySelector("[data-look]").addEventListener("click", (event) => void look(event.currentTarget));
  choose();
};

document.addEventListener("page:replaced", begin);
begin();
