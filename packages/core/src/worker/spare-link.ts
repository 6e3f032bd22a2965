import type { Row, StatementOf } from "../statement.ts";
import type { Beside, Link } from "./link.ts";
import { within } from "./within.ts";

/** For so long a statement may wait for one of the database's connections. */
const patienceMs = 1_000;

/** What upkeep is done on. */
export type UpkeepLink = Pick<Link, "engine" | "run" | "closed" | "abandoned">;

/**
 * The link for upkeep, which must go on while handlers hold all connections of the database: what has waited for one for
 * a while runs on a connection that no handler gets, and so does what comes after it until it has had its turn. It then
 * runs a second time, so this is for statements that take what no other has locked, or has done.
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
      const rows = await within(patienceMs, answer);
      if (rows) return rows;
      this.#waiting = true;
      const done = () => {
        this.#waiting = false;
      };
      answer.then(done, done);
    }
    return this.spare.run(statement, input);
  }
}
