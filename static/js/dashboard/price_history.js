/**
 * The past of a price: what the archive has of it, and what came while the page was open. Knows no DOM.
 */

import { list, number, record, text } from "./fields.js";

/** What the reader can choose: how long, in which steps, and which of the archive's records serve it. */
export const RANGES = {
  "1h": { title: "hour", spanS: 3600, stepS: 10, interval: "raw" },
  "24h": { title: "24 hours", spanS: 86_400, stepS: 60, interval: "1m" },
  "7d": { title: "7 days", spanS: 7 * 86_400, stepS: 3600, interval: "1h" },
  "30d": { title: "30 days", spanS: 30 * 86_400, stepS: 3600, interval: "1h" },
};

const PAGE_ROWS = 5000;
const MAX_PAGES = 4;
const TIMEOUT_MS = 15_000;

/** How many steps without a price are a gap in the line. Raw prices come when they come, candles for every step. */
const GAP_STEPS = { raw: 9, "1m": 3, "1h": 2 };

/** Live prices kept of each coin; at one every five seconds, an hour. */
const MAX_LIVE = 720;

/** Highest, lowest and last price of each step of a range. */
export class Steps {
  #range;
  #steps = new Map();

  constructor(range) {
    this.#range = range;
  }

  get size() {
    return this.#steps.size;
  }

  /** Adds one price, or what a price did between `atS` and `closeS`. */
  add(atS, close, { high = close, low = close, closeS = atS } = {}) {
    const { stepS } = this.#range;
    const start = Math.floor(atS / stepS) * stepS;
    const step = this.#steps.get(start);
    if (!step) {
      this.#steps.set(start, { high, low, close, closeS });
      return;
    }
    step.high = Math.max(step.high, high);
    step.low = Math.min(step.low, low);
    if (closeS >= step.closeS) [step.close, step.closeS] = [close, closeS];
  }

  /** Forgets what lies before a moment. */
  prune(fromS) {
    for (const start of this.#steps.keys()) {
      if (start < fromS - this.#range.stepS) this.#steps.delete(start);
    }
  }

  /** Columns for the chart: times, last, highest and lowest prices; null where there is a gap. */
  columns() {
    const columns = [[], [], [], []];
    const push = (...values) => values.forEach((value, index) => columns[index].push(value));
    const gapS = GAP_STEPS[this.#range.interval] * this.#range.stepS;
    let before = null;
    for (const start of [...this.#steps.keys()].sort((one, other) => one - other)) {
      const { high, low, close, closeS } = this.#steps.get(start);
      if (before !== null && start - before > gapS) push(before + this.#range.stepS, null, null, null);
      // a step stands where its last price was, so that the line ends at that and not before it
      push(Math.min(Math.max(closeS, start), start + this.#range.stepS - 0.001), close, high, low);
      before = start;
    }
    return columns;
  }
}

/** What came while the page was open, of every coin. */
export class LivePrices {
  #points = new Map();

  /** @returns {boolean} False when it is no news. */
  add(symbol, atS, price) {
    if (!this.#points.has(symbol)) this.#points.set(symbol, []);
    const points = this.#points.get(symbol);
    if (points.length > 0 && atS <= points.at(-1)[0]) return false;
    points.push([atS, price]);
    if (points.length > MAX_LIVE) points.shift();
    return true;
  }

  of(symbol) {
    return this.#points.get(symbol) ?? [];
  }
}

/**
 * Asks the archive for the past of a coin.
 *
 * @returns {Promise<{steps: Steps, firstS: number | null, problem: string | null}>} `problem` says why the archive gave
 *   nothing or not all.
 * @throws AbortError when `signal` says so.
 */
export async function loadHistory(symbol, range, nowS, signal) {
  const steps = new Steps(range);
  let firstS = null;
  let after = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { rows, next, problem } = await askArchive(symbol, range, nowS, after, signal);
    if (problem !== null) return { steps, firstS, problem };
    for (const row of rows.map(record)) {
      const point = parseRow(row);
      if (point === null) continue;
      steps.add(point.atS, point.close, point);
      if (firstS === null || point.atS < firstS) firstS = point.atS;
    }
    if (next === null) break;
    after = next;
  }
  return { steps, firstS, problem: null };
}

async function askArchive(symbol, range, nowS, after, signal) {
  const query = new URLSearchParams({
    from: new Date((nowS - range.spanS) * 1000).toISOString(),
    interval: range.interval,
    limit: String(PAGE_ROWS),
  });
  if (after !== null) query.set("after", after);
  const address = `/api/history/${encodeURIComponent(symbol)}?${query}`;
  try {
    const response = await fetch(address, { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) });
    const answer = record(await response.json());
    if (response.status === 404) return { problem: `There is no archive of ${symbol}.` };
    if (!response.ok) return { problem: text(answer.message, 160) ?? `The archive answered ${response.status}.` };
    const data = record(answer.data);
    return { rows: list(data.rows, 2 * PAGE_ROWS), next: text(data.next, 1000), problem: null };
  } catch (error) {
    if (signal.aborted) throw error;
    return { problem: "The archive does not answer." };
  }
}

/** A raw price or a candle. */
function parseRow(row) {
  const atS = seconds(row.start ?? row.time);
  const close = number(row.close ?? row.price);
  if (atS === null || close === null || close <= 0) return null;
  return {
    atS,
    close,
    high: number(row.high) ?? close,
    low: number(row.low) ?? close,
    closeS: seconds(row.close_time) ?? atS,
  };
}

/** Unix seconds of a time that is a number of them, or RFC 3339. */
function seconds(value) {
  if (typeof value === "string") return number(Date.parse(value) / 1000);
  return number(value);
}
