import { useMemo } from "preact/hooks";
import type { Overview as OverviewAnswer } from "../../../src/api.ts";
import { useDepthHistory, useDepthOf } from "../depth-history.ts";
import { useLook } from "../look.ts";
import { Heading } from "../parts/heading.tsx";
import { Empty, Seen } from "../parts/notice.tsx";
import { change, usePlace } from "../router.ts";
import { stretches } from "../stretches.ts";
import { AttentionList } from "./overview-attention.tsx";
import { OverviewCharts } from "./overview-charts.tsx";
import { OverviewQueues } from "./overview-queues.tsx";
import { OverviewWorkers } from "./overview-workers.tsx";
import { seriesOf } from "./series.ts";

export function Overview() {
  const { query } = usePlace();
  const minutes = stretches.find(([value]) => String(value) === query.get("minutes"))?.[0] ?? 15;
  const look = useLook("api/overview", { query: `minutes=${minutes}` });
  useDepthOf(look);
  return (
    <>
      <Heading title="Overview">
        <label class="inline-field">
          Last
          <select
            value={minutes}
            onChange={({ currentTarget: { value } }) => change({ minutes: value === "15" ? null : value })}
          >
            {stretches.map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </label>
      </Heading>
      <Seen look={look}>{(data) => <Everything data={data} minutes={minutes} />}</Seen>
    </>
  );
}

function Everything({ data, minutes }: { data: OverviewAnswer; minutes: number }) {
  const series = useMemo(() => seriesOf(data.throughput), [data.throughput]);
  const depth = useDepthHistory(minutes);
  if (data.queues.length === 0 && data.workers.length === 0)
    return (
      <Empty title="There is no job yet, and no worker.">
        <p>
          Enqueue a job from your application and start a worker: both appear here by themselves. From a
          shell: <code>npx pillion enqueue mail.send '{"{}"}'</code>
        </p>
      </Empty>
    );
  return (
    <>
      <AttentionList attention={data.attention} />
      <OverviewCharts series={series} queues={data.queues} depth={depth} />
      <OverviewQueues queues={data.queues} series={series} depth={depth} />
      <OverviewWorkers workers={data.workers} />
    </>
  );
}
