/** Who is connected: the figures of `/ws/stats`, which is asked, not published. */

import { Card } from "../card.js";
import { amount, record, records, text, time } from "../fields.js";
import { formatCount, formatLarge } from "../units.js";

const MAX_CLIENTS = 30;
const TIMEOUT_MS = 5000;

const NORMAL_CLOSE_CODES = new Set(["1000", "1001", "1005"]);

export class ConnectionsCard extends Card {
  #clients = this.rows("clients", "client-template", MAX_CLIENTS, fillClient);

  /** Asks once. What comes back goes the way of every update; without an answer the card becomes overdue by itself. */
  async ask() {
    let answer = null;
    try {
      const response = await fetch("/ws/stats", { signal: AbortSignal.timeout(TIMEOUT_MS), cache: "no-store" });
      if (!response.ok) return;
      answer = record(await response.json());
    } catch {
      // the age on the card says it
      return;
    }
    this.accept({ timestamp: answer.timestamp, data: { ...record(answer.data), status: "live" } });
    this.draw();
  }

  judge(data) {
    const slow = amount(data.stalled_connections);
    return slow > 0 ? { status: "degraded", reason: `${formatCount(slow)} too slow for what they subscribed to` } : null;
  }

  show(data) {
    const slow = amount(data.stalled_connections);
    this.fields.text("open", formatCount(amount(data.active_connections)));
    this.fields.text("ever", formatLarge(amount(data.connections_since_start)));
    this.fields.text("subscriptions", formatLarge(amount(data.total_subscriptions)));
    this.fields.text("slow", formatCount(slow));
    this.fields.mark("slow", "tone", slow > 0 ? "warn" : null);
    this.fields.text("merged", formatLarge(amount(data.merged_updates)));
    this.fields.text("broken", formatLarge(brokenConnections(data.closed)));
    const clients = records(data.clients, 1000);
    const newestFirst = clients.sort((one, other) => (time(other.connected_at) ?? 0) - (time(one.connected_at) ?? 0));
    this.#clients.show(newestFirst.map((client, index) => [text(client.client_id) ?? String(index), client]));
  }
}

/** How many connections ended in another way than by the client's leave. */
function brokenConnections(closed) {
  return Object.entries(record(closed))
    .filter(([code]) => !NORMAL_CLOSE_CODES.has(code))
    .reduce((sum, [, count]) => sum + (amount(count) ?? 0), 0);
}

function fillClient(fields, client) {
  fields.text("id", text(client.client_id, 60));
  fields.hint("id", text(client.client_id, 60));
  fields.text("endpoint", text(client.endpoint, 40));
  fields.age("age", time(client.connected_at));
}
