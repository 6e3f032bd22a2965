import { integer, pgTable, serial, text } from "drizzle-orm/pg-core";

/** What the shop keeps, for its handler. */
export const products = pgTable("products", {
  sku: text().primaryKey(),
  stock: integer().notNull(),
});
export const orders = pgTable("orders", {
  id: serial().primaryKey(),
  sku: text().notNull(),
  quantity: integer().notNull(),
  total: integer().notNull(),
  country: text().notNull(),
});
export const reservations = pgTable("reservations", {
  orderId: integer("order_id").notNull(),
  quantity: integer().notNull(),
});
export const taxRates = pgTable("tax_rates", {
  country: text().primaryKey(),
  percent: integer().notNull(),
});
export const invoices = pgTable("invoices", {
  orderId: integer("order_id").notNull(),
  total: integer().notNull(),
  tax: integer(),
});

/** The same as SQL, and beside it what the warehouse, the others and the demo's own notes are kept in. */
export const tables = `
create table products (sku text primary key, stock integer not null check (stock >= 0));
insert into products values ('lamp', 10);
create table tax_rates (country text primary key, percent integer not null);
create table orders (
  id       serial primary key,
  sku      text not null references products,
  quantity integer not null,
  total    integer not null,
  country  text not null
);
-- No unique constraint on order_id: what a step writes twice would stay, and be counted.
create table reservations (order_id integer not null, quantity integer not null);
create table invoices (order_id integer not null, total integer not null, tax integer);
create table shipments (order_id integer primary key, boxes integer not null);
-- The others: the provider of payments, and the one of mails. A call whose key they know does nothing.
create table outside_call (service text not null, key text not null, order_id integer not null);
create table outside_effect (service text not null, key text not null, order_id integer not null, unique (service, key));
-- The demo's own notes: each time that the code of a step has begun to run.
create table step_run (
  order_id   integer not null,
  step       text not null,
  attempt    integer not null,
  pid        integer not null,
  at         timestamptz not null default clock_timestamp()
)`;
