import { readFile } from "node:fs/promises";
import { Absurd, type WorkerOptions } from "absurd-sdk";
import pg from "pg";
import { answer, type StepMode, type Stepper, stepsOfJob } from "./stepper.ts";

const connections = 20;

/** Its default is one task at a time. */
const options: Record<StepMode, WorkerOptions> = {
  default: {},
  best: { concurrency: 64 },
  one: { concurrency: 1 },
};

/** Says what fails, and nothing else. */
const log = { log() {}, info() {}, warn: console.error, error: console.error };

export const absurdSteps: Stepper = {
  async prepare(pool) {
    await pool.query(await schemaOfAbsurd());
    await pool.query("select absurd.create_queue('default')");
  },
  async fill(pool, jobs) {
    await pool.query("truncate absurd.t_default, absurd.r_default, absurd.c_default, absurd.w_default");
    await pool.query(
      `select absurd.spawn_task('default', 'stepped', jsonb_build_object('i', i), '{"max_attempts": 5}')
       from generate_series(1, $1::integer) i`,
      [jobs],
    );
  },
  async work(url, mode, onDone) {
    const pool = new pg.Pool({ connectionString: url, max: connections });
    const absurd = new Absurd({ db: pool, log });
    absurd.registerTask({ name: "stepped" }, async (_, task) => {
      for (let step = 0; step < stepsOfJob; step++) await task.step(`step ${step}`, async () => answer(step));
      onDone();
    });
    const worker = await absurd.startWorker(options[mode]);
    return async () => {
      await worker.close();
      await pool.end();
    };
  },
  async holds(pool) {
    const { rowCount } = await pool.query("select from absurd.t_default where state <> 'completed' limit 1");
    return rowCount === 1;
  },
  async written(pool) {
    const { rows } = await pool.query(
      `select (select count(*)::int from absurd.t_default where state = 'completed') as jobs,
         (select count(*)::int from absurd.c_default where status = 'committed') as steps`,
    );
    return rows[0];
  },
};

/** Its tables and functions: no npm package has them. */
const published = "https://raw.githubusercontent.com/earendil-works/absurd/0.5.0/sql/absurd.sql";

/** @throws Error that says what to do where the file cannot be had */
async function schemaOfAbsurd(): Promise<string> {
  const file = process.env.ABSURD_SQL;
  if (file) return readFile(file, "utf8");
  const answer = await fetch(published).catch((cause: unknown) => {
    throw new Error(
      `${published} cannot be reached. Name a copy of it in ABSURD_SQL, or leave out --peers.`,
      {
        cause,
      },
    );
  });
  if (!answer.ok)
    throw new Error(
      `${published} answered ${answer.status}. Name a copy of it in ABSURD_SQL, or leave out --peers.`,
    );
  return answer.text();
}
