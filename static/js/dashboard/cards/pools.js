/** Pools of sources: who serves, who stands by, and when one took over from another. */

import { Card, judgeCount } from "../card.js";
import { amount, entries, list, records, text, time } from "../fields.js";
import { formatCount, spaced } from "../units.js";

const NO_SOURCE = { idle: "not asked yet", unconfigured: "not set up" };

const MAX_POOLS = 60;
const MAX_FAILOVERS = 40;

/** Nothing is wrong with a pool that nobody needs at present, or that waits for a key. */
const QUIET = new Set(["healthy", "idle", "unconfigured"]);

export class PoolsCard extends Card {
  #pools = this.rows("pools", "pool-template", MAX_POOLS, fillPool);
  #failovers = this.rows("failovers", "failover-template", MAX_FAILOVERS, fillFailover);

  judge(data) {
    const needed = entries(data.pools, MAX_POOLS).filter(([, { health }]) => health !== "idle" && health !== "unconfigured");
    const silent = needed.filter(([, { health }]) => health === "unhealthy").length;
    if (silent > 0) return judgeCount(silent, needed.length, `no source answers for ${silent} of ${needed.length} pools`);
    const troubled = needed.filter(([, { health }]) => health !== "healthy").length;
    if (troubled === 0) return null;
    return { status: "degraded", reason: `${troubled} of ${needed.length} pools are without their best source` };
  }

  show(data) {
    const pools = entries(data.pools, MAX_POOLS);
    const failovers = records(data.failovers, MAX_FAILOVERS);
    this.fields.text("pool-count", formatCount(pools.length));
    this.fields.text("failover-count", formatCount(amount(data.failover_count)));
    this.fields.text("inactive", formatCount(Array.isArray(data.inactive_sources) ? data.inactive_sources.length : null));
    this.#pools.show(pools);
    this.#failovers.show(failovers.map((failover) => [JSON.stringify(failover), failover]));
    this.fields.optional("failovers-empty", failovers.length === 0 ? "No failovers since the start." : null);
  }
}

function fillPool(fields, pool, name) {
  const available = list(pool.available_sources, 40).map((source) => text(source, 60)).filter((source) => source !== null);
  const active = text(pool.active_source, 60);
  const health = text(pool.health, 20) ?? "unknown";
  const others = available.filter((source) => source !== active);
  fields.mark(null, "status", health);
  fields.text("name", spaced(name));
  fields.text("health", spaced(health));
  fields.text("active", active ?? NO_SOURCE[health] ?? "no source");
  fields.hint("active", active);
  fields.optional("others", others.length > 0 ? `+${others.length}` : null);
  fields.hint("others", others.length > 0 ? `standing by: ${others.join(", ")}` : null);
  const reason = QUIET.has(health) ? null : text(pool.reason);
  fields.optional("reason", reason);
  fields.hint("reason", reason);
}

function fillFailover(fields, failover) {
  fields.age("age", time(failover.time));
  fields.text("pool", spaced(text(failover.pool, 60) ?? "?"));
  fields.text("from", text(failover.from, 60) ?? "none");
  fields.text("to", text(failover.to, 60) ?? "none");
  const reason = text(failover.reason);
  fields.optional("reason", reason);
  fields.hint("reason", reason);
}
