import { DataSource } from 'typeorm';
import { buildDataSourceOptions } from '../../../src/database/data-source.js';
import { Database } from '../../../src/database/index.js';
import { balanceLedger, isSound } from '../../../src/modules/analytics/domain/ledger-balance.js';
import { LedgerCheckQueries } from '../../../src/modules/analytics/ledger-check.queries.js';
import { RollupQueries } from '../../../src/modules/analytics/rollup.queries.js';
import { SystemRandom } from '../../../src/shared/random.js';
import type { Watcher } from './postgres.js';
import { EMAIL_STEPS, type Stage } from './stage.js';
import { type Accepted, eachAccepted } from './truth.js';

export interface Expected {
  /** Most rows that may be in doubt: what was with the provider when something was killed. */
  unknownAtMost: number;
  /** Every campaign is over: nothing may be open any more. True unless said otherwise. */
  isOver?: boolean;
}

/** What a scenario ended with. */
export interface Balance {
  accepted: number;
  sent: number;
  unknown: number;
  /** Of the unknown ones: those that had really gone out, by the double's file. */
  unknownDelivered: number;
  failed: number;
  skipped: number;
  cancelled: number;
  duplicates: number;
  lost: number;
}

interface LedgerRow {
  id: string;
  status: string;
  reason: string | null;
}

const LEDGER_PAGE = 20_000;
const HANDED_OVER = new Set(['sent', 'delivered', 'bounced', 'dropped']);
const OPEN = `(e.status IN ('queued', 'sending') OR (e.status = 'unknown' AND e.settled_at IS NULL))`;

/** Each finds rows that must not be. One violation is one row of the answer. */
const NEVER: Record<string, string> = {
  'I1: two ledger rows for one (enrolment, step, entry)': `SELECT enrollment_id::text AS what FROM emails GROUP BY enrollment_id, step_id, entry_number HAVING count(*) > 1`,
  'two enrolments of a contact in one campaign': `SELECT contact_id::text AS what FROM campaign_contacts GROUP BY campaign_id, contact_id HAVING count(*) > 1`,
  'I4: a contact of the audience was not enrolled': `SELECT k.email AS what FROM campaigns c CROSS JOIN contacts k
     WHERE c.launch_state = 'enrolled' AND c.tenant_id = k.tenant_id AND k.subscribed AND k.deleted_at IS NULL AND NOT EXISTS (
       SELECT FROM campaign_contacts n WHERE n.tenant_id = c.tenant_id AND n.campaign_id = c.id AND n.contact_id = k.id)`,
  'I4: an enrolment completed without a ledger row for every message': `SELECT n.id::text AS what FROM campaign_contacts n
     WHERE n.status = 'completed' AND (SELECT count(*) FROM emails e WHERE e.tenant_id = n.tenant_id AND e.enrollment_id = n.id) <> ${EMAIL_STEPS}`,
  'I5: a campaign completed with something open': `SELECT c.id::text AS what FROM campaigns c WHERE c.status = 'completed' AND (
       EXISTS (SELECT FROM campaign_contacts n WHERE n.tenant_id = c.tenant_id AND n.campaign_id = c.id AND n.status IN ('enrolled', 'active', 'paused'))
       OR EXISTS (SELECT FROM emails e WHERE e.tenant_id = c.tenant_id AND e.campaign_id = c.id AND ${OPEN}))`,
  'I13: a row is still `sending` 10 s after its lease': `SELECT id::text AS what FROM emails WHERE status = 'sending' AND lease_expires_at < clock_timestamp() - interval '10 seconds'`,
  'a row went out without an attempt counted, or with more than eight': `SELECT id::text AS what FROM emails
     WHERE (status IN ('sending', 'sent', 'delivered', 'unknown') AND attempts < 1) OR attempts > 8`,
  'a decided row says no reason': `SELECT id::text AS what FROM emails WHERE status IN ('failed', 'unknown', 'skipped', 'cancelled') AND reason IS NULL`,
  'an exit without a reason': `SELECT id::text AS what FROM campaign_contacts WHERE status = 'exited' AND exit_reason IS NULL`,
  'an action was done twice or not at all': `SELECT k.email || ' has ' || k.lead_score AS what FROM contacts k
     WHERE k.lead_score > (SELECT count(*) FROM campaign_contacts n WHERE n.tenant_id = k.tenant_id AND n.contact_id = k.id)
        OR k.lead_score < (SELECT count(*) FROM campaign_contacts n WHERE n.tenant_id = k.tenant_id AND n.contact_id = k.id AND n.status = 'completed')`,
  'the condition sent somebody the wrong way': `SELECT k.email AS what FROM contacts k
     WHERE (k.attributes ->> 'plan' = 'pro') <> EXISTS (SELECT FROM contact_tags g WHERE g.tenant_id = k.tenant_id AND g.contact_id = k.id AND g.tag = 'pro-reader')
       AND (k.attributes ->> 'plan' <> 'pro' OR EXISTS (
         SELECT FROM campaign_contacts n WHERE n.tenant_id = k.tenant_id AND n.contact_id = k.id AND n.status = 'completed'))`,
};

