import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import type { CompiledContent } from '../templates/index.js';
import { StepsQueries } from './steps.queries.js';
import { VariantsQueries } from './variants.queries.js';

/** What an email step sends, as it was when the campaign was launched. */
export interface StepContent {
  compiled: CompiledContent;
  /** The tracked link of each `compiled.links` entry, by index; empty where the address depends on the contact. */
  linkIds: string[];
  /** Liquid. */
  subjectLine: string;
  /** The sender of a variant, where it is not the campaign's. */
  from?: { name: string | null; email: string | null };
}

/** The content of launched email steps and their variants. It never changes, so callers may keep it for as long as they like. */
@Injectable()
export class StepContents {
  constructor(
    private readonly queries: StepsQueries,
    private readonly variants: VariantsQueries,
  ) {}

  /** By ids of steps and of variants. Those that are not frozen (not launched, or no email) are missing from the answer. */
  async load(tx: Tx, tenantId: string, ids: readonly string[]): Promise<Map<string, StepContent>> {
    const contents = new Map<string, StepContent>();
    for (const { stepId, content } of await this.queries.frozen(tx, tenantId, ids)) {
      contents.set(stepId, { ...content, subjectLine: content.compiled.subject });
    }
    if (contents.size === ids.length) return contents;
    for (const { variantId, content, from } of await this.variants.frozen(tx, tenantId, ids)) {
      contents.set(variantId, { ...content, subjectLine: content.compiled.subject, from });
    }
    return contents;
  }
}
