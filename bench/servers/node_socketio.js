// Node with the socket.io package: one room, WebSocket only.
const { createServer } = require('http');
const { Server } = require('socket.io');
const { port, payload, every } = require('./common.js');

const http = createServer();
const io = new Server(http, { transports: ['websocket'], perMessageDeflate: false });
io.on('connection', (socket) => socket.on('subscribe', ({ channel }) => socket.join(channel)));
http.listen(port, '127.0.0.1', 4096);

every(() => io.to('crypto-prices').emit('crypto-prices', payload));
