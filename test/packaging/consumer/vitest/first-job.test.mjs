import firstJob from "../first-job.cjs";

test("a first job runs", async () => {
  const result = await firstJob((name) => import(name), JSON.parse(process.env.PLACE));
  expect(result).toEqual({ ran: [{ orderId: 7 }], failed: 0, state: "completed" });
});
