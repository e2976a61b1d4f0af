// Faults of accessibility on the page as it stands.
(() => {
  const faults = [];
  const seen = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const name = (e) => {
    const by = e.getAttribute("aria-labelledby");
    if (by) return by.split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim();
    if (e.ariaLabel) return e.ariaLabel.trim();
    if (e.labels?.length) return [...e.labels].map((label) => label.textContent).join(" ").trim();
    return (e.textContent || e.title || "").trim();
  };
  if (!document.documentElement.lang) faults.push("no language");
  if (!document.title.trim()) faults.push("no title");
  for (const landmark of ["header", "nav", "main", "footer"])
    if (!document.querySelector(landmark)) faults.push(`no ${landmark}`);
  if (document.querySelectorAll("main").length !== 1) faults.push("not one main");
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of new Set(ids.filter((id, place) => ids.indexOf(id) !== place))) faults.push(`id twice: ${id}`);
  for (const e of document.querySelectorAll("[aria-describedby], [aria-labelledby], [aria-controls]"))
    for (const kind of ["aria-describedby", "aria-labelledby", "aria-controls"])
      for (const id of (e.getAttribute(kind) ?? "").split(/\s+/).filter(Boolean))
        if (!document.getElementById(id)) faults.push(`${kind} names nothing: ${id}`);
  const levels = [...document.querySelectorAll("h1, h2, h3, h4")].filter(seen).map((e) => Number(e.tagName[1]));
  if (levels[0] !== 1 || levels.filter((level) => level === 1).length !== 1) faults.push(`headings: ${levels}`);
  levels.forEach((level, place) => { if (place && level > levels[place - 1] + 1) faults.push(`heading skipped: ${levels}`); });
  for (const e of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, [tabindex='0'], [role=img], video"))
    if (seen(e) && !name(e)) faults.push(`no name: ${e.outerHTML.slice(0, 90)}`);
  for (const e of document.querySelectorAll("[tabindex]"))
    if (Number(e.getAttribute("tabindex")) > 0) faults.push(`order forced: ${e.outerHTML.slice(0, 90)}`);
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parse = (text) => {
    paint.clearRect(0, 0, 1, 1);
    paint.fillStyle = text;
    paint.fillRect(0, 0, 1, 1);
    return [...paint.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const part = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour[3] > 230) return colour;
    }
    return [255, 255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const reported = new Set();
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !seen(e) || e.closest("svg, script, template, .visually-hidden, option, [data-disconnected]")) continue;
    const style = getComputedStyle(e);
    const [a, b] = [light(parse(style.color)), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const big = parseFloat(style.fontSize) >= 24;
    const fault = `contrast ${ratio.toFixed(2)}: ${e.tagName}.${e.className} "${walker.currentNode.data.trim().slice(0, 30)}"`;
    if (ratio < (big ? 3 : 4.5) && !reported.has(fault)) { reported.add(fault); faults.push(fault); }
  }
  return faults;
})()
