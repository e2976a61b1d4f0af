// Says what the bar under the pointer, or the one chosen with the arrow keys, stands for.

for (const plot of document.querySelectorAll(".plot")) {
  const caption = plot.querySelector("output");
  const bars = [...plot.querySelectorAll("[data-bar]")];
  let place = -1;
  const show = (next) => {
    bars[place]?.removeAttribute("data-chosen");
    place = next;
    bars[place]?.setAttribute("data-chosen", "");
    caption.textContent = bars[place]?.dataset.bar ?? caption.dataset.hint;
  };
  plot.addEventListener("pointermove", (event) => {
    const bar = event.target.closest("[data-bar]");
    if (bar && bars.indexOf(bar) !== place) show(bars.indexOf(bar));
  });
  plot.addEventListener("pointerdown", (event) => {
    const bar = event.target.closest("[data-bar]");
    if (bar) show(bars.indexOf(bar));
  });
  plot.addEventListener("pointerleave", () => show(-1));
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    show(Math.max(0, Math.min(bars.length - 1, place + step)));
  });
  plot.addEventListener("blur", () => show(-1));
}
