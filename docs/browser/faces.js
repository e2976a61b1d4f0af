// Faces in grey pictures: where they are, their 68 points, and one of them followed: faces.py of
// `sentistream export`. Points are pairs [x, y], pixels; `p` is pipeline.json; `run` runs a network.

import { cut, resize, upright } from "./resampling.js";

/** Faces, best first: {score, box, points} with five points each. */
export async function detect(run, p, picture, longest) {
  const { multiple, longest_side: sides, score, one_face: oneFace } = p.detector;
  const found = [];
  let shown = picture;
  const shownSizes = new Set();
  for (const side of new Set([longest, sides.coarse])) {
    const scale = Math.min(1, side / Math.max(picture.width, picture.height)) / multiple;
    const [width, height] = [picture.width, picture.height].map((n) => Math.max(1, roundHalfEven(n * scale)) * multiple);
    if (shownSizes.has(`${width} ${height}`)) continue;
    shownSizes.add(`${width} ${height}`);
    shown = resize(shown, [0, 0, shown.width, shown.height], width, height);
    const { data, dims } = await run("detector", { picture: ["uint8", shown.data, [1, height, width, 1]] });
    const [stretchX, stretchY] = [picture.width / width, picture.height / height];
    for (let at = 0; at < data.length; at += dims[2]) {
      if (data[at] < score.low) continue;
      const values = Array.from(data.subarray(at + 1, at + dims[2]), (value, n) => value * (n % 2 ? stretchY : stretchX));
      const points = [0, 1, 2, 3, 4].map((n) => [values[4 + 2 * n], values[5 + 2 * n]]);
      found.push({ score: data[at], box: values.slice(0, 4), points });
    }
  }
  const kept = [];
  for (const face of found.sort((one, other) => other.score - one.score)) {
    const isNew = kept.every((better) => {
      const { union, smaller } = overlaps(better.box, face.box);
      return union <= oneFace.union && smaller <= oneFace.smaller;
    });
    if (isNew) kept.push(face);
  }
  return kept;
}

/** The square in which points come closest to their places, which are shares of its sides. */
export function similarity(places, points) {
  const [placeX, placeY] = mean(places);
  const [x, y] = mean(points);
  let [along, aside, spread] = [0, 0, 0];
  places.forEach(([u, v], n) => {
    const [a, b, c, d] = [u - placeX, v - placeY, points[n][0] - x, points[n][1] - y];
    along += a * c + b * d;
    aside += a * d - b * c;
    spread += a * a + b * b;
  });
  const [real, imaginary] = [along / spread, aside / spread];
  const [right, down] = [0.5 - placeX, 0.5 - placeY];
  return {
    x: x + real * right - imaginary * down,
    y: y + imaginary * right + real * down,
    side: Math.hypot(real, imaginary),
    roll: Math.atan2(imaginary, real),
  };
}

/** Root mean square distance of points from their mean. */
export function centroidSize(points) {
  const [x, y] = mean(points);
  return Math.sqrt(points.reduce((sum, [a, b]) => sum + (a - x) ** 2 + (b - y) ** 2, 0) / points.length);
}

export function mean(points) {
  const [x, y] = points.reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0]);
  return [x / points.length, y / points.length];
}

/** The points of the face in a square, the probability of a face, whether it is one. */
export async function place(run, p, picture, square) {
  const m = p.landmarks;
  const { x, y } = square;
  const side = square.side * m.cover;
  const roll = Math.abs(square.roll) > (m.upright_degrees / 180) * Math.PI ? square.roll : 0;
  const seen = roll
    ? upright(picture, square, m.size, m.cover)
    : cut(picture, [x - side / 2, y - side / 2, x + side / 2, y + side / 2], m.size);
  const { data } = await run("landmarks", { face: ["uint8", seen.data, [1, m.size, m.size, 1]] });
  const [cosine, sine] = [Math.cos(roll) * side, Math.sin(roll) * side];
  const points = [];
  for (let at = 1; at < data.length; at += 2) {
    const [right, down] = [data[at] - 0.5, data[at + 1] - 0.5];
    points.push([right * cosine - down * sine + x - 0.5, right * sine + down * cosine + y - 0.5].map(Math.fround));
  }
  return { points, score: data[0], isFace: data[0] > m.readable && isFaceLike(m.plausible, points) };
}

