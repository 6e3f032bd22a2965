import type { CodecContext } from "../../codec/codec.ts";
import { errorContext, payloadContext, resultContext, stepContext } from "../../codec/context.ts";
import { type EncryptedValue, isThenable, seal, unseal } from "../../codec/seal.ts";
import { sayingNothing } from "../../codec/tellable.ts";
import type { StoredError } from "../../postgres/discard.ts";
import type { Attempt } from "./attempt.ts";

/** What is stored of one attempt's job, for types with a codec. Everything may answer a promise, and throws CodecError. */
export class Contents {
  constructor(private readonly attempt: Attempt) {}

  readPayload(): unknown {
    const { job, handler } = this.attempt;
    return this.#unseal(payloadContext(handler.jobType), job.payload, "its payload");
  }

  sealResult(text: string): EncryptedValue | Promise<EncryptedValue> {
    return this.#seal(resultContext(this.attempt.handler.jobType), text, "its result");
  }

  /** `step`: with its number, where it is not the first of its name. */
  sealAnswer(step: string, text: string): EncryptedValue | Promise<EncryptedValue> {
    return this.#seal(this.#contextOf(step), text, `the answer of step "${step}"`);
  }

  readAnswer(step: string, stored: unknown): unknown {
    return this.#unseal(this.#contextOf(step), stored, `the answer of step "${step}"`);
  }

  /** All that an error of an earlier attempt said. */
  readError({ encrypted }: StoredError): unknown {
    const { handler, id } = this.attempt;
    return this.#unseal(errorContext(handler.jobType, id), encrypted, "the error of a step");
  }

  #contextOf(step: string): CodecContext {
    const { handler, id } = this.attempt;
    return stepContext(handler.jobType, id, step);
  }

  #seal(context: CodecContext, text: string, what: string): EncryptedValue | Promise<EncryptedValue> {
    const { handler, name } = this.attempt;
    try {
      const sealed = seal(handler.jobType.codec!, context, text, `${this.attempt}: ${what}`, name);
      return sealed instanceof Promise ? sealed.catch(failed) : sealed;
    } catch (error) {
      return failed(error);
    }
  }

  #unseal(context: CodecContext, stored: unknown, what: string): unknown {
    const { handler, name } = this.attempt;
    try {
      const read = unseal(handler.jobType.codec, context, stored, `${this.attempt}: ${what}`, name);
      return isThenable(read) ? Promise.resolve(read).catch(failed) : read;
    } catch (error) {
      return failed(error);
    }
  }
}

function failed(error: unknown): never {
  throw sayingNothing(error as Error);
}
