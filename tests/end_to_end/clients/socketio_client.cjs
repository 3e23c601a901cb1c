// A Socket.IO client that a test drives: what happens goes to standard output, a JSON object a line; commands come from
// standard input the same way. Arguments: the address, and the options of io() as JSON.
"use strict";

const readline = require("node:readline");
const { io } = require("socket.io-client");

const [url, options] = process.argv.slice(2);
const socket = io(url, { reconnection: false, forceNew: true, ...JSON.parse(options) });

const tell = (name, data) => process.stdout.write(`${JSON.stringify({ name, data })}\n`);

// not in the handler of connect: the upgrade may be done before it
socket.io.engine.on("upgrade", (transport) => tell("#upgrade", transport.name));
socket.on("connect", () => tell("#connect", socket.io.engine.transport.name));
socket.on("connect_error", (error) => tell("#connect_error", error.message));
socket.on("disconnect", (reason) => tell("#disconnect", reason));
socket.onAny((event, data) => tell(event, data));

readline
  .createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { event, data } = JSON.parse(line);
    socket.emit(event, data, (answer) => tell("#ack", answer));
  })
  .on("close", () => {
    socket.close();
    process.exit(0);
  });
