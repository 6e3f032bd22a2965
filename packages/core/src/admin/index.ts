export { type Admin, type AttemptRecord, createAdmin, type JobRecord } from "./admin.ts";
