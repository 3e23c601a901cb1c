/**
 * Prices of the ten coins. The rows stand in the page from the start, so nothing moves when the prices come.
 */

import { formatPercent, formatPrice, signDirection } from "../../format.js";
import { Card } from "../card.js";
import { amount, number, record, text, time } from "../fields.js";
import { Fields } from "../keyed_rows.js";
import { formatLarge } from "../units.js";

/** Ages in milliseconds above which a price is marked; the service's own limits for "delayed" and "stale". */
const DELAYED_ABOVE_MS = 60_000;
const STALE_ABOVE_MS = 180_000;

const FLASH_MS = 700;

export class PricesCard extends Card {
  #clock;
  #onPrice;
  #coins = [];

  /** @param onPrice `(symbol, price, ms)` for each price of each update, also while nobody looks. */
  constructor(service, clock, onState, { onPick, onPrice }) {
    super(service, clock, onState);
    this.#clock = clock;
    this.#onPrice = onPrice;
    for (const element of this.element.querySelectorAll("tr[data-coin]")) {
      const coin = { id: element.dataset.coin, symbol: element.dataset.symbol, fields: new Fields(element) };
      this.#coins.push({ ...coin, price: null, at: null, flash: null });
      element.querySelector("button").addEventListener("click", () => onPick(coin.symbol));
    }
  }

  keep(data) {
    const prices = record(data.prices);
    const times = record(data.last_updated);
    for (const { id, symbol } of this.#coins) {
      const price = amount(prices[id]);
      const at = time(times[id]);
      if (price !== null && at !== null) this.#onPrice(symbol, price, at);
    }
  }

  show(data) {
    const [prices, changes, volumes, caps, times] = [
      data.prices, data.price_changes, data.volumes, data.market_caps, data.last_updated,
    ].map(record);
    for (const coin of this.#coins) {
      const price = amount(prices[coin.id]);
      coin.fields.text("price", price === null ? null : formatPrice(price));
      this.#showChange(coin.fields, number(changes[coin.id]));
      coin.fields.text("volume", formatLarge(amount(volumes[coin.id])));
      coin.fields.text("cap", formatLarge(amount(caps[coin.id])));
      if (price !== null && coin.price !== null && price !== coin.price) this.#flash(coin, price > coin.price ? "up" : "down");
      coin.price = price;
      coin.at = time(times[coin.id]);
      coin.fields.age("age", coin.at);
    }
    const source = text(data.source, 40);
    this.fields.text("source", source === null ? "" : ` · ${source}`);
    this.fields.hint("source", source === null ? null : `Most of the prices come from ${source}`);
  }

  /** Marks the coin that the chart shows. */
  pick(symbol) {
    for (const coin of this.#coins) {
      const isPicked = coin.symbol === symbol;
      coin.fields.mark(null, "picked", isPicked ? "" : null);
      coin.fields.element.querySelector("button").setAttribute("aria-pressed", String(isPicked));
    }
  }

  tick() {
    super.tick();
    const now = this.#clock.now();
    for (const { fields, at } of this.#coins) {
      fields.tick(now);
      const ageMs = at === null ? 0 : now - at;
      fields.mark(null, "age", ageMs > STALE_ABOVE_MS ? "stale" : ageMs > DELAYED_ABOVE_MS ? "delayed" : "fresh");
    }
  }

  #showChange(fields, percent) {
    const text = percent === null ? null : formatPercent(percent);
    fields.text("change", text);
    fields.mark("change", "direction", text === null ? "flat" : signDirection(text));
  }

  #flash(coin, way) {
    clearTimeout(coin.flash);
    coin.fields.mark("price", "flash", way);
    coin.flash = setTimeout(() => coin.fields.mark("price", "flash", null), FLASH_MS);
  }
}
