/** What the shops of this scene keep. */
export const tables = `
create table customers (id integer primary key);
insert into customers select generate_series(1, 5);
create table orders (
  id        integer primary key,
  shop      text not null,
  customer  integer not null references customers deferrable initially deferred,
  total     integer not null check (total > 0)
);
-- No unique constraint on job_id or order_id: an invoice written twice would stay, and be counted.
create table invoices (job_id text not null, order_id integer not null, shop text not null);
create index on invoices (job_id);
create table handler_start (job_id text not null, shop text not null, worker text not null)`;
