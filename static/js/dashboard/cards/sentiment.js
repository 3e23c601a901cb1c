/** Mood of the market: one score, what it is made of, and what people talk about. */

import { formatPercent, signDirection } from "../../format.js";
import { Card } from "../card.js";
import { amount, entries, number, records, text } from "../fields.js";
import { formatCount, spaced } from "../units.js";

const MAX_SOURCES = 8;
const MAX_TOPICS = 24;

const MOODS = { bullish: "good", neutral: "flat", bearish: "bad" };

export class SentimentCard extends Card {
  #sources = this.rows("sources", "mood-template", MAX_SOURCES, fillSource);
  #topics = this.rows("topics", "topic-template", MAX_TOPICS, fillTopic);

  show(data) {
    const score = amount(data.sentiment_score);
    const mood = text(data.overall_sentiment, 20);
    this.fields.text("mood", mood);
    this.fields.mark("mood", "tone", MOODS[mood] ?? "flat");
    this.fields.text("score", score === null ? null : score.toFixed(2));
    placeOnScale(this.fields.node("scale"), score);
    this.fields.text("volume", formatCount(amount(data.social_volume)));
    this.#sources.show(entries(data.source_details, MAX_SOURCES));
    this.#topics.show(
      records(data.trending_topic_details, MAX_TOPICS).map((topic, index) => [`${topic.topic} ${topic.symbol ?? index}`, topic]),
    );
  }
}

function placeOnScale(node, score) {
  node.style.setProperty("--score", score === null ? 0.5 : Math.min(1, score));
  node.dataset.known = String(score !== null);
}

function fillSource(fields, source, name) {
  const score = amount(source.score);
  const label = text(source.label, 30);
  fields.text("name", spaced(name));
  fields.text("score", score === null ? null : score.toFixed(2));
  fields.hint("name", label === null ? null : `${spaced(name)}: ${label}`);
  placeOnScale(fields.node("scale"), score);
  fields.mark(null, "status", text(source.status, 20));
}

function fillTopic(fields, topic) {
  const change = number(topic.change_percent_24h);
  const mentions = amount(topic.mentions);
  const written = change === null ? null : formatPercent(change);
  fields.text("topic", text(topic.topic, 40));
  fields.optional("change", written);
  fields.mark("change", "direction", written === null ? "flat" : signDirection(written));
  fields.optional("mentions", mentions > 0 ? `×${formatCount(mentions)}` : null);
  fields.hint("mentions", mentions > 0 ? `named in ${formatCount(mentions)} headlines` : null);
}
