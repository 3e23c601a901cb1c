/**
 * The chart card: which coin over which time, what the archive says about it, and the live price at the end of the line.
 */

import { byId, setText } from "../dom.js";
import { formatPrice } from "../format.js";
import { PriceChart } from "./price_chart.js";
import { LivePrices, loadHistory, RANGES, Steps } from "./price_history.js";
import { formatMoment } from "./units.js";

/** The archive is asked again after this long, for what this page did not see. */
const RELOAD_MS = 5 * 60_000;

const FIRST_SYMBOL = "BTC";
const FIRST_RANGE = "1h";

export class ChartPanel {
  #clock;
  #onPick;
  #element = byId("card-chart");
  #chart = new PriceChart(byId("chart"), byId("chart-readout"));
  #live = new LivePrices();
  #symbol = FIRST_SYMBOL;
  #range = RANGES[FIRST_RANGE];
  #steps = new Steps(this.#range);
  #abort = new AbortController();
  #loadedAt = -Infinity;
  #firstS = null;
  #problem = null;
  #state = "loading";

  /** @param onPick `(symbol)` after the coin has been chosen, here or elsewhere. */
  constructor(clock, onPick) {
    this.#clock = clock;
    this.#onPick = onPick;
    for (const chip of this.#element.querySelectorAll("[data-symbol]")) {
      chip.addEventListener("click", () => this.pick(chip.dataset.symbol));
    }
    for (const button of this.#element.querySelectorAll("[data-range]")) {
      button.addEventListener("click", () => this.#pickRange(button.dataset.range));
    }
  }

  pick(symbol) {
    this.#symbol = symbol;
    for (const chip of this.#element.querySelectorAll("[data-symbol]")) {
      chip.setAttribute("aria-pressed", String(chip.dataset.symbol === symbol));
      if (chip.dataset.symbol === symbol) setText(byId("chart-name"), chip.dataset.name);
    }
    setText(byId("chart-symbol"), symbol);
    this.#onPick(symbol);
    this.#begin();
  }

  /** Asks the archive again, for example after a lost connection. */
  reload() {
    this.#load();
  }

  /** Takes a live price of any coin. */
  add(symbol, price, ms) {
    const atS = ms / 1000;
    if (!this.#live.add(symbol, atS, price) || symbol !== this.#symbol) return;
    this.#steps.add(atS, price);
    // a hidden tab draws nothing for days, and must not grow
    this.#steps.prune(atS - this.#range.spanS);
  }

  draw() {
    const nowS = this.#clock.now() / 1000;
    this.#steps.prune(nowS - this.#range.spanS);
    const columns = this.#steps.columns();
    this.#chart.show(columns, this.#range, nowS, `${this.#symbol}, last ${this.#range.title}`);
    const last = columns[1].at(-1);
    setText(byId("chart-price"), last === undefined ? "–" : `$${formatPrice(last)}`);
    this.#element.dataset.history = this.#state;
    const note = byId("chart-note");
    setText(note, this.#note(columns[1].length));
    note.dataset.place = columns[1].length > 1 ? "below" : "middle";
  }

  /** Draws the time that has passed, and asks the archive again now and then. */
  tick() {
    if (performance.now() - this.#loadedAt > RELOAD_MS) this.#load();
    else this.draw();
  }

  #pickRange(name) {
    this.#range = RANGES[name];
    for (const button of this.#element.querySelectorAll("[data-range]")) {
      button.setAttribute("aria-pressed", String(button.dataset.range === name));
    }
    this.#begin();
  }

  #begin() {
    this.#steps = this.#withLive(new Steps(this.#range));
    [this.#state, this.#problem, this.#firstS] = ["loading", null, null];
    this.draw();
    this.#load();
  }

  async #load() {
    this.#abort.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.#loadedAt = performance.now();
    try {
      const answer = await loadHistory(this.#symbol, this.#range, this.#clock.now() / 1000, abort.signal);
      if (abort.signal.aborted) return;
      [this.#problem, this.#firstS] = [answer.problem, answer.firstS];
      this.#state = answer.problem !== null ? "unavailable" : answer.steps.size === 0 ? "empty" : "there";
      // what is on the screen is not given up for an archive that does not answer
      if (answer.problem === null) this.#steps = this.#withLive(answer.steps);
    } catch {
      return; // another choice was made meanwhile
    }
    this.draw();
  }

  #withLive(steps) {
    for (const [atS, price] of this.#live.of(this.#symbol)) steps.add(atS, price);
    return steps;
  }

  #note(points) {
    const drawn = points > 1 ? "The line is what came since the page was opened." : "Live prices are drawn as they come.";
    const { title, spanS, stepS } = this.#range;
    switch (this.#state) {
      case "loading":
        return "Asking the archive…";
      case "unavailable":
        return `${this.#problem} ${drawn}`;
      case "empty":
        return `The archive has no prices of ${this.#symbol} in the last ${title}. ${drawn}`;
      default:
        return this.#firstS !== null && this.#firstS > this.#clock.now() / 1000 - spanS + 3 * stepS
          ? `The archive begins at ${formatMoment(this.#firstS * 1000)}.`
          : "";
    }
  }
}