const NEVER_AFTERWARDS: Record<string, string> = {
  'lost: an enrolment that nothing will ever move': `SELECT n.id::text || ' ' || n.status AS what FROM campaign_contacts n
     WHERE n.status IN ('enrolled', 'active', 'paused')`,
  'lost: a message that nobody decides': `SELECT e.id::text || ' ' || e.status AS what FROM emails e WHERE ${OPEN}`,
  'a campaign has not ended': `SELECT id::text || ' ' || status AS what FROM campaigns WHERE status NOT IN ('completed', 'cancelled', 'draft')`,
  'a hit was never applied': 'SELECT id::text AS what FROM hit_batches',
  'a fact from outside was never applied': `SELECT id::text AS what FROM email_events v WHERE applied_at IS NULL
     AND EXISTS (SELECT FROM emails e WHERE e.tenant_id = v.tenant_id AND e.id = v.email_id)`,
};

/**
 * The invariants of the engine, by SQL and against what the provider's double really took. Throws with everything it found wrong; returns the
 * balance otherwise. This is what every fault scenario ends with.
 */
export async function assertInvariants(stage: Stage, { unknownAtMost, isOver = true }: Expected): Promise<Balance> {
  const wrong: string[] = [];
  for (const [name, sql] of Object.entries(isOver ? { ...NEVER, ...NEVER_AFTERWARDS } : NEVER)) {
    const found = await stage.sql.rows<{ what: string }>(sql);
    if (found.length > 0)
      wrong.push(
        `${name}: ${found.length} (${found
          .slice(0, 3)
          .map(({ what }) => what)
          .join(', ')})`,
      );
  }
  wrong.push(...(await ledgerFaults(stage)));
  const { balance, faults } = await compare(stage);
  wrong.push(...faults);
  if (balance.unknown > unknownAtMost) wrong.push(`I15: ${balance.unknown} messages in doubt, at most ${unknownAtMost} expected`);
  for (const { name, code, signal } of stage.fleet.unordered) wrong.push(`I16: ${name} ended by itself (${signal ?? `exit code ${code}`})`);
  if (wrong.length > 0) throw new InvariantError(wrong, balance);
  return balance;
}

export class InvariantError extends Error {
  constructor(
    readonly wrong: string[],
    readonly balance: Balance,
  ) {
    super(`${wrong.length} invariant(s) broken:\n${wrong.map((line) => `  - ${line}`).join('\n')}\n  ${JSON.stringify(balance)}`);
  }
}

/** The whole ledger in the order of its ids; a page at a time, because at full size it has 300,000 rows. */
async function* eachLedgerRow(sql: Watcher): AsyncGenerator<LedgerRow> {
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const page = await sql.rows<LedgerRow>(`SELECT id, status, reason FROM emails WHERE id > $1 ORDER BY id LIMIT ${LEDGER_PAGE}`, [after]);
    yield* page;
    if (page.length < LEDGER_PAGE) return;
    after = page[page.length - 1].id;
  }
}

