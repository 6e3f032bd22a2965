/**
 * One statement, ready for any driver: its text in pieces, with one value between each two. Every value is text
 * or null and is cast on the server, because drivers disagree on every other type.
 */
export interface Statement {
  /** One piece more than there are values. Usable as a tagged template's first argument. */
  readonly pieces: TemplateStringsArray;
  /** The pieces joined by `$1`, `$2` …. */
  readonly text: string;
  readonly values: readonly (string | null)[];
  /** Set where the text is always the same and is sent so often that a connection of one's own may keep it prepared. */
  readonly name?: string | undefined;
}

/** A row of an answer: every column is text or null. */
export type Row = Readonly<Record<string, string | null>>;

/** A statement whose values are still to come. It is compiled once for each schema name. */
export type StatementOf<Input> = (input: Input) => Statement;

/**
 * Compiles a statement: a hole that is a text is part of the statement (an identifier, already quoted); a hole
 * that is a function of the input is a value.
 */
export function sql<Input>(
  strings: TemplateStringsArray,
  ...holes: (string | ((input: Input) => string | null))[]
): StatementOf<Input> {
  const parts = [strings[0]!];
  const params: ((input: Input) => string | null)[] = [];
  holes.forEach((hole, index) => {
    const next = strings[index + 1]!;
    if (typeof hole === "function") {
      params.push(hole);
      parts.push(next);
    } else parts[parts.length - 1] += hole + next;
  });
  const empty = statement(parts, []);
  return (input) => ({ ...empty, values: params.map((param) => param(input)) });
}

/** The same statement, for connections that keep it prepared under this name. */
export function named<Input>(name: string, statementOf: StatementOf<Input>): StatementOf<Input> {
  return (input) => ({ ...statementOf(input), name });
}

/** A statement of parts between which its values stand. */
export function statement(parts: readonly string[], values: Statement["values"]): Statement {
  const pieces = Object.freeze(Object.assign([...parts], { raw: parts })) as unknown as TemplateStringsArray;
  const text = parts.reduce((joined, part, index) => `${joined}$${index}${part}`);
  return { pieces, text, values };
}
