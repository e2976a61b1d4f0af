// Parts of a grey picture in another size, as Pillow makes them: resampling.py of `sentistream export`.
// A picture is {data: Uint8Array, width, height}; a box is [left, top, right, bottom], pixels; a square
// is {x, y, side, roll}: its centre, its side, and how far it is turned clockwise, radians.

const REDUCING_GAP = 1.5;
const PLACES = 2 ** 22; // Pillow computes with 22 binary places

/** What lies within a box that does not reach outside. */
export function resize(picture, box, width, height) {
  if (picture.width === width && picture.height === height && isWhole(picture, box)) return picture;
  const [left, top, right, bottom] = box;
  let across = { low: left, high: right };
  let down = { low: top, high: bottom };
  let reduced = picture;
  const [factorX, factorY] = [reduction(left, right, width), reduction(top, bottom, height)];
  if (factorX > 1 || factorY > 1) {
    across = blocks(picture.width, left, right, width, factorX);
    down = blocks(picture.height, top, bottom, height, factorY);
    reduced = reduce(picture, across, down);
  }
  const wide = filterRows(reduced, triangles(reduced.width, across.low, across.high, width));
  return filterColumns(wide, triangles(wide.height, down.low, down.high, height));
}

/** The same for a box that may reach outside, where the picture's edge is repeated. */
export function cut(picture, box, size) {
  const [left, top, right, bottom] = box;
  const reachX = Math.ceil((right - left) / size) + 1;
  const reachY = Math.ceil((bottom - top) / size) + 1;
  const x0 = Math.floor(left) - reachX;
  const y0 = Math.floor(top) - reachY;
  const width = Math.ceil(right) + reachX - x0;
  const height = Math.ceil(bottom) + reachY - y0;
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = clamp(y0 + y, 0, picture.height - 1) * picture.width;
    for (let x = 0; x < width; x++) data[y * width + x] = picture.data[row + clamp(x0 + x, 0, picture.width - 1)];
  }
  return resize({ data, width, height }, [left - x0, top - y0, right - x0, bottom - y0], size, size);
}

/** A square of the picture, made larger by `cover` and turned upright. */
export function upright(picture, square, size, cover = 1) {
  const { x, y, side, roll } = square;
  const cosine = Math.cos(roll);
  const sine = Math.sin(roll);
  const widening = Math.abs(cosine) + Math.abs(sine);
  const half = (side * cover * widening) / 2;
  const count = Math.ceil(size * widening);
  const patch = cut(picture, [x - half, y - half, x + half, y + half], count).data;
  const scale = count / (size * widening);
  const data = new Uint8Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const right = column + 0.5 - size / 2;
      const down = row + 0.5 - size / 2;
      const atX = scale * (cosine * right - sine * down) + count / 2;
      const atY = scale * (cosine * down + sine * right) + count / 2;
      if (Math.min(atX, atY) < 0 || Math.max(atX, atY) >= count) continue;
      const wholeX = Math.floor(atX - 0.5);
      const wholeY = Math.floor(atY - 0.5);
      const partX = atX - 0.5 - wholeX;
      const [xa, xb] = [clamp(wholeX, 0, count - 1), clamp(wholeX + 1, 0, count - 1)];
      const [ya, yb] = [clamp(wholeY, 0, count - 1), clamp(wholeY + 1, 0, count - 1)];
      const upper = between(patch[ya * count + xa], patch[ya * count + xb], partX);
      const lower = between(patch[yb * count + xa], patch[yb * count + xb], partX);
      data[row * size + column] = between(upper, lower, atY - 0.5 - wholeY);
    }
  }
  return { data, width: size, height: size };
}

function isWhole(picture, [left, top, right, bottom]) {
  return left === 0 && top === 0 && right === picture.width && bottom === picture.height;
}

function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

function between(one, other, share) {
  return one + (other - one) * share;
}

/** How many pixels are averaged before a strong reduction, along one side. */
function reduction(low, high, size) {
  return Math.max(1, Math.floor((high - low) / size / REDUCING_GAP));
}

/** Blocks of so many pixels, and where the box then lies. */
function blocks(count, low, high, size, factor) {
  const reach = (high - low) / size / 2;
  const first = Math.max(0, Math.trunc(low - reach));
  const last = Math.min(count, Math.ceil(high + reach));
  return { factor, first, last, low: (low - first) / factor, high: (high - first) / factor };
}

function reduce(picture, across, down) {
  const width = Math.ceil((across.last - across.first) / across.factor);
  const height = Math.ceil((down.last - down.first) / down.factor);
  const data = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const y0 = down.first + row * down.factor;
    const y1 = Math.min(down.last, y0 + down.factor);
    for (let column = 0; column < width; column++) {
      const x0 = across.first + column * across.factor;
      const x1 = Math.min(across.last, x0 + across.factor);
      const count = (x1 - x0) * (y1 - y0);
      let sum = count >> 1;
      for (let y = y0; y < y1; y++) {
        for (let at = y * picture.width + x0; at < y * picture.width + x1; at++) sum += picture.data[at];
      }
      data[row * width + column] = Math.floor((sum * Math.floor(2 ** 24 / count)) / 2 ** 24); // as Pillow divides
    }
  }
  return { data, width, height };
}

/** Weights of a triangle filter as wide as the reduction: of each output, its first input and theirs. */
function triangles(count, low, high, size) {
  const start = Math.fround(low); // Pillow takes the box in single precision
  const step = Math.fround(Math.fround(high) - start) / size;
  const reach = Math.max(step, 1);
  const filters = [];
  for (let place = 0; place < size; place++) {
    const centre = start + (place + 0.5) * step;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const last = Math.min(count, Math.trunc(centre + reach + 0.5));
    const weights = new Float64Array(last - first);
    let sum = 0;
    for (let at = first; at < last; at++) {
      weights[at - first] = Math.max(0, 1 - Math.abs(at + 0.5 - centre) / reach);
      sum += weights[at - first];
    }
    for (let at = 0; at < weights.length; at++) weights[at] = Math.floor((weights[at] / sum) * PLACES + 0.5) / PLACES;
    filters.push({ first, weights });
  }
  return filters;
}

function filterRows(picture, filters) {
  const width = filters.length;
  const data = new Uint8Array(width * picture.height);
  for (let column = 0; column < width; column++) {
    const { first, weights } = filters[column];
    for (let row = 0; row < picture.height; row++) {
      const from = row * picture.width + first;
      let sum = 0.5;
      for (let at = 0; at < weights.length; at++) sum += weights[at] * picture.data[from + at];
      data[row * width + column] = Math.min(255, sum);
    }
  }
  return { data, width, height: picture.height };
}

function filterColumns(picture, filters) {
  const height = filters.length;
  const { width } = picture;
  const data = new Uint8Array(width * height);
  const sums = new Float64Array(width);
  for (let row = 0; row < height; row++) {
    const { first, weights } = filters[row];
    sums.fill(0.5);
    for (let at = 0; at < weights.length; at++) {
      const from = (first + at) * width;
      for (let column = 0; column < width; column++) sums[column] += weights[at] * picture.data[from + column];
    }
    for (let column = 0; column < width; column++) data[row * width + column] = Math.min(255, sums[column]);
  }
  return { data, width, height };
}
