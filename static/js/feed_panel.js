/**
 * The feed panel and the demo banner: what the server last said about the feed, and whether that still holds.
 */

import { byId, setSentence, setText } from "./dom.js";
import { formatAge, formatTime } from "./format.js";

const STATUS_WORDS = { starting: "Starting", live: "Live", delayed: "Delayed", stale: "Stale", down: "Down" };

/** For reports that come without a reason of their own. */
const DEFAULT_REASONS = {
  starting: "The service has just started.",
  live: "Prices are up to date.",
  delayed: "Some prices are older than they should be.",
  stale: "The prices are old.",
  down: "There are no prices.",
};

const SUBSCRIPTION_WORDS = {
  none: "Not subscribed",
  subscribing: "Subscribing…",
  subscribed: "Subscribed",
  unsubscribing: "Unsubscribing…",
};

const UNKNOWN_REASONS = {
  offline: "Not connected, so the state of the feed is not known.",
  none: "Not subscribed, so the server does not report.",
  waiting: "The server has not reported yet.",
};

export class FeedPanel {
  #status = byId("feed-status");
  #statusText = byId("feed-status-text");
  #reason = byId("feed-reason");
  #source = byId("feed-source");
  #oldest = byId("oldest-age");
  #reported = byId("feed-reported");
  #subscription = byId("subscription");
  #demoBanner = byId("demo-banner");
  #report = null;
  #reportedAtMs = 0;

  /** The server's reason while the feed is anything but live, or null. */
  get trouble() {
    if (this.#report === null || this.#report.status === "live") return null;
    return this.#report.reason ?? DEFAULT_REASONS[this.#report.status];
  }

  showReport(report) {
    this.#report = report;
    this.#reportedAtMs = Date.now();
    this.#status.dataset.status = report.status;
    setText(this.#statusText, STATUS_WORDS[report.status]);
    setSentence(this.#reason, report.reason ?? DEFAULT_REASONS[report.status]);
    setText(this.#source, report.source ?? "–");
    setText(this.#reported, formatTime(new Date(this.#reportedAtMs)));
    this.#demoBanner.hidden = !report.demo;
  }

  /**
   * Withdraws the last report, because nobody would tell us if it changed.
   *
   * The demo banner stays: the prices on the screen are still what they were.
   *
   * @param {"offline" | "none" | "waiting"} cause
   */
  forgetReport(cause) {
    this.#report = null;
    this.#status.dataset.status = "unknown";
    setText(this.#statusText, "Unknown");
    setText(this.#reason, UNKNOWN_REASONS[cause]);
  }

  showSubscription({ state, seq }) {
    this.#subscription.dataset.state = state;
    setText(this.#subscription, SUBSCRIPTION_WORDS[state] + (seq === null ? "" : ` at #${seq}`));
  }

  /**
   * Shows the age of the oldest price on the screen, or, without prices, what the server reported.
   *
   * @param {{symbol: string, ageS: number} | null} oldest
   */
  tick(oldest) {
    if (oldest) {
      setText(this.#oldest, `${formatAge(oldest.ageS)} (${oldest.symbol})`);
    } else if (this.#report?.oldestAgeS != null) {
      setText(this.#oldest, formatAge(this.#report.oldestAgeS + (Date.now() - this.#reportedAtMs) / 1000));
    } else {
      setText(this.#oldest, "–");
    }
  }
}
