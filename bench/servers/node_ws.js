// Node with the ws package: a loop of send() over the connected clients.
const { createServer } = require('http');
const { WebSocketServer, WebSocket } = require('ws');
const { port, payload, every } = require('./common.js');

const http = createServer();
const server = new WebSocketServer({ server: http, perMessageDeflate: false });
server.on('connection', (client) => client.on('error', () => {}));
http.listen(port, '127.0.0.1', 4096);

every(() => {
  const message = Buffer.from(JSON.stringify(payload));
  for (const client of server.clients) {
    if (client.readyState === WebSocket.OPEN) client.send(message, { binary: false });
  }
});
