import { TransactionChangedError } from "../errors.ts";
import type { Doing } from "../postgres/change-jobs.ts";
import type { Engine } from "../postgres/engine.ts";
import type { Row, Statement } from "../statement.ts";
import type { OpenTransaction } from "./open-transaction.ts";

/** What the verbs stand on: the adapter's answers, and the transaction that each handle is pinned to. */
export interface Ground<Tx extends object> {
  readonly name: string;
  readonly engine: Engine;
  readonly maxPayloadBytes: number;
  /** The open transaction that a verb was given. @throws NotInTransactionError */
  readonly openTransaction: OpenTransaction<Tx>;
  pinOf(tx: Tx): string | null;
  pinTo(tx: Tx, xid: string): void;
  send(tx: Tx, statement: Statement): Promise<readonly Row[]>;
  /** Runs `fn` under a savepoint; a throw rolls back to it and is passed on. Absent where the ORM has none. */
  savepoint?<T>(tx: Tx, fn: (tx: Tx) => Promise<T>): Promise<T>;
}

/** Where an adapter's verbs carry their ground, for the entry points that stand on it too. */
export const groundKey: unique symbol = Symbol.for("pillion.ground");

/**
 * Calls a guarded function of the database in a transaction, which the handle is pinned to from then on; answers its
 * JSON. `of` says what it is called for.
 *
 * @throws TransactionChangedError where the handle reaches another transaction than before
 */
export function guardedCall<Tx extends object>(ground: Ground<Tx>) {
  return async (verb: string, tx: Tx, of: string, statementOf: (doing: Doing) => Statement) => {
    const [row] = await ground.send(tx, statementOf({ guarded: true, pin: ground.pinOf(tx) }));
    if (!row?.answer)
      throw new TransactionChangedError(
        `${ground.name} ${verb}${of}: this handle belongs to a transaction that is over, and its connection now ` +
          "serves another one. Nothing was written. Use the handle of the open transaction, and await the call before " +
          "its callback returns.",
      );
    const { xid, ...answer } = JSON.parse(row.answer);
    ground.pinTo(tx, xid);
    return answer;
  };
}
