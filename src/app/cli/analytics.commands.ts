import { Database } from '../../database/index.js';
import { AnalyticsService, isSound, LedgerCheck, type LedgerReport } from '../../modules/analytics/index.js';
import { systemContext, TenantsService } from '../../modules/identity/index.js';
import { type Command, UsageError } from './command.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A tenant with millions of messages takes longer to count than a request may. */
const LONG = { statementTimeoutMs: 600_000 };

export const ledgerCheck: Command = {
  name: 'ledger:check',
  summary: 'Check that every enrolment and planned message is accounted for and the analytics equal a recount; exit code 1 if not',
  options: {
    tenant: { description: 'id of the tenant (default: all)' },
    campaign: { description: 'id of the campaign (default: all that were launched); needs --tenant' },
  },
  async run({ app, options, print }) {
    const campaignId = idOf(options.campaign, '--campaign');
    if (campaignId && !options.tenant) throw new UsageError('--campaign needs --tenant');
    const tenantIds = options.tenant ? [await existingTenant(app, options.tenant)] : await app.get(LedgerCheck).listTenants();
    let reported = 0;
    let unsound = 0;
    for (const tenantId of tenantIds) {
      const reports = await app.get(Database).inTenant(tenantId, (tx) => app.get(LedgerCheck).check(tx, tenantId, campaignId), LONG);
      reported += reports.length;
      for (const report of reports.filter((one) => !isSound(one))) {
        unsound++;
        for (const line of faultsOf(report)) print(line);
      }
    }
    if (campaignId && reported === 0) throw new UsageError(`The tenant has no campaign ${campaignId}`);
    print(`${counted(reported, 'campaign')} checked: ${unsound > 0 ? `${unsound} with faults` : 'everything adds up'}.`);
    return unsound > 0 ? 1 : 0;
  },
};

export const analyticsRebuild: Command = {
  name: 'analytics:rebuild',
  summary: 'Count the analytics and the counters of steps anew from the ledger, the events and the enrolments',
  options: { tenant: { description: 'id of the tenant (default: all)' } },
  async run({ app, options, print }) {
    const tenantId = options.tenant ? await existingTenant(app, options.tenant) : null;
    const { campaigns, days, failed } = await app.get(AnalyticsService).rebuild(tenantId);
    print(
      `${counted(campaigns, 'campaign')} counted anew, ${counted(days, 'day')} stored${failed > 0 ? `, ${failed} failed (the log says why)` : ''}.`,
    );
    return failed > 0 ? 1 : 0;
  },
};

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

function faultsOf({ campaignId, campaignStatus, enrollments, emails, calls, problems }: LedgerReport): string[] {
  const lines = problems.map(({ message, sampleIds }) =>
    sampleIds.length > 0 ? `${message} For example ${sampleIds.join(', ')}` : message,
  );
  if (!enrollments.addsUp) lines.push(`The enrolments do not add up: ${JSON.stringify(enrollments)}`);
  if (!emails.addsUp) lines.push(`The messages do not add up: ${JSON.stringify(emails)}`);
  if (!calls.addsUp) lines.push(`The calls do not add up: ${JSON.stringify(calls)}`);
  return lines.map((line) => `Campaign ${campaignId} (${campaignStatus}): ${line}`);
}

function idOf(value: string | undefined, option: string): string | undefined {
  if (value !== undefined && !UUID.test(value)) throw new UsageError(`${option} must be an id (a UUID)`);
  return value;
}

async function existingTenant(app: Parameters<Command['run']>[0]['app'], id: string): Promise<string> {
  idOf(id, '--tenant');
  await app.get(TenantsService).read(systemContext(id));
  return id;
}
