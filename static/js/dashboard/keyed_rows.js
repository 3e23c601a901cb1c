/**
 * Lists of rows that change in place: a row is known by its key, and only what differs in it is written.
 */

import { cloneTemplate, setText } from "../dom.js";
import { formatAgeShort } from "../format.js";
import { NOTHING } from "./units.js";

/** One element with named fields (`data-field`), some of which may be ages that go on by themselves. */
export class Fields {
  #nodes = new Map();
  #since = new Map();

  constructor(element) {
    this.element = element;
    for (const node of element.querySelectorAll("[data-field]")) this.#nodes.set(node.dataset.field, node);
  }

  /** The element of a field. */
  node(name) {
    return this.#nodes.get(name);
  }

  /** Writes a text; null as a dash. */
  text(name, value) {
    setText(this.node(name), value ?? NOTHING);
  }

  /** Writes a text and hides the field without one. */
  optional(name, value) {
    const node = this.node(name);
    const isThere = value !== null && value !== "";
    if (node.hidden === isThere) node.hidden = !isThere;
    if (isThere) setText(node, value);
  }

  /** Shows how long ago a moment was, or how far away it is, from the next `tick()` on. */
  age(name, ms) {
    this.#since.set(name, ms);
  }

  /** Sets a `data-` attribute of a field, or of the element itself when `name` is null. */
  mark(name, attribute, value) {
    const node = name === null ? this.element : this.node(name);
    if (value === null) delete node.dataset[attribute];
    else if (node.dataset[attribute] !== value) node.dataset[attribute] = value;
  }

  /** What the reader sees when a text is cut off, or needs a word more. */
  hint(name, value) {
    const node = name === null ? this.element : this.node(name);
    if (value === null) node.removeAttribute("title");
    else if (node.title !== value) node.title = value;
  }

  /** Leads somewhere, or, with null, nowhere. The address must have passed `link()`. */
  link(name, href) {
    const node = this.node(name);
    if (href === null) node.removeAttribute("href");
    else if (node.getAttribute("href") !== href) node.setAttribute("href", href);
  }

  tick(now) {
    for (const [name, ms] of this.#since) setText(this.node(name), ms === null ? NOTHING : formatAgeShort(Math.abs(now - ms) / 1000));
  }
}

export class KeyedRows {
  #container;
  #templateId;
  #max;
  #fill;
  #rows = new Map();

  /**
   * @param container Where the rows are.
   * @param {string} templateId The `<template>` of a row.
   * @param {number} max How many rows there may be, whatever is sent.
   * @param fill `(fields, item, key)`: writes one item into its row.
   */
  constructor(container, templateId, max, fill) {
    this.#container = container;
    this.#templateId = templateId;
    this.#max = max;
    this.#fill = fill;
  }

  get size() {
    return this.#rows.size;
  }

  /** Shows exactly these items in this order. Of two with the same key the first counts. */
  show(keyed) {
    const wanted = new Map();
    for (const [key, item] of keyed) {
      if (wanted.size >= this.#max) break;
      if (!wanted.has(key)) wanted.set(key, item);
    }
    for (const [key, fields] of this.#rows) {
      if (wanted.has(key)) continue;
      fields.element.remove();
      this.#rows.delete(key);
    }
    let place = this.#container.firstElementChild;
    for (const [key, item] of wanted) {
      let fields = this.#rows.get(key);
      if (!fields) {
        fields = new Fields(cloneTemplate(this.#templateId));
        this.#rows.set(key, fields);
      }
      this.#fill(fields, item, key);
      if (fields.element === place) place = place.nextElementSibling;
      else this.#container.insertBefore(fields.element, place);
    }
  }

  tick(now) {
    for (const fields of this.#rows.values()) fields.tick(now);
  }
}
