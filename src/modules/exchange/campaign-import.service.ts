import { Injectable } from '@nestjs/common';
import { Database } from '../../database/index.js';
import type { Problem } from '../../shared/domain-error.js';
import { Ids as NewIds } from '../../shared/ids.js';
import { CampaignsService, entryShapeProblems, toSettings, type Campaign, type CreateCampaignDto } from '../campaigns/index.js';
import { AuditService, type TenantContext } from '../identity/index.js';
import { validateRule } from '../segments/index.js';
import { FlowService, type FlowItem } from '../steps/index.js';
import { TemplatesService } from '../templates/index.js';
import type { CampaignFile } from './domain/campaign-file.js';
import { filePath, neededRefs, refProblems, targetsOf, withIds, type Ids } from './domain/refs.js';
import { CampaignFileError, inFile } from './exchange.errors.js';
import { ImportParts, type ImportedPart } from './import-parts.js';

export interface ImportedCampaign {
  campaign: Campaign;
  steps: { ref: string | null; id: string }[];
  segments: ImportedPart[];
  templates: ImportedPart[];
}

/** Makes drafts of files. */
@Injectable()
export class CampaignImportService {
  constructor(
    private readonly db: Database,
    private readonly campaigns: CampaignsService,
    private readonly flow: FlowService,
    private readonly templates: TemplatesService,
    private readonly parts: ImportParts,
    private readonly audit: AuditService,
    private readonly ids: NewIds,
  ) {}

  /**
   * A draft with ids of its own, and what it needs of segments and templates: those of the same name and content that are there, else new ones.
   * All of it in one transaction, or nothing: `CampaignFileError` names the faults by their paths in the file. Dates are taken as they are.
   */
  async import(ctx: TenantContext, file: CampaignFile): Promise<ImportedCampaign> {
    await this.assertSound(file);
    return this.db.inTenant(ctx.tenantId, async (tx) => {
      const { ids, providerAccountId, segments, templates } = await this.parts.settle(tx, ctx, file);
      const settings = { ...settingsOf(file, ids), providerAccountId };
      const campaign = await inFile(
        () => this.campaigns.createIn(tx, ctx, settings, { mayBePast: true }),
        (path) => `campaign.${path}`,
      );
      const steps = await inFile(() => this.flow.save(tx, campaign, this.flow.reviewed(stepsOf(file, ids), { mayBeUnfinished: true })));
      await this.audit.record(tx, ctx, {
        action: 'campaign.imported',
        entityType: 'campaign',
        entityId: campaign.id,
        after: { name: campaign.name, steps: steps.length, segments, templates },
      });
      const refs = file.steps.map(({ ref }) => (ref as string | undefined) ?? null);
      return { campaign, steps: steps.map(({ id }, index) => ({ ref: refs[index], id })), segments, templates };
    });
  }

  /** Everything that can be said without the database, slow things last. Ids that are not known yet are made up for that. */
  private async assertSound(file: CampaignFile): Promise<void> {
    const problems = refProblems(file);
    if (problems.length > 0) throw new CampaignFileError('unprocessable', problems);
    const ids = this.placeholders(file);
    const malformed = [...entryProblems(file, ids), ...ruleProblems(file, ids)];
    if (malformed.length > 0) throw new CampaignFileError('malformed', malformed);
    const steps = await inFile(() => this.flow.reviewed(stepsOf(file, ids), { mayBeUnfinished: true }));
    const needed = neededRefs(file).templates;
    for (const [index, { ref, name, subjectLine = null, content, contentFormat }] of file.templates.entries()) {
      if (!needed.has(ref)) continue;
      const template = { name, subjectLine, content, contentFormat };
      await inFile(
        () => this.templates.assertSound(template),
        (path) => `templates[${index}].${path}`,
      );
    }
    await inFile(() => this.flow.assertCompiles(steps));
  }

  private placeholders({ steps, segments, templates }: CampaignFile): Ids {
    const made = (refs: string[]) => new Map(refs.map((ref) => [ref, this.ids.uuid()]));
    return {
      campaign: made(targetsOf(steps)),
      segmentRef: made(segments.map(({ ref }) => ref)),
      templateRef: made(templates.map(({ ref }) => ref)),
    };
  }
}

function settingsOf({ campaign }: CampaignFile, ids: Ids): ReturnType<typeof toSettings<CreateCampaignDto>> {
  const { providerAccount: _name, ...settings } = withIds(campaign, ids) as { providerAccount?: unknown } & CreateCampaignDto;
  return toSettings(settings);
}

function stepsOf({ steps }: CampaignFile, ids: Ids): FlowItem[] {
  return withIds(steps, ids) as FlowItem[];
}

function entryProblems(file: CampaignFile, ids: Ids): Problem[] {
  return entryShapeProblems(settingsOf(file, ids)).map((problem) => ({ ...problem, path: filePath(`campaign.${problem.path}`) }));
}

function ruleProblems({ segments }: CampaignFile, ids: Ids): Problem[] {
  return segments.flatMap(({ type, rules }, index): Problem[] => {
    const path = `segments[${index}].rules`;
    if (rules === undefined || rules === null) return [];
    if (type === 'static') return [{ path, code: 'foreign_field', message: 'A static segment has a list of members instead of rules.' }];
    return validateRule(withIds(rules, ids), path).map((problem) => ({ ...problem, path: filePath(problem.path) }));
  });
}
