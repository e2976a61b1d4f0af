// Keeps the banner of active alerts, and their number in the menu, up to date on every page.

import { at, send, socketAt } from "./common.js";

const banner = document.querySelector(".alert-banner");
const list = banner.querySelector("ul");
const LONGEST_PAUSE = 30_000;
let attempts = 0;

const show = ({ html, count }) => {
  if (list.innerHTML !== html) list.innerHTML = html;
  banner.hidden = !count;
  for (const badge of document.querySelectorAll("[data-alert-count]")) {
    badge.hidden = !count;
    badge.querySelector("[data-number]").textContent = count;
  }
};

const connect = () => {
  const socket = new WebSocket(socketAt("/alerts/socket"));
  socket.onmessage = (event) => {
    attempts = 0;
    show(JSON.parse(event.data));
  };
  socket.onclose = () => {
    attempts += 1;
    setTimeout(connect, Math.min(LONGEST_PAUSE, 500 * 2 ** Math.min(attempts, 6)));
  };
};

// acknowledging leaves the page as it is; the socket tells what has changed
list.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-stay]")) return;
  event.preventDefault();
  const button = event.submitter;
  button?.setAttribute("aria-busy", "true");
  send(event.target.action, { redirect: "manual" }).then(
    (answer) => {
      if (!answer.ok && answer.type !== "opaqueredirect") location.assign(at("/alerts"));
    },
    () => button?.removeAttribute("aria-busy"),
  );
});

connect();
