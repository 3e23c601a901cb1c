/**
 * What the cards of all services have in common: status, reason, age, and the judgement whether an update is overdue.
 *
 * A subclass says how its payload looks (`show`), and, when an update tells more than the last state, keeps it (`keep`).
 */

import { byId, setSentence, setText } from "../dom.js";
import { formatAge, formatAgeShort } from "../format.js";
import { entries, text, time } from "./fields.js";
import { Fields, KeyedRows } from "./keyed_rows.js";
import { formatMoment, spaced } from "./units.js";

/** How many intervals without an update are too many; one may be late, and one may be lost. */
const OVERDUE_INTERVALS = 2.5;

const MAX_PARTS = 60;

const WORDS = {
  waiting: "Waiting",
  starting: "Starting",
  live: "Live",
  delayed: "Delayed",
  stale: "Stale",
  degraded: "Degraded",
  unconfigured: "Not set up",
  unhealthy: "Unhealthy",
  down: "Down",
  overdue: "Overdue",
  broken: "Unreadable",
};

const STATUSES = new Set(["starting", "live", "delayed", "stale", "degraded", "unconfigured", "down"]);

/** What a card shows of a report that is well about things that are not: the worse of the two. While the service starts,
 * what has not been asked yet is no fault. */
const BETTER_FIRST = ["live", "delayed", "degraded", "starting", "stale", "unhealthy", "down"];

const isWorse = (status, other) => BETTER_FIRST.indexOf(status) > BETTER_FIRST.indexOf(other);

export class Card {
  #clock;
  #onState;
  #pill;
  #standing;
  #parts;
  #message = null;
  #payloadAt = null;
  #openedAt = performance.now();
  #status = "waiting";
  #reason = null;
  #broken = false;
  #shown = "";
  #lists = [];

