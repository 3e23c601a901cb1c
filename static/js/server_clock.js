/**
 * Tells the server's time, so that ages are right on a computer whose own clock is wrong.
 *
 * Until the first sample it is this computer's time.
 */
export class ServerClock {
  #offsetMs = 0;

  /**
   * Learns from one answer.
   *
   * @param serverTimeMs What the server's clock said, in UTC milliseconds.
   * @param roundTripMs How long question and answer took; the server is taken to have answered half-way.
   */
  learn(serverTimeMs, roundTripMs = 0) {
    this.#offsetMs = serverTimeMs + roundTripMs / 2 - Date.now();
  }

  /** UTC milliseconds. */
  now() {
    return Date.now() + this.#offsetMs;
  }
}
