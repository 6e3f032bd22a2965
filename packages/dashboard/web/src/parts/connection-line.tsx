import { connection } from "../connection.ts";
import { timeOfDay } from "../format.ts";

/** Nothing while all is well; else what is wrong, how old the page is, and that it goes on by itself. */
export function ConnectionLine() {
  const { lost, heardAt } = connection.use();
  if (lost === null) return <div class="connection" role="status" />;
  const old = heardAt === null ? "" : ` What you see is from ${timeOfDay(heardAt)}.`;
  const goesOn = lost.status === 0 || lost.status >= 500;
  return (
    <div class="connection is-lost" role="status">
      <p>
        <strong>{lost.title}.</strong> {lost.detail}
        {old}
        {goesOn && lost.code !== "UNREACHABLE" && " The page asks again by itself."}
      </p>
    </div>
  );
}
