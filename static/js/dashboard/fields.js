/**
 * Reads single values out of what the server sends. Whatever stands there, a reader gives a sound value or null.
 *
 * Every field of every payload may be absent, null or of another type; a card shows what is there and a dash for the rest.
 */

import { parseUtcTime } from "../wire.js";

const MAX_TEXT_LENGTH = 300;
const MAX_ITEMS = 500;

/** An object, or an empty one. */
export function record(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

/** The objects of a list, at most `max` of them. */
export function records(value, max = MAX_ITEMS) {
  return list(value, max).filter((item) => typeof item === "object" && item !== null && !Array.isArray(item));
}

/** A list, cut off after `max` items, or an empty one. */
export function list(value, max = MAX_ITEMS) {
  return Array.isArray(value) ? value.slice(0, max) : [];
}

/** The entries of an object whose values are objects, at most `max` of them. */
export function entries(value, max = MAX_ITEMS) {
  return Object.entries(record(value))
    .slice(0, max)
    .map(([name, item]) => [name.slice(0, MAX_TEXT_LENGTH), record(item)]);
}

/** A text that says something, without its ends' blanks and not longer than a card can bear, or null. */
export function text(value, max = MAX_TEXT_LENGTH) {
  if (typeof value !== "string") return null;
  const trimmed = value.trim();
  if (trimmed === "") return null;
  return trimmed.length > max ? `${trimmed.slice(0, max - 1)}…` : trimmed;
}

/** A finite number, or null. */
export function number(value) {
  return Number.isFinite(value) ? value : null;
}

/** A number that is not negative, or null. */
export function amount(value) {
  return Number.isFinite(value) && value >= 0 ? value : null;
}

/** An RFC 3339 time in UTC as milliseconds, or null. */
export const time = parseUtcTime;

/** An http or https address as the browser writes it, or null for all others, such as `javascript:`. */
export function link(value) {
  if (typeof value !== "string") return null;
  try {
    const url = new URL(value);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}
