// What is said of one face: now, and summed up over the last seconds: reference.py of
// `sentistream export`, without the voice. `p` is pipeline.json; `run` runs a network.

import { centroidSize, mean, similarity } from "./faces.js";
import { cut, upright } from "./resampling.js";

export class Answers {
  constructor(run, pipeline) {
    this.run = run;
    this.p = pipeline;
    this.time = this.begun = this.runAt = -Infinity;
    this.views = new Map();
    this.mirrored = false;
    this.mouth = this.count = this.known = 0;
    this.mean = [0, 0, 0];
    this.usual = [0, 0, 0];
    this.waiting = [];
  }

  /** {mouth, open, now, summed, label} at `time`, seconds; mouth and shares are 0 to 1. */
  async update(picture, points, time) {
    const a = this.p.accumulation;
    const step = time - this.time;
    this.time = time;
    const opened = await this.lips(picture, points);
    this.mouth += forget(step, this.p.mouth.time_constant) * (opened - this.mouth);
    const now = await this.expression(picture, points, time);
    this.count += 1;
    if (this.count === 1) this.begun = time;
    const share = time - this.begun >= a.time_constant ? forget(step, a.time_constant) : 1 / this.count;
    this.mean = this.mean.map((old, n) => old + share * (Math.log(Math.max(now[n], a.min_probability)) - old));
    const relative = this.relative([now, normalised(this.mean)], time);
    const { data } = await this.run("fusion", {
      face: ["float32", Float32Array.from(relative.flat()), [2, 3]],
      voice: ["float32", new Float32Array(6).fill(1 / 3), [2, 3]],
      trust: ["float32", new Float32Array(2), [2, 1]],
    });
    const [momentary, summed] = [Array.from(data.slice(0, 3)), Array.from(data.slice(3))];
    const open = this.mouth >= this.p.mouth.open_from;
    return { mouth: this.mouth, open, now: momentary, summed, label: label(this.p, summed) };
  }

  async lips(picture, points) {
    const m = this.p.mouth;
    const lips = points.slice(...m.points);
    const [xs, ys] = [lips.map(([x]) => x), lips.map(([, y]) => y)];
    const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const side = Math.max(Math.max(right - left, bottom - top) * m.margin, m.min_side * centroidSize(points));
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    const seen = cut(picture, [x - side / 2, y - side / 2, x + side / 2, y + side / 2], m.size);
    const { data } = await this.run("mouth", { mouth: ["uint8", seen.data, [1, m.size, m.size, 1]] });
    return data[0];
  }

  /** For the face and its mirror image together; first both, then by turns. */
  async expression(picture, points, time) {
    const f = this.p.face;
    if (time - this.runAt >= f.interval - 1e-3) {
      this.runAt = time;
      const five = f.points.map((part) => mean(points.slice(...part)));
      const seen = upright(picture, similarity(f.places, five), f.size);
      for (const mirrored of this.views.size ? [this.mirrored] : [false, true]) {
        const shown = mirrored ? mirror(seen) : seen.data;
        const { data } = await this.run("face", { face: ["uint8", shown, [1, f.size, f.size, 1]] });
        this.views.set(mirrored, Array.from(data, (one) => Math.log(Math.max(one, this.p.accumulation.min_probability))));
        this.mirrored = !mirrored;
      }
    }
    const [one, other] = [this.views.get(false), this.views.get(true)];
    return normalised(one.map((value, n) => (value + other[n]) / 2));
  }

  /** Shares less part of what is usual for this face; the first are those of now. */
  relative(shares, time) {
    const b = this.p.baseline;
    const evidence = shares.map((some) => centred(some.map((one) => Math.log(Math.max(one, this.p.accumulation.min_probability)))));
    while (this.waiting.length && time - this.waiting[0].time >= b.span) {
      const earlier = this.waiting.shift().evidence;
      this.known = Math.min(this.known + b.every, b.horizon);
      this.usual = this.usual.map((old, n) => old + (b.every / this.known) * (earlier[n] - old));
    }
    if (!this.waiting.length || time - this.waiting.at(-1).time >= b.every - 1e-6) {
      this.waiting.push({ time, evidence: evidence[0] });
    }
    const strength = (b.strength * this.known) / (this.known + b.known_after);
    return evidence.map((some) => normalised(some.map((one, n) => one - strength * this.usual[n])));
  }
}

/** What the newest value counts after `step` seconds, 0 to 1. */
function forget(step, timeConstant) {
  return -Math.expm1(-step / timeConstant);
}

function normalised(logarithms) {
  const most = Math.max(...logarithms);
  const shares = logarithms.map((one) => Math.exp(one - most));
  const sum = shares.reduce((one, other) => one + other);
  return shares.map((one) => one / sum);
}

function centred(values) {
  const middle = values.reduce((one, other) => one + other) / values.length;
  return values.map((one) => one - middle);
}

function mirror({ data, width, height }) {
  const turned = new Uint8Array(data.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) turned[row * width + column] = data[row * width + width - 1 - column];
  }
  return turned;
}

/** The class of summed-up shares, or unknown. */
function label(p, shares) {
  const most = Math.max(...shares);
  if (most < p.unknown_below) return "unknown";
  return p.on_a_tie.find((name) => shares[p.classes.indexOf(name)] === most);
}