/** How many of a kind were found, and the first few of them. */
class Finding {
  count = 0;
  private readonly examples: string[] = [];

  constructor(private readonly what: string) {}

  add(example: string): void {
    if (this.count++ < 3) this.examples.push(example);
  }

  toString(): string {
    return `${this.what}: ${this.count} (${this.examples.join(', ')})`;
  }
}

/** What the double took: how often each ledger row, and how often each recipient each message. */
function count(truth: Iterable<Accepted>): { accepted: number; taken: Map<string, number>; received: Map<string, number> } {
  let accepted = 0;
  const taken = new Map<string, number>();
  const received = new Map<string, number>();
  for (const { emailId, to, subject } of truth) {
    accepted++;
    taken.set(emailId, (taken.get(emailId) ?? 0) + 1);
    const key = `${to} ← ${subject}`;
    received.set(key, (received.get(key) ?? 0) + 1);
  }
  return { accepted, taken, received };
}

/** The ledger against the double's file: the one says what we believe, the other what happened. */
async function compare(stage: Stage): Promise<{ balance: Balance; faults: string[] }> {
  const hasTruth = stage.settings.mail !== 'none';
  const { accepted, taken, received } = count(hasTruth ? eachAccepted(stage.truthFile) : []);
  const twice = new Finding('duplicates: somebody got one message twice');
  const handedOverTwice = new Finding('duplicates: one ledger row was handed over twice');
  const unplanned = new Finding('I2: accepted, but there is no ledger row');
  const denied = new Finding('accepted, but the ledger says it was not');
  const phantoms = new Finding('lost: the ledger says sent, but nobody has it');
  for (const [key, n] of received) if (n > 1) twice.add(`${key} ×${n}`);
  for (const [id, n] of taken) if (n > 1) handedOverTwice.add(id);
  const counts = new Map<string, number>();
  let unknownDelivered = 0;
  for await (const { id, status, reason } of eachLedgerRow(stage.sql)) {
    counts.set(status, (counts.get(status) ?? 0) + 1);
    if (!hasTruth) continue;
    const wasTaken = taken.delete(id);
    if (status === 'unknown' && wasTaken) unknownDelivered++;
    if (wasTaken && !HANDED_OVER.has(status) && status !== 'unknown' && status !== 'sending') denied.add(`${id} ${status} ${reason ?? ''}`);
    if (!wasTaken && HANDED_OVER.has(status)) phantoms.add(`${id} ${status}`);
  }
  for (const id of taken.keys()) unplanned.add(id);
  const of = (...states: string[]) => states.reduce((sum, state) => sum + (counts.get(state) ?? 0), 0);
  const balance: Balance = {
    accepted,
    sent: of(...HANDED_OVER),
    unknown: of('unknown'),
    unknownDelivered,
    failed: of('failed'),
    skipped: of('skipped'),
    cancelled: of('cancelled'),
    duplicates: twice.count,
    lost: phantoms.count,
  };
  const faults = [twice, handedOverTwice, unplanned, denied, phantoms].filter((finding) => finding.count > 0).map(String);
  return { balance, faults };
}

/** The check that operators have, `cli ledger:check`: its queries and its balance, and whether the rollups equal a recount (I8). */
async function ledgerFaults(stage: Stage): Promise<string[]> {
  const dataSource = await new DataSource({ ...buildDataSourceOptions(stage.adminUrl), entities: [] }).initialize();
  try {
    const db = new Database(dataSource, new SystemRandom());
    const queries = new LedgerCheckQueries();
    return await db.asSystem(async (tx) => {
      const faults: string[] = [];
      for (const tenantId of await queries.tenants(tx)) {
        const unsound = balanceLedger(await queries.facts(tx, tenantId, null)).filter((report) => !isSound(report));
        const differences = await new RollupQueries().differences(tx, tenantId, null);
        faults.push(...unsound.map(({ problems }) => `ledger:check: ${JSON.stringify(problems)}`));
        faults.push(...differences.map(({ count, example }) => `I8: ${count} rollups differ from a recount, for example ${example}`));
      }
      return faults;
    });
  } finally {
    await dataSource.destroy();
  }
}
