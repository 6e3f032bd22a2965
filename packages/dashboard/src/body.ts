import { mostBodyBytes } from "./api.ts";
import { ProblemError } from "./problem.ts";

/** The JSON object that a request brings. @throws ProblemError */
export async function bodyOf(request: Request): Promise<Readonly<Record<string, unknown>>> {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new ProblemError("NOT_JSON", "Send the body as application/json. Nothing was changed.", {}, 415);
  const text = await textOf(request);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new ProblemError("NOT_JSON", "The body cannot be read as JSON. Nothing was changed.");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw new ProblemError("INVALID_REQUEST", "The body is not a JSON object. Nothing was changed.");
  return body as Readonly<Record<string, unknown>>;
}

async function textOf(request: Request): Promise<string> {
  const tooLarge = () =>
    new ProblemError("TOO_LARGE", `The body is larger than ${mostBodyBytes} bytes. Nothing was changed.`);
  // What it says of itself, and then what it is.
  if (Number(request.headers.get("content-length")) > mostBodyBytes) throw tooLarge();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  if (request.body === null) return text;
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > mostBodyBytes) throw tooLarge();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
