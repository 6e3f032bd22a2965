import { errorContext } from "../../codec/context.ts";
import { seal } from "../../codec/seal.ts";
import type { JobType } from "../../job/type.ts";
import type { StoredError } from "../../postgres/discard.ts";

/** What stands in the place of a message that may quote what is secret. */
const withheldMessage = "(what it says is encrypted with the job)";

/** An error as all may read it: its class, its code and where it was thrown, if those are what they seem. */
export function withheld(error: unknown, { name, message, stack, code }: StoredError): StoredError {
  const place = placeOf(stack, message);
  return {
    name: isClassOf(error, name) ? name : error instanceof Error ? "Error" : "Thrown",
    message: withheldMessage,
    ...(place === undefined ? {} : { stack: place }),
    ...(code !== undefined && /^([A-Z][A-Z0-9_]{0,63}|[0-9A-Z]{5})$/.test(code) ? { code } : {}),
  };
}

/** A name can be set to anything. */
function isClassOf(error: unknown, name: string): boolean {
  for (let one: unknown = error; typeof one === "object" && one !== null; one = Object.getPrototypeOf(one))
    if (Object.hasOwn(one, "constructor") && (one as Error).constructor.name === name) return true;
  return false;
}

/** The lines of a stack behind the message. */
function placeOf(stack: string | undefined, message: string): string | undefined {
  const at = stack?.indexOf(message) ?? -1;
  if (at < 0) return undefined;
  const lines = stack!.slice(at + message.length).split("\n");
  const place: string[] = [];
  for (const line of lines.slice(1)) {
    if (!/^\s+at /.test(line)) break;
    place.push(line);
  }
  return lines[0] === "" && place.length > 0 ? place.join("\n") : undefined;
}

/** The error with all that it says beside it, encrypted; without that, where the codec cannot. */
export async function withDetail(
  { codec, name, version }: Pick<JobType, "codec" | "name" | "version">,
  id: string,
  error: StoredError,
  detail: StoredError,
): Promise<StoredError> {
  try {
    const context = errorContext({ name, version }, id);
    return { ...error, encrypted: await seal(codec!, context, JSON.stringify(detail), "") };
  } catch {
    return error;
  }
}
