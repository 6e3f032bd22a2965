import { useState } from "preact/hooks";
import type { JobView, StepView } from "../../../src/api.ts";
import { useBoard } from "../board.ts";
import { useLook } from "../look.ts";
import { Seen } from "../parts/notice.tsx";
import { Value } from "../parts/value.tsx";

/** Payload, headers and results: on the server until somebody asks for them, and gone again when they leave. */
export function Values({ job, steps }: { job: JobView; steps: readonly StepView[] }) {
  const { values } = useBoard();
  const [wanted, setWanted] = useState(false);
  return (
    <section class="panel" aria-labelledby="values">
      <div class="panel-head">
        <h2 id="values">Payload and result</h2>
        {values && (
          <button type="button" aria-expanded={wanted} onClick={() => setWanted(!wanted)}>
            {wanted ? "Hide" : "Show"}
          </button>
        )}
      </div>
      {!values ? (
        <p class="hint">This board shows no payloads and no results.</p>
      ) : wanted ? (
        <Shown job={job} steps={steps} />
      ) : (
        <p class="hint">Hidden: they may hold what is not meant for every eye.</p>
      )}
    </section>
  );
}

function Shown({ job, steps }: { job: JobView; steps: readonly StepView[] }) {
  const look = useLook("api/jobs/:id/values", { id: job.id });
  return (
    <Seen look={look}>
      {({ payload, headers, result, steps: results }) => (
        <>
          <Value name="Payload" value={payload} />
          {headers.kind !== "none" && <Value name="Headers" value={headers} />}
          {(job.state === "completed" || result.kind !== "none") && <Value name="Result" value={result} />}
          {results
            .filter((step) => step.result.kind !== "none")
            .map((step) => (
              <Value
                key={step.position}
                name={`Result of step ${steps.find(({ position }) => position === step.position)?.name ?? step.position}`}
                value={step.result}
              />
            ))}
        </>
      )}
    </Seen>
  );
}
