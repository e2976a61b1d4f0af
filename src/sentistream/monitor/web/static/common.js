// What every page does: its menu, its theme, and forms that say who sends them.

/** The address of a path of this monitor, which may be below a path of another server. */
export const at = (path) => document.documentElement.dataset.root + path;

/** The same for a WebSocket. */
export const socketAt = (path) => `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${at(path)}`;

const cookie = (name, value) => {
  document.cookie = `${name}=${value}; Path=${at("/")}; Max-Age=31536000; SameSite=Lax${location.protocol === "https:" ? "; Secure" : ""}`;
};

export const token = () => document.querySelector("meta[name=csrf]").content;

/** A request that changes something. */
export const send = async (address, options = {}) => {
  const go = () => fetch(address, { method: "POST", ...options, headers: { "X-CSRF-Token": token(), ...options.headers } });
  const answer = await go();
  if (answer.status !== 403) return answer;
  // who has logged in again in another tab has another token than this page was made with
  const me = await fetch(at("/api/me"), { cache: "no-store" }).then((message) => (message.ok ? message.json() : {}), () => ({}));
  if (!me.csrf_token || me.csrf_token === token()) return answer;
  document.querySelector("meta[name=csrf]").content = me.csrf_token;
  return go();
};

const menu = document.querySelector(".menu-button");
const toggle = (open) => {
  menu.setAttribute("aria-expanded", open);
  document.querySelector("#menu").toggleAttribute("data-open", open);
};
menu.addEventListener("click", () => toggle(menu.getAttribute("aria-expanded") !== "true"));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && menu.getAttribute("aria-expanded") === "true") {
    toggle(false);
    menu.focus();
  }
});

const theme = document.querySelector(".theme-button");
const system = matchMedia("(prefers-color-scheme: dark)");
const dark = () => (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
const named = () => {
  const text = dark() ? theme.dataset.light : theme.dataset.dark;
  theme.title = text;
  theme.querySelector("span").textContent = text;
};
theme.addEventListener("click", () => {
  const chosen = dark() ? "light" : "dark";
  document.documentElement.dataset.theme = chosen;
  document.querySelector("meta[name=color-scheme]").content = chosen;
  cookie("sentistream-theme", chosen);
  named();
});
system.addEventListener("change", named);
named();

const tell = (form, what) => {
  const message = form.querySelector("[data-failed]") ?? document.querySelector("[data-failed]");
  if (!message) {
    location.reload();
    return;
  }
  message.textContent = message.dataset[what];
  message.hidden = false;
  message.scrollIntoView({ block: "nearest" });
};

// forms of the page are sent by fetch, because a header proves where they come from
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  event.preventDefault();
  if (form.dataset.confirm && !confirm(form.dataset.confirm)) return;
  const button = event.submitter;
  const body = new URLSearchParams(new FormData(form, button));
  button?.setAttribute("aria-busy", "true");
  try {
    const answer = await send(form.action, { body });
    const type = answer.headers.get("Content-Type") ?? "";
    if (answer.redirected) {
      location.assign(answer.url);
    } else if (type.startsWith("text/html")) {
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.querySelector("main").replaceWith(next.querySelector("main"));
      document.dispatchEvent(new CustomEvent("page:replaced"));
      (document.querySelector("[aria-invalid=true]") ?? document.querySelector("main [role=alert]"))?.focus();
    } else {
      tell(form, answer.status === 401 || answer.status === 403 ? "ended" : "unreachable");
    }
  } catch {
    tell(form, "unreachable");
  } finally {
    button?.removeAttribute("aria-busy");
  }
});

// a page for the time without a network; only where browsers allow it: over HTTPS and on this machine
if ("serviceWorker" in navigator) navigator.serviceWorker.register(at("/service-worker.js"), { scope: at("/") }).catch(() => null);
