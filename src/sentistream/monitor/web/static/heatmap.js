// Says what the hour of the week under the pointer, under a finger or with the focus stands for.

const table = document.querySelector(".heatmap");
if (table) {
  const output = document.querySelector("#heat-sentence");
  const rows = [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll("td")]);
  const cells = rows.flat();
  const show = (cell) => {
    output.textContent = cell ? cell.querySelector(".heat-sentence").textContent : output.dataset.hint;
  };
  // one stop of the Tab key; arrow keys go on from there
  cells.forEach((cell, place) => cell.setAttribute("tabindex", place ? -1 : 0));
  const go = (cell) => {
    cells.forEach((each) => each.setAttribute("tabindex", -1));
    cell.setAttribute("tabindex", 0);
    cell.focus();
  };
  table.addEventListener("focusin", (event) => show(event.target.closest("tbody td")));
  table.addEventListener("pointerover", (event) => {
    const cell = event.target.closest("tbody td");
    if (cell && event.pointerType === "mouse") show(cell);
  });
  table.addEventListener("click", (event) => {
    const cell = event.target.closest("tbody td");
    if (cell) go(cell);
  });
  table.addEventListener("keydown", (event) => {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [];
    const row = rows.findIndex((each) => each.includes(document.activeElement));
    if (down === undefined || row < 0) return;
    event.preventDefault();
    const next = rows[row + down]?.[rows[row].indexOf(document.activeElement) + right];
    if (next) go(next);
  });
}
