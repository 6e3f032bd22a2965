import type { Statement } from "@pillion/core/adapter";
import pg from "pg";

/** A plan's access to a table, and how many rows it read there. */
export interface Scan {
  readonly node: string;
  readonly table: string;
  readonly index: string | undefined;
  readonly read: number;
  /** Pages that it looked at, those of rows that are gone too. */
  readonly pages: number;
}

interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Rows Removed by Filter"?: number;
  readonly "Rows Removed by Index Recheck"?: number;
  readonly "Shared Hit Blocks"?: number;
  readonly "Shared Read Blocks"?: number;
  readonly Plans?: readonly PlanNode[];
}

/** A session that tells the plan of each statement as it was really executed, those inside functions too. */
export class PlanSession {
  #plans: PlanNode[] = [];

  private constructor(readonly client: pg.Client) {}

  /** @param planCache `force_generic_plan`: what is prepared is planned once, without looking at its parameters */
  static async open(url: string, planCache: "auto" | "force_generic_plan"): Promise<PlanSession> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const session = new PlanSession(client);
    client.on("notice", ({ message = "" }) => {
      const [, plan] = /plan:\n(\{[\s\S]*\})\s*$/.exec(message) ?? [];
      if (plan !== undefined) session.#plans.push((JSON.parse(plan) as { Plan: PlanNode }).Plan);
    });
    await client.query("load 'auto_explain'");
    await client.query(
      `set plan_cache_mode = ${planCache}; set auto_explain.log_min_duration = 0; set auto_explain.log_level = notice;
       set auto_explain.log_nested_statements = on; set auto_explain.log_analyze = on; set auto_explain.log_timing = off;
       set auto_explain.log_buffers = on; set auto_explain.log_format = json`,
    );
    return session;
  }

  /**
   * Runs a statement, undoes it, and answers where it read.
   *
   * @param name under which it is prepared; without one it is planned anew
   */
  async scans({ text, values }: Statement, name?: string): Promise<Scan[]> {
    await this.client.query("begin");
    this.#plans = [];
    await this.client.query({ text, values: [...values], ...(name === undefined ? {} : { name }) });
    const plans = this.#plans;
    await this.client.query("rollback");
    return plans.flatMap(scansIn);
  }

  close(): Promise<void> {
    return this.client.end();
  }
}

function scansIn(node: PlanNode): Scan[] {
  const { "Node Type": type, "Relation Name": table, Plans = [] } = node;
  const read =
    (node["Actual Rows"] +
      (node["Rows Removed by Filter"] ?? 0) +
      (node["Rows Removed by Index Recheck"] ?? 0)) *
    node["Actual Loops"];
  const pages = (node["Shared Hit Blocks"] ?? 0) + (node["Shared Read Blocks"] ?? 0);
  const own =
    table !== undefined && type.endsWith("Scan")
      ? [{ node: type, table, index: node["Index Name"], read, pages }]
      : [];
  return [...own, ...Plans.flatMap(scansIn)];
}
