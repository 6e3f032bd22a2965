import { InvalidDefinitionError } from "../errors.ts";
import { codecIssueOf } from "../job/definition.ts";
import { defineEvent } from "../job/event.ts";
import { defineTopic } from "../job/topic.ts";
import { defineJob } from "../job/type.ts";
import type { Codec } from "./codec.ts";

/** What defines types whose jobs, events and publications are encrypted. */
export interface Definitions {
  readonly defineJob: typeof defineJob;
  readonly defineEvent: typeof defineEvent;
  readonly defineTopic: typeof defineTopic;
}

/**
 * `defineJob`, `defineEvent` and `defineTopic` with a codec for all that an application defines: export them from one
 * place, and none of its types goes without. A definition that names another codec has that.
 *
 * @throws InvalidDefinitionError for what is no codec
 */
export function definitionsWith(options: { readonly codec: Codec }): Definitions {
  const { codec } = Object(options) as { readonly codec?: Codec };
  // Without one all would be stored clear.
  const issue = codec === undefined ? "it got no codec: { codec: aesGcm(…) }." : codecIssueOf(codec);
  if (issue !== undefined) throw new InvalidDefinitionError(`definitionsWith: ${issue}`);
  const withCodec = <Definition extends { readonly codec?: Codec | undefined }>(definition: Definition) =>
    typeof definition === "object" && definition !== null
      ? { ...definition, codec: definition.codec ?? codec }
      : definition;
  return {
    defineJob: (definition) => defineJob(withCodec(definition)),
    defineEvent: (definition) => defineEvent(withCodec(definition)),
    defineTopic: (definition) => defineTopic(withCodec(definition)),
  };
}
