// Users, tokens and one's own password, over the interface for programs.

import { at, send } from "./common.js";

const ask = async (path, method = "GET", body) => {
  const answer = await (method === "GET"
    ? fetch(at(path), { cache: "no-store" })
    : send(at(path), { method, body: body && JSON.stringify(body), headers: { "Content-Type": "application/json" } }));
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const message = await answer.json().catch(() => ({}));
  const fields = (message.errors ?? []).map(({ where }) => where.replace("body.", ""));
  throw Object.assign(new Error("refused"), { status: answer.status, fields });
};

const make = (name, values = {}, ...children) => {
  const made = Object.assign(document.createElement(name), values);
  made.append(...children);
  return made;
};

/** What is said in the language of the page, by the nearest that knows it. */
const said = (place, what) => (place.dataset[what] !== undefined ? place.dataset[what] : said(place.parentElement, what));

const tell = (place, what, bad = true) => {
  const message = place.querySelector(":scope > .status-message");
  message.textContent = said(place, what);
  message.className = `status-message ${bad ? "problem" : "done"}`;
  if (bad) message.focus();
};

const FAULTS = { 401: "ended", 403: "refused", 404: "gone", 409: "taken", 429: "wait" };

/** Says what is wrong beside the fields it is wrong with, else above them. */
const blame = (form, { status, fields = [] }) => {
  const names = fields.length ? fields : [form.dataset[`at${status}`]];
  const inputs = names.map((name) => name && form.elements[name]).filter(Boolean);
  for (const input of inputs) {
    const what = fields.length ? input.dataset.unfit : input.dataset[`no${status}`];
    const message = make("p", { className: "error", id: `${input.id}-error`, textContent: what });
    input.after(message);
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", `${message.id} ${input.dataset.about ?? ""}`.trim());
  }
  if (inputs.length) inputs[0].focus();
  else tell(form, FAULTS[status] ?? "unreachable");
};

/** Whether somebody has gone on to something else meanwhile; the keyboard is not taken from them. */
const hasLeft = (place) => document.activeElement !== document.body && !place.contains(document.activeElement);

const clear = (place) => {
  for (const message of place.querySelectorAll(".status-message")) Object.assign(message, { textContent: "", className: "status-message" });
  for (const message of place.querySelectorAll(".error")) message.remove();
  for (const input of place.querySelectorAll("[aria-invalid]")) {
    input.removeAttribute("aria-invalid");
    if (input.dataset.about) input.setAttribute("aria-describedby", input.dataset.about);
    else input.removeAttribute("aria-describedby");
  }
};

/** Sends a form once, and says how it went; work that says so itself returns true. */
const onSubmit = (form, work) =>
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector(".primary");
    if (button.getAttribute("aria-busy")) return;
    clear(form.closest("main"));
    button.setAttribute("aria-busy", "true");
    try {
      if (!(await work(Object.fromEntries(new FormData(form))))) tell(form, "done", false);
    } catch (error) {
      blame(form, error);
    } finally {
      button.removeAttribute("aria-busy");
    }
  });

const people = document.querySelector("[data-users]");

const row = (name, about, ...controls) => {
  const made = make("li", {}, make("span", { className: "who" }, make("b", { textContent: name }), " ", make("span", { className: "muted", textContent: about })), make("div", { className: "row-actions" }, ...controls));
  made.dataset.of = name;
  return made;
};

const button = (section, what, name, clicked) => {
  const made = make("button", { type: "button", className: "secondary small", textContent: said(section, what), onclick: clicked });
  made.setAttribute("aria-label", said(section, `${what}Of`).replace("{name}", name));
  return made;
};

/** Does something about one of a list, then shows the list as it is and where one was in it. */
const change = async (section, address, method, body, leave = "") => {
  const held = document.activeElement;
  const whose = held?.closest("[data-of]")?.dataset.of;
  clear(people);
  try {
    await ask(address, method, body);
    if (leave) return location.assign(at(leave));
    tell(section, "done", false);
  } catch (error) {
    tell(section, error.status === 409 ? "last" : FAULTS[error.status] ?? "unreachable");
  }
  await list().catch(() => null);
  const same = whose && section.querySelector(`[data-of="${CSS.escape(whose)}"] ${held.tagName}`);
  if (!hasLeft(section) && !section.querySelector(".status-message.problem")) (same || section.querySelector(".status-message")).focus();
};

