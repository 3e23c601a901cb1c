/**
 * What stands above the cards: the connection, the banners, and how all services stand at a glance.
 */

import { byId, setText } from "../dom.js";
import { formatLatency, formatTime } from "../format.js";

const PAGE_TITLE = document.title;

const CALM = new Set(["live", "waiting", "starting", "unconfigured"]);

function summaryTone(counts, worries) {
  if (counts.trouble > 0) return "bad";
  if (worries.length > 0) return "warn";
  return counts.waiting + counts.starting > 0 ? "flat" : "good";
}

const PHASE_WORDS = { connecting: "Connecting", connected: "Connected", waiting: "Disconnected" };

export class Overview {
  #cards;
  #chips = new Map();
  #phase = { phase: "connecting", attempt: 0, retryAt: null, detail: "" };
  #lastUpdateAt = null;
  #trouble = 0;

  /** @param cards Those that are counted. */
  constructor(cards, onRetry) {
    this.#cards = cards;
    for (const chip of document.querySelectorAll(".strip [data-service]")) this.#chips.set(chip.dataset.service, chip);
    byId("retry-now").addEventListener("click", onRetry);
  }

  showPhase(report) {
    this.#phase = report;
    const { phase, attempt } = report;
    const isLost = phase === "waiting" || (phase === "connecting" && attempt > 0);
    byId("connection").dataset.phase = phase;
    setText(byId("connection-text"), attempt > 0 && phase === "connecting" ? "Reconnecting" : PHASE_WORDS[phase]);
    if (phase !== "connected") setText(byId("latency"), "");
    document.body.dataset.connection = isLost ? "lost" : phase;
    byId("lost-banner").hidden = !isLost;
    const since = this.#lastUpdateAt === null ? "Nothing has come yet." : `The figures are those of ${formatTime(this.#lastUpdateAt)}.`;
    if (phase === "waiting") setText(byId("lost-text"), `${report.detail} ${since}`);
    this.showStates();
    this.tick();
  }

  showLatency(milliseconds) {
    setText(byId("latency"), formatLatency(milliseconds));
  }

  countUpdate() {
    this.#lastUpdateAt = new Date();
  }

  /** Counts the services by how they stand. */
  showStates() {
    const counts = { live: 0, trouble: 0, unconfigured: 0, starting: 0, waiting: 0 };
    for (const card of this.#cards) {
      const { state } = card;
      counts[CALM.has(state) ? state : "trouble"] += 1;
      const chip = this.#chips.get(card.service);
      if (chip && chip.dataset.status !== state) {
        chip.dataset.status = state;
        chip.setAttribute("aria-label", `${card.title}: ${state}`);
      }
    }
    const told = [
      [counts.live, "live"],
      [counts.trouble, counts.trouble === 1 ? "needs attention" : "need attention"],
      [counts.unconfigured, "not set up"],
      [counts.starting, "starting"],
      [counts.waiting, "waiting"],
    ];
    const services = told.filter(([count]) => count > 0).map(([count, words]) => `${count} ${words}`);
    const worries = this.#cards.map((card) => card.worry).filter((worry) => worry !== null);
    const known = [...services, ...worries].join(" · ");
    setText(byId("summary"), document.body.dataset.connection === "lost" ? `Last known: ${known}` : known);
    byId("summary").dataset.tone = summaryTone(counts, worries);
    byId("demo-banner").hidden = !this.#cards.some((card) => card.isDemo);
    this.#trouble = counts.trouble;
    this.#showTitle();
  }

  tick() {
    const { phase, retryAt, attempt } = this.#phase;
    if (phase === "waiting") {
      const seconds = Math.max(1, Math.ceil((retryAt - Date.now()) / 1000));
      setText(byId("lost-next"), `Attempt ${attempt} in ${seconds} s`);
    } else if (phase === "connecting" && attempt > 0) {
      setText(byId("lost-next"), `Attempt ${attempt} …`);
    }
  }

  #showTitle() {
    let title = PAGE_TITLE;
    if (document.body.dataset.connection === "lost") title = `Disconnected · ${PAGE_TITLE}`;
    else if (this.#trouble > 0) title = `(${this.#trouble}) ${PAGE_TITLE}`;
    if (document.title !== title) document.title = title;
  }
}
