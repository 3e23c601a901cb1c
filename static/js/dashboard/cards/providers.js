/** Health of every data provider: those in trouble first. */

import { Card, judgeCount } from "../card.js";
import { amount, entries, text, time } from "../fields.js";
import { formatCount, formatMillis, formatShare, spaced } from "../units.js";

const MAX_PROVIDERS = 120;

/** In the order of the list, worst first. */
const SEVERITY = ["unhealthy", "parked", "degraded", "unknown", "healthy", "unconfigured"];

export class ProvidersCard extends Card {
  #providers = this.rows("providers", "provider-template", MAX_PROVIDERS, fillProvider);
  #lost = 0;

  get worry() {
    if (this.#lost === 0) return null;
    return this.#lost === 1 ? "1 source is lost" : `${this.#lost} sources are lost`;
  }

  judge(data) {
    const total = amount(data.total_providers) ?? 0;
    const healthy = amount(data.healthy_count);
    const reason = `${formatCount(healthy)} of ${formatCount(total)} sources are healthy`;
    if (data.overall_health === "unhealthy") return { status: "unhealthy", reason };
    const lost = lostOf(data);
    if (lost === 0 && data.overall_health === "degraded") return { status: "degraded", reason };
    return judgeCount(lost, total, reason);
  }

  show(data) {
    const providers = entries(data.providers, MAX_PROVIDERS);
    const parked = amount(data.parked_count);
    this.fields.text("healthy", `${formatCount(amount(data.healthy_count))} of ${formatCount(amount(data.total_providers))}`);
    this.fields.text("off", formatCount(amount(data.unconfigured_count)));
    this.#lost = lostOf(data);
    this.#showCount("degraded", amount(data.degraded_count), "warn");
    this.#showCount("unhealthy", this.#lost - (parked ?? 0), "bad");
    this.#showCount("parked", parked, "warn");
    this.#providers.show(
      providers
        .map(([name, provider]) => [name, { ...provider, status: text(provider.status, 20) ?? "unknown" }])
        .sort(([, one], [, other]) => severity(one) - severity(other)),
    );
  }

  #showCount(field, count, tone) {
    this.fields.text(field, formatCount(count));
    this.fields.mark(field, "tone", count > 0 ? tone : null);
  }
}

function severity(provider) {
  const place = SEVERITY.indexOf(provider.status);
  return place < 0 ? SEVERITY.indexOf("unknown") : place;
}

function fillProvider(fields, provider, name) {
  fields.mark(null, "status", provider.status);
  fields.text("name", name);
  fields.hint("name", name);
  fields.text("status", provider.status === "unconfigured" ? "not set up" : spaced(provider.status));
  fields.text("latency", formatMillis(amount(provider.response_time_ms)));
  fields.text("p95", formatMillis(amount(provider.p95_ms)));
  fields.text("success", formatShare(amount(provider.success_rate)));
  fields.age("age", time(provider.last_check));
  // a source that is well again keeps its last error, which is history
  const reason = provider.status === "healthy" ? null : (text(provider.reason) ?? text(provider.last_error));
  fields.optional("reason", reason);
  fields.hint("reason", reason);
}

/** Sources that give nothing: those that are not healthy, the degraded ones aside. */
function lostOf(data) {
  return (amount(data.unhealthy_count) ?? 0) - (amount(data.degraded_count) ?? 0);
}
