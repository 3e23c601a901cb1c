/**
 * Reads what the server sends: gives checked values, or says what is wrong with them.
 *
 * Everything that reaches the screen passes through here. A parser never throws and never repairs: what does not fit
 * is left out and named in `problems`.
 */

export const CHANNEL = "crypto-prices";

/** The service has ten coins; far more than that is not a price list, and would grow the page without bound. */
const MAX_TICKERS = 50;
const MAX_SYMBOL_LENGTH = 16;
const MAX_TEXT_LENGTH = 300;
const MAX_PROBLEMS = 5;

const FEED_STATUSES = new Set(["starting", "live", "delayed", "stale", "down"]);
const UTC_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value) => typeof value === "string" && value.trim() !== "";
const clip = (text) => text.slice(0, MAX_TEXT_LENGTH);

/** An RFC 3339 time that ends in `Z` as UTC milliseconds, or null. */
export function parseUtcTime(value) {
  const time = typeof value === "string" && UTC_TIME.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(time) ? null : time;
}

function parseTicker(item) {
  if (!isObject(item)) return { problem: "is not an object" };
  if (!isText(item.symbol) || item.symbol.length > MAX_SYMBOL_LENGTH) return { problem: "has no usable symbol" };
  if (!isText(item.name)) return { problem: `${item.symbol}: name is missing` };
  for (const key of ["price", "change24h", "changePercent24h", "volume24h", "marketCap"]) {
    if (!Number.isFinite(item[key])) return { problem: `${item.symbol}: ${key} is not a number` };
  }
  if (item.price <= 0) return { problem: `${item.symbol}: price is not positive` };
  for (const key of ["volume24h", "marketCap"]) {
    if (item[key] < 0) return { problem: `${item.symbol}: ${key} is negative` };
  }
  const updatedAt = parseUtcTime(item.lastUpdated);
  if (updatedAt === null) return { problem: `${item.symbol}: lastUpdated is not a UTC time` };
  return {
    ticker: {
      symbol: item.symbol,
      name: clip(item.name),
      price: item.price,
      change: item.change24h,
      changePercent: item.changePercent24h,
      volume: item.volume24h,
      marketCap: item.marketCap,
      updatedAt,
    },
  };
}

/**
 * Reads one `crypto-prices` message.
 *
 * @returns {{tickers: object[], problems: string[]}} The sound tickers in the order sent; `updatedAt` is in UTC
 *   milliseconds. A bad item costs only itself.
 */
export function parseTickers(payload) {
  if (!Array.isArray(payload)) return { tickers: [], problems: ["not an array"] };
  const tickers = [];
  const problems = [];
  if (payload.length > MAX_TICKERS) problems.push(`${payload.length} items, only ${MAX_TICKERS} read`);
  payload.slice(0, MAX_TICKERS).forEach((item, index) => {
    const { ticker, problem } = parseTicker(item);
    if (ticker) tickers.push(ticker);
    else if (problems.length < MAX_PROBLEMS) problems.push(`item ${index} ${problem}`);
  });
  return { tickers, problems };
}

/** Reads one `feed-status` message; `report` is null when it is malformed or about another channel. */
export function parseFeedStatus(payload) {
  if (!isObject(payload)) return { report: null, problems: ["not an object"] };
  if (payload.channel !== CHANNEL) {
    return { report: null, problems: typeof payload.channel === "string" ? [] : ["channel is missing"] };
  }
  if (!FEED_STATUSES.has(payload.status)) return { report: null, problems: ["status is unknown"] };
  if (typeof payload.demo !== "boolean") return { report: null, problems: ["demo is neither true nor false"] };
  const age = payload.oldestAgeSeconds;
  return {
    report: {
      status: payload.status,
      reason: isText(payload.reason) ? clip(payload.reason) : null,
      demo: payload.demo,
      source: isText(payload.source) ? clip(payload.source) : null,
      oldestAgeS: Number.isFinite(age) && age >= 0 ? age : null,
    },
    problems: [],
  };
}

/** Reads an `error` event or a refusing acknowledgement. */
export function parseServerError(payload) {
  if (!isObject(payload) || !isText(payload.code) || !isText(payload.message)) {
    return { error: null, problems: ["code or message is missing"] };
  }
  return {
    error: { code: clip(payload.code), message: clip(payload.message), temporary: payload.temporary === true },
    problems: [],
  };
}

/** The server's time in an acknowledgement or a greeting, in UTC milliseconds; null when it has none. */
export function parseServerTime(payload) {
  return isObject(payload) ? parseUtcTime(payload.timestamp) : null;
}
