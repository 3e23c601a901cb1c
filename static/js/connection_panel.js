/**
 * The connection panel: the indicator, and the figures of the current connection.
 */

import { byId, setText } from "./dom.js";
import { formatAge, formatLatency, formatTime } from "./format.js";

const PAGE_TITLE = document.title;

export class ConnectionPanel {
  #status = byId("status");
  #statusText = byId("status-text");
  #detail = byId("status-detail");
  #lastMessage = byId("last-message");
  #latency = byId("latency");
  #messageCount = byId("message-count");
  #transport = byId("transport");
  #attempts;
  #count = 0;
  #lastMessageAt = null;

  /** @param {number} attempts The "of n" in "attempt 1 of n". */
  constructor(attempts) {
    this.#attempts = attempts;
  }

  showPhase({ phase, attempt, detail }) {
    const words = this.#words(phase, attempt);
    // To a reader, the first connection is as unfinished as a repeated one: both are yellow.
    this.#status.dataset.state = phase === "connecting" ? "reconnecting" : phase;
    setText(this.#statusText, words);
    setText(this.#detail, detail);
    document.title = phase === "connected" ? PAGE_TITLE : `${words} · ${PAGE_TITLE}`;
    if (phase !== "connected") {
      setText(this.#latency, "–");
      setText(this.#transport, "–");
    }
  }

  showTransport(name) {
    setText(this.#transport, name);
  }

  /** @param {number | null} milliseconds Null when the ping was not answered. */
  showLatency(milliseconds) {
    setText(this.#latency, milliseconds === null ? "no answer" : formatLatency(milliseconds));
  }

  countMessage() {
    this.#count += 1;
    this.#lastMessageAt = new Date();
    setText(this.#messageCount, this.#count.toLocaleString("en-US"));
    this.tick();
  }

  tick() {
    if (this.#lastMessageAt === null) return;
    const age = formatAge((Date.now() - this.#lastMessageAt.getTime()) / 1000);
    setText(this.#lastMessage, `${formatTime(this.#lastMessageAt)} (${age} ago)`);
  }

  #words(phase, attempt) {
    switch (phase) {
      case "connected":
        return "Connected";
      case "connecting":
        return "Connecting";
      case "reconnecting":
        return `Reconnecting (attempt ${attempt} of ${this.#attempts})`;
      default:
        return "Disconnected";
    }
  }
}
