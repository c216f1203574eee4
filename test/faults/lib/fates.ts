import type { Stage } from './stage.js';

/** How the ledger row of a recipient's first message ends. */
export type Fate = 'sent' | 'failed' | 'unknown';

/** A regular expression for recipients whose number ends in these digits. */
export const suffix = (digits: string): string => `^c\\d*${digits}@`;

/**
 * Compares the first message of everybody a fault was meant for with what had to become of it. Returns how many rows are rightly in doubt:
 * neither more nor fewer may be. Rows with the reason `excepted` are left out: something else, meant for anybody, met them.
 */
export async function expectFates(stage: Stage, faults: readonly { digits: string; fate: Fate }[], excepted = ''): Promise<number> {
  let inDoubt = 0;
  const wrong: string[] = [];
  for (const { digits, fate } of faults) {
    const rows = await stage.sql.rows<{ status: string; reason: string | null; n: number }>(
      `SELECT e.status, e.reason, count(*)::int AS n FROM emails e
         JOIN campaign_steps s ON s.tenant_id = e.tenant_id AND s.id = e.step_id AND s.step_name = 'Email 1'
         JOIN contacts k ON k.tenant_id = e.tenant_id AND k.id = e.contact_id
        WHERE k.email ~ $1 AND e.reason IS DISTINCT FROM $2 GROUP BY 1, 2`,
      [suffix(digits), excepted],
    );
    const of = (status: string) => rows.filter((row) => row.status === status).reduce((sum, { n }) => sum + n, 0);
    const all = rows.reduce((sum, { n }) => sum + n, 0);
    if (fate === 'unknown') inDoubt += of('unknown');
    if (all === 0 || of(fate) !== all) wrong.push(`…${digits} should be ${fate}: ${JSON.stringify(rows)}`);
  }
  if (wrong.length > 0) throw new Error(`the retry table was not kept:\n${wrong.map((line) => `  - ${line}`).join('\n')}`);
  stage.note(`${faults.length} kinds of answer, each ended as it must; ${inDoubt} rightly in doubt`);
  return inDoubt;
}
