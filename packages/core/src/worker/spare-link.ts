import { sqlStateOf } from "../errors.ts";
import { type Row, type StatementOf, sql } from "../statement.ts";
import type { Beside, Link } from "./link.ts";
import { within } from "./within.ts";

/** What upkeep is done on. */
export type UpkeepLink = Pick<Link, "engine" | "run" | "closed" | "abandoned">;

/** For so long a statement may wait for one of the database's connections. */
const patienceMs = 1_000;

const nothing = sql<undefined>`select 1::text as one`;

/**
 * The link for upkeep, which must go on while handlers hold all connections of the database. A statement that has got none
 * for a while runs on the worker's own connection instead, and so do those after it until the first has had its turn after
 * all: it is for statements that may run twice, since they take what no other has locked or done.
 */
export class SpareLink implements UpkeepLink {
  #waiting = false;

  constructor(
    private readonly link: Link,
    private readonly spare: Beside,
  ) {}

  get engine(): Link["engine"] {
    return this.link.engine;
  }

  get closed(): boolean {
    return this.link.closed;
  }

  get abandoned(): boolean {
    return this.link.abandoned;
  }

  async run<Input>(statement: StatementOf<Input>, input: Input): Promise<readonly Row[]> {
    if (!this.spare.connected) return this.link.run(statement, input);
    if (!this.#waiting) {
      const answer = this.link.run(statement, input);
      const first = await within(patienceMs, answer).catch(gaveUp);
      if (first) return first;
      // Where another statement gets a connection, this one has had its own for long, and only takes its time.
      if (await within(patienceMs, this.link.run(nothing, undefined)).catch(gaveUp)) return answer;
      this.#waiting = true;
      const done = () => {
        this.#waiting = false;
      };
      answer.then(done, done);
    }
    return this.spare.run(statement, input);
  }
}

/** A pool may give up waiting by itself; what the server has said stands. */
function gaveUp(error: unknown): undefined {
  if (sqlStateOf(error) !== undefined) throw error;
}
