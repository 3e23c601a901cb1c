/**
 * Draws the course of one coin's price since the page was opened, into an `<svg>` that is already there.
 */

import { formatPercent } from "./format.js";

/** At one message every ten seconds: the last ten minutes. */
const MAX_POINTS = 60;

/** In units of the svg's viewBox, 104 by 28. */
const WIDTH = 104;
const HEIGHT = 28;
const MARGIN = 3;

export class Sparkline {
  #svg;
  #line;
  #dot;
  #prices = [];

  constructor(svg) {
    this.#svg = svg;
    this.#line = svg.querySelector("polyline");
    this.#dot = svg.querySelector("circle");
  }

  add(price) {
    this.#prices.push(price);
    if (this.#prices.length > MAX_POINTS) this.#prices.shift();
    this.#draw();
  }

  #draw() {
    const prices = this.#prices;
    const low = Math.min(...prices);
    const span = Math.max(...prices) - low;
    const step = (WIDTH - 2 * MARGIN) / Math.max(1, prices.length - 1);
    const points = prices.map((price, index) => {
      // An overflow to infinity, or a flat line, lies in the middle.
      const height = span > 0 && Number.isFinite(span) ? (price - low) / span : 0.5;
      return [MARGIN + index * step, HEIGHT - MARGIN - height * (HEIGHT - 2 * MARGIN)];
    });
    const [x, y] = points.at(-1);
    this.#line.setAttribute("points", points.map((point) => point.map((at) => at.toFixed(1)).join()).join(" "));
    this.#dot.setAttribute("cx", x.toFixed(1));
    this.#dot.setAttribute("cy", y.toFixed(1));

    const [first] = prices;
    const last = prices.at(-1);
    this.#svg.dataset.direction = last > first ? "up" : last < first ? "down" : "flat";
    const change = formatPercent((last / first - 1) * 100);
    this.#svg.setAttribute("aria-label", prices.length === 1 ? "One price so far" : `${change} over ${prices.length} prices`);
  }
}
