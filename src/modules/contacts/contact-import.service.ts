import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import { ContactImportQueries } from './contact-import.queries.js';
import { MAX_ATTRIBUTES } from './domain/attributes.js';
import { ImportBatch, type PackedRow } from './domain/import-batch.js';
import { readHeader } from './domain/csv-header.js';
import { rowFromCells, rowFromObject, type ImportRow } from './domain/import-row.js';
import { rejectRow, runImport, type ImportTally } from './import-run.js';
import type { ImportFormat, RowReader } from './import-source.js';

export interface ImportReport extends ImportTally {
  created: number;
  updated: number;
  unchanged: number;
}

const READER: RowReader<ImportRow> = {
  header: (cells) => {
    const columns = readHeader(cells);
    return typeof columns === 'string' ? columns : (record) => rowFromCells(columns, record);
  },
  object: rowFromObject,
};

/** After how many new contacts to see whether the planner has noticed. */
const TENFOLDS = [1_000, 10_000, 100_000, 1_000_000];

/** Imports a file of contacts as it arrives. Importing the same file again is safe: rows that say nothing new are `unchanged` and not written. */
@Injectable()
export class ContactImportService {
  constructor(
    private readonly db: Database,
    private readonly queries: ContactImportQueries,
    private readonly audit: AuditService,
  ) {}

  async import(ctx: TenantContext, format: ImportFormat, body: Readable): Promise<ImportReport> {
    const report: ImportReport = { created: 0, updated: 0, unchanged: 0, rejected: 0, errors: [] };
    const write = (batch: ImportBatch) => this.write(ctx.tenantId, batch, report);
    await runImport({ format, body, reader: READER, newBatch: () => new ImportBatch(), write }, report);
    await this.record(ctx, report);
    return report;
  }

  private async record(ctx: TenantContext, { created, updated, unchanged, rejected }: ImportReport): Promise<void> {
    const after = { created, updated, unchanged, rejected };
    await this.db.inTenant(ctx.tenantId, (tx) =>
      this.audit.record(tx, ctx, { action: 'contacts.imported', entityType: 'contact', entityId: null, after }),
    );
  }

  private async write(tenantId: string, batch: ImportBatch, report: ImportReport): Promise<void> {
    const rows = batch.sorted();
    const outcome = await this.db.inTenant(tenantId, (tx) => this.upsert(tx, tenantId, rows));
    report.created += outcome.created;
    report.updated += outcome.updated + batch.repeatedUpdates;
    report.unchanged += rows.length - outcome.created - outcome.updated - outcome.overfull.length + batch.repeatedUnchanged;
    for (const line of outcome.overfull) rejectRow(report, line, `the contact would have more than ${MAX_ATTRIBUTES} attributes`);
    const isTenfold = TENFOLDS.some((count) => report.created >= count && report.created - outcome.created < count);
    if (isTenfold) await this.refreshStatistics(tenantId, report.created);
  }

  /**
   * In a fresh database, PostgreSQL checks the foreign key of each tag by reading all contacts of the tenant, until it has looked how many there
   * are. Its own daemon would look within a minute; a large import cannot wait for that.
   */
  private async refreshStatistics(tenantId: string, created: number): Promise<void> {
    await this.db.inTenant(tenantId, async (tx) => {
      if ((await this.queries.believedContacts(tx)) < created) await this.queries.analyze(tx);
    });
  }

  private async upsert(tx: Tx, tenantId: string, rows: PackedRow[]) {
    const hasTags = rows.some((row) => row.isTagged);
    await this.queries.forbidScans(tx);
    const { created, updated, overfull, unchanged } = await this.queries.upsert(tx, tenantId, rows, hasTags);
    if (!hasTags) return { created, updated, overfull };
    const refused = new Set(overfull);
    const same = new Set(unchanged);
    const gained = await this.queries.addTags(
      tx,
      tenantId,
      rows.filter(({ line, isTagged }) => isTagged && !refused.has(line)),
    );
    return { created, updated: updated + gained.filter((line) => same.has(line)).length, overfull };
  }
}
