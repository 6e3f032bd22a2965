import { useState } from "preact/hooks";
import { useBoard } from "../board.ts";
import { useLook } from "../look.ts";
import { Seen } from "../parts/notice.tsx";
import { Value } from "../parts/value.tsx";

/** What its jobs get, when somebody asks for it. */
export function ScheduleValuesRow({ name }: { name: string }) {
  const { values } = useBoard();
  const [wanted, setWanted] = useState(false);
  if (!values) return null;
  return (
    <div>
      <button type="button" class="is-quiet" aria-expanded={wanted} onClick={() => setWanted(!wanted)}>
        {wanted ? "Hide the payload" : "Show the payload"}
      </button>
      {wanted && <Shown name={name} />}
    </div>
  );
}

function Shown({ name }: { name: string }) {
  const look = useLook("api/schedules/values", { query: `name=${encodeURIComponent(name)}` });
  return (
    <Seen look={look}>
      {({ payload, headers }) => (
        <>
          <Value name="Payload" value={payload} />
          {headers.kind !== "none" && <Value name="Headers" value={headers} />}
        </>
      )}
    </Seen>
  );
}
