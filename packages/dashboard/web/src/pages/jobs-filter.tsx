import { useEffect, useState } from "preact/hooks";
import type { JobState, JobsFilter } from "../../../src/api.ts";
import { plural } from "../format.ts";
import { jobPage } from "../parts/link.tsx";
import { Shape } from "../parts/state.tsx";
import { change, go } from "../router.ts";

const states: readonly JobState[] = ["scheduled", "ready", "running", "completed", "dead", "cancelled"];
const texts = ["name", "queue", "uniqueKey", "partitionKey"] as const;
const labels = { name: "Name", queue: "Queue", uniqueKey: "Unique key", partitionKey: "Partition key" };

/** What the URL asks for, to act on. */
export function filterOf(query: URLSearchParams): JobsFilter {
  const filter: Record<string, unknown> = {};
  const state = query.getAll("state").filter((value) => value !== "");
  if (state.length > 0) filter.state = state;
  for (const name of texts) if (query.get(name)) filter[name] = query.get(name);
  if (query.get("headers")) filter.headers = jsonOf(query.get("headers")!);
  if (query.get("ids")) filter.ids = query.get("ids")!.split(",");
  return filter;
}

/** What is no JSON the server refuses, as it does all that the URL asks for and nobody knows. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** In words, for confirmations: `dead jobs of queue mail`. */
export function filterText(filter: JobsFilter): string {
  const parts = texts.flatMap((name) =>
    filter[name] ? [`${labels[name].toLowerCase()} ${filter[name]}`] : [],
  );
  if (filter.headers) parts.push(`headers ${JSON.stringify(filter.headers)}`);
  if (filter.ids) parts.push(`one of ${plural(filter.ids.length, "id")}`);
  const kind = filter.state ? `${filter.state.join(" and ")} jobs` : "jobs";
  return parts.length === 0 ? `all ${kind}` : `${kind} with ${parts.join(", ")}`;
}

export function JobsFilterBar({ filter }: { filter: JobsFilter }) {
  const toggle = (state: JobState) => {
    const on = filter.state ?? [];
    change({ before: null, state: on.includes(state) ? on.filter((one) => one !== state) : [...on, state] });
  };
  return (
    <search class="filters" aria-label="Filter jobs">
      <fieldset class="states">
        <legend class="visually-hidden">State</legend>
        {states.map((state) => (
          <button
            key={state}
            type="button"
            aria-pressed={filter.state?.includes(state) ?? false}
            onClick={() => toggle(state)}
          >
            <Shape word={state} />
            {state}
          </button>
        ))}
      </fieldset>
      {(filter.ids || filter.headers) && (
        <div class="named">
          {filter.ids && (
            <button type="button" onClick={() => change({ ids: null })}>
              Only {plural(filter.ids.length, "job")}, by id <span aria-hidden="true">×</span>
            </button>
          )}
          {filter.headers && (
            <button type="button" onClick={() => change({ headers: null })}>
              Headers {JSON.stringify(filter.headers)} <span aria-hidden="true">×</span>
            </button>
          )}
        </div>
      )}
      <div class="texts">
        {texts.map((name) => (
          <TextFilter key={name} name={name} label={labels[name]} value={filter[name] ?? ""} />
        ))}
        <GoToJob />
      </div>
    </search>
  );
}

/** Takes effect when it is left, or with Enter: not with each letter, which would ask the database each time. */
function TextFilter({ name, label, value }: { name: string; label: string; value: string }) {
  const [draft, setDraft] = useState(value);
  useEffect(() => setDraft(value), [value]);
  const apply = () => draft.trim() !== value && change({ [name]: draft.trim(), before: null });
  return (
    <label class={name.endsWith("Key") ? "is-rare" : ""}>
      {label}
      <input
        type="search"
        placeholder=" "
        value={draft}
        autoComplete="off"
        spellcheck={false}
        onInput={({ currentTarget }) => setDraft(currentTarget.value)}
        onBlur={apply}
        onKeyDown={({ key }) => key === "Enter" && apply()}
        onSearch={apply}
      />
    </label>
  );
}

function GoToJob() {
  return (
    <label class="is-rare">
      Id
      <input
        type="search"
        inputMode="numeric"
        pattern="[0-9]*"
        autoComplete="off"
        placeholder="opens it"
        onKeyDown={({ key, currentTarget: { value } }) => {
          if (key === "Enter" && value.trim() !== "") go(jobPage(value.trim()));
        }}
      />
    </label>
  );
}
