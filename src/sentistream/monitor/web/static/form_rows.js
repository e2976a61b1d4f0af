// Rows of forms: add and remove.

document.addEventListener("click", (event) => {
  const adding = event.target.closest("[data-add-row]");
  if (adding) {
    const rows = adding.closest("[data-rows]");
    const list = rows.querySelector(":scope > [data-list]");
    const name = rows.id;
    const used = [...list.querySelectorAll("input[name$='.was']")].map((input) => Number(input.name.split(".").at(-2)));
    const next = Math.max(-1, ...used.filter(Number.isInteger)) + 1;
    const template = rows.querySelector(":scope > template").innerHTML;
    const depth = /__(\d)__/.exec(template)[1];
    list.insertAdjacentHTML("beforeend", template.replaceAll(`__${depth}__`, String(next)));
    const row = list.lastElementChild;
    row.querySelector("input:not([type=hidden]), select")?.focus();
    document.dispatchEvent(new CustomEvent("rows:changed", { detail: { name, row } }));
    return;
  }
  const removing = event.target.closest("[data-remove-row]");
  if (removing) {
    const rows = removing.closest("[data-rows]");
    const removed = removing.closest("[data-row]");
    const [list, before] = [removed.parentElement, removed.nextElementSibling];
    removed.remove();
    rows.querySelector(":scope > [data-add-row]").focus();
    document.dispatchEvent(new CustomEvent("rows:changed", { detail: { name: rows.id, removed, list, before } }));
  }
});
