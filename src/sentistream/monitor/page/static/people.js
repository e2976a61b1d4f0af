// Users, tokens and one's own password, over the interface for programs.

import { send } from "./page.js";

const ask = async (address, method = "GET", body) => {
  const answer = await (method === "GET"
    ? fetch(address, { cache: "no-store" })
    : send(address, { method, body: body && JSON.stringify(body), headers: { "Content-Type": "application/json" } }));
  if (!answer.ok) throw Object.assign(new Error("refused"), { status: answer.status });
  return answer.status === 204 ? null : answer.json();
};

const make = (name, values = {}, ...children) => {
  const made = Object.assign(document.createElement(name), values);
  made.append(...children);
  return made;
};

const tell = (root, what, bad = false) => {
  const told = root.querySelector(".told");
  told.textContent = root.dataset[what];
  told.toggleAttribute("data-bad", bad);
  if (bad) told.focus();
};

const people = document.querySelector("[data-people]");

const fault = (status) => ({ 400: "unfit", 422: "unfit", 409: "taken", 401: "ended", 403: "ended" })[status] ?? "unreachable";

const attempt = async (work, conflict = "taken") => {
  try {
    await work();
    tell(people, "done");
  } catch (error) {
    const what = fault(error.status);
    tell(people, what === "taken" ? conflict : what, true);
  }
  await list().catch(() => tell(people, "unreachable", true));
};

const userRow = (user) => {
  const said = people.dataset;
  const choice = make("select", { value: user.role });
  choice.setAttribute("aria-label", said.role.replace("{name}", user.name));
  for (const role of ["viewer", "manager"]) choice.append(make("option", { value: role, textContent: said[role], selected: role === user.role }));
  choice.addEventListener("change", () => attempt(() => ask(`/api/users/${encodeURIComponent(user.name)}`, "PATCH", { role: choice.value }), "last"));
  const remove = make("button", { type: "button", className: "quiet small", textContent: `${said.remove} ${user.name}` });
  remove.addEventListener("click", () => {
    if (confirm(said.removeAsk.replace("{name}", user.name))) void attempt(() => ask(`/api/users/${encodeURIComponent(user.name)}`, "DELETE"), "last");
  });
  const name = make("b", { textContent: user.name });
  const you = user.name === said.me ? [" ", make("span", { className: "soft", textContent: said.you })] : [];
  return make("li", {}, make("span", {}, name, ...you), make("div", { className: "row-actions" }, choice, remove));
};

const tokenRow = (token) => {
  const said = people.dataset;
  const revoke = make("button", { type: "button", className: "quiet small", textContent: `${said.revoke} ${token.name}` });
  revoke.addEventListener("click", () => {
    if (confirm(said.revokeAsk.replace("{name}", token.name))) void attempt(() => ask(`/api/tokens/${encodeURIComponent(token.name)}`, "DELETE"));
  });
  const about = make("span", { className: "soft", textContent: `${said[token.role]}, ${said.made.replace("{name}", token.maker)}` });
  return make("li", {}, make("span", {}, make("b", { textContent: token.name }), " ", about), revoke);
};

const list = async () => {
  const [users, tokens] = await Promise.all([ask("/api/users"), ask("/api/tokens")]);
  people.querySelector("[data-users]").replaceChildren(...users.map(userRow));
  const none = make("li", { className: "soft", textContent: people.dataset.none });
  people.querySelector("[data-tokens]").replaceChildren(...(tokens.length ? tokens.map(tokenRow) : [none]));
};

if (people) {
  list().catch((error) => tell(people, fault(error.status), true));
  people.addEventListener("submit", (event) => {
    const form = event.target;
    event.preventDefault();
    void attempt(async () => {
      const made = await ask(`/api/${form.dataset.add}`, "POST", Object.fromEntries(new FormData(form)));
      form.reset();
      if (made.token) {
        const shown = people.querySelector("[data-token]");
        shown.hidden = false;
        shown.querySelector("code").textContent = made.token;
      }
    });
  });
}

document.querySelector("[data-password]")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const sent = Object.fromEntries(new FormData(form));
  if (sent.new !== sent.again) {
    tell(form, "differ", true);
    return;
  }
  try {
    await ask("/api/me/password", "POST", { old: sent.old, new: sent.new });
    form.reset();
    tell(form, "done");
  } catch (error) {
    tell(form, { 400: "unfit", 422: "unfit", 403: "wrong", 401: "ended", 429: "wait" }[error.status] ?? "unreachable", true);
  }
});
