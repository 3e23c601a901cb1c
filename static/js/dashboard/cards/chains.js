/** Two cards with a column per chain: the explorers' view of blocks, and what happens on the chains. */

import { Card } from "../card.js";
import { amount, record, text, time } from "../fields.js";
import { formatCount, formatDollars, formatHashRate, formatLarge, formatPercentage, NOTHING } from "../units.js";

const CHAINS = ["bitcoin", "ethereum"];

/** A table whose rows are figures and whose columns are chains; cells are `data-field="<chain>-<figure>"`. */
class ChainCard extends Card {
  showFigures(chains, figures) {
    for (const chain of CHAINS) {
      const values = record(chains[chain]);
      for (const [name, read] of Object.entries(figures)) this.fields.text(`${chain}-${name}`, read(values));
    }
  }
}

const EXPLORED = {
  block: (chain) => formatCount(amount(chain.latest_block)),
  txs: (chain) => formatCount(amount(chain.block_transactions)),
  hashrate: (chain) => (chain.hashrate_estimated === true ? "≈ " : "") + formatHashRate(amount(chain.network_hashrate)),
  difficulty: (chain) => formatLarge(amount(chain.difficulty)),
  mempool: (chain) => formatCount(amount(chain.mempool_size)),
  day: (chain) => formatLarge(amount(chain.transactions_count)),
  fee: (chain) => formatDollars(amount(chain.average_fee_usd)),
};

export class ExplorersCard extends ChainCard {
  show(data) {
    const chains = record(data.chains);
    this.showFigures(chains, EXPLORED);
    for (const chain of CHAINS) this.fields.age(`${chain}-age`, time(record(chains[chain]).block_time));
    const rates = record(record(chains.bitcoin).fee_rates);
    const steps = ["fastest", "half_hour", "hour"].map((name) => amount(rates[name]));
    this.fields.text("fee-rates", steps.every((rate) => rate === null) ? null : steps.map(shortRate).join(" / "));
    const replaced = CHAINS.map((chain) => [chain, record(chains[chain]).reorganisation]).find(([, seen]) => seen);
    this.fields.optional("reorganisation", replaced ? describeReorganisation(...replaced) : null);
  }
}

const shortRate = (rate) => (rate === null ? NOTHING : String(Math.round(rate * 10) / 10));

function describeReorganisation(chain, seen) {
  const depth = amount(record(seen).depth);
  return `${chain}: ${formatCount(depth)} block${depth === 1 ? "" : "s"} replaced at ${formatCount(amount(record(seen).height))}`;
}

const ON_CHAIN = {
  addresses: (chain) => formatLarge(amount(chain.active_addresses)),
  transactions: (chain) => formatLarge(amount(chain.transaction_count)),
  fees: (chain) => formatDollars(amount(chain.total_fees_usd)),
  tvl: (chain) => formatDollars(amount(chain.tvl)),
  applications: (chain) => formatDollars(amount(chain.application_fees_usd)),
};

export class OnchainCard extends ChainCard {
  #chains = this.rows("tvl-chains", "tvl-template", 20, (fields, [name, value]) => {
    fields.text("name", text(name, 30));
    fields.text("value", formatDollars(amount(value)));
  });

  show(data) {
    const chains = record(data.chains);
    this.showFigures(chains, ON_CHAIN);
    const gas = record(record(chains.ethereum).gas);
    const prices = ["slow", "average", "fast"].map((name) => amount(gas[name]));
    this.fields.text("gas", prices.every((price) => price === null) ? null : prices.map(gwei).join(" / "));
    this.fields.text("utilisation", formatPercentage(amount(data.network_utilization)));
    this.fields.text("tvl", formatDollars(amount(data.tvl)));
    this.#chains.show(Object.entries(record(data.tvl_by_chain)).map((entry) => [entry[0], entry]));
  }
}

const gwei = (price) => (price === null ? NOTHING : price < 10 ? price.toFixed(2) : price.toFixed(0));