/** The button that opens, and closes, the form for somebody else's new password. */
const renewal = (section, name, address) => {
  const opener = button(section, "renew", name, () => {
    const opened = opener.getAttribute("aria-expanded") === "true";
    section.querySelector(".row-form")?.remove();
    for (const other of section.querySelectorAll("[aria-expanded]")) other.setAttribute("aria-expanded", "false");
    if (opened) return;
    const form = section.querySelector("template").content.firstElementChild.cloneNode(true);
    form.setAttribute("aria-label", opener.getAttribute("aria-label"));
    onSubmit(form, async (sent) => {
      await ask(address, "PATCH", sent);
      form.remove();
      opener.setAttribute("aria-expanded", "false");
      tell(section, "done", false);
      opener.focus();
      return true;
    });
    opener.closest("li").append(form);
    opener.setAttribute("aria-expanded", "true");
    form.elements.password.focus();
  });
  opener.setAttribute("aria-expanded", "false");
  return opener;
};

const userRow = (section, user) => {
  const me = user.name === people.dataset.me;
  const address = `/api/users/${encodeURIComponent(user.name)}`;
  const choice = make("select", { className: "small" });
  choice.setAttribute("aria-label", said(section, "roleOf").replace("{name}", user.name));
  for (const role of ["viewer", "manager"]) choice.append(make("option", { value: role, textContent: said(section, role), selected: role === user.role }));
  choice.onchange = () => {
    if (me && !confirm(said(section, "demoteAsk"))) choice.value = user.role;
    else void change(section, address, "PATCH", { role: choice.value }, me ? "/account" : "");
  };
  const remove = button(section, "remove", user.name, () => {
    if (confirm(said(section, "removeAsk").replaceAll("{name}", user.name))) void change(section, address, "DELETE", undefined, me ? "/login" : "");
  });
  const controls = me ? [choice, remove] : [choice, renewal(section, user.name, address), remove];
  return row(user.name, me ? said(section, "you") : "", ...controls);
};

const tokenRow = (section, token) => {
  const revoke = button(section, "revoke", token.name, () => {
    if (!confirm(said(section, "revokeAsk").replaceAll("{name}", token.name))) return;
    section.querySelector("[data-token]").hidden = true;
    void change(section, `/api/tokens/${encodeURIComponent(token.name)}`, "DELETE");
  });
  return row(token.name, `${said(section, token.role)}, ${said(section, "made").replace("{name}", token.maker)}`, revoke);
};

const list = async () => {
  for (const [kind, made] of [["users", userRow], ["tokens", tokenRow]]) {
    const section = people.querySelector(`[data-kind=${kind}]`);
    const found = await ask(`/api/${kind}`);
    const none = () => make("li", { className: "muted", textContent: said(section, "empty") });
    section.querySelector("[data-list]").replaceChildren(...(found.length ? found.map((each) => made(section, each)) : [none()]));
  }
};

const showToken = (section, token) => {
  const shown = section.querySelector("[data-token]");
  shown.querySelector("code").textContent = token;
  shown.hidden = false;
  const copy = shown.querySelector("button");
  copy.hidden = !navigator.clipboard;
  copy.onclick = () => navigator.clipboard.writeText(token).then(() => { copy.textContent = said(section, "copied"); }, () => { copy.hidden = true; });
  copy.textContent = said(section, "copy");
  if (!hasLeft(section)) shown.focus();
};

if (people) {
  list().catch((error) => tell(people, FAULTS[error.status] ?? "unreachable"));
  for (const form of people.querySelectorAll("form")) {
    const section = form.closest("[data-kind]");
    onSubmit(form, async (sent) => {
      const made = await ask(`/api/${section.dataset.kind}`, "POST", sent);
      form.reset();
      await list().catch(() => null);
      if (made.token) showToken(section, made.token);
      else if (!hasLeft(form)) form.elements.name.focus();
      return Boolean(made.token);
    });
  }
}

const own = document.querySelector("[data-password]");
if (own)
  onSubmit(own, async (sent) => {
    if (sent.new !== sent.again) throw { status: "Differ" };
    await ask("/api/me/password", "POST", { old: sent.old, new: sent.new });
    own.reset();
  });
