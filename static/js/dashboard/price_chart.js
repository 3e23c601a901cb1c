/**
 * Draws the course of one coin's price with uPlot. Time is linear, so a gap is as wide as it was long.
 */

import { setText } from "../dom.js";
import { formatPercent, formatPrice, signDirection } from "../format.js";

const HEIGHT_MIN = 120;

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const seconds = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

const DAY_S = 86_400;

/** While there are few prices, the axis shrinks to them, down to this part of the range. */
const LEAST_OF_RANGE = 12;

function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** What the colours on the canvas are, as long as the theme stays. */
function readTheme() {
  return {
    line: token("--accent"),
    band: token("--chart-band"),
    fill: token("--chart-fill"),
    fade: token("--chart-fade"),
    grid: token("--chart-grid"),
    text: token("--text-soft"),
    onLine: token("--on-accent"),
    font: `11px ${token("--font-text")}`,
  };
}

export class PriceChart {
  #place;
  #readout;
  #plot = null;
  #theme = null;
  #columns = [[], [], [], []];
  #window = [0, 1];
  #range = null;

  /**
   * @param place The element to fill.
   * @param readout Where the price under the pointer is told.
   */
  constructor(place, readout) {
    this.#place = place;
    this.#readout = readout;
    new ResizeObserver(() => this.#fit()).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#rebuild());
    this.#rebuild();
  }

  /**
   * Draws.
   *
   * @param columns Of `Steps.columns()`.
   * @param range One of `RANGES`.
   * @param nowS Where the time axis ends. It begins with the range, or with the first price when that is later.
   * @param {string} label What is drawn, for those who do not see it.
   */
  show(columns, range, nowS, label) {
    this.#columns = columns;
    this.#range = range;
    const firstS = columns[0][0] ?? nowS - range.spanS;
    const startS = Math.max(nowS - range.spanS, Math.min(firstS, nowS - range.spanS / LEAST_OF_RANGE));
    this.#window = [startS, nowS];
    this.#plot.setData(columns);
    const prices = columns[1].filter((price) => price !== null);
    this.#place.dataset.points = String(prices.length);
    this.#place.setAttribute("aria-label", prices.length === 0 ? `${label}: nothing to draw` : `${label}: ${inWords(columns)}`);
    this.#tell();
  }

  #rebuild() {
    this.#plot?.destroy();
    this.#theme = readTheme();
    const { clientWidth, clientHeight } = this.#place;
    const size = { width: Math.max(1, clientWidth), height: Math.max(HEIGHT_MIN, clientHeight) };
    this.#plot = new globalThis.uPlot({ ...size, ...this.#options() }, this.#columns, this.#place);
    const { over } = this.#plot;
    // uPlot follows the mouse; fingers are ours
    for (const event of ["touchstart", "touchmove"]) over.addEventListener(event, (touch) => this.#follow(touch), { passive: true });
    over.addEventListener("touchend", () => this.#plot.setCursor({ left: -10, top: -10 }));
  }

  #fit() {
    const { clientWidth, clientHeight } = this.#place;
    if (clientWidth > 0) this.#plot.setSize({ width: clientWidth, height: Math.max(HEIGHT_MIN, clientHeight) });
  }

  #follow(event) {
    const [touch] = event.touches;
    const box = this.#plot.over.getBoundingClientRect();
    this.#plot.setCursor({ left: touch.clientX - box.left, top: touch.clientY - box.top });
  }

