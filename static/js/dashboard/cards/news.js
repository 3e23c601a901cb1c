/** Articles of the news feeds, newest first. */

import { Card } from "../card.js";
import { link, records, text, time } from "../fields.js";

const MAX_ARTICLES = 60;

export class NewsCard extends Card {
  #articles = this.rows("articles", "article-template", MAX_ARTICLES, fillArticle);

  show(data) {
    const wanted = records(data.source_details, 40).filter((source) => source.status !== "unconfigured");
    const live = wanted.filter((source) => source.status === "live");
    this.fields.text("feeds", `${live.length} of ${wanted.length} feeds`);
    this.fields.mark("feeds", "tone", live.length < wanted.length ? "warn" : null);
    const articles = records(data.articles, MAX_ARTICLES);
    this.#articles.show(articles.map((item, index) => [text(item.id, 80) ?? String(item.url ?? index), item]));
    this.fields.optional("empty", articles.length === 0 ? "No articles." : null);
  }
}

function fillArticle(fields, item) {
  const title = text(item.title);
  fields.text("title", title ?? "Without a title");
  fields.link("link", link(item.url));
  fields.text("source", text(item.source, 40));
  fields.age("age", time(item.published_at));
}
