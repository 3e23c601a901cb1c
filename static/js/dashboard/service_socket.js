/**
 * Owns the plain WebSocket: opens it, keeps it, and hands on the updates of the services.
 *
 * It never gives up: a dashboard on a wall has nobody to press a button. Attempts follow each other with growing,
 * jittered delays, or after the delay that a server asks for when it shuts down.
 */

import { parseUtcTime } from "../wire.js";

const OPEN_TIMEOUT_MS = 8000;
const PING_INTERVAL_MS = 10_000;

/** Longer than the shortest service interval and a ping together: then nobody is there, whatever the socket says. */
const SILENCE_MS = 25_000;

/** A server that ends connections sooner than this turns us away, and the next attempt counts as one more. */
const SETTLED_AFTER_MS = 10_000;

const JITTER = 0.3;

const CLOSE_REASONS = {
  1001: "The server went away.",
  1006: "The connection was lost.",
  1008: "The server refused the connection.",
  1009: "The server refused a message as too large.",
  1011: "The server had a fault.",
  1012: "The server restarts.",
  4008: "This browser was too slow for the server.",
};

export class ServiceSocket {
  #url;
  #policy;
  #resumed;
  #listeners;
  #socket = null;
  #positions = new Map();
  #attempt = 0;
  #askedDelayMs = null;
  #openTimer = null;
  #pingTimer = null;
  #retryTimer = null;
  #settledTimer = null;
  #pingedAt = null;
  #heardAt = 0;

  /**
   * @param {string} url The endpoint.
   * @param {() => {delayMs: number, delayMaxMs: number}} policy How fast to try again.
   * @param {Set<string>} resumed Services of which no update may be missed, because an update tells what happened.
   * @param listeners `onPhase({phase, attempt, retryAt, detail})` with phase "connecting" | "connected" | "waiting";
   *   `onUpdate(message)`; `onMissed(message)` for updates before one that was already given;
   *   `onServerTime(ms, roundTripMs)`; `onLatency(ms)`.
   */
  constructor(url, policy, resumed, listeners) {
    this.#url = url;
    this.#policy = policy;
    this.#resumed = resumed;
    this.#listeners = listeners;
  }

  /** Opens it now; does nothing while it is open or being opened. */
  open() {
    if (this.#socket !== null) return;
    clearTimeout(this.#retryTimer);
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    const ifCurrent = (act) => (event) => socket === this.#socket && act(event);
    socket.addEventListener("open", ifCurrent(() => this.#onOpen()));
    socket.addEventListener("message", ifCurrent((event) => this.#onMessage(event.data)));
    socket.addEventListener("close", ifCurrent((event) => this.#onClose(event)));
    this.#openTimer = setTimeout(() => this.#lose("The server does not answer."), OPEN_TIMEOUT_MS);
    this.#listeners.onPhase({ phase: "connecting", attempt: this.#attempt, retryAt: null, detail: "" });
  }

  #onOpen() {
    clearTimeout(this.#openTimer);
    this.#openTimer = null;
    this.#heardAt = performance.now();
    this.#pingTimer = setInterval(() => this.#ping(), PING_INTERVAL_MS);
    this.#settledTimer = setTimeout(() => {
      this.#attempt = 0;
    }, SETTLED_AFTER_MS);
    this.#listeners.onPhase({ phase: "connected", attempt: 0, retryAt: null, detail: "" });
    this.#ping();
  }

  #onClose(event) {
    const wasOpen = this.#openTimer === null;
    const reason = CLOSE_REASONS[event.code] ?? `The connection ended (${event.code}).`;
    this.#lose(wasOpen ? reason : "The server does not answer.");
  }

  /** Takes leave of the socket, which may take minutes to notice, and plans the next attempt. */
  #lose(detail) {
    const socket = this.#socket;
    this.#socket = null;
    this.#pingedAt = null;
    for (const timer of [this.#openTimer, this.#settledTimer]) clearTimeout(timer);
    clearInterval(this.#pingTimer);
    socket.close();
    this.#attempt += 1;
    const { delayMs, delayMaxMs } = this.#policy();
    const grown = Math.min(delayMs * 2 ** Math.min(this.#attempt - 1, 16), delayMaxMs);
    const delay = (this.#askedDelayMs ?? grown) * (1 - JITTER + 2 * JITTER * Math.random());
    this.#askedDelayMs = null;
    this.#retryTimer = setTimeout(() => this.open(), delay);
    this.#listeners.onPhase({ phase: "waiting", attempt: this.#attempt, retryAt: Date.now() + delay, detail });
  }

  #ping() {
    if (performance.now() - this.#heardAt > SILENCE_MS) {
      this.#lose("The server fell silent.");
      return;
    }
    this.#pingedAt = performance.now();
    this.#send({ action: "ping" });
  }

  #send(message) {
    this.#socket.send(JSON.stringify(message));
  }

  #onMessage(frame) {
    this.#heardAt = performance.now();
    let message = null;
    try {
      message = JSON.parse(frame);
    } catch {
      return;
    }
    if (typeof message !== "object" || message === null) return;
    if (message.type === "update") this.#onUpdate(message);
    else if (message.type === "pong") this.#onPong(message);
    else if (message.type === "connection_established") this.#learnTime(message, 0);
    else if (message.type === "error") this.#onError(message);
  }

  #onPong(message) {
    if (this.#pingedAt === null) return;
    const roundTripMs = performance.now() - this.#pingedAt;
    this.#pingedAt = null;
    this.#learnTime(message, roundTripMs);
    this.#listeners.onLatency(roundTripMs);
  }

  #learnTime(message, roundTripMs) {
    const ms = parseUtcTime(message.timestamp);
    if (ms !== null) this.#listeners.onServerTime(ms, roundTripMs);
  }

  #onError(message) {
    const delay = message.data?.reconnect_in_ms;
    if (message.data?.code === "shutting_down" && delay >= 0) {
      this.#askedDelayMs = Math.min(delay, this.#policy().delayMaxMs);
    }
  }

  #onUpdate(message) {
    const { service, epoch, seq } = message;
    if (typeof service !== "string" || !Number.isSafeInteger(seq)) return;
    const known = this.#positions.get(service);
    if (known?.epoch === epoch) {
      if (seq <= known.seq) {
        if (seq < known.seq && message.snapshot !== true) this.#listeners.onMissed(message);
        return;
      }
      if (message.snapshot === true && seq > known.seq + 1 && this.#resumed.has(service)) this.#resume(service, known);
    }
    this.#positions.set(service, { epoch, seq });
    this.#listeners.onUpdate(message);
  }

  /** The endpoint subscribes by itself and begins with the last update; those before it have to be asked for. */
  #resume(service, since) {
    this.#send({ action: "unsubscribe", service });
    this.#send({ action: "subscribe", service, since });
  }
}
