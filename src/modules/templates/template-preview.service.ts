import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../database/index.js';
import { InvalidRequestError } from '../../http/index.js';
import type { Problem } from '../../shared/domain-error.js';
import { PermissionDeniedError, TenantsService, can, type TenantContext } from '../identity/index.js';
import { ContentCompiler } from './content/content-compiler.js';
import { previewContent } from './content/content-preview.js';
import type { MessageData } from './domain/prepared-content.js';
import { PreviewContactError, TemplateContentError, TemplateNotFoundError, toProblem } from './templates.errors.js';
import { TemplatesQueries, type TemplateContent } from './templates.queries.js';

export interface PreviewContact {
  email?: string;
  firstName?: string | null;
  lastName?: string | null;
  timezone?: string | null;
  leadScore?: number;
  tags?: string[];
  attributes?: Record<string, unknown>;
}

/** A saved version, with what the author has changed since laid over it; for a contact, or for made-up data. */
export interface PreviewRequest extends Partial<TemplateContent> {
  version?: number;
  contactId?: string;
  contact?: PreviewContact;
}

export interface RenderedPreview {
  subject: string;
  html: string;
  text: string;
  warnings: Problem[];
}

const NOBODY = '00000000-0000-0000-0000-000000000000';
const CAMPAIGN = { name: 'Preview', from_name: null, from_email: null };

/** Shows what a contact would receive. Counts nothing: links lead where they lead, there is no pixel, the unsubscribe link does nothing. */
@Injectable()
export class TemplatePreviewService {
  constructor(
    private readonly db: Database,
    private readonly queries: TemplatesQueries,
    private readonly tenants: TenantsService,
    private readonly compiler: ContentCompiler,
  ) {}

  async preview(ctx: TenantContext, templateId: string, request: PreviewRequest): Promise<RenderedPreview> {
    assertAllowed(ctx, request);
    const { source, data } = await this.db.inTenant(ctx.tenantId, async (tx) => ({
      source: await this.source(tx, ctx.tenantId, templateId, request),
      data: await this.data(tx, ctx.tenantId, request),
    }));
    const { rendered, problems } = await previewContent(this.compiler, { source, data });
    if (!rendered) throw new TemplateContentError(problems);
    return { ...rendered, warnings: problems.map(toProblem) };
  }

  private async source(tx: Tx, tenantId: string, templateId: string, request: PreviewRequest) {
    if (!(await this.queries.find(tx, tenantId, templateId))) throw new TemplateNotFoundError(templateId);
    const saved = await this.queries.resolve(tx, tenantId, templateId, request.version ?? null);
    if (!saved) throw new TemplateNotFoundError(templateId, request.version);
    const subject = request.subjectLine === undefined ? saved.subjectLine : request.subjectLine;
    return {
      format: request.contentFormat ?? saved.contentFormat,
      subject: subject ?? '',
      content: request.content ?? saved.content,
    };
  }

  private async data(tx: Tx, tenantId: string, { contactId, contact }: PreviewRequest): Promise<MessageData> {
    const { name, postalAddress } = await this.tenants.get(tx, tenantId);
    const saved = contactId === undefined ? sample(contact) : await this.queries.previewContact(tx, tenantId, contactId);
    if (!saved) throw new PreviewContactError();
    return { contact: saved, campaign: CAMPAIGN, tenant: { name, postal_address: postalAddress } };
  }
}

function assertAllowed({ roles }: TenantContext, { contactId, contact }: PreviewRequest): void {
  if (contactId === undefined) return;
  if (contact !== undefined) throw new InvalidRequestError([{ path: 'contact', message: 'must be left out where there is a contactId' }]);
  // The rendered message shows what the contact is called and more.
  if (!can(roles, 'contacts:read')) throw new PermissionDeniedError('contacts:read');
}

/** Given data is taken as it is, so that gaps show; without any, somebody with a name. */
function sample(contact: PreviewContact | undefined): MessageData['contact'] {
  if (!contact)
    return { id: NOBODY, email: 'ada@example.com', first_name: 'Ada', last_name: 'Lovelace', lead_score: 0, tags: [], attributes: {} };
  return {
    id: NOBODY,
    email: contact.email ?? 'ada@example.com',
    first_name: contact.firstName ?? null,
    last_name: contact.lastName ?? null,
    timezone: contact.timezone ?? null,
    lead_score: contact.leadScore ?? 0,
    tags: contact.tags ?? [],
    attributes: contact.attributes ?? {},
  };
}
