// Follows services over a plain WebSocket for good.
// After a lost connection it comes back with exponential back-off and jitter, and resumes with "since": what it missed
// is replayed. When that is not possible (it was away for long, or the service was restarted), onUpdate is told of the gap.
// In a browser: as it is. In Node.js: npm install ws, then node reconnecting_client.js [address] [service ...].
"use strict";

const WebSocketClass = globalThis.WebSocket ?? require("ws");

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
const PING_INTERVAL_MS = 15_000;
const SILENCE_MS = 40_000;

class ReconnectingClient {
  constructor(address, services, onUpdate) {
    this.address = address;
    this.services = services;
    this.onUpdate = onUpdate;
    this.positions = new Map(); // service -> { epoch, seq } of its last update
    this.recovered = new Set(); // services of which the next update follows the last, whatever its number
    this.failures = 0;
    this.askedWait = null;
  }

  connect() {
    const socket = new WebSocketClass(this.address);
    this.socket = socket;
    this.heardAt = Date.now();
    // a page sees no protocol pings, so a connection that died in silence is found by our own
    const pings = setInterval(() => this.ping(socket), PING_INTERVAL_MS);
    socket.onopen = () => this.services.forEach((service) => this.subscribe(service));
    socket.onmessage = (event) => this.onMessage(JSON.parse(event.data));
    socket.onerror = () => {}; // "close" follows
    socket.onclose = (event) => {
      clearInterval(pings);
      if (socket === this.socket) this.reconnect(`closed with ${event.code}`);
    };
  }

  reconnect(reason) {
    this.socket = null;
    // jitter, or all clients of a restarted service would come back in the same moment
    const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.failures) * (0.5 + Math.random() / 2);
    this.failures += 1;
    console.log("connection lost:", reason);
    setTimeout(() => this.connect(), this.askedWait ?? delay);
    this.askedWait = null;
  }

  subscribe(service) {
    this.send({ action: "subscribe", service, since: this.positions.get(service) });
  }

  ping(socket) {
    if (Date.now() - this.heardAt > SILENCE_MS) {
      socket.close(); // on a dead network "close" would come late, so we do not wait for it
      if (socket === this.socket) this.reconnect("silence");
    } else if (socket.readyState === WebSocketClass.OPEN) {
      this.send({ action: "ping" });
    }
  }

  send(request) {
    this.socket.send(JSON.stringify(request));
  }

  onMessage(message) {
    this.heardAt = Date.now();
    this.failures = 0;
    if (message.type === "update") {
      const before = this.positions.get(message.service);
      const isNext = before === undefined || (message.epoch === before.epoch && message.seq === before.seq + 1);
      const isGap = !this.recovered.delete(message.service) && !isNext;
      this.positions.set(message.service, { epoch: message.epoch, seq: message.seq });
      this.onUpdate(message, isGap);
    } else if (message.type === "subscription_confirmed") {
      if (message.data.recovered) this.recovered.add(message.data.service);
    } else if (message.type === "error") {
      console.log("error", message.data.code, message.data.message);
      if (message.data.code === "shutting_down") this.askedWait = message.data.reconnect_in_ms;
    }
  }
}

const [address = "ws://localhost:7860/ws", ...services] = globalThis.process?.argv?.slice(2) ?? [];
const client = new ReconnectingClient(address, services.length ? services : ["market_data"], (message, isGap) => {
  console.log("update", message.service, message.epoch, message.seq, isGap ? "after a gap" : "");
});
client.connect();
