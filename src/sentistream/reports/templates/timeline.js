"use strict";

(() => {
  const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
  const ABSENT = 254;
  const UNKNOWN = 255;
  const BYTES = 4; // positive, negative, open mouth and voice, each in half percent
  const MIN_BINS = 12; // seen at the highest zoom
  const MIN_DRAG = 6; // pixels; less is a click

  const get = (id) => document.getElementById(id);
  const data = JSON.parse(get("data").textContent);
  const end = data.start + data.seconds;
  const cover = get("cover");
  const readout = get("readout");
  const video = get("video");
  const svgs = [...document.querySelectorAll("#lanes svg")];
  const axes = [...document.querySelectorAll("#lanes .axis")];
  const cells = [...document.querySelectorAll("#lanes .cell")];
  const touch = matchMedia("(hover: none)").matches;

  const span = { from: data.start, to: end }; // what is shown, seconds
  let at = null; // where the pointer or the keys are, seconds
  let playable = false;

  // --- what the readings say ---

  const tracks = new Map();
  for (const lane of data.lanes) {
    for (const [track, first, text] of lane) {
      const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      tracks.set(track, { first, bytes });
    }
  }

  /** The bin of a track at a time, or null where it is not in view. */
  function binAt(track, time) {
    const { first, bytes } = tracks.get(track);
    const index = (Math.floor((time - data.start) / data.width + 1e-9) - first) * BYTES;
    if (index < 0 || index >= bytes.length || bytes[index] === ABSENT) return null;
    const [positive, negative, mouth, voice] = bytes.subarray(index, index + BYTES);
    const share = (value) => (value === UNKNOWN ? null : Math.round(value / 2));
    const shares = { positive: share(positive), negative: share(negative) };
    shares.neutral = shares.positive === null ? null : 100 - shares.positive - shares.negative;
    return { shares, mouth: share(mouth), voice: share(voice) };
  }

  const top = (shares) =>
    ["neutral", "positive", "negative"].reduce((best, name) => (shares[name] > shares[best] ? name : best));

  /** The picture nearest to a time that was looked into, unless it is far away. */
  function reasonAt(track, time) {
    const near = Math.max(1, (span.to - span.from) / 40);
    let found = null;
    for (const reason of data.why[track] ?? []) {
      const away = Math.abs(reason[0] - time);
      if (away <= near && (found === null || away < Math.abs(found[0] - time))) found = reason;
    }
    return found;
  }

  const signed = (points) => (points > 0 ? `+${points}` : `${points}`).replace("-", "−");

  function reasonWords([time, label, parts]) {
    const told = parts.slice(0, 3).filter(([, points]) => points > 0);
    if (told.length === 0) return `${clock(time, 0.1)}: no part of the face alone spoke for ${label}`;
    const words = told.map(([name, points]) => `${name} ${signed(points)}`).join(", ");
    return `${clock(time, 0.1)}: for ${label} spoke ${words} points`;
  }

  function binWords({ shares, mouth, voice }) {
    const parts = [];
    if (shares.positive === null) parts.push("a face, but no answer");
    else parts.push(["positive", "neutral", "negative"].map((name) => `${name} ${shares[name]}\u00a0%`).join(", "));
    if (mouth !== null) parts.push(mouth === 0 || mouth === 100 ? `mouth ${mouth ? "open" : "closed"}` : `mouth open ${mouth}\u00a0% of the time`);
    if (shares.positive !== null) parts.push(voice === null ? "share of the voice not known" : voice ? `voice ${voice}\u00a0%, face ${100 - voice}\u00a0%` : "face alone");
    return parts;
  }

  function clock(seconds, step) {
    const tenths = step < 1;
    const units = Math.max(0, Math.round(seconds * (tenths ? 10 : 1)));
    const whole = tenths ? Math.floor(units / 10) : units;
    const pad = (number) => String(number).padStart(2, "0");
    const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
    const text = hours ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
    return tenths ? `${text}.${units % 10}` : text;
  }

  /** A new element with text, and what is in it. */
  function make(tag, text = "", ...inner) {
    const element = document.createElement(tag);
    element.textContent = text;
    element.append(...inner);
    return element;
  }

  function seenAt(time) {
    return [...tracks.keys()].filter((track) => track > 0).sort((one, other) => one - other)
      .map((track) => ({ track, bin: binAt(track, time) })).filter(({ bin }) => bin !== null);
  }

  function tell(time) {
    const when = make("p", clock(time, data.width));
    when.className = "when";
    const list = make("ul");
    for (const { track, bin } of seenAt(time)) {
      const [shares, ...rest] = binWords(bin);
      const row = make("li", "", make("b", `Appearance ${track}`), ` ${shares}`);
      if (rest.length) row.append(make("small", rest.join("; ")));
      if (bin.shares.positive !== null) row.classList.add(`is-${top(bin.shares)}`);
      const reason = reasonAt(track, time);
      if (reason) row.append(make("small", reasonWords(reason)));
      list.append(row);
    }
    readout.replaceChildren(when, list.children.length ? list : make("p", "Nobody is in view."));
    cover.setAttribute("aria-valuenow", time.toFixed(2));
    const told = seenAt(time).map(({ track, bin }) => `appearance ${track}: ${binWords(bin).join(", ")}`);
    cover.setAttribute("aria-valuetext", `${clock(time, data.width)}. ${told.join("; ") || "nobody is in view"}`);
  }

  // --- what is shown ---

  const place = (time) => (100 * (time - span.from)) / (span.to - span.from);
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  /** A line across all lanes, hidden outside of what is shown. */
  function line(name) {
    const element = make("div");
    element.className = name;
    element.hidden = true;
    cover.append(element);
    return (time) => {
      element.hidden = time === null || time < span.from || time > span.to;
      if (!element.hidden) element.style.left = `${place(time)}%`;
    };
  }
  const drawHere = line("here");
  const drawHead = line("head");

  const marks = cells.flatMap((cell) =>
    cell.dataset.tracks.split(" ").flatMap((track) =>
      (data.why[track] ?? []).map(([time]) => {
        const mark = make("div");
        mark.className = "mark";
        cell.append(mark);
        return { mark, time };
      })));

  function drawAxis() {
    const width = cover.clientWidth;
    const most = clamp(Math.floor(width / 56), 2, 12);
    const seconds = span.to - span.from;
    const step = STEPS.find((one) => seconds / one <= most) ?? seconds / most;
    const times = [];
    for (let n = Math.ceil(span.from / step - 1e-9); n * step <= span.to + 1e-9; n += 1) times.push(n * step);
    for (const axis of axes) {
      axis.replaceChildren(...times.map((time) => {
        const label = make("span", clock(time, step));
        label.style.left = `${place(time)}%`;
        return label;
      }));
    }
    for (const old of cover.querySelectorAll(".line")) old.remove();
    cover.prepend(...times.map((time) => {
      const mark = make("div");
      mark.className = "line";
      mark.style.left = `${place(time)}%`;
      return mark;
    }));
  }

  function show(from, to) {
    const least = Math.min(MIN_BINS * data.width, data.seconds);
    const wide = clamp(to - from, least, data.seconds);
    span.from = clamp((from + to - wide) / 2, data.start, end - wide);
    span.to = span.from + wide;
    for (const svg of svgs) {
      const [, , , height] = svg.getAttribute("viewBox").split(" ");
      svg.setAttribute("viewBox", `${(span.from - data.start) / data.width} 0 ${wide / data.width} ${height}`);
    }
    for (const { mark, time } of marks) {
      mark.hidden = time < span.from || time > span.to;
      mark.style.left = `${place(time)}%`;
    }
    drawAxis();
    drawHere(at);
    drawHead(playable ? video.currentTime : null);
    const all = wide >= data.seconds - 1e-9;
    get("out").disabled = get("whole").disabled = all;
    get("in").disabled = wide <= least + 1e-9;
    get("earlier").disabled = span.from <= data.start + 1e-9;
    get("later").disabled = span.to >= end - 1e-9;
  }

  function zoom(factor, about = at ?? (span.from + span.to) / 2) {
    const keep = clamp((about - span.from) / (span.to - span.from), 0, 1);
    const wide = clamp((span.to - span.from) * factor, Math.min(MIN_BINS * data.width, data.seconds), data.seconds);
    show(about - keep * wide, about + (1 - keep) * wide);
  }

  function pan(share) {
    const by = (span.to - span.from) * share;
    const moved = clamp(by, data.start - span.from, end - span.to);
    show(span.from + moved, span.to + moved);
  }

  function point(time) {
    at = clamp(time, data.start, end);
    drawHere(at);
    tell(at);
  }

  // --- the clip ---

  function play(time) {
    if (!playable) return;
    video.currentTime = time;
    // a browser may want a touch of the picture itself first
    video.play().catch(() => {});
  }

  function useClip() {
    playable = true;
    video.hidden = false;
    get("elsewhere").hidden = true;
    hint();
  }

  function missClip() {
    playable = false;
    video.hidden = true;
    get("elsewhere").hidden = false;
    hint();
  }

  function hint() {
    const clicked = touch ? "Tap" : "Click";
    const said = [playable ? `${clicked} the timeline to play the clip from there.` : `${clicked} the timeline to see what was said.`];
    said.push(touch ? "Zoom with two fingers." : "Drag to zoom in; arrow keys move, + and − zoom.");
    get("hint").textContent = said.join(" ");
  }

  function embedded(element) {
    const text = element.textContent;
    const pieces = [];
    for (let from = 0; from < text.length; from += 1 << 20) {
      pieces.push(Uint8Array.from(atob(text.slice(from, from + (1 << 20))), (letter) => letter.charCodeAt(0)));
    }
    element.remove();
    return URL.createObjectURL(new Blob(pieces, { type: "video/mp4" }));
  }

  /** The appearances in view as captions of the clip, one for each change. */
  function caption() {
    const captions = video.addTextTrack("captions", "Readings", "en");
    const bins = Math.ceil(data.seconds / data.width);
    let before = "";
    let from = data.start;
    for (let bin = 0; bin <= bins; bin += 1) {
      const time = data.start + bin * data.width;
      const said = bin === bins ? "" : seenAt(time + data.width / 2)
        .map(({ track, bin: here }) => `${track}: ${here.shares.positive === null ? "no answer" : top(here.shares)}`).join("\n");
      if (said === before) continue;
      if (before) captions.addCue(new VTTCue(from, time, before));
      [before, from] = [said, time];
    }
    captions.mode = "hidden";
  }

  if (video) {
    get("player").hidden = false;
    get("watch").classList.add("two");
    video.addEventListener("loadedmetadata", useClip);
    video.addEventListener("error", missClip);
    video.addEventListener("timeupdate", () => {
      drawHead(video.currentTime);
      if (video.paused) return;
      if (video.currentTime > span.to || video.currentTime < span.from) {
        const wide = span.to - span.from;
        show(video.currentTime, video.currentTime + wide);
      }
      tell(clamp(video.currentTime, data.start, end));
    });
    get("choose").addEventListener("change", ({ target }) => {
      if (target.files.length) video.src = URL.createObjectURL(target.files[0]);
    });
    const inside = get("clip");
    if (inside) video.src = embedded(inside);
    else if (video.error) missClip();
    else if (video.readyState >= HTMLMediaElement.HAVE_METADATA) useClip();
    caption();
  }

  // --- pointer, touch and keys ---

  const timeOf = (event) => {
    const { left, width } = cover.getBoundingClientRect();
    return clamp(span.from + ((event.clientX - left) / width) * (span.to - span.from), span.from, span.to);
  };
  const pointers = new Map();
  let pressed = null;
  let pinched = null;
  const chosen = make("div");
  chosen.className = "chosen";
  chosen.hidden = true;
  cover.append(chosen);

  function pinch() {
    const [one, other] = [...pointers.values()];
    const [left, right] = one.clientX < other.clientX ? [one, other] : [other, one];
    const { left: edge, width } = cover.getBoundingClientRect();
    const [a, b] = [(left.clientX - edge) / width, (right.clientX - edge) / width];
    if (pinched === null) {
      pinched = { first: timeOf(left), second: timeOf(right) };
      return;
    }
    if (b - a < 0.02) return;
    // the two times stay under the two fingers
    const wide = (pinched.second - pinched.first) / (b - a);
    show(pinched.first - a * wide, pinched.first + (1 - a) * wide);
  }

  cover.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pointers.set(event.pointerId, event);
    if (pointers.size === 2) {
      pressed = null;
      pinched = null;
      chosen.hidden = true;
      pinch();
      return;
    }
    cover.setPointerCapture(event.pointerId);
    pressed = { x: event.clientX, time: timeOf(event), moved: false };
    point(pressed.time);
  });

  cover.addEventListener("pointermove", (event) => {
    if (pointers.has(event.pointerId)) pointers.set(event.pointerId, event);
    if (pointers.size === 2) {
      pinch();
      return;
    }
    point(timeOf(event));
    if (pressed === null) return;
    pressed.moved ||= Math.abs(event.clientX - pressed.x) >= MIN_DRAG;
    chosen.hidden = !pressed.moved || event.pointerType === "touch";
    if (!chosen.hidden) {
      const edges = [place(pressed.time), place(at)].sort((a, b) => a - b);
      chosen.style.left = `${edges[0]}%`;
      chosen.style.width = `${edges[1] - edges[0]}%`;
    }
  });

  function release(event) {
    pointers.delete(event.pointerId);
    if (pointers.size < 2) pinched = null;
    chosen.hidden = true;
    if (pressed === null || event.type === "pointercancel") {
      pressed = null;
      return;
    }
    const { time, moved } = pressed;
    pressed = null;
    if (!moved) play(time);
    else if (event.pointerType !== "touch") show(Math.min(time, at), Math.max(time, at));
  }
  cover.addEventListener("pointerup", release);
  cover.addEventListener("pointercancel", release);
  cover.addEventListener("pointerleave", () => {
    if (pressed !== null || touch) return;
    if (playable && !video.paused) at = null;
    drawHere(at);
  });
  cover.addEventListener("dblclick", () => show(data.start, end));
  cover.addEventListener("wheel", (event) => {
    if (event.ctrlKey || event.metaKey) zoom(event.deltaY > 0 ? 1.25 : 0.8, timeOf(event));
    else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan((event.deltaX || event.deltaY) / 800);
    else return; // the page scrolls
    event.preventDefault();
  }, { passive: false });

  function step(bins) {
    point((at ?? span.from) + bins * data.width);
    if (at < span.from || at > span.to) {
      const wide = span.to - span.from;
      show(at - wide / 2, at + wide / 2);
    }
  }
  const KEYS = {
    ArrowRight: (event) => step(event.shiftKey ? 10 : 1),
    ArrowLeft: (event) => step(event.shiftKey ? -10 : -1),
    PageUp: () => step(-Math.round((span.to - span.from) / data.width / 10)),
    PageDown: () => step(Math.round((span.to - span.from) / data.width / 10)),
    Home: () => step(-Infinity),
    End: () => step(Infinity),
    Enter: () => play(at ?? span.from),
    " ": () => (playable && !video.paused ? video.pause() : play(at ?? span.from)),
    "+": () => zoom(0.5),
    "=": () => zoom(0.5),
    "-": () => zoom(2),
    0: () => show(data.start, end),
  };
  cover.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
    KEYS[event.key](event);
    event.preventDefault();
  });

  cover.tabIndex = 0;
  cover.setAttribute("role", "slider");
  cover.setAttribute("aria-label", "Time");
  cover.setAttribute("aria-valuemin", data.start.toFixed(2));
  cover.setAttribute("aria-valuemax", end.toFixed(2));
  get("in").addEventListener("click", () => zoom(0.5));
  get("out").addEventListener("click", () => zoom(2));
  get("earlier").addEventListener("click", () => pan(-0.5));
  get("later").addEventListener("click", () => pan(0.5));
  get("whole").addEventListener("click", () => show(data.start, end));
  addEventListener("resize", drawAxis);
  readout.hidden = get("tools").hidden = false;
  get("mark-key").hidden = marks.length === 0;
  hint();
  show(data.start, end);
  tell(data.start);
})();
