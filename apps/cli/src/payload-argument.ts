import { json } from "./job-filter.ts";

/** A payload as an argument, or `-` for stdin: what is secret need not stand in a shell's history. */
export async function jsonArgument(text: string): Promise<unknown> {
  return json(text === "-" ? await stdin() : text, "The payload");
}

async function stdin(): Promise<string> {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) text += chunk;
  return text;
}
