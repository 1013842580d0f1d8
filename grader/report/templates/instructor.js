"use strict";
/* Sorts and filters the table of students. All data is read from the table. */
(() => {
  const table = document.querySelector(".matrix");
  const form = document.querySelector(".filters");
  if (!table || !form) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const BEST = ["passed", "skipped", "none", "inconclusive", "error", "failed"];
  const FIRST_CHECK = heads.findIndex((head) => head.classList.contains("check"));
  const collator = new Intl.Collator(undefined, { numeric: true });

  const value = (row, column, kind) => {
    const cell = row.cells[column];
    if (kind === "number") return Number(cell.dataset.value);
    if (kind === "status") return BEST.indexOf(cell.dataset.value);
    return cell.textContent.trim();
  };

  const sortBy = (column) => {
    const head = heads[column];
    const kind = head.dataset.sort;
    const down = head.getAttribute("aria-sort") === "ascending";
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const keyed = rows.map((row) => [value(row, column, kind), row]);
    keyed.sort(([a], [b]) => (kind === "text" ? collator.compare(a, b) : a - b) * (down ? -1 : 1));
    body.append(...keyed.map(([, row]) => row));
  };

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sortBy(column));
    head.append(button);
  });

  const filter = () => {
    const text = form.elements.text.value.trim().toLocaleLowerCase();
    const verdict = form.elements.verdict.value;
    const check = form.elements.check.value;
    let shown = 0;
    for (const row of rows) {
      const cell = check === "" ? null : row.cells[FIRST_CHECK + Number(check)];
      row.hidden =
        !row.cells[0].textContent.toLocaleLowerCase().includes(text) ||
        (verdict !== "" && row.dataset.verdict !== verdict) ||
        (cell !== null && cell.dataset.value !== "failed");
      if (!row.hidden) shown += 1;
    }
    form.querySelector("output").textContent = `${shown} of ${rows.length} shown`;
  };

  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
})();
