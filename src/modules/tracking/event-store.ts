import { sqlState, type Tx } from '../../database/index.js';
import type { TenantEvent } from './domain/sendgrid-events.js';

/** Writes events in the open transaction (system scope) and returns how many were new. Called again with parts of them if that fails. */
export type EventStore = (tx: Tx, events: TenantEvent[]) => Promise<number>;

export interface StoredEvents {
  stored: number;
  refused: { event: TenantEvent; error: Error }[];
}

/** All at once; should the database refuse them, one by one, so that only those it refuses are lost, and the caller learns which. */
export async function storeEvents(tx: Tx, events: TenantEvent[], store: EventStore): Promise<StoredEvents> {
  if (events.length === 0) return { stored: 0, refused: [] };
  const inserted = await attempt(tx, () => store(tx, events));
  if (typeof inserted === 'number') return { stored: inserted, refused: [] };
  const result: StoredEvents = { stored: 0, refused: [] };
  for (const event of events) {
    const one = await attempt(tx, () => store(tx, [event]));
    if (typeof one === 'number') result.stored += one;
    else result.refused.push({ event, error: one });
  }
  return result;
}

/** Only what is wrong with the data is an answer: a database that is gone, or a deadlock, is for the caller to try again. */
async function attempt(tx: Tx, store: () => Promise<number>): Promise<number | Error> {
  await tx.query('SAVEPOINT events');
  try {
    return await store();
  } catch (error) {
    if (!/^2[23]/.test(sqlState(error) ?? '')) throw error;
    await tx.query('ROLLBACK TO SAVEPOINT events');
    return error as Error;
  }
}
