// Runs the networks away from the page, so that the page stays responsive. Takes pictures,
// {pixels: RGBA as ArrayBuffer, width, height, time in seconds}, and answers each with what it says.

import * as ort from "./vendor/ort.wasm.min.mjs";
import { Answers } from "./answers.js";
import { Follower } from "./faces.js";

const NETWORKS = ["detector", "landmarks", "face", "mouth", "fusion"];

// one thread needs no memory shared between threads, which only servers with special headers allow
ort.env.wasm.numThreads = 1;

const sessions = {};
let pipeline;
let follower;
let answers;

async function load() {
  const found = await fetched("pipeline.json");
  pipeline = await found.json();
  for (const name of NETWORKS) {
    const file = await fetched(`models/${pipeline.networks[name].file}`);
    sessions[name] = await ort.InferenceSession.create(await file.arrayBuffer());
    postMessage({ loaded: Object.keys(sessions).length, of: NETWORKS.length });
  }
  await warmUp();
  restart();
}

/** The first run of a network takes far longer than those that follow; no picture shall wait for it. */
async function warmUp() {
  const { detector, landmarks, face, mouth } = pipeline;
  const sides = [detector.longest_side.fine, detector.longest_side.coarse];
  for (const side of sides) await run("detector", { picture: blank(side, side) });
  await run("landmarks", { face: blank(landmarks.size, landmarks.size) });
  await run("face", { face: blank(face.size, face.size) });
  await run("mouth", { mouth: blank(mouth.size, mouth.size) });
}

function blank(width, height) {
  return ["uint8", new Uint8Array(width * height), [1, height, width, 1]];
}

async function fetched(path) {
  const answer = await fetch(new URL(path, import.meta.url));
  if (!answer.ok) throw new Error(`${path} is missing (${answer.status})`);
  return answer;
}

function restart() {
  follower = new Follower(run, pipeline);
  answers = new Answers(run, pipeline);
}

async function run(name, inputs) {
  const tensors = Object.entries(inputs).map(([key, [type, data, dims]]) => [key, new ort.Tensor(type, data, dims)]);
  const { probabilities } = await sessions[name].run(Object.fromEntries(tensors));
  return probabilities;
}

/** Brightness, as Pillow has it of RGB. */
function brightness(pixels, width, height) {
  const rgba = new Uint8Array(pixels);
  const data = new Uint8Array(width * height);
  for (let at = 0; at < data.length; at++) {
    data[at] = (rgba[4 * at] * 19595 + rgba[4 * at + 1] * 38470 + rgba[4 * at + 2] * 7471 + 0x8000) >> 16;
  }
  return { data, width, height };
}

async function look({ pixels, width, height, time }) {
  const picture = brightness(pixels, width, height);
  const points = await follower.update(picture, time);
  if (!points) {
    answers = new Answers(run, pipeline);
    return { time, face: null };
  }
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  return { time, face: { box, points, ...(await answers.update(picture, points, time)) } };
}

const ready = load();
ready.then(
  () => postMessage({ ready: true }),
  (error) => postMessage({ failed: String(error.message ?? error) }),
);

addEventListener("message", async ({ data }) => {
  try {
    await ready;
    if (data.restart) return restart();
    const begun = performance.now();
    const said = await look(data);
    postMessage({ ...said, milliseconds: performance.now() - begun });
  } catch (error) {
    postMessage({ failed: String(error.message ?? error) });
  }
});
