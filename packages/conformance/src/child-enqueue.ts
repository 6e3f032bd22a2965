import { defineJob, type } from "@pillion/core";
import type { Verbs } from "@pillion/core/adapter";
import type { EnqueueTask } from "./child.ts";
import { pidOf } from "./context.ts";
import { enqueueInEveryForm } from "./forms.ts";
import type { Connection, Harness } from "./harness.ts";

/** The adapter under test, as a child process has it. */
export interface ChildParts {
  readonly harness: Harness;
  readonly connection: Connection<object, object>;
  readonly verbs: Verbs<object, object>;
}

export async function enqueueInChild(
  { harness, connection, verbs }: ChildParts,
  { order, jobName, ending }: EnqueueTask,
): Promise<void> {
  await connection.transaction(async (tx) => {
    const pid = await pidOf(harness, tx);
    await harness.insertOrder(tx, order);
    await enqueueInEveryForm(verbs, tx, defineJob({ name: jobName, payload: type<unknown>() }));
    console.log(`backend ${pid}`);
    if (ending === "wait") await new Promise(() => {});
  });
}
