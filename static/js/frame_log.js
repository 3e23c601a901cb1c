/**
 * The log of frames, newest first, bounded in number and in size.
 */

import { byId, cloneTemplate, setText } from "./dom.js";
import { formatTimeMs, shorten } from "./format.js";

const MAX_FRAMES = 50;
const MAX_EVENT_LENGTH = 40;
const MAX_PREVIEW_LENGTH = 160;
const MAX_PAYLOAD_LENGTH = 4000;

const DIRECTIONS = {
  received: { glyph: "↓", word: "received" },
  sent: { glyph: "↑", word: "sent" },
  ack: { glyph: "↵", word: "acknowledged" },
  state: { glyph: "·", word: "state" },
};

function toJson(args, indent) {
  return args.map((arg) => JSON.stringify(arg, null, indent) ?? String(arg)).join(indent ? "\n" : ", ");
}

function payloadText(args) {
  const text = toJson(args, 2);
  if (text.length <= MAX_PAYLOAD_LENGTH) return text;
  return `${text.slice(0, MAX_PAYLOAD_LENGTH)}\n… and ${text.length - MAX_PAYLOAD_LENGTH} characters more`;
}

export class FrameLog {
  #list = byId("frame-log");
  #waitingNote = byId("log-waiting");
  #pauseButton = byId("log-pause");
  #pingsBox = byId("log-pings");
  #waiting = [];
  #waitingCount = 0;
  #paused = false;
  #drawing = false;

  constructor() {
    this.#pauseButton.addEventListener("click", () => this.#setPaused(!this.#paused));
    byId("log-clear").addEventListener("click", () => this.#clear());
  }

  /**
   * Notes one frame.
   *
   * @param {"received" | "sent" | "ack" | "state"} direction
   * @param {string} event
   * @param {unknown[]} args Its payload; its text is kept, cut to a bound, not the values.
   * @param {string[]} problems Why it was ignored in part or as a whole; empty when it was sound.
   */
  add(direction, event, args, problems = []) {
    if (event === "ping" && !this.#pingsBox.checked) return;
    this.#waiting.push({
      direction,
      event: shorten(event, MAX_EVENT_LENGTH),
      at: new Date(),
      preview: shorten(direction === "state" ? args.join(" ") : toJson(args), MAX_PREVIEW_LENGTH),
      payload: direction === "state" ? args.join(" ") : payloadText(args),
      problems,
    });
    this.#waitingCount += 1;
    if (this.#waiting.length > MAX_FRAMES) this.#waiting.shift();
    if (this.#paused) this.#showWaiting();
    else this.#drawSoon();
  }

  /** A burst of frames costs one drawing; a hidden tab, where no frame is drawn, holds the last fifty. */
  #drawSoon() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      if (!this.#paused) this.#draw();
    });
  }

  #draw() {
    for (const frame of this.#waiting) this.#list.prepend(this.#element(frame));
    this.#forgetWaiting();
    while (this.#list.childElementCount > MAX_FRAMES) this.#list.lastElementChild.remove();
  }

  #element(frame) {
    const item = cloneTemplate("frame-template");
    const { glyph, word } = DIRECTIONS[frame.direction];
    const part = (name) => item.querySelector(`.frame__${name}`);
    item.dataset.direction = frame.direction;
    item.dataset.event = frame.event;
    setText(part("direction"), glyph);
    part("direction").title = word;
    part("direction").setAttribute("role", "img");
    part("direction").setAttribute("aria-label", word);
    part("time").dateTime = frame.at.toISOString();
    setText(part("time"), formatTimeMs(frame.at));
    setText(part("event"), frame.event);
    setText(part("preview"), frame.preview);
    setText(part("payload"), frame.payload || "no payload");
    if (frame.problems.length > 0) {
      item.dataset.malformed = "";
      setText(part("problem"), `Malformed: ${frame.problems.join("; ")}`);
      setText(part("preview"), `malformed: ${frame.problems[0]}`);
    } else {
      part("problem").remove();
    }
    return item;
  }

  #setPaused(paused) {
    this.#paused = paused;
    this.#pauseButton.setAttribute("aria-pressed", String(paused));
    setText(this.#pauseButton, paused ? "Resume" : "Pause");
    if (paused) this.#showWaiting();
    else this.#draw();
  }

  #showWaiting() {
    const count = this.#waitingCount;
    setText(this.#waitingNote, count === 1 ? "Paused. 1 new frame." : `Paused. ${count} new frames.`);
    this.#waitingNote.hidden = false;
  }

  #clear() {
    this.#list.replaceChildren();
    this.#forgetWaiting();
    if (this.#paused) this.#showWaiting();
  }

  #forgetWaiting() {
    this.#waiting = [];
    this.#waitingCount = 0;
    this.#waitingNote.hidden = true;
  }
}
