import type { ComponentChildren } from "preact";
import type { Refusal } from "../answers.ts";
import type { Look } from "../look.ts";

/** Where there is nothing: what that means, and what to do. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="notice">
      <p class="notice-title">{title}</p>
      {children && <div class="notice-text">{children}</div>}
    </div>
  );
}

function Failure({ refusal }: { refusal: Refusal }) {
  return (
    <div class="notice is-failure" role="alert">
      <p class="notice-title">{refusal.title}</p>
      <div class="notice-text">
        <p>{refusal.detail}</p>
      </div>
    </div>
  );
}

function Loading() {
  return (
    <div class="loading" role="status">
      <span class="visually-hidden">Loading …</span>
      <div class="loading-line" />
      <div class="loading-line" />
      <div class="loading-line" />
    </div>
  );
}

/** What a look has come to: the answer, however old; else why there is none. */
export function Seen<T>({ look, children }: { look: Look<T>; children: (data: T) => ComponentChildren }) {
  if (look.data !== undefined)
    return (
      <>
        {look.refusal && look.refusal.status > 0 && look.refusal.status < 500 && (
          <Failure refusal={look.refusal} />
        )}
        {children(look.data)}
      </>
    );
  return look.refusal ? <Failure refusal={look.refusal} /> : <Loading />;
}
