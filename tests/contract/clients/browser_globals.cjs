// Gives Node.js what a browser has, before a program of the documents runs in it: node --require browser_globals.cjs.
// What the program says goes to standard output, a JSON array a line: ["log", ...].
"use strict";

const { WebSocket } = require("ws");

globalThis.WebSocket = class extends WebSocket {
  constructor(...options) {
    super(...options);
    // A browser only reports a connection that fails; ws throws where nobody listens.
    this.on("error", () => {});
  }
};

const plain = (value) => (value?.target instanceof WebSocket ? { type: value.type, message: value.message } : value);

for (const level of ["log", "error"]) {
  console[level] = (...values) => process.stdout.write(`${JSON.stringify([level, ...values.map(plain)])}\n`);
}
