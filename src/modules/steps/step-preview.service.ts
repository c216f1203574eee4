import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { Database, type Tx } from '../../database/index.js';
import { Ids } from '../../shared/ids.js';
import { CampaignsService, type Campaign } from '../campaigns/index.js';
import { AuditService, PermissionDeniedError, TenantsService, can, type TenantContext } from '../identity/index.js';
import { EmailProviders, type OutgoingMessage, type SendOutcome } from '../mail/index.js';
import {
  ContentCompiler,
  previewContent,
  type ContentProblem,
  type ContentSource,
  type MessageData,
  type RenderedContent,
} from '../templates/index.js';
import type { CampaignStep } from './domain/step.js';
import { stepOfVariant } from './domain/step-of-variant.js';
import { StepContentSource } from './step-content.js';
import { StepInvalidError, StepNotFoundError, TestSendRefusedError } from './steps.errors.js';
import { StepsQueries } from './steps.queries.js';

export interface StepPreview {
  rendered: RenderedContent | null;
  problems: ContentProblem[];
}

export interface TestSendOutcome {
  to: string;
  outcome: 'accepted' | 'failed' | 'unknown';
  detail: string | null;
}

/** As whom to look, and at which variant; an invented contact and the step's own content if not given. */
export interface PreviewAs {
  contactId?: string;
  variantId?: string;
}

interface Material {
  campaign: Campaign;
  source: ContentSource;
  data: MessageData;
}

/** Somebody with a name, for looking at content without a contact. */
const SAMPLE: MessageData['contact'] = {
  id: '00000000-0000-0000-0000-000000000000',
  email: 'ada@example.com',
  first_name: 'Ada',
  last_name: 'Lovelace',
  timezone: 'Europe/London',
  lead_score: 0,
  tags: [],
  attributes: {},
};

/** Shows an email step as a contact would get it, and sends that to a colleague. Neither leaves a trace in ledger, tracking or counters. */
@Injectable()
export class StepPreviewService {
  private readonly host: string;

  constructor(
    private readonly db: Database,
    private readonly queries: StepsQueries,
    private readonly campaigns: CampaignsService,
    private readonly sources: StepContentSource,
    private readonly tenants: TenantsService,
    private readonly compiler: ContentCompiler,
    private readonly providers: EmailProviders,
    private readonly audit: AuditService,
    private readonly ids: Ids,
    config: AppConfig,
  ) {
    this.host = new URL(config.publicUrl).hostname;
  }

  async preview(ctx: TenantContext, campaignId: string, stepId: string, as: PreviewAs = {}): Promise<StepPreview> {
    return this.render(await this.material(ctx, campaignId, stepId, as));
  }

  /** Sends at once, marked `[Test]` in the subject. Answers for every address what became of it; nothing is tried again. */
  async testSend(
    ctx: TenantContext,
    campaignId: string,
    stepId: string,
    { to, ...as }: PreviewAs & { to: string[] },
  ): Promise<TestSendOutcome[]> {
    const material = await this.material(ctx, campaignId, stepId, as);
    if (!material.campaign.fromEmail) {
      const message = 'The campaign has no sender address: set fromEmail.';
      throw new TestSendRefusedError([{ path: 'fromEmail', code: 'from_email_missing', message }]);
    }
    const { rendered, problems } = await this.render(material);
    if (!rendered) {
      const errors = problems.filter(({ severity }) => severity === 'error');
      throw new TestSendRefusedError(errors.map(({ path, message, code }) => ({ path, message, code })));
    }
    await this.record(ctx, stepId, to.length);
    const outcomes: TestSendOutcome[] = [];
    const { provider } = await this.providers.for(ctx.tenantId, material.campaign.providerAccountId);
    for (let at = 0; at < to.length; at += provider.maxBatch) {
      const part = to.slice(at, at + provider.maxBatch);
      const sent = await provider.send(part.map((address) => this.message(material.campaign, rendered, address)));
      outcomes.push(...sent.map((outcome, index) => toOutcome(part[index], outcome)));
    }
    return outcomes;
  }

