import type { WaitUntil } from '../../../shared/wait-until.js';
import type { AbTest, StepVariant } from './ab-test.js';
import type { SplitConfig } from './split.js';

/** Numbers that bound a flow and its parts; the API documents them. */
export const STEP_LIMITS = {
  steps: 200,
  name: 255,
  subject: 1_000,
  content: 200_000,
  ref: 64,
  tag: 100,
  attribute: 100,
  exitReason: 255,
  leadScore: 1_000_000,
} as const;

export const STEP_TYPES = ['email', 'wait', 'condition', 'action', 'wait_for'] as const;
export type StepType = (typeof STEP_TYPES)[number];
export const WAIT_UNITS = ['minutes', 'hours', 'days', 'weeks'] as const;
export type WaitUnit = (typeof WAIT_UNITS)[number];
/** Ten years in each unit: beyond that a wait is a slip, and dates begin to overflow. */
export const LONGEST_WAIT: Record<WaitUnit, number> = { minutes: 5_256_000, hours: 87_600, days: 3_650, weeks: 520 };
export const CONTENT_FORMATS = ['mjml', 'html'] as const;
export type StepContentFormat = (typeof CONTENT_FORMATS)[number];

export interface WaitDuration {
  value: number;
  unit: WaitUnit;
}

/** What a step of type `wait_for` waits for, where it is an event. */
export interface WaitEvent {
  name: string;
  /** An `EventFilter` of the segments module, checked before it gets here. */
  filter?: unknown;
}

/** An action of type `webhook` as it is stored. */
export interface WebhookAction {
  type: 'webhook';
  url: string;
  /** Base64 of what a `SecretBox` has sealed for this very address; absent where the calls are not signed. */
  sealedSecret?: string;
}

/** What an action step does. `exit` ends the contact's way through the campaign. */
export type ActionConfig =
  | { type: 'set_attribute'; attribute: string; value: string | number | boolean | null }
  | { type: 'add_tag' | 'remove_tag'; tag: string }
  | { type: 'adjust_lead_score'; by: number }
  | { type: 'add_to_segment' | 'remove_from_segment'; segmentId: string }
  | { type: 'exit'; reason?: string }
  | { type: 'enroll'; campaignId: string }
  | WebhookAction;
export const ACTION_TYPES = [
  'set_attribute',
  'add_tag',
  'remove_tag',
  'adjust_lead_score',
  'add_to_segment',
  'remove_from_segment',
  'exit',
  'enroll',
  'webhook',
] as const;

/** What an author sets on a step. Fields that do not belong to `stepType` are null. */
export interface StepSettings {
  stepName: string | null;
  stepType: StepType;
  templateId: string | null;
  subjectLine: string | null;
  emailContent: string | null;
  contentFormat: StepContentFormat | null;
  /** wait: how long; wait_for: how long at most. */
  waitDuration: WaitDuration | null;
  /** Beside or instead of `waitDuration`. */
  waitUntil: WaitUntil | null;
  waitEvent: WaitEvent | null;
  /** A `Rule` of the segments module, checked before it gets here. */
  conditionRules: unknown;
  /** Instead of `conditionRules` and its two branches. */
  splitConfig: SplitConfig | null;
  trueNextStepId: string | null;
  falseNextStepId: string | null;
  /** Overrides "the next in order". */
  nextStepId: string | null;
  /** The flow ends behind this step. */
  isEnd: boolean;
  actionConfig: ActionConfig | null;
  /** How the winner among the variants is found; null splits everybody by weight. */
  abTest: AbTest | null;
}

export interface StepCounters {
  emailsSent: number;
  emailsDelivered: number;
  opens: number;
  clicks: number;
  replies: number;
  unsubscribes: number;
}

/** One row of `campaign_steps`. */
export interface CampaignStep extends StepSettings, StepCounters {
  id: string;
  tenantId: string;
  campaignId: string;
  version: number;
  /** The first step of its line: the same step in other versions has the same. */
  lineageId: string;
  /** From 1 without gaps. */
  stepOrder: number;
  /** Frozen at launch; null before. */
  templateVersion: number | null;
  /** In order of their positions; none unless it is an email under test. */
  variants: StepVariant[];
  createdAt: Date;
  updatedAt: Date;
}

export const EMPTY_STEP: Omit<StepSettings, 'stepType'> = {
  stepName: null,
  templateId: null,
  subjectLine: null,
  emailContent: null,
  contentFormat: null,
  waitDuration: null,
  waitUntil: null,
  waitEvent: null,
  conditionRules: null,
  splitConfig: null,
  trueNextStepId: null,
  falseNextStepId: null,
  nextStepId: null,
  isEnd: false,
  actionConfig: null,
  abTest: null,
};

const OWN = [
  'stepName',
  'stepType',
  'templateId',
  'subjectLine',
  'emailContent',
  'contentFormat',
  'waitDuration',
  'waitUntil',
  'waitEvent',
  'actionConfig',
  'abTest',
] as const satisfies readonly (keyof StepSettings)[];

/** What a step says without naming another: a copy takes it as it is. Rules, splits and edges lead to steps and are translated. */
export function ownSettings<T extends Pick<StepSettings, (typeof OWN)[number]>>(step: T): Pick<T, (typeof OWN)[number]> {
  return Object.fromEntries(OWN.map((name) => [name, step[name]])) as Pick<T, (typeof OWN)[number]>;
}

/** How a step is called when speaking to people: its name, else its place and kind. */
export function stepLabel(step: Pick<CampaignStep, 'stepName' | 'stepOrder' | 'stepType'>): string {
  return step.stepName ? `"${step.stepName}"` : `step ${step.stepOrder} (${step.stepType})`;
}
