// Follows the exchange's prices over Socket.IO.
// In a browser: after <script src="http://localhost:5000/static/vendor/socket.io/socket.io.min.js"></script>.
// In Node.js: npm install socket.io-client, then node socketio_client.js [address].
"use strict";

const address = globalThis.process?.argv?.[2] ?? "http://localhost:5000";
const openSocket = globalThis.io ?? require("socket.io-client").io;
const socket = openSocket(address);

// this comes after every reconnect, too
socket.on("connect", () => {
  socket.emit("subscribe", { channel: "crypto-prices" }, (answer) => {
    console.log(answer.ok ? "subscribed" : "refused", JSON.stringify(answer));
  });
});

socket.on("crypto-prices", (coins) => {
  for (const coin of coins) {
    console.log("price", coin.symbol, coin.price, coin.changePercent24h, coin.lastUpdated);
  }
});

socket.on("feed-status", (feed) => console.log("feed", feed.status, feed.reason ?? ""));
socket.on("error", (error) => console.log("error", error.code, error.message));
socket.on("disconnect", (reason) => console.log("disconnected", reason));
