// Keeps the tiles up to date: numbers and boxes as they come, pictures while somebody looks.

import { drawFaces, put } from "./face_overlay.js";
import { at, send, socketAt } from "./common.js";

const NAMES = ["positive", "neutral", "negative", "unknown"];
const SILENCE = 10_000;
const tiles = new Map([...document.querySelectorAll(".tile")].map((tile) => [tile.dataset.camera, tile]));
const connection = document.querySelector(".connection");
const announcements = document.querySelector("#announcements");
const inSight = new Set();
let socket;
let heard = performance.now();
let attempts = 0;

const part = (tile, name) => tile.querySelector(`[data-part=${name}]`);
const update = (seen) => {
  const tile = tiles.get(seen.key);
  if (tile.dataset.state !== seen.state) {
    tile.dataset.state = seen.state;
    tile.querySelector(".state use").setAttribute("href", `#i-${seen.state}`);
    const name = tile.querySelector("h2").textContent;
    announcements.textContent = `${name}: ${seen.state_word}. ${seen.reason}`;
  }
  put(part(tile, "state"), seen.state_word);
  put(part(tile, "reason"), seen.reason);
  part(tile, "reason").hidden = !seen.reason;
  put(part(tile, "seen"), seen.seen);
  put(part(tile, "speaking"), seen.speaking);
  tile.querySelector(".speech").hidden = !seen.speaking;
  put(part(tile, "note"), seen.note);
  tile.querySelector(".placeholder").hidden = !seen.note;
  if (seen.note) clear(tile);
  NAMES.forEach((name, place) => {
    const count = tile.querySelector(`[data-count=${name}]`);
    count.toggleAttribute("data-empty", !seen.counts[place]);
    put(part(count, "count"), String(seen.counts[place]));
  });
  const facts = part(tile, "facts");
  if (facts.dataset.text !== seen.facts.join("|")) {
    facts.dataset.text = seen.facts.join("|");
    const item = ([text, troubled]) => {
      const fact = Object.assign(document.createElement("li"), { textContent: text });
      fact.toggleAttribute("data-warning", troubled);
      return fact;
    };
    facts.replaceChildren(...seen.facts.filter(([, troubled]) => !troubled).map(item));
    part(tile, "warnings").replaceChildren(...seen.facts.filter(([, troubled]) => troubled).map(item));
    part(tile, "details").hidden = !seen.facts.length;
  }
  drawFaces(tile.querySelector(".overlay"), seen.faces);
};

const clear = (tile) => {
  const canvas = tile.querySelector("canvas");
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
};

const picture = async (message) => {
  const bytes = new Uint8Array(message);
  const tile = tiles.get(new TextDecoder().decode(bytes.subarray(1, 1 + bytes[0])));
  if (!tile) return;
  const image = await createImageBitmap(new Blob([bytes.subarray(1 + bytes[0])], { type: "image/jpeg" })).catch(() => null);
  if (!image) return;
  const canvas = tile.querySelector("canvas");
  if (canvas.width !== image.width || canvas.height !== image.height) {
    canvas.width = image.width;
    canvas.height = image.height;
    const stage = tile.querySelector(".video-frame");
    stage.style.setProperty("--shape", `${image.width / image.height}`);
  }
  canvas.getContext("2d").drawImage(image, 0, 0);
  image.close();
  tile.toggleAttribute("data-has-picture", true);
};

const receive = ({ data }) => {
  heard = performance.now();
  if (data instanceof ArrayBuffer) {
    void picture(data);
    return;
  }
  const message = JSON.parse(data);
  if (message.tiles) {
    const keys = message.tiles.map((seen) => seen.key).join();
    if (keys !== [...tiles.keys()].join()) {
      location.reload();
      return;
    }
    message.tiles.forEach(update);
  }
  for (const [key, text] of Object.entries(message.recent ?? {})) {
    const tile = tiles.get(key);
    if (tile) part(tile, "recent").innerHTML = text;
  }
};

const watch = () => {
  if (socket?.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ watch: document.hidden ? [] : [...inSight] }));
};

const tell = (text, link) => {
  connection.hidden = !text;
  connection.replaceChildren(text ?? "");
  if (link) {
    connection.append(" ", Object.assign(document.createElement("a"), { href: at("/login"), textContent: link }));
  }
  document.body.toggleAttribute("data-disconnected", Boolean(text));
};

const connect = () => {
  heard = performance.now();
  socket = new WebSocket(socketAt("/live/socket"));
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    if (!connection.hidden) announcements.textContent = connection.dataset.back;
    attempts = 0;
    tell(null);
    watch();
  };
  socket.onmessage = receive;
  socket.onclose = async (event) => {
    if (event.code === 1000 || event.code === 1012) {
      attempts = 0;
    }
    if (event.code === 1000) {
      connect();
      return;
    }
    attempts += 1;
    const answer = await fetch(at("/live/alive"), { redirect: "manual", cache: "no-store" }).catch(() => null);
    if (answer && !answer.ok && (answer.status === 401 || answer.status === 403 || answer.type === "opaqueredirect")) {
      tell(connection.dataset.ended, connection.dataset.login);
    } else if (attempts > 1 || !answer) {
      tell(connection.dataset.lost);
    }
    setTimeout(connect, Math.min(10_000, 250 * 2 ** Math.min(attempts, 6)));
  };
};

// a connection can die without a word
setInterval(() => {
  if (socket.readyState === WebSocket.OPEN && performance.now() - heard > SILENCE) socket.close(4000);
}, 2000);

const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) inSight.add(target.dataset.camera);
    else inSight.delete(target.dataset.camera);
  }
  watch();
}, { rootMargin: "100px" });

document.addEventListener("visibilitychange", watch);
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-restart]");
  if (!button) return;
  const answer = await send(at(`/live/restart/${encodeURIComponent(button.dataset.restart)}`)).catch(() => null);
  announcements.textContent = answer?.ok ? button.dataset.done : button.dataset.failed;
});
if (tiles.size || document.querySelector(".empty")) {
  for (const tile of tiles.values()) observer.observe(tile);
  connect();
}
