import type { Readable } from 'node:stream';
import { BodyTooLargeError } from '../../http/index.js';
import { ImportFaultError, ImportInterruptedError, ImportTooLargeError } from './contacts.errors.js';
import { csvRecords, ndjsonRecords, UnreadableImport, type ImportFormat, type RowReader } from './import-source.js';

/** What an import answers: its own counts, and what was wrong. */
export interface ImportTally {
  rejected: number;
  /** The first 1,000 rejected rows. */
  errors: { row: number; message: string }[];
}

/** Rows on their way to the database together. */
export interface Batch<Row> {
  /** Rows taken. */
  readonly size: number;
  /** Characters taken. */
  readonly length: number;
  add(line: number, row: Row): void;
  /** Whether an address is in both. */
  overlaps(other: this): boolean;
}

export interface ImportRun<Row, B extends Batch<Row>> {
  format: ImportFormat;
  body: Readable;
  reader: RowReader<Row>;
  newBatch(): B;
  /** Writes a batch in a transaction of its own and counts what came of it. */
  write(batch: B): Promise<void>;
}

/**
 * Two batches of 500 under way import as fast as larger ones, and their rows die young: with 5,000, each lived long enough to become old garbage, and the
 * process grew by 150 MB during 200,000 rows; with 1,000 it did so where the machine had other work.
 */
const BATCH_ROWS = 500;
/** A batch is also cut by its size, so that a file of large cells needs no more memory than one of small ones. */
const BATCH_LENGTH = 4_000_000;
const MAX_UNDERWAY = 2;
const MAX_ERRORS = 1_000;

/**
 * Reads a file as it arrives: while the database writes two batches, the next is read, and no more than three are in memory. Each batch is a
 * transaction of its own, so a file that turns out to be broken leaves batches before the fault imported; the error says how many rows.
 */
export async function runImport<Row, B extends Batch<Row>>(run: ImportRun<Row, B>, report: ImportTally): Promise<void> {
  const { body, reader, format } = run;
  const writer = new BatchWriter(run);
  try {
    for await (const records of format === 'csv' ? csvRecords(body, reader) : ndjsonRecords(body, reader)) {
      for (const { line, row } of records) {
        if (typeof row === 'string') rejectRow(report, line, row);
        else if (writer.add(line, row)) await writer.flush();
      }
    }
    await writer.finish();
  } catch (error) {
    await writer.settle();
    throw refusal(error, report);
  }
  report.errors.sort((a, b) => a.row - b.row);
}

export function rejectRow(report: ImportTally, row: number, message: string): void {
  report.rejected++;
  if (report.errors.length < MAX_ERRORS) report.errors.push({ row, message });
}

/**
 * Collects rows into batches and has up to two of them on their way to the database, which writes two at once in little more time than one.
 * Batches with an address in common go one after the other, so that the later row stays the later one.
 */
class BatchWriter<Row, B extends Batch<Row>> {
  private batch: B;
  private readonly underway = new Map<B, Promise<void>>();

  constructor(private readonly run: Pick<ImportRun<Row, B>, 'newBatch' | 'write'>) {
    this.batch = run.newBatch();
  }

  /** True when the batch is full and `flush` is due. */
  add(line: number, row: Row): boolean {
    this.batch.add(line, row);
    return this.batch.size >= BATCH_ROWS || this.batch.length >= BATCH_LENGTH;
  }

  /** Starts to write what is collected, once there is room. Throws what an earlier write has thrown. */
  async flush(): Promise<void> {
    const { batch } = this;
    if (batch.size === 0) return;
    while (this.underway.size >= MAX_UNDERWAY) await Promise.race(this.underway.values());
    for (const [other, writing] of this.underway) if (batch.overlaps(other)) await writing;
    const writing = this.run.write(batch).then(() => void this.underway.delete(batch));
    // Awaited later; until then a failure is not an unhandled rejection. It stays under way, so that the next wait meets it.
    writing.catch(() => undefined);
    this.underway.set(batch, writing);
    this.batch = this.run.newBatch();
  }

  async finish(): Promise<void> {
    await this.flush();
    await Promise.all(this.underway.values());
  }

  /** Waits for what is on its way, whatever becomes of it; what is only collected is dropped. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.underway.values());
  }
}

function refusal(error: unknown, report: ImportTally): Error {
  const { errors: _, ...imported } = report;
  if (error instanceof UnreadableImport) return new ImportFaultError(error.line, error.message, imported);
  if (error instanceof BodyTooLargeError) return new ImportTooLargeError(error.message, imported);
  return new ImportInterruptedError(imported, error);
}
