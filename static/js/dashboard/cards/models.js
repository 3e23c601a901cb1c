/** Models and datasets of the Hugging Face hub. */

import { Card } from "../card.js";
import { amount, link, records, text, time } from "../fields.js";
import { formatCount, formatLarge } from "../units.js";

const MAX_ROWS = 40;

export class ModelsCard extends Card {
  #items = this.rows("models", "model-template", 2 * MAX_ROWS, fillItem);

  show(data) {
    this.fields.text("model-count", atLeast(data.total_models, data.models_capped));
    this.fields.text("dataset-count", atLeast(data.total_datasets, data.datasets_capped));
    this.fields.age("refreshed", time(data.last_refresh));
    this.#items.show([
      ...keyed("model", records(data.model_details, MAX_ROWS)),
      ...keyed("dataset", records(data.dataset_details, MAX_ROWS)),
    ]);
  }
}

/** The hub was not read to its end when there were too many. */
const atLeast = (total, capped) => formatCount(amount(total)) + (capped === true ? "+" : "");

function keyed(kind, items) {
  return items.filter((item) => text(item.id) !== null).map((item) => [`${kind} ${item.id}`, { ...item, kind }]);
}

function fillItem(fields, item) {
  fields.mark(null, "kind", item.kind);
  fields.text("id", text(item.id, 120));
  fields.hint("id", text(item.id, 120));
  fields.link("link", link(item.url));
  fields.text("kind", text(item.pipeline_tag, 40) ?? item.kind);
  const downloads = amount(item.downloads);
  fields.optional("downloads", downloads === null ? null : `${formatLarge(downloads)}/month`);
}
