import { Heading } from "../parts/heading.tsx";
import { Link } from "../parts/link.tsx";
import { Empty } from "../parts/notice.tsx";

export function NotFound() {
  return (
    <>
      <Heading title="No such page" />
      <Empty title="The board has no page at this address.">
        <p>
          Look at the <Link to="/">overview</Link>, or choose a page on the side.
        </p>
      </Empty>
    </>
  );
}
