/**
 * The feed test page: wires the connection to the panels. What each event means is decided here and nowhere else.
 */

import { Connection } from "./connection.js";
import { ConnectionPanel } from "./connection_panel.js";
import { byId, setEnabled, setSentence, setText } from "./dom.js";
import { FeedPanel } from "./feed_panel.js";
import { formatTime } from "./format.js";
import { FrameLog } from "./frame_log.js";
import { LatencyProbe } from "./latency.js";
import { PriceTable } from "./price_table.js";
import { ServerClock } from "./server_clock.js";
import { Subscription } from "./subscription.js";
import { CHANNEL, parseFeedStatus, parseServerError, parseServerTime, parseTickers } from "./wire.js";

function readReconnectPolicy() {
  const { reconnectAttempts, reconnectDelayMs, reconnectDelayMaxMs } = document.body.dataset;
  const positive = (text, fallback) => (Number(text) > 0 ? Number(text) : fallback);
  return {
    attempts: positive(reconnectAttempts, 5),
    delayMs: positive(reconnectDelayMs, 1000),
    delayMaxMs: positive(reconnectDelayMaxMs, 5000),
  };
}

const policy = readReconnectPolicy();
const clock = new ServerClock();
const log = new FrameLog();
const feedPanel = new FeedPanel();
const connectionPanel = new ConnectionPanel(policy.attempts);
const prices = new PriceTable(byId("price-table"), byId("price-rows"), clock);

const buttons = {
  connect: byId("btn-connect"),
  disconnect: byId("btn-disconnect"),
  subscribe: byId("btn-subscribe"),
  unsubscribe: byId("btn-unsubscribe"),
};

let phase = "disconnected";

function showServerError(error) {
  byId("server-error").hidden = error === null;
  const kind = error?.temporary ? "temporary" : "lasting";
  const text = error && `Server error at ${formatTime(new Date())}: ${error.message} (${error.code}, ${kind})`;
  setText(byId("server-error-text"), text ?? "");
}

function showControls() {
  const online = phase === "connected";
  setText(buttons.connect, connection.hasGivenUp ? "Reconnect" : "Connect");
  const subscribed = subscription.state === "subscribed" || subscription.state === "subscribing";
  setEnabled(
    new Map([
      [buttons.unsubscribe, online && subscribed],
      [buttons.subscribe, online && !subscribed],
      [buttons.disconnect, phase !== "disconnected"],
      [buttons.connect, phase === "disconnected"],
    ]),
  );
}

/** Says in the price panel what the reader waits for, or why the prices on the screen stand still. */
function showPricesNote() {
  const online = phase === "connected";
  const subscribed = subscription.state === "subscribed";
  const note = byId("prices-note");
  byId("prices-empty").hidden = !prices.empty;
  note.hidden = prices.empty || (online && subscribed);
  setText(note, online ? "Not subscribed: last prices received" : "Not connected: last prices received");

  let text = "They come right after the subscription, then at every update.";
  if (phase === "disconnected") text = "Not connected.";
  else if (!online) text = "Not connected yet.";
  else if (subscription.state === "none") text = "Not subscribed.";
  else if (feedPanel.trouble) text = feedPanel.trouble;
  setSentence(byId("prices-empty-text"), text);
}

/** Event -> reader of its first argument; each gives the list of what is wrong with it. */
const readers = {
  connected(payload) {
    const serverTimeMs = parseServerTime(payload);
    if (serverTimeMs === null) return ["timestamp is missing"];
    clock.learn(serverTimeMs);
    return [];
  },
  [CHANNEL](payload) {
    const { tickers, problems } = parseTickers(payload);
    prices.show(tickers);
    return problems;
  },
  "feed-status"(payload) {
    const { report, problems } = parseFeedStatus(payload);
    if (report) feedPanel.showReport(report);
    return problems;
  },
  error(payload) {
    const { error, problems } = parseServerError(payload);
    if (error) showServerError(error);
    return problems;
  },
};

function onMessage(event, args) {
  connectionPanel.countMessage();
  const problems = Object.hasOwn(readers, event) ? readers[event](args[0]) : [];
  log.add("received", event, args, problems);
  showPricesNote();
  tick();
}

function onPhase(report) {
  const wasConnected = phase === "connected";
  phase = report.phase;
  connectionPanel.showPhase(report);
  log.add("state", report.attempt ? `${phase} ${report.attempt}/${policy.attempts}` : phase, [report.detail]);
  if (phase === "connected") {
    showServerError(null);
    subscription.connected();
    latency.start();
  } else if (wasConnected) {
    latency.stop();
    subscription.disconnected();
  }
  showControls();
  showPricesNote();
}

function onSubscription(report) {
  feedPanel.showSubscription(report);
  if (phase !== "connected") feedPanel.forgetReport("offline");
  else if (report.state === "none") feedPanel.forgetReport("none");
  else if (report.state === "subscribing") feedPanel.forgetReport("waiting");
  else if (report.state === "subscribed") showServerError(null);
  showControls();
  showPricesNote();
}

function tick() {
  prices.tick();
  connectionPanel.tick();
  feedPanel.tick(prices.oldest());
}

const onAck = (event, ack) => log.add("ack", event, [ack]);

const connection = new Connection(globalThis.io, policy, {
  onPhase,
  onMessage,
  onSent: (event, args) => log.add("sent", event, args),
  onTransport: (name) => connectionPanel.showTransport(name),
});
const request = (event, payload, timeoutMs) => connection.request(event, payload, timeoutMs);
const subscription = new Subscription(CHANNEL, request, {
  onState: onSubscription,
  onAck,
  onRefused: showServerError,
});
const latency = new LatencyProbe(request, clock, {
  onLatency: (milliseconds) => connectionPanel.showLatency(milliseconds),
  onAck,
});

buttons.connect.addEventListener("click", () => connection.open());
buttons.disconnect.addEventListener("click", () => connection.close());
buttons.subscribe.addEventListener("click", () => subscription.subscribe());
buttons.unsubscribe.addEventListener("click", () => subscription.unsubscribe());

// five attempts are over in seconds: whoever looks again, or is online again, should not find the page dead
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) connection.resume();
});
window.addEventListener("online", () => connection.resume());

byId("server-error-dismiss").addEventListener("click", () => {
  showServerError(null);
  byId("prices").focus();
});

setInterval(tick, 1000);
connection.open();
