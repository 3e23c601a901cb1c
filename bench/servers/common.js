// What the JavaScript peers share: their settings, and broadcasts at a fixed interval.
const fs = require('fs');

const { BENCH_PORT, BENCH_INTERVAL, BENCH_PAYLOAD } = process.env;

module.exports = {
  port: Number(BENCH_PORT),
  // as values: each broadcast is encoded anew, as it would be with fresh prices
  payload: JSON.parse(fs.readFileSync(BENCH_PAYLOAD, 'utf8')),
  every(broadcast) {
    const interval = Number(BENCH_INTERVAL) * 1000;
    let next = performance.now() + interval;
    const wake = () => {
      broadcast();
      next += interval;
      setTimeout(wake, Math.max(0, next - performance.now()));
    };
    setTimeout(wake, interval);
  },
};
