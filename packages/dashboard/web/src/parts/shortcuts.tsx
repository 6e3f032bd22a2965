import { useEffect, useRef, useState } from "preact/hooks";
import { go } from "../router.ts";
import { places } from "../shell.tsx";

/** `g` and a letter goes to a page, `/` to the first field, `?` says so. None of it while somebody types. */
export function Shortcuts() {
  const [shown, setShown] = useState(false);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    let led = false;
    function press(event: KeyboardEvent) {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
      if (/^(input|select|textarea)$/i.test(target.tagName)) {
        if (event.key === "Escape") target.blur();
        return;
      }
      const place = led ? places.find(([, , key]) => key === event.key) : undefined;
      led = event.key === "g";
      if (place) go(place[0]);
      else if (event.key === "?") setShown(true);
      else if (event.key === "/") {
        const field = document.querySelector<HTMLElement>("main input, main select");
        if (!field) return;
        event.preventDefault();
        field.focus();
      }
    }
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
  useEffect(() => {
    if (shown) dialog.current?.showModal();
  }, [shown]);
  if (!shown) return null;
  return (
    <dialog ref={dialog} class="confirmation" aria-labelledby="keys-title" onClose={() => setShown(false)}>
      <h2 id="keys-title">Keys</h2>
      <dl class="keys">
        {places.map(([, name, key]) => (
          <div key={key}>
            <dt>
              <kbd>g</kbd> <kbd>{key}</kbd>
            </dt>
            <dd>{name}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>/</kbd>
          </dt>
          <dd>First field of the page</dd>
        </div>
        <div>
          <dt>
            <kbd>Esc</kbd>
          </dt>
          <dd>Close, or leave a field</dd>
        </div>
      </dl>
      <div class="confirmation-buttons">
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
}
