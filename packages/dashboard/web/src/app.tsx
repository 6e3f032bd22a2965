import { BoardContext, useBoardLook } from "./board.ts";
import { Dead } from "./pages/dead.tsx";
import { Doctor } from "./pages/doctor.tsx";
import { JobPage } from "./pages/job.tsx";
import { Jobs } from "./pages/jobs.tsx";
import { NotFound } from "./pages/not-found.tsx";
import { Overview } from "./pages/overview.tsx";
import { Queues } from "./pages/queues.tsx";
import { Schedules } from "./pages/schedules.tsx";
import { Workers } from "./pages/workers.tsx";
import { Confirmation } from "./parts/confirmation.tsx";
import { SaidList } from "./parts/said-list.tsx";
import { Shortcuts } from "./parts/shortcuts.tsx";
import { usePlace } from "./router.ts";
import { Shell } from "./shell.tsx";

const pages: Readonly<Record<string, () => preact.ComponentChild>> = {
  "/": () => <Overview />,
  "/queues": () => <Queues />,
  "/jobs": () => <Jobs />,
  "/dead": () => <Dead />,
  "/schedules": () => <Schedules />,
  "/workers": () => <Workers />,
  "/doctor": () => <Doctor />,
};

export function App() {
  const { path } = usePlace();
  const board = useBoardLook();
  const job = /^\/jobs\/([^/]+)$/.exec(path)?.[1];
  const page = job === undefined ? pages[path] : () => <JobPage key={job} id={decoded(job)} />;
  return (
    <BoardContext.Provider value={board}>
      <Shell path={path}>{page ? page() : <NotFound />}</Shell>
      <Confirmation />
      <SaidList />
      <Shortcuts />
    </BoardContext.Provider>
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
