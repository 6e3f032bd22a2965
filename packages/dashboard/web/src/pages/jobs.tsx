import { useState } from "preact/hooks";
import type { JobsAnswer } from "../../../src/api.ts";
import { useBoard } from "../board.ts";
import { plural } from "../format.ts";
import { useLook } from "../look.ts";
import { Ago } from "../parts/ago.tsx";
import { Heading } from "../parts/heading.tsx";
import { Empty, Seen } from "../parts/notice.tsx";
import { change, go, usePlace } from "../router.ts";
import { JobsActions } from "./jobs-actions.tsx";
import { filterOf, JobsFilterBar } from "./jobs-filter.tsx";
import { JobsTable } from "./jobs-table.tsx";

export function Jobs() {
  const { query } = usePlace();
  const filter = filterOf(query);
  const asked = new URLSearchParams([...query].filter(([, value]) => value !== ""));
  const look = useLook("api/jobs", { query: `${asked}` });
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const { readOnly } = useBoard();
  const onThisPage = new Set(look.data?.jobs.map(({ id }) => id));
  const ids = [...chosen].filter((id) => onThisPage.has(id));
  return (
    <>
      <Heading title="Jobs" lead="The newest first." />
      <JobsFilterBar filter={filter} />
      {!readOnly && (look.data || !look.refusal) && (
        <JobsActions filter={filter} ids={ids} onDone={() => setChosen(new Set())} />
      )}
      <Seen look={look}>
        {(data) => (
          <>
            {data.jobs.length === 0 ? (
              <None data={data} filtered={Object.keys(filter).length > 0} />
            ) : (
              <JobsTable jobs={data.jobs} chosen={chosen} onChoose={readOnly ? undefined : setChosen} />
            )}
            <Pages data={data} before={query.get("before")} />
          </>
        )}
      </Seen>
    </>
  );
}

function None({ data, filtered }: { data: JobsAnswer; filtered: boolean }) {
  if (!data.complete)
    return (
      <Empty title={`None among ${plural(data.looked, "job")} that may match.`}>
        <p>
          {data.backTo !== null && (
            <>
              The last of them was enqueued <Ago at={data.backTo} />.{" "}
            </>
          )}
          Older ones may match: look further back.
        </p>
      </Empty>
    );
  return filtered ? (
    <Empty title="No job matches.">
      <p>
        <button type="button" onClick={() => go("/jobs", { replace: true })}>
          Clear the filters
        </button>
      </p>
    </Empty>
  ) : (
    <Empty title="There is no job.">
      <p>Enqueue one from your application, and it appears here by itself.</p>
    </Empty>
  );
}

/** By key, not by number: a page costs the same however far back it is. */
function Pages({ data, before }: { data: JobsAnswer; before: string | null }) {
  if (data.next === null && before === null) return null;
  return (
    <nav class="pages" aria-label="Pages of the list">
      <button type="button" disabled={before === null} onClick={() => change({ before: null })}>
        Newest
      </button>
      <button type="button" disabled={data.next === null} onClick={() => change({ before: data.next })}>
        {data.complete ? "Older" : "Look further back"}
      </button>
    </nav>
  );
}
