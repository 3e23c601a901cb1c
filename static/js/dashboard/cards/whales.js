/** Transactions that move large sums, newest first. */

import { formatPrice } from "../../format.js";
import { Card } from "../card.js";
import { amount, records, text, time } from "../fields.js";
import { formatAddress, formatDollars, formatLarge, formatMoment } from "../units.js";

const MAX_ROWS = 80;

/** A chain's public explorer; only hashes of the chain's own form lead there. */
const EXPLORERS = {
  bitcoin: { hash: /^[0-9a-f]{64}$/, address: "https://mempool.space/tx/" },
  ethereum: { hash: /^0x[0-9a-f]{64}$/, address: "https://etherscan.io/tx/" },
};

/** Sums from here on are set off; a multiple of the smallest one that is reported. */
const HUGE_FACTOR = 10;

export class WhalesCard extends Card {
  #threshold = null;
  #demo = false;
  #transactions = this.rows("transactions", "whale-template", MAX_ROWS, (fields, item) => this.#fill(fields, item));

  show(data) {
    this.#threshold = amount(data.alert_threshold);
    this.#demo = data.demo === true;
    const since = time(data.volume_since);
    this.fields.text("volume", formatDollars(amount(data.total_volume)));
    this.fields.hint("volume", since === null ? null : `since ${formatMoment(since)}`);
    this.fields.text("threshold", formatDollars(this.#threshold));
    const transactions = records(data.large_transactions, MAX_ROWS);
    this.#transactions.show(
      transactions.map((item, index) => [[item.chain, item.hash ?? index, item.asset, item.from, item.to].join(" "), item]),
    );
    this.fields.optional("empty", transactions.length === 0 ? "No large transactions in the last hour." : null);
  }

  #fill(fields, item) {
    const value = amount(item.value);
    const moved = amount(item.amount);
    const isHuge = value !== null && this.#threshold !== null && value >= HUGE_FACTOR * this.#threshold;
    fields.mark(null, "size", isHuge ? "huge" : "large");
    fields.mark(null, "confirmed", item.confirmed === false ? "no" : "yes");
    fields.text("value", formatDollars(value));
    fields.text("amount", moved === null ? null : moved < 10_000 ? formatPrice(moved) : formatLarge(moved));
    fields.text("asset", text(item.asset, 12));
    fields.age("age", time(item.timestamp));
    showParty(fields, "from", item.from, item.from_label);
    showParty(fields, "to", item.to, item.to_label);
    fields.optional("pending", item.confirmed === false ? "unconfirmed" : null);
    fields.link("link", this.#transactionLink(item));
    fields.hint("link", text(item.hash, 80));
  }

  /** Simulated transactions are on no chain, so nothing leads there. */
  #transactionLink(item) {
    const explorer = Object.hasOwn(EXPLORERS, item.chain) ? EXPLORERS[item.chain] : null;
    if (this.#demo || explorer === null || !explorer.hash.test(item.hash)) return null;
    return explorer.address + item.hash;
  }
}

function showParty(fields, name, address, label) {
  const known = text(label, 40);
  const whole = text(address, 120);
  fields.text(name, known ?? (whole === null ? "several" : formatAddress(whole)));
  fields.mark(name, "known", known === null ? null : "");
  fields.hint(name, whole);
}
