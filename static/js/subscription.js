/**
 * Keeps the page subscribed while the user wants it, across reconnections and temporary refusals.
 */

import { parseServerError } from "./wire.js";

const ACK_TIMEOUT_MS = 5000;
const RETRY_AFTER_MS = 5000;

export class Subscription {
  #channel;
  #request;
  #listeners;
  #wanted = true;
  #state = "none";
  #retryTimer = null;
  /** Grows with each request, so that a late answer to an earlier one is recognised and dropped. */
  #turn = 0;

  /**
   * @param request `(event, payload, timeoutMs) => Promise<acknowledgement>`.
   * @param listeners `onState({state, seq})` with state "none" | "subscribing" | "subscribed" | "unsubscribing" and
   *   seq the channel's number at subscription or null; `onAck(event, ack)`; `onRefused({code, message, temporary})`.
   */
  constructor(channel, request, listeners) {
    this.#channel = channel;
    this.#request = request;
    this.#listeners = listeners;
  }

  get state() {
    return this.#state;
  }

  connected() {
    if (this.#wanted) this.subscribe();
  }

  disconnected() {
    this.#turn += 1;
    clearTimeout(this.#retryTimer);
    this.#setState("none");
  }

  subscribe() {
    this.#wanted = true;
    return this.#ask("subscribe", "subscribing", "subscribed");
  }

  unsubscribe() {
    this.#wanted = false;
    return this.#ask("unsubscribe", "unsubscribing", "none");
  }

  async #ask(event, during, after) {
    const before = this.#state;
    const turn = (this.#turn += 1);
    clearTimeout(this.#retryTimer);
    this.#setState(during);
    const refusal = await this.#send(event, turn);
    if (turn !== this.#turn) return;
    if (refusal === null) {
      if (after === "none") this.#setState("none");
      return;
    }
    this.#setState(before === during ? "none" : before);
    this.#listeners.onRefused(refusal);
    if (refusal.temporary && this.#wanted) this.#retryTimer = setTimeout(() => this.subscribe(), RETRY_AFTER_MS);
  }

  /** Gives null when the server agreed, else why not. */
  async #send(event, turn) {
    let ack;
    try {
      ack = await this.#request(event, { channel: this.#channel }, ACK_TIMEOUT_MS);
    } catch {
      return { code: "no_answer", message: `The server did not acknowledge "${event}".`, temporary: true };
    }
    this.#listeners.onAck(event, ack);
    if (ack?.ok === true) {
      if (event === "subscribe" && turn === this.#turn) this.#setState("subscribed", ack.seq);
      return null;
    }
    return (
      parseServerError(ack).error ?? {
        code: "bad_answer",
        message: `The server's answer to "${event}" cannot be read.`,
        temporary: false,
      }
    );
  }

  #setState(state, seq = null) {
    this.#state = state;
    this.#listeners.onState({ state, seq: Number.isSafeInteger(seq) ? seq : null });
  }
}
