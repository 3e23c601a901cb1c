/** Jobs of the process: those in trouble first. */

import { Card } from "../card.js";
import { amount, records, text, time } from "../fields.js";
import { formatCount, formatSeconds, spaced } from "../units.js";

const MAX_JOBS = 150;

export class JobsCard extends Card {
  #jobs = this.rows("jobs", "job-template", MAX_JOBS, fillJob);
  #failing = 0;

  get worry() {
    if (this.#failing === 0) return null;
    return this.#failing === 1 ? "1 job fails" : `${this.#failing} jobs fail`;
  }

  judge(data) {
    if (data.running === false) return { status: "unhealthy", reason: "the scheduler is stopped" };
    const failing = records(data.jobs, MAX_JOBS).filter(isTroubled).length;
    return failing === 0 ? null : { status: "degraded", reason: failing === 1 ? "1 job fails" : `${failing} jobs fail` };
  }

  show(data) {
    this.fields.text("active", `${formatCount(amount(data.active_jobs))} of ${formatCount(amount(data.total_jobs))}`);
    this.fields.node("stopped").hidden = data.running !== false;
    const jobs = records(data.jobs, MAX_JOBS).map((job, index) => [`${job.scheduler} ${job.id ?? index}`, job]);
    const troubled = ([, job]) => (isTroubled(job) ? 0 : 1);
    this.#jobs.show(jobs.sort((one, other) => troubled(one) - troubled(other)));
    this.#failing = jobs.filter(([, job]) => isTroubled(job)).length;
    this.fields.text("failures", formatCount(this.#failing));
    this.fields.mark("failures", "tone", this.#failing > 0 ? "bad" : null);
  }
}

/** By its last run: a failure that a later run made good is history. */
const isTroubled = (job) => job.status === "failing";

function fillJob(fields, job) {
  const status = text(job.status, 20) ?? "unknown";
  fields.mark(null, "status", status);
  fields.text("id", text(job.id, 120));
  fields.hint("id", text(job.id, 120));
  fields.text("status", spaced(status));
  fields.age("next", time(job.next_run));
  fields.age("last", time(job.last_run));
  fields.text("duration", formatSeconds(amount(job.last_duration_s)));
  const failures = amount(job.failures) ?? 0;
  const missed = amount(job.missed) ?? 0;
  const counted = [failures > 0 ? `${formatCount(failures)} failed` : "", missed > 0 ? `${formatCount(missed)} missed` : ""];
  fields.optional("counted", counted.filter(Boolean).join(", "));
  const error = isTroubled(job) ? text(job.last_error) : null;
  fields.optional("error", error);
  fields.hint("error", error);
}
