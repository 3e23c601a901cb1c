/**
 * The dashboard: wires the connection to the cards.
 *
 * Updates are taken as they come and drawn with the next frame, so a hidden tab, which has no frames, keeps the newest
 * update of each service and draws nothing.
 */

import { ServerClock } from "../server_clock.js";
import { ArchiveCard } from "./cards/archive.js";
import { ExplorersCard, OnchainCard } from "./cards/chains.js";
import { ConnectionsCard } from "./cards/connections.js";
import { JobsCard } from "./cards/jobs.js";
import { ModelsCard } from "./cards/models.js";
import { NewsCard } from "./cards/news.js";
import { NodesCard } from "./cards/nodes.js";
import { PoolsCard } from "./cards/pools.js";
import { PricesCard } from "./cards/prices.js";
import { ProvidersCard } from "./cards/providers.js";
import { SentimentCard } from "./cards/sentiment.js";
import { WhalesCard } from "./cards/whales.js";
import { ChartPanel } from "./chart_panel.js";
import { Overview } from "./overview.js";
import { ServiceSocket } from "./service_socket.js";

const SERVICE_CARDS = {
  explorers: ExplorersCard,
  onchain: OnchainCard,
  news: NewsCard,
  sentiment: SentimentCard,
  whale_tracking: WhalesCard,
  rpc_nodes: NodesCard,
  health_checker: ProvidersCard,
  pool_manager: PoolsCard,
  scheduler: JobsCard,
  huggingface: ModelsCard,
  persistence: ArchiveCard,
};

/** Their updates tell what happened since the one before. */
const TOLD_ONCE = new Set(["market_data", "rpc_nodes"]);

function reconnectPolicy() {
  const { reconnectDelayMs, reconnectDelayMaxMs } = document.body.dataset;
  return { delayMs: Number(reconnectDelayMs) || 1000, delayMaxMs: Number(reconnectDelayMaxMs) || 30_000 };
}

const clock = new ServerClock();
const onState = () => overview.showStates();

const prices = new PricesCard("market_data", clock, onState, {
  onPick: (symbol) => chart.pick(symbol),
  onPrice: (symbol, price, ms) => chart.add(symbol, price, ms),
});
const cards = new Map([["market_data", prices]]);
for (const [service, CardOfService] of Object.entries(SERVICE_CARDS)) {
  cards.set(service, new CardOfService(service, clock, onState));
}
const connections = new ConnectionsCard("connections", clock, onState);
const chart = new ChartPanel(clock, (symbol) => prices.pick(symbol));

const waiting = new Set();
let frame = null;

function drawWaiting() {
  frame = null;
  for (const card of waiting) card.draw();
  if (waiting.has(prices)) chart.draw();
  waiting.clear();
  overview.showStates();
}

function onUpdate(message) {
  const card = cards.get(message.service);
  if (!card) return;
  overview.countUpdate();
  card.accept(message);
  waiting.add(card);
  frame ??= requestAnimationFrame(drawWaiting);
}

let wasConnected = false;

function onPhase(report) {
  overview.showPhase(report);
  if (report.phase !== "connected") return;
  // the archive has what came while nobody was connected
  if (wasConnected) chart.reload();
  wasConnected = true;
}

const address = new URL("/ws/all", location.href);
address.protocol = address.protocol.replace("http", "ws");

const socket = new ServiceSocket(address.href, reconnectPolicy, TOLD_ONCE, {
  onPhase,
  onUpdate,
  onMissed: (message) => cards.get(message.service)?.keep(message.data ?? {}),
  onServerTime: (ms, roundTripMs) => clock.learn(ms, roundTripMs),
  onLatency: (milliseconds) => overview.showLatency(milliseconds),
});
const overview = new Overview([...cards.values()], () => socket.open());

let ticks = 0;

function tick() {
  if (document.hidden) return;
  for (const card of cards.values()) card.tick();
  connections.tick();
  overview.tick();
  if (ticks % (connections.intervalMs / 1000) === 0) connections.ask();
  if (ticks % 10 === 0) chart.tick();
  ticks += 1;
}

setInterval(tick, 1000);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  ticks = 0;
  socket.open();
  tick();
});
window.addEventListener("online", () => socket.open());

chart.pick("BTC");
for (const card of cards.values()) card.draw();
connections.draw();
socket.open();
tick();
