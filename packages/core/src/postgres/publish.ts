import type { Publication } from "../job/publication.ts";
import { sql } from "../statement.ts";
import { type Doing, guarded, pin } from "./change-jobs.ts";
import type { Schema } from "./schema.ts";

export interface PublishInput extends Doing {
  readonly publication: Publication;
}

/** Enqueues one job for each subscription of a topic. */
export const publish = (schema: Schema) => sql<PublishInput>`
select ${schema.publish}(${({ publication }) => publication.topic}::text, ${({ publication }) => publication.payload}::text::json,
  ${({ publication }) => publication.options}::text::json, ${guarded}::text::boolean, ${pin}::text) as answer`;
