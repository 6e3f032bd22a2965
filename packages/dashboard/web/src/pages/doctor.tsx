import { useState } from "preact/hooks";
import { useLook } from "../look.ts";
import { Ago } from "../parts/ago.tsx";
import { Heading } from "../parts/heading.tsx";
import { Empty, Seen } from "../parts/notice.tsx";
import { Scrolled } from "../parts/scrolled.tsx";

export function Doctor() {
  const look = useLook("api/doctor");
  return (
    <>
      <Heading
        title="Doctor"
        lead="What is not as it should be with the queue and its database, and what mends it."
      >
        <button type="button" onClick={look.again}>
          Look again
        </button>
      </Heading>
      <Seen look={look}>
        {({ at, findings, looked, omitted }) => (
          <>
            <p class="hint">
              Looked at {looked.length} things <Ago at={at} />
              {omitted.length > 0 && `; left out: ${omitted.join(", ")}`}.
            </p>
            {findings.length === 0 ? (
              <Empty title="All is well." />
            ) : (
              <ul class="groups">
                {findings.map(({ code, severity, what, why, mend }) => (
                  <li key={`${code} ${what}`} class={`panel group finding is-${severity}`}>
                    <div class="panel-head">
                      <h2>{what}</h2>
                      <span class={`severity is-${severity}`}>{severity}</span>
                    </div>
                    <p>{why}</p>
                    <Command text={mend} />
                    <p class="hint">{code}</p>
                  </li>
                ))}
              </ul>
            )}
          </>
        )}
      </Seen>
    </>
  );
}

/** What mends it, to be taken along. The board itself runs no command. */
function Command({ text }: { text: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <div class="command">
      <Scrolled label="What mends it" text>
        {text}
      </Scrolled>
      {/* Browsers have it on pages with TLS and on loopback alone. */}
      {navigator.clipboard && (
        <button
          type="button"
          onClick={() =>
            void navigator.clipboard.writeText(text).then(
              () => setCopied(true),
              () => {},
            )
          }
        >
          {copied ? "Copied" : "Copy"}
        </button>
      )}
    </div>
  );
}
