import { Command, InvalidArgumentError } from "commander";
import type { ShopKind } from "./shop.ts";
import { shops } from "./shops/index.ts";
import { perform } from "./stage.ts";

const names = shops.map(({ name }) => name);
const whole = (least: number) => (text: string) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
  return value;
};
const shopsOf = (text: string) => {
  const found = shops.filter(({ name }) => name.toLowerCase() === text.toLowerCase());
  if (found.length === 0)
    throw new InvalidArgumentError(`No shop uses "${text}". There is ${names.join(", ")}.`);
  return found;
};
const onlyOrm = ["--orm <name>", `only this one: ${names.join(", ").toLowerCase()}`] as const;

const demo = new Command("npm run demo --")
  .description("Scenes of a shop whose background jobs are part of its transactions, on a real Postgres.")
  .usage("[scene] [options]")
  .commandsGroup("Scenes:")
  .helpCommand(false)
  .addHelpText(
    "after",
    `
Without a scene it is "orders". Each ends with a table that is read from the database, and with exit code 1 where
something in it does not hold. "npm run demo -- crash --help" lists the options of a scene.

It starts a Postgres of its own, or uses the database of DATABASE_URL: there in two schemas of its own, which it drops.`,
  );

demo
  .command("orders", { isDefault: true })
  .description("orders through each ORM: rollbacks, killed connections, and a worker that is killed")
  .option("--orders <n>", "how many orders each ORM places", whole(1), 100)
  .option(...onlyOrm, shopsOf)
  .option("--seed <n>", "decides how each order ends", whole(0), 1)
  .allowExcessArguments()
  .action(
    async (
      { orders: count, orm, seed }: { orders: number; orm?: readonly ShopKind[]; seed: number },
      scene,
    ) => {
      if (scene.args.length > 0) {
        const scenes = demo.commands.map((command) => command.name());
        demo.error(`There is no scene "${scene.args[0]}". There is ${scenes.join(", ")}.`);
      }
      const { orders } = await import("./orders/scene.ts");
      await perform(orders({ kinds: orm ?? shops, orders: count, seed }));
    },
  );

demo
  .command("workflow")
  .description("one order in durable steps, while its worker is killed, fails, and waits for the warehouse")
  .action(async () => {
    const { workflow } = await import("./workflow/scene.ts");
    await perform(workflow);
  });

demo
  .command("crash")
  .description("a worker is killed at four moments around the COMMIT of its handlers, with jobs of each ORM")
  .option(...onlyOrm, shopsOf)
  .action(async ({ orm }: { orm?: readonly ShopKind[] }) => {
    const { crash } = await import("./crash/scene.ts");
    await perform(crash(orm ?? shops));
  });

demo
  .command("dashboard")
  .description(
    "the board in the browser, on a shop that is open until Ctrl-C, and whose invoices for one country fail",
  )
  .option("--port <n>", "where it listens; 0 for any that is free", whole(0), 0)
  .action(async ({ port }: { port: number }) => {
    const { board } = await import("./board/scene.ts");
    await perform(board(port));
  });

await demo.parseAsync();
