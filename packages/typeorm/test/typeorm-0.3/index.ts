export { DataSource, EntitySchema } from "typeorm";
export * as transactional from "typeorm-transactional";
