// Bun with its own WebSocket server, which keeps the list of subscribers and loops over it in native code.
const { port, payload, every } = require('./common.js');

const server = Bun.serve({
  port,
  hostname: '127.0.0.1',
  fetch: (request, self) => (self.upgrade(request) ? undefined : new Response('', { status: 400 })),
  websocket: {
    perMessageDeflate: false,
    idleTimeout: 0,
    open: (client) => client.subscribe('market_data'),
    message: () => {},
  },
});

every(() => server.publish('market_data', JSON.stringify(payload)));