  #options() {
    const theme = this.#theme;
    const axis = { stroke: theme.text, font: theme.font, ticks: { show: false }, grid: { stroke: theme.grid, width: 1 } };
    const edge = { stroke: "transparent", width: 0, points: { show: false } };
    return {
      padding: [28, 0, 0, 16],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 7, fill: theme.line } },
      scales: { x: { time: true, range: () => this.#window }, y: { range: (_, low, high) => priceWindow(low, high) } },
      axes: [
        { ...axis, size: 28, gap: 6, space: 64, values: (_, splits) => timeMarks(splits, this.#range) },
        { ...axis, side: 1, size: 74, gap: 8, space: 34, values: (_, splits) => priceMarks(splits) },
      ],
      series: [
        {},
        { stroke: theme.line, width: 1.6, fill: (plot) => fade(plot, theme), points: { size: 4, filter: lonePoints } },
        edge,
        edge,
      ],
      bands: [{ series: [2, 3], fill: theme.band }],
      hooks: { draw: [(plot) => this.#markLast(plot)], setCursor: [() => this.#tell()] },
    };
  }

  /** A dashed line at the last price, and the price on the axis. */
  #markLast(plot) {
    const price = this.#columns[1].at(-1);
    if (price === undefined) return;
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    const y = Math.round(plot.valToPos(price, "y", true));
    const right = bbox.left + bbox.width;
    ctx.save();
    ctx.strokeStyle = this.#theme.line;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(right, y);
    ctx.stroke();
    ctx.fillStyle = this.#theme.line;
    ctx.fillRect(right, y - 9 * ratio, 74 * ratio, 18 * ratio);
    ctx.fillStyle = this.#theme.onLine;
    ctx.font = this.#theme.font.replace("11px", `600 ${11 * ratio}px`);
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    ctx.fillText(formatPrice(price), right + 8 * ratio, y + ratio);
    ctx.restore();
  }

  /** The price under the pointer, or without one how the whole range went. */
  #tell() {
    const [times, prices, highs, lows] = this.#columns;
    const index = this.#plot?.cursor.idx;
    const isPointed = index !== null && index !== undefined && this.#plot.cursor.left >= 0 && prices[index] != null;
    if (isPointed) {
      const when = new Date(times[index] * 1000);
      const moment = this.#range.spanS > DAY_S ? `${day.format(when)} ${clock.format(when)}` : seconds.format(when);
      const spread = highs[index] > lows[index] ? `, ${formatPrice(lows[index])} to ${formatPrice(highs[index])}` : "";
      setText(this.#readout, `${moment}  ${formatPrice(prices[index])}${spread}`);
      this.#readout.dataset.direction = "flat";
      return;
    }
    const known = prices.filter((price) => price !== null);
    const change = known.length > 1 ? formatPercent((known.at(-1) / known[0] - 1) * 100) : "";
    setText(this.#readout, change && `${change} over what is drawn`);
    this.#readout.dataset.direction = signDirection(change);
  }
}

function inWords([, prices, highs, lows]) {
  const known = (values) => values.filter((value) => value !== null);
  const [first, last] = [known(prices)[0], known(prices).at(-1)];
  const reach = known(lows).reduce((low, value) => Math.min(low, value), Infinity);
  const peak = known(highs).reduce((high, value) => Math.max(high, value), -Infinity);
  return `from ${formatPrice(first)} to ${formatPrice(last)}, lowest ${formatPrice(reach)}, highest ${formatPrice(peak)}`;
}

/** A window around the prices. A line that hardly moves is drawn as one: less than 0.02 % is not blown up. */
function priceWindow(low, high) {
  if (low === null || high === null) return [0, 1];
  const margin = Math.max((high - low) * 0.12, high * 0.0001);
  return [low - margin, high + margin];
}

function priceMarks(splits) {
  const step = splits.length > 1 ? splits[1] - splits[0] : 1;
  const decimals = Math.min(10, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  const format = new Intl.NumberFormat("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  return splits.map((price) => format.format(price));
}

function timeMarks(splits, range) {
  const step = splits.length > 1 ? splits[1] - splits[0] : 60;
  return splits.map((at) => {
    const when = new Date(at * 1000);
    const isMidnight = when.getHours() === 0 && when.getMinutes() === 0;
    if (step >= DAY_S || (isMidnight && range?.spanS >= DAY_S)) return day.format(when);
    return step < 60 ? seconds.format(when) : clock.format(when);
  });
}

function fade(plot, theme) {
  const { top, height } = plot.bbox;
  const gradient = plot.ctx.createLinearGradient(0, top, 0, top + height);
  gradient.addColorStop(0, theme.fill);
  gradient.addColorStop(1, theme.fade);
  return gradient;
}

/** Points between two gaps, which no line would show. */
function lonePoints(plot, series) {
  const values = plot.data[series];
  const isLone = (_, index) => values[index] != null && values[index - 1] == null && values[index + 1] == null;
  return [...values.keys()].filter((index) => isLone(null, index));
}
