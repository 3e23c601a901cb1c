/**
 * Turns numbers and times into the words on the page. Computes only; knows no DOM.
 *
 * Callers pass finite numbers: wire.js refuses the others, so "NaN" cannot reach the screen from here.
 */

const LOCALE = "en-US";
const MINUS = "\u2212";

/** From here on digits stop being readable, in a cell or aloud. */
const EXPONENT_FROM = 1e15;

const fixed = new Map();

function fixedFormat(decimals) {
  if (!fixed.has(decimals)) {
    fixed.set(
      decimals,
      new Intl.NumberFormat(LOCALE, { minimumFractionDigits: decimals, maximumFractionDigits: decimals }),
    );
  }
  return fixed.get(decimals);
}

const compact = new Intl.NumberFormat(LOCALE, {
  notation: "compact",
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
});

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/**
 * How many decimals a price of this size gets.
 *
 * Four between 0.1 and 10, so that a stablecoin around 1 shows its deviation and does not change its width there.
 */
export function priceDecimals(price) {
  if (price >= 10) return 2;
  if (price >= 0.1) return 4;
  if (price >= 0.001) return 6;
  return 10;
}

export function formatPrice(price) {
  return price >= EXPONENT_FROM ? price.toExponential(3) : fixedFormat(priceDecimals(price)).format(price);
}

/** With a sign, unless it rounds to zero: "+12.50", "−0.31", "0.00". */
export function formatSigned(value, decimals) {
  const size = Math.abs(value);
  const text = size >= EXPONENT_FROM ? size.toExponential(3) : fixedFormat(decimals).format(size);
  if (!/[1-9]/.test(text)) return text;
  return (value < 0 ? MINUS : "+") + text;
}

/** Which way a signed text points, as the reader sees it: "up", "down" or "flat". */
export function signDirection(signedText) {
  if (signedText.startsWith("+")) return "up";
  return signedText.startsWith(MINUS) ? "down" : "flat";
}

export function formatPercent(value) {
  return `${formatSigned(value, 2)}%`;
}

/** Large amounts in at most seven characters: "32.14B". */
export function formatCompact(value) {
  return value >= EXPONENT_FROM ? value.toExponential(2) : compact.format(value);
}

/** An age in whole seconds as "12s", "3m 05s", "2h 40m" or "5d". */
export function formatAge(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}m ${String(whole % 60).padStart(2, "0")}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours}h ${String(minutes % 60).padStart(2, "0")}m`;
  return `${Math.floor(hours / 24)}d`;
}

/** An age in its largest unit alone, for narrow columns: "12s", "3m", "2h", "5d". */
export function formatAgeShort(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m`;
  if (whole < 48 * 3600) return `${Math.floor(whole / 3600)}h`;
  return `${Math.floor(whole / 86_400)}d`;
}

/** Local time of day: "14:03:07". */
export function formatTime(date) {
  return clock.format(date);
}

/** Local time of day with milliseconds: "14:03:07.041". */
export function formatTimeMs(date) {
  return `${clock.format(date)}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

export function formatLatency(milliseconds) {
  return milliseconds < 1 ? "< 1 ms" : `${Math.round(milliseconds)} ms`;
}

/** The text itself, or its beginning and an ellipsis. */
export function shorten(text, length) {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
