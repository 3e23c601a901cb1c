// A dashboard's connection over a plain WebSocket.
// In a browser: as it is. In Node.js: npm install ws, then node dashboard_client.js [address].
"use strict";

const WebSocketClass = globalThis.WebSocket ?? require("ws");

class DashboardClient {
  constructor(address, services) {
    this.address = address;
    this.services = services;
    this.latest = {}; // service -> its last data
  }

  connect() {
    this.socket = new WebSocketClass(this.address);
    this.socket.onopen = () => {
      this.socket.send(JSON.stringify({ action: "subscribe", services: this.services }));
    };
    this.socket.onmessage = (event) => this.onMessage(JSON.parse(event.data));
    this.socket.onerror = () => console.log("connection failed", this.address);
    this.socket.onclose = (event) => console.log("closed", event.code, event.reason);
  }

  onMessage(message) {
    if (message.type === "connection_established") {
      console.log("connected as", message.client_id);
    } else if (message.type === "update") {
      this.latest[message.service] = message.data;
      console.log("update", message.service, message.seq, message.data.status, message.data.reason ?? "");
    } else if (message.type === "error") {
      console.log("error", message.data.code, message.data.message);
    }
  }
}

const dashboard = new DashboardClient(globalThis.process?.argv?.[2] ?? "ws://localhost:7860/ws/master", [
  "market_data",
  "news",
  "health_checker",
]);
dashboard.connect();
