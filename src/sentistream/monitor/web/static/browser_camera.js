// A visitor's own camera and microphone, read by the monitor.

import { drawFaces, put } from "./face_overlay.js";
import { at, send, socketAt, token } from "./common.js";

const root = document.querySelector("[data-browser-camera]");
const start = root.querySelector("[data-start]");
const stop = root.querySelector("[data-stop]");
const stage = root.querySelector(".video-frame");
const video = root.querySelector("video");
const overlay = root.querySelector(".overlay");
const seen = root.querySelector(".browser-camera-reading");
let run = null;

const tell = (name, bad = false) => {
  const message = root.querySelector(".status-message");
  message.textContent = name ? root.dataset[name] : "";
  message.toggleAttribute("data-bad", bad);
};

const dismiss = (camera) =>
  fetch(at(`/api/browser-camera/${encodeURIComponent(camera)}`), { method: "DELETE", headers: { "X-CSRF-Token": token() }, keepalive: true }).catch(() => null);

const end = async (name, bad = false) => {
  const ending = run;
  run = null;
  start.hidden = false;
  stop.hidden = true;
  stage.hidden = true;
  seen.hidden = true;
  root.querySelector(".consent").hidden = false;
  overlay.replaceChildren();
  tell(name, bad);
  if (!ending) return;
  clearInterval(ending.drawing);
  own.hidden = true;
  ending.socket?.close();
  ending.peer?.close();
  for (const track of ending.media?.getTracks() ?? []) track.stop();
  video.srcObject = null;
  if (ending.camera) await dismiss(ending.camera);
};

const gathered = (peer) =>
  new Promise((resolve) => {
    const look = () => peer.iceGatheringState === "complete" && resolve();
    peer.addEventListener("icegatheringstatechange", look);
    setTimeout(resolve, 2000);
    look();
  });

const own = root.querySelector(".own-readings");
const probabilities = root.querySelector("[data-probabilities]");
const timeline = root.querySelector(".timeline");
const NAMES = ["positive", "neutral", "negative"];
const SPAN = 60;
let past = [];

/** The shares of each face, as bars with their numbers. */
const showProbabilities = (faces, shares) => {
  const rows = [...probabilities.children];
  faces.forEach((face, place) => {
    let row = rows[place];
    if (!row) {
      row = own.querySelector("template").content.firstElementChild.cloneNode(true);
      probabilities.append(row);
    }
    put(row.querySelector("h3"), own.dataset.face.replace("{n}", place + 1) + ` – ${face.word}`);
    const known = shares[place];
    row.querySelector("dl").hidden = !known;
    const note = row.querySelector("p");
    note.hidden = Boolean(known);
    put(note, own.dataset.unread);
    NAMES.forEach((name, number) => {
      const part = row.querySelector(`[data-share=${name}]`);
      part.querySelector("meter").value = known?.[number] ?? 0;
      put(part.querySelector("b"), known ? own.dataset.percent.replace("{n}", known[number]) : "");
    });
  });
  for (const row of rows.slice(faces.length)) row.remove();
};

/** The first face over the last minute: three bands that fill the height. */
const drawTimeline = () => {
  const width = (timeline.width = timeline.clientWidth * devicePixelRatio || 600);
  const height = (timeline.height = timeline.clientHeight * devicePixelRatio || 90);
  const paint = timeline.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const now = performance.now() / 1000;
  past = past.filter((each) => now - each.at < SPAN + 2);
  past.forEach((each, place) => {
    if (!each.shares) return;
    const next = past[place + 1]?.at ?? now;
    // a gap longer than a second is one: nothing was read
    const end = Math.min(next, each.at + 1);
    const x = (1 - (now - each.at) / SPAN) * width;
    let y = 0;
    NAMES.forEach((name, number) => {
      paint.fillStyle = style.getPropertyValue(`--${name}`);
      const part = (each.shares[number] / 100) * height;
      paint.fillRect(x, y, Math.max(1, ((end - each.at) / SPAN) * width + 0.5), part);
      y += part;
    });
  });
};

const watch = (mine) => {
  past = [];
  own.hidden = false;
  mine.drawing = setInterval(drawTimeline, 250);
  mine.socket = new WebSocket(socketAt(`/try/socket/${encodeURIComponent(mine.camera)}`));
  mine.socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    drawFaces(overlay, message.faces, true);
    seen.hidden = false;
    past.push({ at: performance.now() / 1000, shares: message.shares[0] ?? null });
    showProbabilities(message.faces, message.shares);
    put(seen.querySelector("[data-part=seen]"), message.seen);
    put(seen.querySelector("[data-part=words]"), message.faces.map((face) => [face.word, face.speaking].filter(Boolean).join(", ")).join("; "));
  };
  mine.socket.onclose = () => {
    if (run === mine) void end("lost", true);
  };
};

const begin = async () => {
  if (!navigator.mediaDevices?.getUserMedia || !isSecureContext) {
    tell("insecure", true);
    return;
  }
  const mine = { media: null, peer: null, socket: null, camera: null };
  run = mine;
  start.hidden = true;
  tell("permission");
  const sound = root.querySelector("[name=sound]").checked;
  try {
    mine.media = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 }, height: { ideal: 720 } }, audio: sound });
  } catch (error) {
    const names = { NotAllowedError: "refused", SecurityError: "refused", NotFoundError: "missing", OverconstrainedError: "missing", NotReadableError: "busy" };
    await end(names[error.name] ?? "failed", true);
    return;
  }
  if (run !== mine) {
    for (const track of mine.media.getTracks()) track.stop();
    return;
  }
  video.srcObject = mine.media;
  video.onloadedmetadata = () => stage.style.setProperty("--shape", `${video.videoWidth / video.videoHeight}`);
  stage.hidden = false;
  stop.hidden = false;
  root.querySelector(".consent").hidden = true;
  stop.focus();
  tell("connecting");
  try {
    mine.peer = new RTCPeerConnection();
    for (const track of mine.media.getTracks()) {
      mine.peer.addTrack(track, mine.media);
      track.onended = () => run === mine && end("lost", true);
    }
    await mine.peer.setLocalDescription(await mine.peer.createOffer());
    await gathered(mine.peer);
    const answer = await send(at("/api/browser-camera"), {
      body: JSON.stringify({ type: "offer", sdp: mine.peer.localDescription.sdp }),
      headers: { "Content-Type": "application/json" },
    });
    if (!answer.ok) {
      const problem = answer.status === 400 || answer.status === 403 ? await answer.json().catch(() => ({})) : {};
      await end(problem.detail ? "declined" : "failed", true);
      // the API says why, in the language of the page
      if (problem.detail) root.querySelector(".status-message").append(` ${[problem.detail, problem.way_out].filter(Boolean).join(" ")}`);
      return;
    }
    const message = await answer.json();
    mine.camera = message.camera;
    if (run !== mine) {
      await dismiss(mine.camera);
      return;
    }
    mine.peer.onconnectionstatechange = () => {
      if (run === mine && mine.peer.connectionState === "failed") void end("lost", true);
    };
    await mine.peer.setRemoteDescription({ type: "answer", sdp: message.sdp });
    watch(mine);
    tell("running");
  } catch {
    if (run === mine) await end("failed", true);
  }
};

start.addEventListener("click", () => void begin());
stop.addEventListener("click", () => void end("ended"));
addEventListener("pagehide", () => run && void end("ended"));
