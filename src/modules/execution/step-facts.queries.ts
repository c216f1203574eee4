import { Injectable } from '@nestjs/common';
import { rows, type Tx } from '../../database/index.js';
import type { SqlFragment } from '../segments/index.js';

/** Parameters of `firstHolding` that stand before those of the rules. */
export const RULE_PARAMS = 2;

/** What steps ask about the contacts that stand at them. Reads only, one statement for the whole group. */
@Injectable()
export class StepFactsQueries {
  /** The attribute (or `createdAt`) of each contact that has it. */
  async attributeOf(tx: Tx, tenantId: string, contactIds: string[], attribute: string): Promise<Map<string, unknown>> {
    const value = attribute === 'createdAt' ? 'created_at' : 'attributes -> $3';
    const found = await rows<{ id: string; value: unknown }>(
      tx,
      `SELECT id, ${value} AS value FROM contacts WHERE tenant_id = $1 AND id = ANY($2::uuid[]) AND ${value} IS NOT NULL`,
      attribute === 'createdAt' ? [tenantId, contactIds] : [tenantId, contactIds, attribute],
    );
    return new Map(found.map((row) => [row.id, row.value]));
  }

  /**
   * For each enrolment the index of the first rule that holds; those for which none does are not in the answer. The rules are compiled with the
   * aliases `c` and `cc` and the tenant as `$1`, their parameters from `RULE_PARAMS + 1` on.
   */
  async firstHolding(tx: Tx, tenantId: string, enrollmentIds: string[], rules: readonly SqlFragment[]): Promise<Map<string, number>> {
    const cases = rules.map(({ sql }, index) => `WHEN ${sql} THEN ${index}`).join(' ');
    const found = await rows<{ id: string; branch: number }>(
      tx,
      `SELECT * FROM (
         SELECT cc.id, CASE ${cases} END AS branch FROM campaign_contacts cc JOIN contacts c ON c.tenant_id = cc.tenant_id AND c.id = cc.contact_id
         WHERE cc.tenant_id = $1 AND cc.id = ANY($2::uuid[])) answers
       WHERE branch IS NOT NULL`,
      [tenantId, enrollmentIds, ...rules.flatMap(({ params }) => params)],
    );
    return new Map(found.map(({ id, branch }) => [id, branch]));
  }
}
