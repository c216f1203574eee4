import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { Database } from '../../database/index.js';
import type { OutgoingMessage } from '../mail/index.js';
import { StepContents } from '../steps/index.js';
import { ContentRenderer, RenderError, type MessageData, type PreparedContent } from '../templates/index.js';
import { TrackingTokens, type MessageAddresses } from '../tracking/index.js';
import type { ClaimedEmail, SendingCampaign } from './delivery.types.js';

const CACHE_SIZE = 200;

/** What every message of one step, or of one variant of it, is made from. */
export interface StepContent {
  prepared: PreparedContent;
  linkIds: (string | null)[];
  /** The sender of a variant, where it differs from the campaign's. */
  from?: { name: string | null; email: string | null };
}

export type Composed = { message: OutgoingMessage } | { refusal: { reason: string; detail: string; isSkip: boolean } };

/** Makes the message of a ledger row. Content is frozen at launch, so what is prepared once per step serves every message of it. */
@Injectable()
export class MessageComposer {
  private readonly cache = new Map<string, StepContent>();
  private readonly host: string;

  constructor(
    private readonly db: Database,
    private readonly contents: StepContents,
    private readonly renderer: ContentRenderer,
    private readonly tokens: TrackingTokens,
    config: AppConfig,
  ) {
    this.host = new URL(config.publicUrl).hostname;
  }

  /** The content of these steps or variants, from memory where possible. Opens a transaction of its own. A step without content is missing in the answer. */
  async contentOf(tenantId: string, stepIds: Iterable<string>): Promise<Map<string, StepContent>> {
    const wanted = [...new Set(stepIds)];
    const missing = wanted.filter((stepId) => !this.cache.has(stepId));
    const found = new Map(wanted.flatMap((stepId) => this.cached(stepId)));
    if (missing.length === 0) return found;
    const loaded = await this.db.inTenant(tenantId, (tx) => this.contents.load(tx, tenantId, missing));
    for (const [stepId, { compiled, linkIds, from }] of loaded) {
      const content = { prepared: this.renderer.prepare(compiled), linkIds, from: from?.name || from?.email ? from : undefined };
      found.set(stepId, content);
      this.cache.set(stepId, content);
      if (this.cache.size > CACHE_SIZE) this.cache.delete(this.cache.keys().next().value as string);
    }
    return found;
  }

  /** The entry as a list of none or one, moved to the young end of the cache. */
  private cached(stepId: string): [string, StepContent][] {
    const content = this.cache.get(stepId);
    if (!content) return [];
    this.cache.delete(stepId);
    this.cache.set(stepId, content);
    return [[stepId, content]];
  }

  /** Synchronous and without a database. What one recipient's data breaks is that message only. */
  compose(sender: SendingCampaign, email: ClaimedEmail, content: StepContent | undefined): Composed {
    if (!content) return { refusal: { reason: 'no_content', detail: 'The step has no compiled content.', isSkip: false } };
    const campaign = content.from ? sentBy(sender, content.from) : sender;
    if (!campaign.fromEmail) return { refusal: { reason: 'no_sender', detail: 'The campaign has no sender address.', isSkip: false } };
    const urls = this.tokens.forMessage(campaign.tenantId, email.id, email.contactId);
    try {
      const { subject, html, text } = content.prepared.render(dataOf(campaign, email), {
        pixel: urls.pixelUrl,
        unsubscribe: urls.unsubscribeUrl,
        link: (index, dynamicUrl) =>
          dynamicUrl !== undefined ? urls.dynamicLinkUrl(dynamicUrl) : urls.linkUrl(content.linkIds[index] as string),
      });
      return { message: { ...this.envelope(campaign, email, urls), subject, html, text } };
    } catch (error) {
      const { code, message } = error instanceof RenderError ? error : { code: 'render_error' as const, message: (error as Error).message };
      return { refusal: { reason: code, detail: message.slice(0, 500), isSkip: code === 'missing_data' } };
    }
  }

  private envelope(
    campaign: SendingCampaign,
    email: ClaimedEmail,
    urls: MessageAddresses,
  ): Omit<OutgoingMessage, 'subject' | 'html' | 'text'> {
    // An address that the campaign names is where people are waiting for answers: it wins over the one that would let us count them.
    const replyTo = campaign.replyToEmail ?? this.tokens.replyAddress(campaign.tenantId, email.id);
    const canUnsubscribe = campaign.category === 'marketing' || campaign.unsubscribeEnabled;
    return {
      emailId: email.id,
      tenantId: campaign.tenantId,
      campaignId: campaign.campaignId,
      messageId: `<${email.id}@${this.host}>`,
      from: { address: campaign.fromEmail as string, name: campaign.fromName },
      to: { address: email.email, name: [email.firstName, email.lastName].filter(Boolean).join(' ') || null },
      replyTo: replyTo === null ? null : { address: replyTo, name: campaign.replyToEmail ? null : campaign.fromName },
      headers: canUnsubscribe
        ? { 'List-Unsubscribe': `<${urls.unsubscribeUrl}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' }
        : {},
    };
  }
}

function sentBy(campaign: SendingCampaign, { name, email }: NonNullable<StepContent['from']>): SendingCampaign {
  return { ...campaign, fromName: name ?? campaign.fromName, fromEmail: email ?? campaign.fromEmail };
}

function dataOf(campaign: SendingCampaign, email: ClaimedEmail): MessageData {
  return {
    contact: {
      id: email.contactId,
      email: email.email,
      first_name: email.firstName,
      last_name: email.lastName,
      timezone: email.timezone,
      lead_score: email.leadScore,
      tags: email.tags ?? [],
      attributes: email.attributes,
    },
    campaign: { name: campaign.name, from_name: campaign.fromName, from_email: campaign.fromEmail },
    tenant: { name: campaign.tenantName, postal_address: campaign.postalAddress },
  };
}