  /**
   * @param {string} service Whose card it is.
   * @param clock The ServerClock by which ages are counted.
   * @param onState Called without arguments whenever `state` has changed.
   */
  constructor(service, clock, onState) {
    this.service = service;
    this.element = byId(`card-${service}`);
    this.intervalMs = Number(this.element.dataset.interval) * 1000;
    this.fields = new Fields(this.element);
    this.#clock = clock;
    this.#onState = onState;
    this.#pill = this.element.querySelector(".pill");
    this.#standing = this.element.querySelector(".standing");
    this.#parts = this.rows("standing-parts", "part-template", MAX_PARTS, fillPart);
    this.#pill.addEventListener("click", () => this.#toggleStanding());
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.#standing.hidden) this.#toggleStanding();
    });
  }

  /** How the card stands: one of the keys of `WORDS`. */
  get state() {
    return this.#shown || "waiting";
  }

  /** What is wrong in the world that the service reports on, while the report itself is well; or null. */
  get worry() {
    return null;
  }

  get title() {
    return this.element.querySelector(".card__title").textContent;
  }

  /** True when the last payload came from a simulated internet. */
  get isDemo() {
    return this.#message?.data?.demo === true;
  }

  /** Rows in the element of a field; their ages tick with the card. */
  rows(field, templateId, max, fill) {
    const rows = new KeyedRows(this.fields.node(field), templateId, max, fill);
    this.#lists.push(rows);
    return rows;
  }

  /** Takes an update without drawing it: what comes while nobody looks costs no more than the newest one. */
  accept(message) {
    this.#message = message;
    const data = message.data ?? {};
    this.#payloadAt = time(message.timestamp);
    this.#status = STATUSES.has(data.status) ? data.status : "broken";
    this.#reason = text(data.reason);
    this.#guard(() => {
      this.keep(data);
      const found = this.judge(data);
      if (found !== null && BETTER_FIRST.includes(this.#status) && isWorse(found.status, this.#status)) {
        this.#status = found.status;
        this.#reason = [found.reason, this.#reason].filter(Boolean).join("; ");
      }
    });
  }

  /** For what must not be missed although it is not drawn; `data` may be of an update before the last one. */
  keep() {}

  /**
   * How the things are that the service reports on, which its status does not say.
   *
   * @returns {{status: "degraded" | "unhealthy", reason: string} | null} Null when nothing is wrong with them.
   */
  judge() {
    return null;
  }

  /** Draws the payload; ages are drawn by `tick()`. */
  show() {
    throw new Error("a card says how it looks");
  }

  /** Whether there is anything to see; else the card shows its reason in place of its content. */
  hasContent(data) {
    if (data.status === "starting") return entries(data.parts, MAX_PARTS).some(([, part]) => time(part.as_of) !== null);
    return data.status !== "unconfigured" && data.status !== "down";
  }

  /** Draws the last update that was taken. */
  draw() {
    const data = this.#message?.data ?? {};
    this.#guard(() => this.show(data));
    this.#parts.show(entries(data.parts, MAX_PARTS));
    const isEmpty = this.#message === null || this.#broken || !this.hasContent(data);
    this.element.dataset.content = isEmpty ? "none" : "there";
    this.tick();
  }

  /** Lets the ages go on and judges whether an update is overdue; call it every second. */
  tick() {
    const now = this.#clock.now();
    for (const rows of this.#lists) rows.tick(now);
    this.fields.tick(now);
    const isAwaited = this.#status !== "unconfigured";
    const hasAge = isAwaited && this.#payloadAt !== null;
    const ageMs = hasAge ? Math.max(0, now - this.#payloadAt) : performance.now() - this.#openedAt;
    this.fields.text("card-age", hasAge ? formatAgeShort(ageMs / 1000) : "");
    this.#showState(isAwaited && ageMs > OVERDUE_INTERVALS * this.intervalMs, ageMs);
  }

  #guard(act) {
    try {
      act();
      this.#broken = false;
    } catch (error) {
      // one payload that is not what we know must not stop the other cards
      this.#broken = true;
      console.warn(`${this.service}: the update cannot be drawn`, error);
    }
  }

  #showState(isOverdue, ageMs) {
    let state = this.#status;
    let reason = this.#reason;
    if (this.#broken || state === "broken") {
      [state, reason] = ["broken", "The last update cannot be read."];
    } else if (isOverdue) {
      const every = formatAge(this.intervalMs / 1000);
      [state, reason] = ["overdue", `No update for ${formatAgeShort(ageMs / 1000)}; one is due every ${every}.`];
    }
    this.fields.optional("card-reason", state === "live" ? null : reason);
    this.fields.hint("card-reason", state === "live" ? null : reason);
    setSentence(this.fields.node("empty-reason"), reason ?? EMPTY_REASONS[state] ?? "");
    setText(this.fields.node("empty-title"), EMPTY_TITLES[state] ?? WORDS[state]);
    setText(this.fields.node("standing-reason"), reason ?? "All that there is is up to date.");
    setText(this.fields.node("standing-update"), this.#updateSentence());
    if (state === this.#shown) return;
    this.#shown = state;
    this.element.dataset.status = state;
    setText(this.fields.node("card-status"), WORDS[state]);
    this.#onState();
  }

  #updateSentence() {
    const every = `Published every ${formatAge(this.intervalMs / 1000)}`;
    return this.#payloadAt === null ? `${every}; nothing yet.` : `${every}; last at ${formatMoment(this.#payloadAt)}.`;
  }

  #toggleStanding() {
    const opens = this.#standing.hidden;
    this.#standing.hidden = !opens;
    this.#pill.setAttribute("aria-expanded", String(opens));
    if (!opens) this.#pill.focus();
  }
}

/**
 * The judgement of a number of things, some of which are in trouble: at least half of them is what the service itself
 * calls unhealthy.
 */
export function judgeCount(troubled, all, reason) {
  if (!(troubled > 0)) return null;
  return { status: 2 * troubled >= all ? "unhealthy" : "degraded", reason };
}

const EMPTY_TITLES = { starting: "Starting", waiting: "Waiting for the first update", down: "Nothing to show", live: "Nothing to show" };
const EMPTY_REASONS = { waiting: "It comes right after the connection.", unconfigured: "This service has no source." };

function fillPart(fields, part, name) {
  const status = text(part.status, 20) ?? "down";
  fields.mark(null, "status", status);
  fields.text("name", spaced(name));
  fields.text("status", WORDS[status] ?? status);
  fields.text("source", text(part.source, 60));
  fields.age("age", time(part.as_of));
  fields.optional("reason", text(part.reason));
}
