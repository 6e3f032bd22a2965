import pg from "pg";
import type { Moment } from "./renewal.ts";

/**
 * A client whose connections stop at the COMMIT of a transaction, before it is sent or once its answer has come: where
 * `stopOf` knows a stop for the server process that serves it. The ORM around it takes no notice.
 */
export function stoppingClient(
  stopOf: (backendPid: number) => ((here: Moment) => Promise<void>) | undefined,
): typeof pg.Client {
  return class extends pg.Client {
    // biome-ignore lint/suspicious/noExplicitAny: it passes on what each of pg's own signatures takes and answers
    override query(...parameters: any[]): any {
      const send = super.query as (...parameters: unknown[]) => unknown;
      const [query] = parameters;
      const stop = stopOf((this as unknown as { processID: number }).processID);
      if (!stop || !/^commit$/i.test(query.text ?? query)) return send.apply(this, parameters);
      return (async () => {
        await stop("before COMMIT");
        const answer = await send.apply(this, parameters);
        await stop("right after COMMIT");
        return answer;
      })();
    }
  };
}
