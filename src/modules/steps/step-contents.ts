import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import type { CompiledContent } from '../templates/index.js';
import { StepsQueries } from './steps.queries.js';

/** What an email step sends, as it was when the campaign was launched. */
export interface StepContent {
  compiled: CompiledContent;
  /** The tracked link of each `compiled.links` entry, by index; empty where the address depends on the contact. */
  linkIds: string[];
  /** Liquid. */
  subjectLine: string;
}

/** The content of launched email steps. It never changes, so callers may keep it for as long as they like. */
@Injectable()
export class StepContents {
  constructor(private readonly queries: StepsQueries) {}

  /** Steps that are not frozen (not launched, or no email) are missing from the answer. */
  async load(tx: Tx, tenantId: string, stepIds: readonly string[]): Promise<Map<string, StepContent>> {
    const frozen = await this.queries.frozen(tx, tenantId, stepIds);
    return new Map(frozen.map(({ stepId, content }) => [stepId, { ...content, subjectLine: content.compiled.subject }]));
  }
}
