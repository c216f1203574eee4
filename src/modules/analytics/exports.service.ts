import { Injectable, Logger } from '@nestjs/common';
import { Database, rows, type Tx } from '../../database/index.js';
import { safeFileName } from '../../shared/file-name.js';
import { CampaignsService } from '../campaigns/index.js';
import type { TenantContext } from '../identity/index.js';
import { DETAILED_NAMES } from './domain/counts.js';
import { csvFile, csvTable, type CsvColumns, type CsvSize } from './domain/csv.js';
import { ExportsQueries, type EventRow, type RecipientRow } from './exports.queries.js';
import { ReportService, type PeriodReport, type ReportRequest } from './report.service.js';

/** Rows of the longest file. */
export const MAX_EXPORT_ROWS = 1_000_000;

/** How large exports and their pieces are. */
@Injectable()
export class ExportSize implements CsvSize {
  pageRows = 1_000;
  maxRows = MAX_EXPORT_ROWS;
}

export interface CsvExport {
  fileName: string;
  /** The file in order. Reads on only as the pieces are taken; to be stopped by `return()`. */
  pieces: AsyncIterable<string>;
}

const RATES = ['deliveryRate', 'openRate', 'clickRate', 'replyRate', 'unsubscribeRate'] as const;
const SERIES: CsvColumns<PeriodReport> = {
  date: ({ date }) => date,
  startsAt: ({ startsAt }) => startsAt,
  ...Object.fromEntries([...DETAILED_NAMES, ...RATES].map((name) => [name, (row: PeriodReport) => row[name]])),
};

const RECIPIENTS: CsvColumns<RecipientRow> = {
  contactId: (row) => row.contactId,
  email: (row) => row.email,
  firstName: (row) => row.firstName,
  lastName: (row) => row.lastName,
  status: (row) => row.status,
  enrolledAt: (row) => row.enrolledAt,
  currentStepOrder: (row) => row.stepOrder,
  currentStepName: (row) => row.stepName,
  completedAt: (row) => row.completedAt,
  exitedAt: (row) => row.exitedAt,
  exitReason: (row) => row.exitReason,
  emailsSent: (row) => row.emailsSent,
  emailsOpened: (row) => row.emailsOpened,
  emailsClicked: (row) => row.emailsClicked,
};

const EVENTS: CsvColumns<EventRow> = {
  id: (row) => row.id,
  type: (row) => row.type,
  occurredAt: (row) => row.occurredAt,
  email: (row) => row.email,
  contactId: (row) => row.contactId,
  emailId: (row) => row.emailId,
  stepOrder: (row) => row.stepOrder,
  stepName: (row) => row.stepName,
  url: (row) => row.url,
  isMachine: (row) => row.isMachine,
  machineReason: (row) => row.machineReason,
  bounceClass: (row) => row.bounceClass,
};

interface Listing<T> {
  name: string;
  columns: CsvColumns<T>;
  page: (tx: Tx, after: T | null, limit: number) => Promise<T[]>;
}

/** Numbers and lists of a campaign as CSV files. The first page has been read when a method resolves, so what must be refused is refused before that. */
@Injectable()
export class ExportsService {
  private readonly logger = new Logger('Exports');

  constructor(
    private readonly db: Database,
    private readonly campaigns: CampaignsService,
    private readonly reports: ReportService,
    private readonly queries: ExportsQueries,
    private readonly size: ExportSize,
  ) {}

  /** The rows of the report; at most some hundreds, so in one piece. */
  async series(ctx: TenantContext, campaignId: string, asked: ReportRequest): Promise<CsvExport> {
    const { overall } = await this.reports.report(ctx, campaignId, asked);
    const { name } = await this.db.inTenant(ctx.tenantId, (tx) => this.campaigns.get(tx, ctx.tenantId, campaignId));
    return { fileName: safeFileName(name, 'series.csv'), pieces: once(csvTable(SERIES, overall)) };
  }

  recipients(ctx: TenantContext, campaignId: string): Promise<CsvExport> {
    return this.listed(ctx, campaignId, {
      name: 'recipients.csv',
      columns: RECIPIENTS,
      page: (tx, after, limit) => this.queries.recipients(tx, ctx.tenantId, campaignId, after, limit),
    });
  }

  events(ctx: TenantContext, campaignId: string): Promise<CsvExport> {
    return this.listed(ctx, campaignId, {
      name: 'events.csv',
      columns: EVENTS,
      page: (tx, after, limit) => this.queries.events(tx, ctx.tenantId, campaignId, after, limit),
    });
  }

  /** A transaction for each page: whoever downloads slowly holds no connection. */
  private async listed<T>({ tenantId }: TenantContext, campaignId: string, { name, columns, page }: Listing<T>): Promise<CsvExport> {
    const { pageRows, maxRows } = this.size;
    const read = (after: T | null) =>
      this.db.inTenant(tenantId, async (tx) => {
        await rows(tx, 'SET TRANSACTION READ ONLY');
        const campaign = await this.campaigns.get(tx, tenantId, campaignId);
        return { campaign, found: await page(tx, after, pageRows) };
      });
    const { campaign, found } = await read(null);
    const next = async (last: T) => {
      try {
        return (await read(last)).found;
      } catch (error) {
        // The status has been sent: all that is left is to break off, which the client sees, and to say why here.
        this.logger.error(`${name} of campaign ${campaignId} broke off`, error instanceof Error ? error.stack : String(error));
        throw error;
      }
    };
    return { fileName: safeFileName(campaign.name, name), pieces: csvFile(columns, found, next, { pageRows, maxRows }) };
  }
}

async function* once(text: string): AsyncGenerator<string, void> {
  yield await Promise.resolve(text);
}
