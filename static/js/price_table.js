/**
 * The table of coins: one row each, in the order in which they first came, with an age that goes on by itself.
 */

import { cloneTemplate, setText } from "./dom.js";
import { formatAge, formatCompact, formatPercent, formatPrice, formatSigned, priceDecimals, signDirection } from "./format.js";
import { Sparkline } from "./sparkline.js";

/** Ages in seconds above which a price is marked; the service's own limits for "delayed" and "stale". */
const DELAYED_ABOVE_S = 60;
const STALE_ABOVE_S = 180;

const AGE_MARKS = { fresh: "", delayed: "Delayed", stale: "Stale" };

const FLASH_MS = 700;

/** Rows that no longer come are kept, so their number must have an end. */
const MAX_ROWS = 50;

function ageClass(seconds) {
  if (seconds > STALE_ABOVE_S) return "stale";
  return seconds > DELAYED_ABOVE_S ? "delayed" : "fresh";
}

class CoinRow {
  #fields = {};
  #sparkline;
  #price = null;
  #updatedAt = 0;
  #flashTimer = null;

  constructor(symbol) {
    this.element = cloneTemplate("price-row-template");
    this.element.dataset.symbol = symbol;
    for (const node of this.element.querySelectorAll("[data-field]")) this.#fields[node.dataset.field] = node;
    this.#sparkline = new Sparkline(this.#fields.trend);
    setText(this.#fields.symbol, symbol);
  }

  show(ticker) {
    setText(this.#fields.name, ticker.name);
    setText(this.#fields.price, formatPrice(ticker.price));
    this.#showSigned(this.#fields.change, formatSigned(ticker.change, priceDecimals(ticker.price)));
    this.#showSigned(this.#fields.percent, formatPercent(ticker.changePercent));
    setText(this.#fields.volume, formatCompact(ticker.volume));
    setText(this.#fields["market-cap"], formatCompact(ticker.marketCap));
    if (this.#price !== null && ticker.price !== this.#price) this.#flash(ticker.price > this.#price ? "up" : "down");
    this.#sparkline.add(ticker.price);
    this.#price = ticker.price;
    this.#updatedAt = ticker.updatedAt;
  }

  ageS(nowMs) {
    return Math.max(0, (nowMs - this.#updatedAt) / 1000);
  }

  tick(nowMs) {
    const seconds = this.ageS(nowMs);
    const age = ageClass(seconds);
    setText(this.#fields.age, formatAge(seconds));
    setText(this.#fields["age-mark"], AGE_MARKS[age]);
    this.element.dataset.age = age;
  }

  #showSigned(node, text) {
    setText(node, text);
    node.dataset.direction = signDirection(text);
  }

  #flash(way) {
    const { price } = this.#fields;
    clearTimeout(this.#flashTimer);
    price.dataset.flash = way;
    this.#flashTimer = setTimeout(() => delete price.dataset.flash, FLASH_MS);
  }
}

export class PriceTable {
  #table;
  #body;
  #clock;
  #rows = new Map();

  /**
   * @param table The `<table>`; it is shown with the first row.
   * @param body Where the rows go.
   * @param clock The ServerClock by which ages are counted.
   */
  constructor(table, body, clock) {
    this.#table = table;
    this.#body = body;
    this.#clock = clock;
  }

  get empty() {
    return this.#rows.size === 0;
  }

  /** Shows the tickers of one message. Coins that are not among them keep their row. */
  show(tickers) {
    let before = null;
    for (const ticker of tickers) {
      let row = this.#rows.get(ticker.symbol);
      if (!row) {
        if (this.#rows.size >= MAX_ROWS) continue;
        row = new CoinRow(ticker.symbol);
        this.#rows.set(ticker.symbol, row);
        // Rows never move; a late coin takes its place in the server's order, after its neighbour.
        if (before) before.element.after(row.element);
        else this.#body.prepend(row.element);
      }
      row.show(ticker);
      before = row;
    }
    this.#table.hidden = this.empty;
    this.tick();
  }

  /** Lets the ages go on; call it every second. */
  tick() {
    const now = this.#clock.now();
    for (const row of this.#rows.values()) row.tick(now);
  }

  /** The oldest row as `{symbol, ageS}`, or null without rows. */
  oldest() {
    const now = this.#clock.now();
    let oldest = null;
    for (const [symbol, row] of this.#rows) {
      const ageS = row.ageS(now);
      if (oldest === null || ageS > oldest.ageS) oldest = { symbol, ageS };
    }
    return oldest;
  }
}
