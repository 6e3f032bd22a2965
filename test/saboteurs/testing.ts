import { harnesses as pgHarnesses } from "../../packages/pg/test/harness.ts";
import { disguised, type Interception, send } from "./pg-statements.ts";
import { type Sabotage, type Saboteur, saboteur } from "./saboteur.ts";

const onPg = (sabotage: Omit<Sabotage, "verbs">) =>
  saboteur(pgHarnesses.at(-1)!, import.meta.url, { ...sabotage, verbs: () => ({}) });

/** Shows a test what waits, whoever has enqueued it. */
const everybodys: Interception = async ([text, values], client) => {
  const [, schema] = /select (\S+)\.enqueued_here\(/.exec(text) ?? [];
  if (schema === undefined) return send(client, [text, values]);
  return client.query(`
    select json_build_object('xid', pg_current_xact_id()::text, 'jobs', coalesce(json_agg(json_build_object(
      'id', id::text, 'name', name, 'version', version, 'payload', payload, 'state', state, 'queue', queue,
      'priority', priority, 'runAt', extract(epoch from run_at) * 1000, 'attempt', attempt, 'uniqueKey', unique_key,
      'partitionKey', partition_key, 'headers', headers) order by id), '[]'))::text as answer
    from ${schema}.job where state in ('scheduled', 'ready')`);
};

/** Sends everything but what sets savepoints, and goes back to them. */
const withoutSavepoints: Interception = async ([text, values], client) =>
  /savepoint/.test(text) ? send(client, ["select", []]) : send(client, [text, values]);

/** Adapters whose entry points for tests do what a test must not. */
export const saboteurs: readonly Saboteur[] = [
  onPg({
    name: "finds jobs that the test's transaction has not enqueued",
    caughtBy: "expectEnqueued",
    saying: /a job was found that this transaction has not enqueued/,
    also: ["runEnqueued"],
    testing: ({ expectEnqueued }) => ({
      expectEnqueued: (tx, ...rest) => expectEnqueued(disguised(tx, everybodys), ...rest),
    }),
  }),
  onPg({
    name: "commits what it has run",
    caughtBy: "runEnqueued",
    saying: /the contents of the schema/,
    also: ["failing jobs of a test"],
    testing: ({ runEnqueued }) => ({
      async runEnqueued(tx, ...rest) {
        try {
          return await runEnqueued(tx, ...rest);
        } finally {
          // An ambient transaction does not show its handle.
          await tx.query?.("commit");
          await tx.query?.("begin");
        }
      },
    }),
  }),
  onPg({
    name: "runs the jobs of a test without savepoints",
    caughtBy: "failing jobs of a test",
    saying: /orders in the transaction|expected JOBS_FAILED, got 25P02/,
    testing: ({ runEnqueued }) => ({
      runEnqueued: (tx, ...rest) => runEnqueued(disguised(tx, withoutSavepoints), ...rest),
    }),
  }),
];

/** For the process that some cases start. */
export const harnesses = saboteurs.map(({ harness }) => harness);
