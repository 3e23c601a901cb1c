/** Public RPC nodes by chain, and the blocks that came while the page was open. */

import { Card, judgeCount } from "../card.js";
import { amount, number, records, text, time } from "../fields.js";
import { formatCount, formatMillis, spaced } from "../units.js";

const MAX_NODES = 80;
const MAX_EVENTS = 40;

export class NodesCard extends Card {
  #nodes = this.rows("nodes", "node-template", MAX_NODES, fillNode);
  #blocks = this.rows("blocks", "block-template", MAX_EVENTS, fillBlock);
  #events = new Map();

  /** Each update tells only what happened since the one before, so every one counts, and a missed one comes late. */
  keep(data) {
    for (const event of records(data.events, MAX_EVENTS)) {
      const at = time(event.time);
      if (at !== null) this.#events.set(`${event.chain} ${event.height} ${event.time}`, { ...event, at });
    }
    const newestFirst = [...this.#events].sort(([, one], [, other]) => other.at - one.at);
    this.#events = new Map(newestFirst.slice(0, MAX_EVENTS));
  }

  judge(data) {
    const checked = records(data.nodes, MAX_NODES).filter((node) => node.status !== "unchecked");
    const troubled = checked.filter((node) => node.status !== "healthy").length;
    return judgeCount(troubled, checked.length, `${troubled} of ${checked.length} nodes are not healthy`);
  }

  show(data) {
    const nodes = records(data.nodes, MAX_NODES);
    this.fields.text("active", `${formatCount(amount(data.active_nodes))} of ${formatCount(amount(data.total_nodes))}`);
    this.fields.mark("active", "tone", amount(data.active_nodes) < amount(data.total_nodes) ? "warn" : null);
    this.fields.text("latency", formatMillis(amount(data.average_latency)));
    this.#nodes.show(nodes.map((node, index) => [text(node.name) ?? String(index), node]));
    this.#blocks.show(this.#events);
    this.fields.optional("blocks-empty", this.#events.size === 0 ? "No new blocks yet." : null);
  }
}

function fillNode(fields, node) {
  const status = text(node.status, 20) ?? "unchecked";
  fields.mark(null, "status", status);
  fields.text("chain", text(node.chain, 20));
  fields.text("host", text(node.host, 80) ?? text(node.name, 80));
  fields.hint("host", text(node.host, 80));
  fields.text("height", formatCount(amount(node.height)));
  const lag = number(node.lag);
  fields.text("lag", lag !== null && lag > 0 ? `−${formatCount(lag)}` : "");
  fields.text("latency", formatMillis(amount(node.latency_ms)));
  fields.text("status", spaced(status));
  const reason = status === "healthy" ? null : text(node.reason);
  fields.optional("reason", reason);
  fields.hint("reason", reason);
}

function fillBlock(fields, event) {
  const blocks = number(event.blocks);
  fields.mark(null, "kind", text(event.kind, 20));
  fields.text("chain", text(event.chain, 20));
  fields.text("height", formatCount(amount(event.height)));
  fields.text("blocks", blocks === null ? null : event.kind === "correction" ? `corrected ${blocks}` : `+${formatCount(blocks)}`);
  fields.age("age", event.at);
}
