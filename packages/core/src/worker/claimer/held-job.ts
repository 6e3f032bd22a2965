import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { ActiveJob } from "../../handler/handler.ts";
import type { JobType } from "../../job/type.ts";

/** Any job type, whatever its payload and its result: what `defineJob` returned. */
export interface AnyJobType extends Pick<JobType, "name" | "version" | "queue"> {
  readonly schema: StandardSchemaV1;
  readonly resultSchema: StandardSchemaV1 | undefined;
}

declare const resultType: unique symbol;

/** A job that a claimer has claimed, and nobody has settled yet: what a handler would be given. */
export interface HeldJob<Payload = unknown, Result = unknown> extends ActiveJob<Payload> {
  /** For the compiler alone. */
  readonly [resultType]?: Result;
}

/** A held job of this type, or of one of these types. */
export type HeldJobOf<Type extends AnyJobType> = Type extends AnyJobType
  ? HeldJob<
      StandardSchemaV1.InferOutput<Type["schema"]>,
      StandardSchemaV1.InferOutput<NonNullable<Type["resultSchema"]>>
    >
  : never;
