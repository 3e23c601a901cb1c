/**
 * Owns the Socket.IO connection: opens it, keeps it, and reports its phase in words a page can show.
 *
 * Lost connections are taken up again by the Socket.IO client, a limited number of times with growing, jittered
 * delays. It does so neither after a disconnection that the server asked for nor after a refused handshake; both are
 * ordinary while a server restarts, so they are retried here under the same policy.
 */

const HANDSHAKE_TIMEOUT_MS = 8000;
const JITTER = 0.3;

/** A server that closes connections sooner than this is turning us away, and the next attempt counts as one more. */
const SETTLED_AFTER_MS = 10_000;

const MAX_REASON_LENGTH = 160;

const DISCONNECT_REASONS = {
  "io server disconnect": "The server closed the connection.",
  "ping timeout": "The server fell silent.",
  "transport close": "The connection was lost.",
  "transport error": "The connection broke.",
  "parse error": "The server sent a packet that cannot be read.",
};

export class Connection {
  #socket;
  #policy;
  #listeners;
  #dismissals = 0;
  #retryTimer = null;
  #settledTimer = null;
  #hasGivenUp = false;
  #lastFailure = "";
  #lastReport = "";

  /**
   * @param io The Socket.IO client's entry point.
   * @param {{attempts: number, delayMs: number, delayMaxMs: number}} policy When to give up, and how fast to retry.
   * @param listeners `onPhase({phase, attempt, detail})` with phase "connecting" | "connected" | "reconnecting" |
   *   "disconnected"; `onMessage(event, args)`; `onSent(event, args)`; `onTransport(name)`.
   */
  constructor(io, policy, listeners) {
    this.#policy = policy;
    this.#listeners = listeners;
    this.#socket = io({
      autoConnect: false,
      // Without this the server gives a new connection the prices unasked, and Unsubscribe would not survive a
      // reconnection.
      auth: { defaults: false },
      reconnectionAttempts: policy.attempts,
      reconnectionDelay: policy.delayMs,
      reconnectionDelayMax: policy.delayMaxMs,
      randomizationFactor: JITTER,
      timeout: HANDSHAKE_TIMEOUT_MS,
    });
    this.#socket.on("connect", () => this.#onConnect());
    this.#socket.on("disconnect", (reason) => this.#onDisconnect(reason));
    this.#socket.on("connect_error", (error) => this.#onConnectError(error));
    this.#socket.onAny((event, ...args) => listeners.onMessage(event, args));
    this.#socket.onAnyOutgoing((event, ...args) => listeners.onSent(event, args));
    this.#socket.io.on("reconnect_attempt", (attempt) => this.#reportReconnecting(attempt));
    this.#socket.io.on("reconnect_failed", () => this.#giveUp());
  }

  /** True from the end of the last automatic attempt until the next `open()`. */
  get hasGivenUp() {
    return this.#hasGivenUp;
  }

  get connected() {
    return this.#socket.connected;
  }

  open() {
    this.#hasGivenUp = false;
    this.#dismissals = 0;
    this.#lastFailure = "";
    this.#report("connecting", "Opening the connection.");
    this.#socket.connect();
  }

  /** Opens it again when all attempts have failed; what the user closed stays closed. */
  resume() {
    if (this.#hasGivenUp) this.open();
  }

  /** Closes at the user's wish: nothing is retried until `open()`. */
  close() {
    clearTimeout(this.#retryTimer);
    this.#hasGivenUp = false;
    const wasConnected = this.#socket.connected;
    this.#socket.disconnect();
    if (!wasConnected) this.#report("disconnected", "Closed here. Press Connect to open it again.");
  }

  /**
   * Emits an event and waits for its acknowledgement.
   *
   * Rejects when none comes in time or the connection ends first. Call it only while connected: the client library
   * would keep the event and send it after the next connect, when it may no longer be meant.
   */
  request(event, payload, timeoutMs) {
    return this.#socket.timeout(timeoutMs).emitWithAck(event, payload);
  }

  #onConnect() {
    const { engine } = this.#socket.io;
    this.#listeners.onTransport(engine.transport.name);
    engine.on("upgrade", (transport) => this.#listeners.onTransport(transport.name));
    this.#settledTimer = setTimeout(() => {
      this.#dismissals = 0;
    }, SETTLED_AFTER_MS);
    this.#report("connected", `Session ${this.#socket.id}`);
  }

  #onDisconnect(reason) {
    clearTimeout(this.#settledTimer);
    if (reason === "io client disconnect") {
      this.#report("disconnected", "Closed here. Press Connect to open it again.");
      return;
    }
    this.#lastFailure = DISCONNECT_REASONS[reason] ?? "The connection was lost.";
    if (this.#socket.active) this.#reportReconnecting(1);
    else this.#retryAfterDismissal();
  }

  #onConnectError(error) {
    const message = String(error?.message ?? "").slice(0, MAX_REASON_LENGTH);
    if (this.#socket.active) {
      this.#lastFailure = "The server does not answer.";
      return;
    }
    this.#lastFailure = message ? `The server refused: ${message}` : "The server refused the connection.";
    this.#retryAfterDismissal();
  }

  #retryAfterDismissal() {
    this.#dismissals += 1;
    if (this.#dismissals > this.#policy.attempts) {
      this.#giveUp();
      return;
    }
    const { delayMs, delayMaxMs } = this.#policy;
    const delay = Math.min(delayMs * 2 ** (this.#dismissals - 1), delayMaxMs);
    this.#retryTimer = setTimeout(() => this.#socket.connect(), delay * (1 - JITTER + 2 * JITTER * Math.random()));
    this.#reportReconnecting(this.#dismissals);
  }

  #giveUp() {
    const tries = this.#policy.attempts === 1 ? "1 attempt" : `${this.#policy.attempts} attempts`;
    this.#hasGivenUp = true;
    const next = "Press Reconnect to try again, or come back to this tab later.";
    this.#report("disconnected", `Gave up after ${tries}. ${this.#lastFailure} ${next}`);
  }

  #reportReconnecting(attempt) {
    this.#report("reconnecting", this.#lastFailure, attempt);
  }

  #report(phase, detail, attempt = 0) {
    // A loss and the first attempt after it are told in the same words; once is enough.
    const report = [phase, detail, attempt].join();
    if (report === this.#lastReport) return;
    this.#lastReport = report;
    this.#listeners.onPhase({ phase, detail, attempt });
  }
}
