// The page: the camera's pictures to the worker, its answers to the screen. Nothing is kept but the
// shares of the last 30 seconds, for the timeline.

const MAX_SIDE = 640; // pixels of the longer side that is looked at: the detector's own
const SPAN = 30; // seconds of the timeline
const SPOKEN_EVERY = 1.5; // seconds between changes that a screen reader is told of
const CLASSES = ["positive", "neutral", "negative"];

const byId = (id) => document.getElementById(id);
const [video, overlay, timeline, button] = ["video", "overlay", "timeline", "switch"].map(byId);
const copy = document.createElement("canvas");
const copied = copy.getContext("2d", { willReadFrequently: true });

let worker = null;
let isReady = false;
let isBusy = false;
let isStarting = false;
let stream = null;
let spokenAt = -Infinity;
let past = []; // {time, summed} or {time, summed: null}
let speeds = []; // seconds at which answers came

button.addEventListener("click", () => {
  if (stream) stop();
  else if (!isStarting) start();
});
addEventListener("resize", drawTimeline);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawTimeline);
drawTimeline();

async function start() {
  problem("");
  if (!navigator.mediaDevices?.getUserMedia) {
    problem("This browser gives pages no camera here. Open the page over https, or on this device at localhost.");
    return;
  }
  waiting(true); // the button stays enabled: one that is disabled loses the keyboard's focus
  state("Waiting for the camera: allow it where your browser asks.");
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: "user" },
    });
  } catch (error) {
    state("");
    problem(inWords(error));
    return;
  } finally {
    waiting(false);
  }
  button.textContent = "Stop the camera";
  hint("");
  stream.getVideoTracks()[0].addEventListener("ended", () => {
    stop();
    problem("The camera has gone. Connect it again, then start it.");
  });
  video.srcObject = stream;
  await video.play().catch(() => {});
  if (!worker) startWorker();
  else state("");
  next();
}

function stop() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  video.srcObject = null;
  worker?.postMessage({ restart: true });
  [past, speeds] = [[], []];
  button.textContent = "Start the camera";
  state("");
  hint("The camera is off.");
  show(null);
  byId("label").textContent = "–";
  byId("spoken").textContent = "";
  byId("speed").textContent = " ";
  drawTimeline();
}

function inWords(error) {
  switch (error.name) {
    case "NotAllowedError":
      return "The camera was refused. Allow it for this page in the browser's address bar, then start it again.";
    case "NotFoundError":
    case "OverconstrainedError":
      return "No camera was found. Connect one, then start it again.";
    case "NotReadableError":
      return "The camera cannot be read. Close other programs that use it, then start it again.";
    default:
      return `The camera cannot be started (${error.message}).`;
  }
}

function startWorker() {
  state("Loading the networks ...");
  worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  worker.addEventListener("error", () => failed("a script of this page is missing"));
  worker.addEventListener("message", ({ data }) => {
    if (data.failed !== undefined) failed(data.failed);
    else if (data.loaded) state(`Loading the networks: ${data.loaded} of ${data.of}`);
    else if (data.ready) {
      isReady = true;
      state("");
    } else take(data);
  });
}

function failed(words) {
  worker?.terminate();
  [worker, isReady, isBusy] = [null, false, false];
  if (stream) stop();
  problem(`The networks cannot be run here: ${words}. Load the page again; if that does not help, use a newer browser.`);
}

/** Sends each new picture as soon as the worker has answered the one before. */
function next() {
  const again = () => {
    if (!stream) return;
    if (isReady && !isBusy && video.videoWidth) send();
    next();
  };
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(again);
  else requestAnimationFrame(again);
}

function send() {
  const scale = Math.min(1, MAX_SIDE / Math.max(video.videoWidth, video.videoHeight));
  const [width, height] = [video.videoWidth, video.videoHeight].map((side) => Math.round(side * scale));
  if (copy.width !== width || copy.height !== height) {
    [copy.width, copy.height] = [width, height];
    byId("stage").style.aspectRatio = `${width} / ${height}`;
  }
  copied.drawImage(video, 0, 0, width, height);
  const pixels = copied.getImageData(0, 0, width, height).data.buffer;
  isBusy = true;
  worker.postMessage({ pixels, width, height, time: performance.now() / 1000 }, [pixels]);
}

