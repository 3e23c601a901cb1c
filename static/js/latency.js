/**
 * Measures the round trip to the server with a `ping` every few seconds, and sets the server clock by the answers.
 */

import { parseServerTime } from "./wire.js";

/** The first second goes to the upgrade from polling, which would be measured instead of the connection. */
const FIRST_AFTER_MS = 1000;
const INTERVAL_MS = 5000;
const TIMEOUT_MS = 5000;

export class LatencyProbe {
  #request;
  #clock;
  #listeners;
  #timer = null;
  #count = 0;

  /**
   * @param request `(event, payload, timeoutMs) => Promise<acknowledgement>`.
   * @param clock The ServerClock to set.
   * @param listeners `onLatency(milliseconds)`, with null when no answer came; `onAck(event, ack)`.
   */
  constructor(request, clock, listeners) {
    this.#request = request;
    this.#clock = clock;
    this.#listeners = listeners;
  }

  start() {
    this.stop();
    this.#schedule(FIRST_AFTER_MS);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  #schedule(delayMs) {
    this.#timer = setTimeout(() => this.#probe(), delayMs);
  }

  async #probe() {
    const timer = this.#timer;
    const sentAt = performance.now();
    let ack = null;
    try {
      ack = await this.#request("ping", { data: (this.#count += 1) }, TIMEOUT_MS);
    } catch {
      // Silence is an answer too: onLatency(null) below.
    }
    if (timer !== this.#timer) return;
    this.#schedule(INTERVAL_MS);
    if (ack === null) {
      this.#listeners.onLatency(null);
      return;
    }
    const roundTripMs = performance.now() - sentAt;
    this.#listeners.onAck("ping", ack);
    this.#listeners.onLatency(roundTripMs);
    const serverTimeMs = parseServerTime(ack);
    if (serverTimeMs !== null) this.#clock.learn(serverTimeMs, roundTripMs);
  }
}
