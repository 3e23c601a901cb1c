/** Articles of the news feeds, newest first. */

import { Card } from "../card.js";
import { link, records, text, time } from "../fields.js";
import { spaced } from "../units.js";

const MAX_ARTICLES = 60;

export class NewsCard extends Card {
  #articles = this.rows("articles", "article-template", MAX_ARTICLES, (fields, item) => this.#fill(fields, item));
  #titles = new Map();

  show(data) {
    const sources = records(data.sources, 40);
    this.#titles = new Map(sources.map((source) => [source.name, text(source.title, 40)]));
    const wanted = sources.filter((source) => source.status !== "unconfigured");
    const live = wanted.filter((source) => source.status === "live");
    this.fields.text("feeds", `${live.length} of ${wanted.length} feeds`);
    this.fields.mark("feeds", "tone", live.length < wanted.length ? "warn" : null);
    const articles = records(data.articles, MAX_ARTICLES);
    this.#articles.show(articles.map((item, index) => [text(item.id, 80) ?? String(item.url ?? index), item]));
    this.fields.optional("empty", articles.length === 0 ? "No articles." : null);
  }

  #fill(fields, item) {
    const title = text(item.title);
    fields.text("title", title ?? "Without a title");
    fields.link("link", link(item.url));
    const source = text(item.source, 40);
    fields.text("source", this.#titles.get(item.source) ?? (source === null ? null : spaced(source)));
    fields.age("age", time(item.published_at) ?? time(item.seen_at));
  }
}
