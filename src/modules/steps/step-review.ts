import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/index.js';
import type { Problem } from '../../shared/domain-error.js';
import { OutboundGuard } from '../../shared/outbound/index.js';
import { SecretBox } from '../../shared/secret-box.js';
import { CampaignsService, eventProblems } from '../campaigns/index.js';
import { setAttributeProblems, tagFault } from '../contacts/index.js';
import { SegmentsService, validateRule, type Rule } from '../segments/index.js';
import { ContentCompiler, TemplatesService, type CompileOptions } from '../templates/index.js';
import { rulesOfRow, structuralFindings, type FlowStepRow } from './domain/flow-graph.js';
import { normalisedSplit } from './domain/split.js';
import { foreignFields, mergeStep, shapeProblems, type StepInput } from './domain/step-shape.js';
import { STEP_LIMITS, type ActionConfig, type StepSettings, type StepType } from './domain/step.js';
import { shownAction, storedWebhook, webhookSecretContext } from './domain/webhook-action.js';
import { ownContent } from './step-content.js';
import { StepInvalidError } from './steps.errors.js';

/** Settable, but never dates. */
const CONTACT_FIELDS = ['firstName', 'lastName', 'timezone'];
const FOR_REVIEW: CompileOptions = { unsubscribeFooter: true, trackClicks: true, trackOpens: true };

/** Judges steps before they are saved: in themselves, by their content, by what they refer to, and by the flow they form. */
@Injectable()
export class StepReview {
  constructor(
    private readonly compiler: ContentCompiler,
    private readonly templates: TemplatesService,
    private readonly segments: SegmentsService,
    private readonly campaigns: CampaignsService,
    private readonly guard: OutboundGuard,
    private readonly secrets: SecretBox,
  ) {}

  /**
   * The step as it will stand; throws if it is wrong in itself. `at` is its path, empty or ending in a dot. Secrets of webhooks are sealed; one that is
   * not given is taken from `known` (actions of the campaign until now) or the base, if it is for the same address.
   */
  shaped(
    base: StepSettings | null,
    input: StepInput & { stepType: StepType },
    at: string,
    known: (ActionConfig | null)[] = [],
  ): StepSettings {
    const step = mergeStep(base && { ...base, actionConfig: asGiven(base.actionConfig) }, input);
    const problems = [...foreignFields(input.stepType, input, at), ...shapeProblems(step, at)];
    if (problems.length === 0) {
      for (const { path, rule } of rulesOfRow(step)) problems.push(...validateRule(rule, `${at}${path}`));
      problems.push(...waitAttributeProblems(step, at));
      if (step.waitEvent !== null) problems.push(...eventProblems({ ...step.waitEvent }, `${at}waitEvent`, ['name', 'filter']));
    }
    if (problems.length === 0 && step.actionConfig) problems.push(...effectProblems(step.actionConfig, `${at}actionConfig`));
    if (problems.length > 0) throw new StepInvalidError('malformed', problems);
    const actionConfig = this.storedAction(step.actionConfig, base ? [base.actionConfig, ...known] : known, `${at}actionConfig`);
    return { ...step, actionConfig, splitConfig: step.splitConfig && normalisedSplit(step.splitConfig) };
  }

  /** Compiles the step's own content; throws if it has errors. Slow: never inside a transaction. */
  async assertContentCompiles(step: StepSettings, at: string): Promise<void> {
    if (step.stepType !== 'email' || step.emailContent === null) return;
    const { problems } = await this.compiler.compile(ownContent(step), FOR_REVIEW);
    const errors = problems.filter(({ severity }) => severity === 'error');
    if (errors.length > 0) {
      throw new StepInvalidError(
        'unprocessable',
        errors.map(({ path, message, code, line }) => ({
          path: `${at}${path}`,
          message: line ? `Line ${line}: ${message}` : message,
          code,
        })),
      );
    }
  }

