import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { BodyTooLargeError } from '../../http/index.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import { ContactImportQueries } from './contact-import.queries.js';
import { ImportFaultError, ImportInterruptedError, ImportTooLargeError } from './contacts.errors.js';
import { MAX_ATTRIBUTES } from './domain/attributes.js';
import { ImportBatch, type PackedRow } from './domain/import-batch.js';
import { csvRecords, ndjsonRecords, UnreadableImport, type SourceRecord } from './import-source.js';

export interface ImportReport {
  created: number;
  updated: number;
  unchanged: number;
  rejected: number;
  /** The first 1,000 rejected rows. */
  errors: { row: number; message: string }[];
}

export type ImportFormat = 'csv' | 'ndjson';

/** Larger batches are no faster (the database is the bottleneck) and their rows live long enough to become old garbage in our heap. */
const BATCH_ROWS = 2_000;
/** A batch is also cut by its size, so that a file of large cells needs no more memory than one of small ones. */
const BATCH_LENGTH = 4_000_000;
const MAX_ERRORS = 1_000;

/**
 * Imports a file of contacts as it arrives: while the database writes one batch, the next is read, and no more than two are in memory. Each
 * batch is a transaction of its own, so a file that turns out to be broken leaves the batches before the fault imported; the error says how
 * many rows. Importing the same file again is safe: rows that say nothing new are `unchanged` and not written.
 */
@Injectable()
export class ContactImportService {
  constructor(
    private readonly db: Database,
    private readonly queries: ContactImportQueries,
    private readonly audit: AuditService,
  ) {}

  async import(ctx: TenantContext, format: ImportFormat, body: Readable): Promise<ImportReport> {
    const report: ImportReport = { created: 0, updated: 0, unchanged: 0, rejected: 0, errors: [] };
    const writer = new BatchWriter((batch) => this.write(ctx.tenantId, batch, report));
    try {
      for await (const record of format === 'csv' ? csvRecords(body) : ndjsonRecords(body)) {
        if (typeof record.row === 'string') reject(report, record.line, record.row);
        else await writer.add(record.line, record.row);
      }
      await writer.finish();
    } catch (error) {
      await writer.settle();
      throw refusal(error, report);
    }
    report.errors.sort((a, b) => a.row - b.row);
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
    for (const line of outcome.overfull) reject(report, line, `the contact would have more than ${MAX_ATTRIBUTES} attributes`);
  }

  private async upsert(tx: Tx, tenantId: string, rows: PackedRow[]) {
    const hasTags = rows.some((row) => row.isTagged);
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

/** Collects rows into batches and keeps at most one of them on its way to the database. */
class BatchWriter {
  private batch = new ImportBatch();
  private underway: Promise<void> = Promise.resolve();

  constructor(private readonly write: (batch: ImportBatch) => Promise<void>) {}

  async add(line: number, row: Exclude<SourceRecord['row'], string>): Promise<void> {
    this.batch.add(line, row);
    if (this.batch.size >= BATCH_ROWS || this.batch.length >= BATCH_LENGTH) await this.flush();
  }

  async finish(): Promise<void> {
    await this.flush();
    await this.underway;
  }

  /** Waits for what is on its way, whatever becomes of it; what is only collected is dropped. */
  async settle(): Promise<void> {
    await this.underway.catch(() => undefined);
  }

  private async flush(): Promise<void> {
    await this.underway;
    if (this.batch.size === 0) return;
    this.underway = this.write(this.batch);
    // Awaited at the next flush; until then a failure is not an unhandled rejection.
    this.underway.catch(() => undefined);
    this.batch = new ImportBatch();
  }
}

function reject(report: ImportReport, row: number, message: string): void {
  report.rejected++;
  if (report.errors.length < MAX_ERRORS) report.errors.push({ row, message });
}

function refusal(error: unknown, report: ImportReport): Error {
  const { created, updated, unchanged, rejected } = report;
  const imported = { created, updated, unchanged, rejected };
  if (error instanceof UnreadableImport) return new ImportFaultError(error.line, error.message, imported);
  if (error instanceof BodyTooLargeError) return new ImportTooLargeError(error.message, imported);
  return new ImportInterruptedError(imported, error);
}
