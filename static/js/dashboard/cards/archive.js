/** The archive: how much there is, how fresh it is, and what is being done with it. */

import { Card } from "../card.js";
import { amount, record, records, text, time } from "../fields.js";
import { formatCount, formatLarge, spaced } from "../units.js";

export class ArchiveCard extends Card {
  judge(data) {
    return data.active_writers === 0 ? { status: "degraded", reason: "nothing is being written" } : null;
  }

  show(data) {
    this.fields.text("size", text(data.storage_size, 20));
    this.fields.text("records", formatLarge(amount(data.total_records)));
    this.fields.age("saved", time(data.last_save));
    this.fields.text("pending", formatCount(amount(data.pending_writes)));
    const failed = amount(data.failed_writes);
    this.fields.text("failed", formatCount(failed));
    this.fields.mark("failed", "tone", failed > 0 || data.active_writers === 0 ? "bad" : null);
    this.fields.age("oldest", time(data.oldest_record));
    this.fields.age("backup", time(data.last_backup));
    this.fields.age("export", time(data.last_export));
    const place = text(data.storage_location);
    this.fields.text("place", place);
    this.fields.hint("place", place);
    const [newest] = records(data.tasks, 1);
    this.#showTask(record(newest));
  }

  #showTask(task) {
    const name = text(task.task, 30);
    const done = amount(task.done);
    const total = amount(task.total);
    const isKnown = done !== null && total > 0;
    // what is done or has failed stands among the facts and the parts
    const isGoing = task.state === "running" || task.state === "verifying";
    this.fields.node("task").hidden = !isGoing;
    this.fields.text("task-name", name === null ? null : spaced([name, text(task.state, 20)].filter(Boolean).join(": ")));
    const bar = this.fields.node("task-bar");
    if (isKnown) bar.value = Math.min(1, done / total);
    else bar.removeAttribute("value");
  }
}
