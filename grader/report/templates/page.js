"use strict";
/* Makes every witness on the page one to step through. All data is read from the tables that are there anyway. */
(() => {
  const players = [];

  class Player {
    constructor(root) {
      this.root = root;
      this.steps = root.querySelector(".steps");
      this.slider = root.querySelector("input");
      this.now = root.querySelector(".now");
      this.rows = [...root.querySelectorAll(".order tbody tr")];
      this.heads = [...root.querySelectorAll(".order thead th")].slice(1);
      this.cells = [...root.querySelectorAll(".objects tbody td.last")];
      this.lines = new Map([...root.querySelectorAll(".code li[value]")].map((line) => [line.value, line]));
      this.states = this.statesByRow();
      this.place = 0;
      this.slider.max = this.rows.length - 1;
      const longest = Math.max(...this.heads.map((head) => head.textContent.length));
      root.style.setProperty("--gutter", `${Math.min(Math.max(3.5, longest * 0.45 + 1.5), 8)}rem`);
      root.querySelector(".controls").hidden = false;
      root.classList.add("live");
      for (const button of root.querySelectorAll("[data-go]")) {
        button.addEventListener("click", () => this.go(button.dataset.go));
      }
      this.slider.addEventListener("input", () => this.show(Number(this.slider.value)));
      this.rows.forEach((row, place) => row.addEventListener("click", () => this.show(place)));
      root.addEventListener("focusin", () => { current = this; });
      root.addEventListener("pointerdown", () => { current = this; });
      this.show(0, false);
    }

    statesByRow() {
      let held = this.cells.map(() => "");
      return this.rows.map((row) => {
        const changed = new Set();
        held = [...held];
        for (const value of row.querySelectorAll("[data-object]")) {
          const object = Number(value.dataset.object);
          held[object] = value.textContent;
          changed.add(object);
        }
        return { held, changed };
      });
    }

    go(where) {
      const last = this.rows.length - 1;
      this.show({ first: 0, back: this.place - 1, on: this.place + 1, last: last }[where]);
    }

    show(place, follow = true) {
      this.place = Math.min(Math.max(place, 0), this.rows.length - 1);
      const row = this.rows[this.place];
      this.rows.forEach((other, number) => {
        other.classList.toggle("current", number === this.place);
        if (number === this.place) other.setAttribute("aria-current", "step");
        else other.removeAttribute("aria-current");
      });
      this.slider.value = this.place;
      this.slider.setAttribute("aria-valuetext", this.number(this.place) || words(row));
      this.showObjects();
      this.showPlaces(row, follow);
      this.now.textContent = this.sentence(row);
      for (const [where, stop] of [["first", 0], ["back", 0], ["on", this.rows.length - 1], ["last", this.rows.length - 1]]) {
        this.root.querySelector(`[data-go=${where}]`).setAttribute("aria-disabled", String(this.place === stop));
      }
      if (follow) scrollWithin(this.steps, row.querySelector(".step") || row, true);
    }

    showObjects() {
      const { held, changed } = this.states[this.place];
      this.cells.forEach((cell, object) => {
        cell.textContent = held[object];
        cell.parentElement.classList.toggle("changed", this.place > 0 && changed.has(object));
      });
      const head = this.root.querySelector(".objects thead th.last");
      const number = this.number(this.place);
      if (head) head.textContent = number === "0" ? "at the start" : number ? `after step ${number}` : "then";
    }

    /* Where each process is: at its last step so far. */
    showPlaces(row, follow) {
      const at = new Map();
      for (const passed of this.rows.slice(0, this.place + 1)) {
        if (passed.dataset.task !== undefined && passed.dataset.line) at.set(passed.dataset.task, passed.dataset.line);
      }
      for (const line of this.lines.values()) {
        line.classList.remove("current");
        line.querySelector(".who").replaceChildren();
      }
      for (const [task, number] of at) {
        const line = this.lines.get(Number(number));
        if (!line) continue;
        const chip = document.createElement("span");
        const active = task === row.dataset.task;
        chip.className = active ? "chip active" : "chip";
        chip.textContent = chip.title = this.heads[Number(task)].textContent;
        line.querySelector(".who").append(chip);
        if (active && row.dataset.line === number) {
          line.classList.add("current");
          if (follow) scrollWithin(this.root.querySelector(".source"), line, false);
        }
      }
    }

    number(place) {
      return this.rows[place].querySelector("th").textContent;
    }

    total() {
      return this.rows.map((_, place) => this.number(place)).filter(Boolean).pop() || "0";
    }

    sentence(row) {
      const changed = [...row.querySelectorAll(".after li")].map((item) => words(item)).join("; ");
      if (row.dataset.task === undefined) return [words(row.querySelector("td")), changed].filter(Boolean).join(": ");
      const who = this.heads[Number(row.dataset.task)].textContent;
      const line = row.dataset.line ? `, line ${row.dataset.line}` : "";
      const text = words(row.querySelector(".text"));
      const number = this.number(this.place);
      const when = number ? `Step ${number} of ${this.total()}` : "In the end";
      return `${when}: ${who}${line}: ${text}` + (changed ? `. Now ${changed}` : "");
    }
  }

  const words = (element) => element.textContent.replace(/\s+/g, " ").trim();

  /* Like scrollIntoView, but never moves the page. */
  const scrollWithin = (pane, target, centre) => {
    if (!pane || pane.scrollHeight <= pane.clientHeight && pane.scrollWidth <= pane.clientWidth) return;
    const box = pane.getBoundingClientRect(), mark = target.getBoundingClientRect();
    const head = pane.querySelector("thead"), above = head ? head.getBoundingClientRect().height : 0;
    if (mark.top < box.top + above + 8 || mark.bottom > box.bottom - 24) {
      pane.scrollTop += mark.top - box.top - (centre ? (pane.clientHeight - mark.height) / 2 : pane.clientHeight / 3);
    }
    if (mark.left < box.left + 48 || mark.right > box.right) pane.scrollLeft += mark.left - box.left - 56;
  };

  const MOVES = {
    ArrowLeft: "back", ArrowRight: "on", ArrowUp: "back", ArrowDown: "on", k: "back", j: "on", Home: "first", End: "last",
  };
  const ANYWHERE = ["ArrowLeft", "ArrowRight", "j", "k"];
  let current = null;

  /* Up, down, Home and End scroll the page, unless the steps or their buttons have the focus. */
  const onKey = (event) => {
    const move = MOVES[event.key];
    if (!move || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const focus = document.activeElement;
    const inside = players.find((player) => player.root.contains(focus));
    const scrolls = focus && focus.closest(".source, pre");
    if (scrolls && !["j", "k"].includes(event.key)) return;
    if (focus instanceof HTMLInputElement && event.key.startsWith("Arrow")) {
      if (event.key === "ArrowUp" || event.key === "ArrowDown") return;
    } else if (!inside && !ANYWHERE.includes(event.key)) return;
    const player = inside || current || players.find((one) => one.root.getBoundingClientRect().bottom > 0);
    if (!player) return;
    event.preventDefault();
    player.go(move);
  };

  const offerCopy = (button) => {
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Select it and copy";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  };

  for (const root of document.querySelectorAll("[data-player]")) players.push(new Player(root));
  document.querySelectorAll(".copy").forEach(offerCopy);
  document.addEventListener("keydown", onKey);

  /* On paper stands how it ended. */
  let places = [];
  addEventListener("beforeprint", () => {
    places = players.map((player) => player.place);
    players.forEach((player) => player.show(player.rows.length - 1, false));
  });
  addEventListener("afterprint", () => players.forEach((player, index) => player.show(places[index], false)));
})();
