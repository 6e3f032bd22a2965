import type { DeadAnswer, DeadGroup, DeadQuery } from "../../../src/api.ts";
import { useBoard } from "../board.ts";
import { count, plural } from "../format.ts";
import { useLook } from "../look.ts";
import { Ago } from "../parts/ago.tsx";
import { ErrorBlock } from "../parts/error-block.tsx";
import { Heading } from "../parts/heading.tsx";
import { JobLink, jobsPage, Link } from "../parts/link.tsx";
import { Empty, Seen } from "../parts/notice.tsx";
import { propose } from "../parts/plan.ts";
import { usePlace } from "../router.ts";

export function Dead() {
  const { query } = usePlace();
  const filter = filterOf(query);
  const named = Object.keys(filter).length > 0;
  const look = useLook("api/dead", { query: `${query}` });
  const { readOnly } = useBoard();
  const some = (look.data?.groups.length ?? 0) > 0;
  return (
    <>
      <Heading
        title="Dead"
        lead="Jobs that are not tried again by themselves. Mend the cause, then redrive them."
      >
        {some && !readOnly && (
          <button type="button" onClick={() => redriveAll(filter)}>
            Redrive all {named ? "of these …" : "…"}
          </button>
        )}
      </Heading>
      {named && (
        <p>
          Only {inWords(filter)} · <Link to="/dead">all that are dead</Link>
        </p>
      )}
      <Seen look={look}>
        {(data) =>
          data.groups.length === 0 ? (
            <Empty title={named ? `No job is dead of ${inWords(filter)}.` : "No job is dead."}>
              <p>A job that has used up its attempts, or that its handler discards, appears here.</p>
            </Empty>
          ) : (
            <Groups data={data} />
          )
        }
      </Seen>
    </>
  );
}

/** What the URL asks for; all else that it asks for the server refuses. */
function filterOf(query: URLSearchParams): DeadQuery {
  const [queue, name] = [query.get("queue"), query.get("name")];
  return { ...(queue && { queue }), ...(name && { name }) };
}

const inWords = ({ queue, name }: DeadQuery) =>
  [queue && `queue ${queue}`, name && `name ${name}`].filter(Boolean).join(" and ");

function Groups({ data: { groups, looked, more } }: { data: DeadAnswer }) {
  return (
    <>
      <p class="hint">
        {plural(looked, "dead job")} of {plural(groups.length, "kind")}
        {more ? ", the newest: there are more." : "."}
      </p>
      <ul class="groups">
        {groups.map((group) => (
          <Group key={group.key} group={group} />
        ))}
      </ul>
    </>
  );
}

function Group({ group }: { group: DeadGroup }) {
  const { readOnly } = useBoard();
  const { name, queue, error, ids } = group;
  return (
    <li class="panel group">
      <div class="panel-head">
        <h2>
          <span class="group-count">{count(group.count)}</span> <span class="name">{name}</span>{" "}
          <span class="hint">in {queue}</span>
        </h2>
        {!readOnly && (
          <button type="button" class="is-main" onClick={() => redriveGroup(group)}>
            Redrive …
          </button>
        )}
      </div>
      <ErrorBlock error={error} />
      <p class="hint group-foot">
        <span>
          last <Ago at={group.lastAt} />
          {group.count > 1 && (
            <>
              , first <Ago at={group.firstAt} />
            </>
          )}
        </span>
        <span class="group-ids">
          {ids.map((id) => (
            <JobLink key={id} id={id} label={`Job ${id}`} />
          ))}
        </span>
        <Link to={jobsPage({ state: "dead", queue, name })}>all dead of this name</Link>
      </p>
    </li>
  );
}

const again = (more: boolean) => (more ? " There are more: redrive again to go on." : "");

function redriveGroup({ key, name, queue, error }: DeadGroup) {
  propose({
    action: "redrive",
    body: { group: key },
    verb: "Redrive",
    title: `Redrive ${name}?`,
    counted: true,
    will: (jobs) => (
      <>
        <p>
          This brings back {jobs} of this error in queue {queue}, ready at once, for one more attempt:
        </p>
        <p class="quoted">
          {error.name}: {error.message}
        </p>
        <p>What still fails is dead again.</p>
      </>
    ),
    did: ({ count: jobs, more }) => `${plural(jobs, "job is", "jobs are")} ready again.${again(more)}`,
    page: ({ ids = [] }) => ({
      to: jobsPage(ids.length > 0 ? { ids: ids.join() } : { name, queue }),
      text: "Watch them",
    }),
  });
}

function redriveAll(filter: DeadQuery) {
  const named = Object.keys(filter).length > 0;
  propose({
    action: "redrive",
    body: named ? { filter } : {},
    verb: "Redrive",
    title: named ? `Redrive all dead jobs of ${inWords(filter)}?` : "Redrive all dead jobs?",
    counted: true,
    will: (jobs) => (
      <p>
        This brings back {jobs}, whatever the error{named ? "" : " and the queue"}, ready at once, for one
        more attempt. What still fails is dead again.
      </p>
    ),
    did: ({ count: jobs, more }) => `${plural(jobs, "job is", "jobs are")} ready again.${again(more)}`,
    page: () => ({ to: named ? jobsPage({ ...filter }) : "/jobs", text: "Watch them" }),
  });
}
