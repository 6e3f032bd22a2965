// What a new user does first, whatever loads the packages: a job in a transaction, and a worker that runs it.
module.exports = async function firstJob(load, { url, schema }) {
  const { defineJob, type } = await load("@pillion/core");
  const { migrate } = await load("@pillion/core/migrate");
  const { createAdmin } = await load("@pillion/core/admin");
  const { createWorker, handle } = await load("@pillion/core/worker");
  const { configure } = await load("@pillion/pg");
  const { Pool } = await load("pg");

  const sendInvoice = defineJob({ name: "invoice.send", payload: type(), result: type() });
  const { enqueue } = configure({ schema });
  await migrate({ database: url, schema });

  const pool = new Pool({ connectionString: url });
  const client = await pool.connect();
  await client.query("begin");
  const { id } = await enqueue(client, sendInvoice({ orderId: 7 }));
  await client.query("commit");
  client.release();

  const ran = [];
  const handler = handle(sendInvoice, async (job) => void ran.push(job.payload));
  const { failed } = await createWorker({ database: pool, schema, handlers: [handler] }).runOnce();
  const { state } = await createAdmin({ database: pool, schema }).job(id);
  await pool.end();
  return { ran, failed, state };
};
