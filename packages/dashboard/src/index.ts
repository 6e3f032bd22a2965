export type { Authorization, Authorize, Viewer } from "./authorize.ts";
export { type BoardDoor, boardDoor } from "./board-door.ts";
export { type Dashboard, type DashboardOptions, dashboard } from "./dashboard.ts";
