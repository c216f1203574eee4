import { Readable } from 'node:stream';
import { rows, type Tx } from '../../src/database/index.js';
import { AuditQueries } from '../../src/modules/identity/audit.queries.js';
import { AuditService, systemContext, type TenantContext } from '../../src/modules/identity/index.js';
import { ContactEffects, ContactEventsService, ContactsEvents, ContactsService } from '../../src/modules/contacts/index.js';
import { ContactEffectsQueries } from '../../src/modules/contacts/contact-effects.queries.js';
import { ContactEventsQueries } from '../../src/modules/contacts/contact-events.queries.js';
import { ContactImportQueries } from '../../src/modules/contacts/contact-import.queries.js';
import { ContactImportService } from '../../src/modules/contacts/contact-import.service.js';
import { ContactsQueries } from '../../src/modules/contacts/contacts.queries.js';
import { SuppressionsQueries } from '../../src/modules/contacts/suppressions.queries.js';
import { SystemIds } from '../../src/shared/ids.js';
import { FakeClock } from '../support/fake-clock.js';
import { openTestDatabase, type OpenTestDatabase } from '../support/test-database.js';

describe('contacts in the database', () => {
  const ids = new SystemIds();
  const clock = new FakeClock();
  const events = new ContactsEvents();
  const suppressions = new SuppressionsQueries();
  const effects = new ContactEffects(new ContactEffectsQueries(), suppressions, new ContactsEvents(), clock);
  const recorder = new ContactEventsService(new ContactEventsQueries());
  let database: OpenTestDatabase;
  let contacts: ContactsService;
  let importer: ContactImportService;
  let ctx: TenantContext;
  let tenantId: string;

  beforeAll(async () => {
    database = await openTestDatabase();
    const audit = new AuditService(new AuditQueries(), clock, ids, database.db);
    contacts = new ContactsService(
      database.db,
      new ContactsQueries(),
      new ContactEffectsQueries(),
      suppressions,
      events,
      audit,
      clock,
      ids,
    );
    importer = new ContactImportService(database.db, new ContactImportQueries(), audit);
  });
  beforeEach(async () => {
    tenantId = await tenant();
    ctx = systemContext(tenantId);
  });
  afterAll(() => database.drop());

  const tenant = async (): Promise<string> => {
    const id = ids.uuid();
    await database.db.asSystem((tx) => rows(tx, `INSERT INTO tenants (id, name) VALUES ($1, 'T')`, [id]));
    return id;
  };
  const inTenant = <T>(fn: (tx: Tx) => Promise<T>) => database.db.inTenant(tenantId, fn);
  const sql = <Row = Record<string, unknown>>(text: string, ...params: unknown[]) => inTenant((tx) => rows<Row>(tx, text, params));
  const create = async (email: string, more: object = {}) => (await contacts.create(ctx, { email, ...more })).id;
  const csv = (lines: string[]) => importer.import(ctx, 'csv', Readable.from(lines.map((line) => Buffer.from(`${line}\n`))));

  describe('effects', () => {
    it('change each contact once, however often they are repeated, and no erased or foreign one', async () => {
      const a = await create('a@example.com');
      const b = await create('b@example.com', { tags: ['vip'], firstName: 'B', attributes: { plan: 'pro' } });
      const erased = await create('erased@example.com');
      await contacts.erase(ctx, erased);
      const foreign = (await contacts.create(systemContext(await tenant()), { email: 'f@example.com' })).id;
      const all = [a, b, erased, foreign];
      const twice = (fn: (tx: Tx) => Promise<number>) => inTenant(async (tx) => [await fn(tx), await fn(tx)]);
      expect(await twice((tx) => effects.addTag(tx, tenantId, all, 'vip'))).toEqual([1, 0]);
      expect(await twice((tx) => effects.setAttribute(tx, tenantId, all, 'plan', 'pro'))).toEqual([1, 0]);
      expect(await twice((tx) => effects.setAttribute(tx, tenantId, all, 'seats', [1, 2]))).toEqual([2, 0]);
      expect(await twice((tx) => effects.setAttribute(tx, tenantId, all, 'seats', null))).toEqual([2, 0]);
      expect(await twice((tx) => effects.setAttribute(tx, tenantId, all, 'firstName', 'B'))).toEqual([1, 0]);
      expect(await twice((tx) => effects.setAttribute(tx, tenantId, all, 'timezone', 'Asia/Kolkata'))).toEqual([2, 0]);
      expect(await twice((tx) => effects.removeTag(tx, tenantId, all, 'vip'))).toEqual([2, 0]);
      expect(await inTenant((tx) => effects.adjustLeadScore(tx, tenantId, all, -7))).toBe(2);
      expect(await contacts.show(ctx, a)).toMatchObject({
        firstName: 'B',
        timezone: 'Asia/Kolkata',
        leadScore: -7,
        attributes: { plan: 'pro' },
      });
      expect(await inTenant((tx) => effects.adjustLeadScore(tx, tenantId, [a], Number.MIN_SAFE_INTEGER))).toBe(1);
      expect((await contacts.show(ctx, a)).leadScore).toBe(-2_147_483_648);
    });

    it('are refused where no contact could have the value, before they spoil a thousand', async () => {
      const set = (attribute: string, value: unknown) => inTenant((tx) => effects.setAttribute(tx, tenantId, [], attribute, value));
      await expect(set('email', 'x@example.com')).rejects.toMatchObject({ problems: [{ path: 'attribute' }] });
      await expect(set('timezone', 'Mars/Olympus')).rejects.toMatchObject({ problems: [{ path: 'value' }] });
      await expect(set('plan', { deep: 1 })).rejects.toMatchObject({ problems: [{ path: 'value' }] });
      await expect(inTenant((tx) => effects.addTag(tx, tenantId, [], ' '))).rejects.toMatchObject({ code: 'invalid_contact' });
    });

    it('unsubscribe once, with the first reason, and put the address on the suppression list', async () => {
      const id = await create('A@example.com');
      const at = clock.now();
      const unsubscribe = (reason: string) => inTenant((tx) => effects.unsubscribe(tx, tenantId, id, { reason, at, source: 'one_click' }));
      const both = await Promise.all([unsubscribe('first'), unsubscribe('first')]);
      expect(both.sort()).toEqual([false, true]);
      expect(await unsubscribe('second')).toBe(false);
      expect(await contacts.show(ctx, id)).toMatchObject({ subscribed: false, unsubscribedAt: at, unsubscribeReason: 'first' });
      expect(await sql('SELECT email_norm, reason, source, detail FROM suppressions WHERE tenant_id = $1', tenantId)).toEqual([
        { email_norm: 'a@example.com', reason: 'unsubscribed', source: 'one_click', detail: 'first' },
      ]);
    });

    it('let a complaint stand where the person had only unsubscribed, and nothing weaker replace it', async () => {
      const id = await create('a@example.com');
      const suppress = (reason: 'unsubscribed' | 'complaint' | 'hard_bounce') =>
        inTenant((tx) => effects.suppress(tx, tenantId, [{ email: 'A@Example.com', reason, source: 'provider' }]));
      expect([await suppress('unsubscribed'), await suppress('complaint'), await suppress('hard_bounce')]).toEqual([1, 1, 0]);
      expect(await contacts.show(ctx, id)).toMatchObject({ subscribed: false });
      await expect(contacts.update(ctx, id, { subscribed: true }, undefined)).rejects.toMatchObject({ code: 'contact_suppressed' });
      expect(await inTenant((tx) => effects.suppressionReason(tx, tenantId, 'a@EXAMPLE.com'))).toBe('complaint');
      expect(await inTenant((tx) => effects.isSuppressed(tx, tenantId, 'b@example.com'))).toBe(false);
    });
  });

  describe('erasing', () => {
    it('leaves nothing personal behind but the address on the suppression list, and tells the other modules', async () => {
      const id = await create('secret@example.com', { firstName: 'Secret', attributes: { note: 'Secret' }, tags: ['Secret'] });
      await contacts.unsubscribe(ctx, id, 'Secret');
      await inTenant((tx) =>
        recorder.record(tx, tenantId, [{ contactId: id, name: 'order', properties: { note: 'Secret' }, occurredAt: clock.now() }]),
      );
      const heard: string[] = [];
      events.onErased(async (tx, ofTenant, contactId) => {
        const [row] = await rows<{ email: string }>(tx, 'SELECT email FROM contacts WHERE tenant_id = $1 AND id = $2', [
          ofTenant,
          contactId,
        ]);
        heard.push(row.email);
      });
      await contacts.erase(ctx, id);
      expect(heard).toEqual([`erased-${id}@erased.invalid`]);
      for (const table of ['contacts', 'contact_tags', 'contact_events', 'audit_log', 'suppressions']) {
        const found = await sql<{ text: string }>(`SELECT t::text AS text FROM ${table} t WHERE tenant_id = $1`, tenantId);
        const texts = found.map(({ text }) => text).join('\n');
        expect([table, /Secret/.test(texts), /secret@example/.test(texts)]).toEqual([table, false, table === 'suppressions']);
      }
      expect(await sql('SELECT reason, detail FROM suppressions WHERE tenant_id = $1', tenantId)).toEqual([
        { reason: 'erased', detail: null },
      ]);
    });

    it('is undone as a whole when a listener fails', async () => {
      const id = await create('a@example.com', { firstName: 'A' });
      const failing = new ContactsEvents();
      failing.onErased(() => Promise.reject(new Error('no')));
      const audit = new AuditService(new AuditQueries(), clock, ids, database.db);
      const service = new ContactsService(database.db, new ContactsQueries(), new ContactEffectsQueries(), suppressions, failing, audit, clock, ids); // prettier-ignore
      await expect(service.erase(ctx, id)).rejects.toThrow('no');
      expect(await contacts.show(ctx, id)).toMatchObject({ email: 'a@example.com', firstName: 'A' });
    });
  });

  it('records an event once per external id, and none of an erased or unknown contact', async () => {
    const id = await create('a@example.com');
    const event = { contactId: id, name: 'order_placed', externalId: 'o-1', occurredAt: clock.now() };
    const record = (...given: (typeof event | Omit<typeof event, 'externalId'>)[]) =>
      inTenant((tx) => recorder.record(tx, tenantId, given));
    expect(await record(event, event, { ...event, externalId: 'o-2', contactId: ids.uuid() })).toHaveLength(1);
    expect(await record(event)).toEqual([]);
    const { externalId: _, ...anonymous } = event;
    expect(await record(anonymous, anonymous)).toHaveLength(2);
  });

  describe('an import', () => {
    it('does not rewrite rows that say nothing new', async () => {
      const file = ['email,firstName,leadScore,plan', 'a@example.com,A,5,pro', 'b@example.com,B,,'];
      await csv(file);
      const versions = () =>
        sql('SELECT id, xmin::text, xmax::text, ctid::text, updated_at FROM contacts WHERE tenant_id = $1 ORDER BY id', tenantId);
      const before = await versions();
      expect(await csv(file)).toMatchObject({ created: 0, updated: 0, unchanged: 2 });
      expect(await versions()).toEqual(before);
    });

    it('leaves a lead score alone that the file does not mention, and sets the ones it does', async () => {
      await csv(['email,leadScore', 'a@example.com,5', 'b@example.com,6']);
      expect(await csv(['email,leadScore,plan', 'a@example.com,,pro', 'b@example.com,7,'])).toMatchObject({ updated: 2 });
      expect(await sql('SELECT lead_score FROM contacts WHERE tenant_id = $1 ORDER BY email_norm', tenantId)).toEqual([
        { lead_score: 5 },
        { lead_score: 7 },
      ]);
    });

    it('rejects the row of a contact that would have more than a hundred attributes, and keeps that contact as it was', async () => {
      const attributes = Object.fromEntries(Array.from({ length: 99 }, (_, i) => [`a${i}`, i]));
      const id = await create('a@example.com', { attributes });
      const report = await csv(['email,x,y,tags', 'b@example.com,1,2,t', 'A@example.com,1,2,t']);
      expect(report).toMatchObject({ created: 1, updated: 0, rejected: 1, errors: [{ row: 3, message: expect.stringMatching(/100/) }] });
      expect(await contacts.show(ctx, id)).toMatchObject({ attributes, tags: [] });
    });

    it('of the same people four times at once makes each of them once and counts every row', async () => {
      const file = (order: number) => [
        'email,firstName,tags',
        ...Array.from({ length: 3_000 }, (_, i) => `c${(i * order) % 3_001}@example.com,N${order},t${order}`),
      ];
      const reports = await Promise.all([1, 7, 11, 13].map((order) => csv(file(order))));
      for (const { created, updated, unchanged, rejected } of reports)
        expect([created + updated + unchanged, rejected]).toEqual([3_000, 0]);
      const [{ count }] = await sql<{ count: number }>('SELECT count(*)::integer AS count FROM contacts WHERE tenant_id = $1', tenantId);
      expect(reports.reduce((sum, { created }) => sum + created, 0)).toBe(count);
    });

    it.each<[string, () => Promise<unknown>]>([
      ['none', () => Promise.resolve()],
      [
        'other tenants only',
        async () => {
          const others = Array.from({ length: 9_000 }, (_, i) => Buffer.from(`${i === 0 ? 'email\n' : ''}x${i}@example.com\n`));
          await importer.import(systemContext(await tenant()), 'csv', Readable.from(others));
          await database.asOwner('ANALYZE contacts, contact_tags');
        },
      ],
    ])(
      'looks up one contact per row, although the planner may find it cheap to compare all: it has statistics of %s',
      async (_, prepare) => {
        await database.asOwner('TRUNCATE contacts, suppressions CASCADE');
        await database.asOwner('ALTER TABLE contacts SET (autovacuum_enabled = false)');
        await prepare();
        const file = (from: number) => ['email,tags', ...Array.from({ length: 4_000 }, (_, i) => `c${from + i}@example.com,t`)];
        const reads = async () => {
          await database.dataSource.query('SELECT pg_stat_force_next_flush()');
          const [{ n }] = await sql<{ n: string }>(
            `SELECT seq_tup_read + idx_tup_fetch AS n FROM pg_stat_user_tables WHERE relname = 'contacts'`,
          );
          return Number(n);
        };
        await csv(file(0));
        const before = await reads();
        await csv(file(2_000));
        // Each of the two guards prevents eight million; the counts of another connection may come late and add half a million.
        expect((await reads()) - before).toBeLessThan(1_000_000);
      },
    );

    it('reads a large file as it comes instead of holding it', async () => {
      let rowsMade = 0;
      const lines = Readable.from(
        (function* () {
          yield Buffer.from('email,firstName,plan\n');
          for (let chunk = 0; chunk < 60; chunk++) {
            rowsMade += 1_000;
            yield Buffer.from(Array.from({ length: 1_000 }, (_, i) => `c${chunk * 1_000 + i}@example.com,N,pro\n`).join(''));
          }
        })(),
        { objectMode: false, highWaterMark: 1 },
      );
      const lead: number[] = [];
      class Watching extends ContactImportQueries {
        written = 0;
        override async upsert(...args: Parameters<ContactImportQueries['upsert']>) {
          const result = await super.upsert(...args);
          this.written += result.created;
          lead.push(rowsMade - this.written);
          return result;
        }
      }
      const audit = new AuditService(new AuditQueries(), clock, ids, database.db);
      const report = await new ContactImportService(database.db, new Watching(), audit).import(ctx, 'csv', lines);
      expect(report.created).toBe(60_000);
      expect(Math.max(...lead)).toBeLessThan(12_000);
    });

    it('that loses its sender says how far it came, and goes on from there when repeated', async () => {
      const addresses = Array.from({ length: 5_000 }, (_, i) => `c${i}@example.com`);
      let resolve: () => void = () => undefined;
      const written = new Promise<void>((done) => (resolve = done));
      class Signalling extends ContactImportQueries {
        override async upsert(...args: Parameters<ContactImportQueries['upsert']>) {
          const result = await super.upsert(...args);
          resolve();
          return result;
        }
      }
      const broken = Readable.from(
        (async function* () {
          yield Buffer.from(`email\n${addresses.join('\n')}\n`);
          await written;
          throw new Error('connection reset');
        })(),
      );
      const audit = new AuditService(new AuditQueries(), clock, ids, database.db);
      const failure = await new ContactImportService(database.db, new Signalling(), audit)
        .import(ctx, 'csv', broken)
        .catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'import_interrupted', category: 'unavailable' });
      const { created } = (failure as { extensions: { imported: { created: number } } }).extensions.imported;
      expect(created).toBeGreaterThanOrEqual(500);
      expect(await csv(['email', ...addresses])).toMatchObject({ created: 5_000 - created, unchanged: created });
    });
  });
});
