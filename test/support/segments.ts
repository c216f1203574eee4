import { rows } from '../../src/database/index.js';
import { ContactsEvents } from '../../src/modules/contacts/index.js';
import { AuditQueries } from '../../src/modules/identity/audit.queries.js';
import { AuditService, type TenantContext } from '../../src/modules/identity/index.js';
import { SegmentAudienceQueries } from '../../src/modules/segments/segment-audience.queries.js';
import { SegmentAudienceService } from '../../src/modules/segments/segment-audience.service.js';
import { SegmentRules } from '../../src/modules/segments/segment-rules.js';
import { SegmentsQueries } from '../../src/modules/segments/segments.queries.js';
import { SegmentsService } from '../../src/modules/segments/segments.service.js';
import { SystemIds } from '../../src/shared/ids.js';
import { FakeClock } from './fake-clock.js';
import type { OpenTestDatabase } from './test-database.js';

export interface SegmentsBench {
  clock: FakeClock;
  segments: SegmentsService;
  audience: SegmentAudienceService;
  /** A tenant of its own for a test. */
  tenant(): Promise<TenantContext>;
  contact(ctx: TenantContext, fields?: { email?: string; attributes?: Record<string, unknown>; subscribed?: boolean }): Promise<string>;
  sql<Row = Record<string, unknown>>(ctx: TenantContext, sql: string, ...params: unknown[]): Promise<Row[]>;
}

/** The services of the segments module on a test database, wired by hand. */
export function segmentsBench({ db }: OpenTestDatabase): SegmentsBench {
  const ids = new SystemIds();
  const clock = new FakeClock();
  const audit = new AuditService(new AuditQueries(), clock, ids, db);
  const queries = new SegmentsQueries();
  const segments = new SegmentsService(db, queries, new SegmentAudienceQueries(), new SegmentRules(queries), audit, ids);
  const audience = new SegmentAudienceService(db, new SegmentAudienceQueries(), queries, segments, audit, clock, new ContactsEvents());
  const sql: SegmentsBench['sql'] = (ctx, text, ...params) => db.inTenant(ctx.tenantId, (tx) => rows(tx, text, params));
  let made = 0;
  return {
    clock,
    segments,
    audience,
    sql,
    tenant: async () => {
      const tenantId = ids.uuid();
      await db.asSystem((tx) => rows(tx, `INSERT INTO tenants (id, name) VALUES ($1, 'T')`, [tenantId]));
      return { tenantId, workspaceId: null, userId: null, actor: { type: 'system', id: null }, roles: ['owner'] };
    },
    contact: async (ctx, { email = `p${++made}@example.com`, attributes = {}, subscribed = true } = {}) => {
      const id = ids.uuid();
      await sql(
        ctx,
        `INSERT INTO contacts (tenant_id, id, email, email_norm, attributes, subscribed, unsubscribed_at)
         VALUES ($1, $2, $3::text, lower($3::text), $4, $5, CASE WHEN $5 THEN NULL ELSE now() END)`,
        ctx.tenantId, id, email, JSON.stringify(attributes), subscribed,
      ); // prettier-ignore
      return id;
    },
  };
}