function isFaceLike(limits, points) {
  const size = centroidSize(points);
  const [across, down] = steps(points).map(([x, y]) => [x / size, y / size]);
  const [wide, tall] = [Math.hypot(...across), Math.hypot(...down)];
  return (
    size >= limits.min_size &&
    limits.eye_distance[0] < wide &&
    wide < limits.eye_distance[1] &&
    limits.eyes_to_mouth[0] < tall &&
    tall < limits.eyes_to_mouth[1] &&
    across[0] * down[1] - across[1] * down[0] > (wide * tall) / 2
  );
}

/** From the right eye to the left, and from between them down to the mouth. */
function steps(points) {
  const right = mean(points.slice(36, 42));
  const left = mean(points.slice(42, 48));
  const mouth = mean(points.slice(48, 60));
  return [
    [left[0] - right[0], left[1] - right[1]],
    [mouth[0] - (left[0] + right[0]) / 2, mouth[1] - (left[1] + right[1]) / 2],
  ];
}

/** Where the points of the same face are looked for in the next picture. */
function squareOf(p, points) {
  const { rise, width } = p.landmarks.square;
  const size = centroidSize(points);
  const [x, y] = mean(points);
  const [right, down] = steps(points)[1];
  const share = (rise * size) / Math.hypot(right, down);
  return { x: x - share * right, y: y - share * down, side: width * size, roll: Math.atan2(-right, down) };
}

function boxOf({ x, y, side }) {
  return [x - side / 2, y - side / 2, x + side / 2, y + side / 2];
}

function area([left, top, right, bottom]) {
  return (right - left) * (bottom - top);
}

/** Shared area of two boxes over that of both, and over that of the smaller. */
function overlaps(one, other) {
  const width = Math.min(one[2], other[2]) - Math.max(one[0], other[0]);
  const height = Math.min(one[3], other[3]) - Math.max(one[1], other[1]);
  const shared = Math.max(0, width) * Math.max(0, height);
  return { union: shared / (area(one) + area(other) - shared), smaller: shared / Math.min(area(one), area(other)) };
}

/** As Python and C round: a half to the even neighbour. */
function roundHalfEven(value) {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 ? low + 1 : low;
}

/** One face, the largest, from picture to picture. */
export class Follower {
  constructor(run, pipeline) {
    this.run = run;
    this.p = pipeline;
    this.square = null;
    this.points = null;
    this.seen = this.coarse = this.fine = -Infinity;
  }

  /** The points at `time`, seconds; null without a face. */
  async update(picture, time) {
    const t = this.p.tracking;
    if (this.square) {
      const { points, isFace } = await place(this.run, this.p, picture, this.square);
      const next = isFace ? squareOf(this.p, points) : null;
      const near = next && overlaps(boxOf(next), boxOf(this.square)).union > t.agrees;
      this.points = points;
      this.square = near && time - this.seen < t.carry ? next : null;
    }
    const fine = time - this.fine >= (this.square ? t.fine : t.alone) - 1e-6;
    if (fine || time - this.coarse >= t.coarse - 1e-6) {
      this.coarse = time;
      if (fine) this.fine = time;
      await this.search(picture, time, this.p.detector.longest_side[fine ? "fine" : "coarse"]);
    }
    return this.square && this.points;
  }

  async search(picture, time, longest) {
    const found = await detect(this.run, this.p, picture, longest);
    const { certain, high, sure_landmarks: sure } = this.p.detector.score;
    if (this.square) {
      const here = boxOf(this.square);
      if (found.some((face) => overlaps(here, face.box).union >= this.p.tracking.agrees)) this.seen = time;
      return;
    }
    for (const face of found.sort((one, other) => area(other.box) - area(one.box))) {
      const square = similarity(this.p.detector.five_points, face.points);
      const { points, score, isFace } = await place(this.run, this.p, picture, square);
      if (!isFace || face.score < (score >= sure ? high : certain)) continue;
      this.square = squareOf(this.p, points);
      this.points = points;
      this.seen = time;
      return;
    }
  }
}
