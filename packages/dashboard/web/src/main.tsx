import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/parts.css";
import "./styles/pages.css";
import { App } from "./app.tsx";
import { startTheme } from "./theme.ts";

startTheme();
render(<App />, document.getElementById("board")!);