  /** Throws if the step names a template, a segment or another campaign that is not this tenant's, or an address that we do not go to. */
  async assertReferences(tx: Tx, tenantId: string, step: StepSettings, at: string, campaignId: string | null = null): Promise<void> {
    const problems: Problem[] = [];
    if (step.templateId !== null) problems.push(...(await this.templateProblems(tx, tenantId, step, at)));
    for (const { path, rule } of rulesOfRow(step)) {
      problems.push(...(await this.segments.assertRuleUsable(tx, tenantId, rule as Rule, `${at}${path}`)));
    }
    if (step.actionConfig && 'segmentId' in step.actionConfig) {
      problems.push(...(await this.segments.listProblems(tx, tenantId, step.actionConfig.segmentId, `${at}actionConfig.segmentId`)));
    }
    if (step.actionConfig?.type === 'webhook') {
      const fault = this.guard.urlFault(step.actionConfig.url);
      if (fault !== null)
        problems.push({ path: `${at}actionConfig.url`, code: 'webhook_url', message: `The address cannot be called: it ${fault}.` });
    }
    if (step.actionConfig?.type === 'enroll') {
      const path = `${at}actionConfig.campaignId`;
      problems.push(...(await this.targetProblems(tx, tenantId, campaignId, step.actionConfig.campaignId, path)));
    }
    if (problems.length > 0) throw new StepInvalidError('unprocessable', problems);
  }

  /** Throws if the steps do not form a flow: too many of them, edges to nowhere, loops. `rename` turns a path into the caller's words. */
  assertFlow(steps: readonly FlowStepRow[], rename: (path: string) => string = (path) => path): void {
    if (steps.length > STEP_LIMITS.steps) {
      const message = `A campaign has at most ${STEP_LIMITS.steps} steps.`;
      throw new StepInvalidError('unprocessable', [{ path: 'steps', code: 'too_many_steps', message }]);
    }
    const problems = structuralFindings(steps).map(({ path, message, code }) => ({ path: rename(path), message, code }));
    if (problems.length > 0) throw new StepInvalidError('unprocessable', problems);
  }

  private storedAction(action: ActionConfig | null, known: (ActionConfig | null)[], path: string): ActionConfig | null {
    if (action?.type !== 'webhook') return action;
    const stored = storedWebhook(action, known, (secret, url) => this.secrets.seal(secret, webhookSecretContext(url)).toString('base64'));
    if (stored) return stored;
    const message = 'No secret is kept for this address: give it again in "secret", or say hasSecret: false.';
    throw new StepInvalidError('malformed', [{ path: `${path}.secret`, code: 'secret_missing', message }]);
  }

  private async targetProblems(tx: Tx, tenantId: string, own: string | null, target: string, path: string): Promise<Problem[]> {
    if (target.toLowerCase() === own) {
      const message = 'A campaign cannot enrol people in itself; `reentry` says whether they may come again.';
      return [{ path, code: 'enrolls_in_itself', message }];
    }
    if (await this.campaigns.statusOf(tx, tenantId, target)) return [];
    return [{ path, code: 'campaign_not_found', message: 'There is no such campaign.' }];
  }

  private async templateProblems(tx: Tx, tenantId: string, step: StepSettings, at: string): Promise<Problem[]> {
    const template = await this.templates.resolve(tx, tenantId, step.templateId!);
    if (!template) return [{ path: `${at}templateId`, code: 'template_not_found', message: 'There is no such template.' }];
    if (step.subjectLine?.trim() || template.subjectLine?.trim()) return [];
    return [{ path: `${at}subjectLine`, code: 'required', message: 'The template has no subject: set subjectLine.' }];
  }
}

/** As if a caller had sent it back as it was shown. */
function asGiven(action: ActionConfig | null): ActionConfig | null {
  return action && (shownAction(action) as ActionConfig);
}

/** What the contacts module would refuse when the action is carried out: refused now, while somebody can mend it. */
function effectProblems(action: ActionConfig, path: string): Problem[] {
  if (action.type === 'set_attribute') return setAttributeProblems(action.attribute, action.value, path).map(coded);
  if (action.type !== 'add_tag' && action.type !== 'remove_tag') return [];
  const fault = tagFault(action.tag.trim());
  return fault ? [{ path: `${path}.tag`, code: 'invalid_tag', message: fault }] : [];
}

/** A wait can be for a custom attribute, or for the day the contact was created. */
function waitAttributeProblems({ waitUntil }: StepSettings, at: string): Problem[] {
  const attribute = waitUntil?.attribute;
  if (attribute === undefined || attribute === 'createdAt') return [];
  const [problem] = setAttributeProblems(attribute, null, '');
  const fault = problem?.message ?? (CONTACT_FIELDS.includes(attribute) ? 'holds no date' : null);
  return fault ? [{ path: `${at}waitUntil.attribute`, code: 'invalid_attribute', message: `${JSON.stringify(attribute)} ${fault}.` }] : [];
}

function coded(problem: Problem): Problem {
  return { code: 'invalid_value', ...problem };
}
