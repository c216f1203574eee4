import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import { TemplatesService, type ContentSource } from '../templates/index.js';
import type { StepSettings } from './domain/step.js';

/** What an email step says, from its own content or its template. */
export interface ResolvedContent {
  source: ContentSource;
  /** Of the template, if the content comes from one. */
  templateVersion: number | null;
}

/** Finds the content of email steps. */
@Injectable()
export class StepContentSource {
  constructor(private readonly templates: TemplatesService) {}

  /** Null if the step's template is not there (any more). `templateVersion` asks for the version a launch has pinned. */
  async resolve(tx: Tx, tenantId: string, step: StepSettings, templateVersion?: number | null): Promise<ResolvedContent | null> {
    if (step.templateId === null) return { source: ownContent(step), templateVersion: null };
    const template = await this.templates.resolve(tx, tenantId, step.templateId, templateVersion ?? undefined);
    if (!template) return null;
    const subject = step.subjectLine?.trim() ? step.subjectLine : (template.subjectLine ?? '');
    return { source: { format: template.contentFormat, subject, content: template.content }, templateVersion: template.version };
  }
}

/** The content of a step that has its own. */
export function ownContent(step: Pick<StepSettings, 'subjectLine' | 'emailContent' | 'contentFormat'>): ContentSource {
  return { format: step.contentFormat ?? 'html', subject: step.subjectLine ?? '', content: step.emailContent ?? '' };
}
