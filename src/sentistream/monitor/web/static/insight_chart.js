// Draws a series with uPlot; pointer, touch and keyboard say what a part stands for and open it.

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
// the colours that are faded are written with six digits
const fade = (colour, part) => colour + Math.round(part * 255).toString(16).padStart(2, "0");
const FONT = "12px system-ui, sans-serif";

const draw = (figure) => {
  const data = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
  const count = data.titles.length;
  const host = figure.querySelector(".chart-plots");
  const output = figure.querySelector("output");
  const open = figure.querySelector(".chart-open");
  const places = [...Array(count).keys()];
  const percent = (list) => list.map((value) => (value === null ? null : value * 100));
  const charts = [];
  let chosen = -1;

  const top = Math.max(10, ...[...data.negative.high, ...data.positive.high, ...data.usual.high].filter((v) => v !== null).map((v) => v * 100));
  const most = Math.max(1, ...data.appearances.filter((value) => value !== null));

  const written = (value) => value.toLocaleString(document.documentElement.lang);
  // both charts leave the same room for their longest number
  const room = Math.max(44, written(Math.ceil(most)).length * 7 + 12);

  const across = {
    scale: "x",
    stroke: () => css("--soft"),
    grid: { show: false },
    ticks: { stroke: () => css("--line") },
    font: FONT,
    labelFont: FONT,
    size: 32,
    // as many as have room
    splits: (u) => {
      const most = Math.max(1, Math.floor(u.bbox.width / devicePixelRatio / 62));
      const every = Math.max(1, Math.ceil(count / most));
      return places.filter((place) => place % every === 0);
    },
    values: (_, splits) => splits.map((place) => data.ticks[place] ?? ""),
  };
  const up = (label, more) => ({
    stroke: () => css("--soft"),
    grid: { stroke: () => css("--line"), width: 1 },
    ticks: { show: false },
    font: FONT,
    labelFont: FONT,
    labelSize: 20,
    size: room,
    values: (_, splits) => splits.map(written),
    label,
    ...more,
  });

  const column = (u, place, height) => {
    const width = Math.max(2, (u.bbox.width / count) * 0.7);
    return [u.valToPos(place, "x", true) - width / 2, u.bbox.top + u.bbox.height - height, width, height];
  };
  // what is chosen, what is withheld, annotations and alerts
  const backdrop = (u) => {
    const { ctx } = u;
    ctx.save();
    if (chosen >= 0) {
      ctx.fillStyle = css("--field");
      const width = u.bbox.width / count;
      ctx.fillRect(u.valToPos(chosen, "x", true) - width / 2, u.bbox.top, width, u.bbox.height);
    }
    ctx.restore();
  };
  const marks = (u) => {
    const { ctx } = u;
    ctx.save();
    ctx.lineWidth = devicePixelRatio * 1.5;
    for (const mark of data.marks) {
      const x = u.valToPos(mark.at - 0.5, "x", true);
      ctx.strokeStyle = ctx.fillStyle = css(mark.kind === "alert" ? "--alarm" : "--accent");
      ctx.setLineDash(mark.kind === "alert" ? [2 * devicePixelRatio, 3 * devicePixelRatio] : [6 * devicePixelRatio, 4 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(x, u.bbox.top);
      ctx.lineTo(x, u.bbox.top + u.bbox.height);
      ctx.stroke();
      ctx.beginPath();
      const size = 5 * devicePixelRatio;
      ctx.moveTo(x - size, u.bbox.top);
      ctx.lineTo(x + size, u.bbox.top);
      ctx.lineTo(x, u.bbox.top + size * 1.4);
      ctx.fill();
    }
    ctx.restore();
  };
  const rings = (u) => {
    const { ctx } = u;
    ctx.save();
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.strokeStyle = css("--ink");
    for (const place of places) {
      if (!data.unusual[place]) continue;
      ctx.beginPath();
      ctx.arc(u.valToPos(place, "x", true), u.valToPos(data.negative.value[place] * 100, "y", true), 8 * devicePixelRatio, 0, 2 * Math.PI);
      ctx.stroke();
    }
    ctx.restore();
  };
  // a margin is a band between neighbours; a part that stands alone has a whisker
  const whiskers = (u) => {
    const { ctx } = u;
    ctx.save();
    ctx.lineWidth = 1.5 * devicePixelRatio;
    for (const name of ["positive", "negative"]) {
      const { value, low, high } = data[name];
      ctx.strokeStyle = css(`--${name}`);
      ctx.globalAlpha = 0.55;
      for (const place of places) {
        if (value[place] === null || (value[place - 1] ?? null) !== null || (value[place + 1] ?? null) !== null) continue;
        const x = u.valToPos(place, "x", true) + (name === "positive" ? 5 : -5) * devicePixelRatio;
        ctx.beginPath();
        ctx.moveTo(x, u.valToPos(low[place] * 100, "y", true));
        ctx.lineTo(x, u.valToPos(high[place] * 100, "y", true));
        ctx.stroke();
      }
    }
    ctx.restore();
  };
  const withheld = (u) => {
    const { ctx } = u;
    ctx.save();
    ctx.strokeStyle = css("--strong");
    ctx.lineWidth = devicePixelRatio;
    for (const place of places) {
      if (data.known[place] !== "withheld") continue;
      const [x, y, width, height] = column(u, place, u.bbox.height);
      ctx.save();
      ctx.beginPath();
      ctx.rect(x, y, width, height);
      ctx.clip();
      ctx.beginPath();
      for (let at = -height; at < width; at += 6 * devicePixelRatio) {
        ctx.moveTo(x + at, y + height);
        ctx.lineTo(x + at + height, y);
      }
      ctx.globalAlpha = 0.35;
      ctx.stroke();
      ctx.restore();
    }
    ctx.restore();
  };

  const line = (name, width) => ({
    stroke: () => css(`--${name}`),
    width,
    points: { show: true, size: count > 40 ? 5 : 8, fill: () => css(`--${name}`), stroke: () => css("--card"), width: 1.5 },
  });
  const hidden = { stroke: "transparent", width: 0, points: { show: false } };
  const common = (height) => ({
    width: Math.max(host.clientWidth, 200),
    height,
    legend: { show: false },
    padding: [10, 12, 0, 0],
    cursor: { show: false },
    select: { show: false },
  });

  const shares = new uPlot(
    {
      ...common(host.clientWidth < 500 ? 240 : 300),
      scales: { x: { time: false, range: [-0.5, count - 0.5] }, y: { range: [0, Math.min(100, Math.ceil(top / 10) * 10)] } },
      series: [
        {},
        hidden,
        hidden,
        hidden,
        hidden,
        hidden,
        hidden,
        { stroke: () => css("--negative"), width: 1.5, dash: [3, 4], points: { show: false } },
        line("positive", 1.5),
        line("negative", 2.5),
      ],
      bands: [
        { series: [2, 1], fill: () => fade(css("--strong"), 0.28) },
        { series: [4, 3], fill: () => fade(css("--positive"), 0.16) },
        { series: [6, 5], fill: () => fade(css("--negative"), 0.2) },
      ],
      axes: [{ ...across, label: data.axis, labelSize: 20 }, up(data.shares_axis)],
      hooks: { drawClear: [backdrop], draw: [withheld, whiskers, rings, marks] },
    },
    [
      places,
      percent(data.usual.low),
      percent(data.usual.high),
      percent(data.positive.low),
      percent(data.positive.high),
      percent(data.negative.low),
      percent(data.negative.high),
      percent(data.before),
      percent(data.positive.value),
      percent(data.negative.value),
    ],
    host,
  );
  const appearances = new uPlot(
    {
      ...common(130),
      scales: { x: { time: false, range: [-0.5, count - 0.5] }, y: { range: [0, most] } },
      series: [{}, { stroke: "transparent", fill: () => css("--people"), paths: uPlot.paths.bars({ size: [0.7] }), points: { show: false } }],
      axes: [across, up(data.appearances_axis, { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000] })],
      hooks: { drawClear: [backdrop] },
    },
    [places, data.appearances],
    host,
  );
  charts.push(shares, appearances);

  const show = (place) => {
    if (place === chosen) return;
    chosen = place;
    const link = data.links[place] ?? "";
    const marked = data.marks.filter((mark) => Math.floor(mark.at) === place).map((mark) => mark.text);
    output.textContent = place < 0 ? output.dataset.hint : [data.descriptions[place], ...marked].join(" · ");
    open.hidden = !link;
    if (link) {
      open.href = document.documentElement.dataset.root + link;
      open.textContent = data.drill.replace("{part}", data.titles[place]);
    }
    for (const each of charts) each.redraw(false);
  };
  const go = (place) => {
    const link = data.links[place];
    if (link) location.assign(document.documentElement.dataset.root + link);
  };

  let pressed = -1;
  for (const each of charts) {
    const at = (event) => {
      const box = each.over.getBoundingClientRect();
      const place = Math.round(each.posToVal(event.clientX - box.left, "x"));
      return place >= 0 && place < count ? place : -1;
    };
    each.over.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse") show(at(event));
    });
    each.over.addEventListener("pointerleave", (event) => {
      // what a finger has chosen stays
      if (event.pointerType === "mouse" && document.activeElement !== host) show(-1);
    });
    each.over.addEventListener("pointerdown", (event) => {
      pressed = at(event) === chosen ? chosen : -1;
    });
    each.over.addEventListener("click", (event) => {
      const place = at(event);
      // a first tap shows the values, a second opens them; a mouse has shown them before
      if (place >= 0 && (event.pointerType === "mouse" || pressed === place)) go(place);
      show(place);
    });
    each.over.addEventListener("dragstart", (event) => event.preventDefault());
  }
  host.addEventListener("keydown", (event) => {
    const next = { ArrowLeft: chosen - 1, ArrowRight: chosen + 1, Home: 0, End: count - 1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      show(Math.max(0, Math.min(count - 1, next)));
    } else if (event.key === "Enter" && chosen >= 0) {
      event.preventDefault();
      go(chosen);
    } else if (event.key === "Escape") {
      show(-1);
    }
  });
  if (figure.dataset.chosen) show(Number(figure.dataset.chosen));

  let width = host.clientWidth;
  new ResizeObserver(() => {
    if (host.clientWidth === width) return;
    width = host.clientWidth;
    for (const each of charts) each.setSize({ width: Math.max(width, 200), height: each.height });
  }).observe(host);
  const repaint = () => charts.forEach((each) => each.redraw(false));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
};

const drawAll = () => {
  for (const figure of document.querySelectorAll("figure.chart:not([data-drawn])")) {
    figure.dataset.drawn = "";
    draw(figure);
  }
};
drawAll();
document.addEventListener("page:replaced", drawAll);
