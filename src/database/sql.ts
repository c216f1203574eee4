import type { EntityManager } from 'typeorm';
import type { ClientBase } from 'pg';

/** The open transaction. Only `Database` makes one; it is passed first, explicitly, to everything that reads or writes. */
export type Tx = EntityManager;

/** What a statement returned and how many rows it touched, whatever its kind (TypeORM's raw `query()` answers in two shapes). */
export interface Structured<Row> {
  records: Row[];
  affected: number;
}

/** `bigint` and `numeric` come back as strings, `timestamptz` as Date. */
export async function structured<Row = Record<string, unknown>>(tx: Tx, sql: string, params: unknown[] = []): Promise<Structured<Row>> {
  const result = await runnerOf(tx).query(sql, params, true);
  return { records: (result.records ?? []) as Row[], affected: result.affected ?? 0 };
}

/** The rows of a SELECT, or of RETURNING. */
export async function rows<Row = Record<string, unknown>>(tx: Tx, sql: string, params: unknown[] = []): Promise<Row[]> {
  return (await structured<Row>(tx, sql, params)).records;
}

/** The first row, or null. */
export async function row<Row = Record<string, unknown>>(tx: Tx, sql: string, params: unknown[] = []): Promise<Row | null> {
  return (await rows<Row>(tx, sql, params))[0] ?? null;
}

/** How many rows an INSERT, UPDATE or DELETE touched. */
export async function affected(tx: Tx, sql: string, params: unknown[] = []): Promise<number> {
  return (await structured(tx, sql, params)).affected;
}

/**
 * Like `structured`, but parsed and planned once per connection under `name`: for statements that run many times a second. One name belongs
 * to one text (pg refuses another). After five runs the server may settle for one plan for all parameters; not for statements whose best
 * plan depends on them.
 */
export async function prepared<Row = Record<string, unknown>>(
  tx: Tx,
  name: string,
  sql: string,
  params: unknown[] = [],
): Promise<Structured<Row>> {
  const client = (await runnerOf(tx).connect()) as ClientBase;
  const result = await client.query({ name, text: sql, values: params });
  return { records: result.rows as Row[], affected: result.rowCount ?? 0 };
}

/** The rows of a `prepared` statement. */
export async function preparedRows<Row = Record<string, unknown>>(
  tx: Tx,
  name: string,
  sql: string,
  params: unknown[] = [],
): Promise<Row[]> {
  return (await prepared<Row>(tx, name, sql, params)).records;
}

function runnerOf(tx: Tx) {
  if (!tx.queryRunner) throw new Error('SQL outside a transaction: open one with Database.inTenant or Database.asSystem and pass its tx');
  return tx.queryRunner;
}