  /** Before the sending: whoever sends mail in the tenant's name is on record, whatever becomes of it. */
  private record(ctx: TenantContext, stepId: string, recipients: number): Promise<void> {
    return this.db.inTenant(ctx.tenantId, (tx) =>
      this.audit.record(tx, ctx, { action: 'step.test_sent', entityType: 'campaign_step', entityId: stepId, after: { recipients } }),
    );
  }

  private render({ campaign, source, data }: Material): Promise<StepPreview> {
    return previewContent(this.compiler, { source, data, unsubscribeFooter: campaign.unsubscribeEnabled });
  }

  private material(ctx: TenantContext, campaignId: string, stepId: string, { contactId, variantId }: PreviewAs): Promise<Material> {
    const { tenantId, roles } = ctx;
    // The rendered message shows what the contact is called and more.
    if (contactId !== undefined && !can(roles, 'contacts:read')) throw new PermissionDeniedError('contacts:read');
    return this.db.inTenant(tenantId, async (tx) => {
      const found = await this.campaigns.get(tx, tenantId, campaignId);
      // Of any version: a draft of another one is looked at before it is published.
      const stepFound = await this.queries.find(tx, tenantId, campaignId, stepId);
      if (!stepFound) throw new StepNotFoundError();
      const { campaign, step } = asVariant(found, stepFound, variantId);
      const { name, postalAddress } = await this.tenants.get(tx, tenantId);
      const contact = contactId === undefined ? SAMPLE : await this.contact(tx, tenantId, contactId);
      return {
        campaign,
        source: await this.source(tx, tenantId, step),
        data: {
          contact,
          campaign: { name: campaign.name, from_name: campaign.fromName, from_email: campaign.fromEmail },
          tenant: { name, postal_address: postalAddress },
        },
      };
    });
  }

  private async source(tx: Tx, tenantId: string, step: CampaignStep): Promise<ContentSource> {
    if (step.stepType !== 'email') {
      const message = `A step of type "${step.stepType}" sends nothing: there is nothing to show.`;
      throw new StepInvalidError('unprocessable', [{ path: 'params.stepId', code: 'no_email_step', message }]);
    }
    const resolved = await this.sources.resolve(tx, tenantId, step, step.templateVersion);
    if (resolved) return resolved.source;
    const message = 'The template of this step is not there any more.';
    throw new StepInvalidError('unprocessable', [{ path: 'templateId', code: 'template_not_found', message }]);
  }

  private async contact(tx: Tx, tenantId: string, contactId: string): Promise<MessageData['contact']> {
    const contact = await this.queries.contact(tx, tenantId, contactId);
    if (contact) return contact;
    throw new StepInvalidError('unprocessable', [{ path: 'contactId', code: 'contact_not_found', message: 'There is no such contact.' }]);
  }

  private message(campaign: Campaign, { subject, html, text }: RenderedContent, address: string): OutgoingMessage {
    const emailId = this.ids.uuid();
    return {
      emailId,
      tenantId: campaign.tenantId,
      campaignId: campaign.id,
      messageId: `<test-${emailId}@${this.host}>`,
      from: { address: campaign.fromEmail!, name: campaign.fromName },
      to: { address },
      replyTo: campaign.replyToEmail ? { address: campaign.replyToEmail } : null,
      subject: `[Test] ${subject}`,
      html,
      text,
      headers: {},
    };
  }
}

/** The step and the sender as the variant has them. */
function asVariant(campaign: Campaign, step: CampaignStep, variantId: string | undefined): { campaign: Campaign; step: CampaignStep } {
  if (variantId === undefined) return { campaign, step };
  const variant = step.variants.find(({ id }) => id === variantId);
  if (!variant) {
    const message = 'There is no such variant of this step.';
    throw new StepInvalidError('unprocessable', [{ path: 'variantId', code: 'variant_not_found', message }]);
  }
  const sender = { fromName: variant.fromName ?? campaign.fromName, fromEmail: variant.fromEmail ?? campaign.fromEmail };
  return { campaign: { ...campaign, ...sender }, step: stepOfVariant(step, variant) };
}

function toOutcome(to: string, outcome: SendOutcome): TestSendOutcome {
  if (outcome.kind === 'accepted') return { to, outcome: 'accepted', detail: null };
  return { to, outcome: outcome.kind === 'unknown' ? 'unknown' : 'failed', detail: outcome.detail };
}