function take({ time, face }) {
  isBusy = false;
  if (!stream) return;
  past.push({ time, summed: face?.summed ?? null });
  past = past.filter((one) => one.time > time - SPAN);
  speeds.push(time);
  speeds = speeds.filter((one) => one > time - 2);
  const seconds = speeds.at(-1) - speeds[0];
  if (seconds > 0.5) byId("speed").textContent = `${Math.round((speeds.length - 1) / seconds)} pictures a second`;
  show(face);
  drawTimeline();
}

function show(face) {
  const label = byId("label");
  const word = face?.label ?? "no face";
  if (label.dataset.label !== word) {
    label.dataset.label = word;
    label.textContent = word;
    label.title = word === "unknown" ? "No class is likely enough." : "";
  }
  if (stream) {
    hint(face ? "" : "No face: come into the picture and look towards the camera.");
    if (performance.now() / 1000 - spokenAt > SPOKEN_EVERY && byId("spoken").textContent !== word) {
      spokenAt = performance.now() / 1000;
      byId("spoken").textContent = word;
    }
  }
  const percents = face ? inPercent(face.summed) : [0, 0, 0];
  CLASSES.forEach((name, n) => {
    const percent = percents[n];
    const bar = byId(name);
    bar.setAttribute("aria-valuenow", percent);
    bar.firstElementChild.style.width = `${percent}%`;
    bar.nextElementSibling.textContent = face ? `${percent} %` : "–";
  });
  byId("mouth").textContent = face ? `mouth ${face.open ? "open" : "closed"}` : " ";
  drawBox(face);
}

function drawBox(face) {
  overlay.width = copy.width;
  overlay.height = copy.height;
  if (!face) return;
  const [left, top, right, bottom] = face.box;
  const pen = overlay.getContext("2d");
  pen.lineWidth = Math.max(2, overlay.width / 200);
  for (const [colour, grow] of [["#10151c", pen.lineWidth], ["#ffffff", 0]]) {
    pen.strokeStyle = colour;
    pen.strokeRect(left - grow, top - grow, right - left + 2 * grow, bottom - top + 2 * grow);
  }
}

/** Shares, one on the other, positive at the bottom; gaps where there was no face. */
function drawTimeline() {
  const density = devicePixelRatio || 1;
  const [width, height] = [timeline.clientWidth * density, timeline.clientHeight * density].map(Math.round);
  [timeline.width, timeline.height] = [width, height];
  const pen = timeline.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const end = past.at(-1)?.time ?? 0;
  const at = (time) => Math.round(width * (1 - (end - time) / SPAN));
  past.forEach((one, n) => {
    if (!one.summed) return;
    const x = at(one.time);
    const until = n + 1 < past.length ? at(past[n + 1].time) : width;
    let bottom = height;
    one.summed.forEach((share, which) => {
      pen.fillStyle = style.getPropertyValue(`--${CLASSES[which]}`);
      pen.fillRect(x, 0, until - x, Math.round(bottom));
      bottom -= share * height;
    });
  });
  const seen = past.filter((one) => one.summed);
  timeline.setAttribute("aria-label", seen.length ? inShares(seen) : "No answers yet.");
}

function inShares(seen) {
  const sums = CLASSES.map((_, n) => seen.reduce((sum, one) => sum + one.summed[n], 0) / seen.length);
  const percents = inPercent(sums);
  return `On average ${CLASSES.map((name, n) => `${name} ${percents[n]} %`).join(", ")}.`;
}

/** Whole percent that add up to 100: those with the largest rests are rounded up. */
function inPercent(shares) {
  const whole = shares.map((share) => Math.floor(100 * share));
  const rests = shares.map((share, n) => ({ n, rest: 100 * share - whole[n] })).sort((a, b) => b.rest - a.rest);
  const missing = 100 - whole.reduce((one, other) => one + other);
  for (const { n } of rests.slice(0, missing)) whole[n] += 1;
  return whole;
}

function waiting(isSo) {
  isStarting = isSo;
  button.setAttribute("aria-disabled", String(isSo));
}

function state(words) {
  byId("state").textContent = words;
}

function hint(words) {
  byId("hint").textContent = words;
}

function problem(words) {
  byId("problem").textContent = words;
  byId("problem").hidden = !words;
}
