/**
 * Writes figures of machines and chains in the units in which people compare them. Null becomes a dash.
 */

import { formatCompact, formatPrice, formatTime } from "../format.js";

export const NOTHING = "–";

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

const DAY_MS = 86_400_000;
const HASH_UNITS = ["H/s", "kH/s", "MH/s", "GH/s", "TH/s", "PH/s", "EH/s", "ZH/s"];

const orNothing = (write) => (value) => (value === null ? NOTHING : write(value));

/** A count with all its digits: "26,469,877". */
export const formatCount = orNothing((value) => whole.format(value));

/** A large figure in at most seven characters: "113.87T". */
export const formatLarge = orNothing((value) => (Math.abs(value) < 10_000 ? short.format(value) : formatCompact(value)));

/** US dollars in at most eight characters: "$32.14B". */
export const formatDollars = orNothing((value) =>
  value < 10_000 ? `$${formatPrice(value)}` : `$${formatCompact(value)}`,
);

/** Hashes a second: "794 EH/s". */
export const formatHashRate = orNothing((value) => {
  const step = Math.max(0, Math.min(HASH_UNITS.length - 1, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  return `${short.format(value / 1000 ** step)} ${HASH_UNITS[step]}`;
});

/** A share between 0 and 1 as "97.5%". */
export const formatShare = orNothing((value) => `${short.format(value * 100)}%`);

/** A share given in percent already. */
export const formatPercentage = orNothing((value) => `${short.format(value)}%`);

/** How long something took: "85 ms", "2.4 s". */
export const formatMillis = orNothing((value) =>
  value < 1000 ? `${value < 10 ? short.format(value) : Math.round(value)} ms` : `${short.format(value / 1000)} s`,
);

export const formatSeconds = orNothing((value) => formatMillis(value * 1000));

/** The time of day of today, or the day and the time. */
export const formatMoment = orNothing((ms) => {
  const date = new Date(ms);
  return Math.abs(Date.now() - ms) < DAY_MS / 2 ? formatTime(date) : `${day.format(date)}, ${formatTime(date).slice(0, 5)}`;
});

/** Names of machines as people read them: "not_found" as "not found". */
export const spaced = (name) => name.replaceAll("_", " ");

/** A long hash or address by its ends. */
export function formatAddress(address) {
  return address.length <= 14 ? address : `${address.slice(0, 7)}…${address.slice(-5)}`;
}
