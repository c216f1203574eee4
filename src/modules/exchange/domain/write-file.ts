import { refNames } from '../../../shared/ref-names.js';
import type { CampaignSettings } from '../../campaigns/index.js';
import type { ActionConfig, FlowItem } from '../../steps/index.js';
import { FILE_FORMAT, FILE_VERSION, type CampaignFile, type Fields } from './campaign-file.js';
import { ordered } from './ordered-json.js';
import { valuesOf, withRefs, type Names } from './refs.js';

/** Everything a file is made of, loaded. Ids are in lower case. */
export interface FileSource {
  campaign: CampaignSettings;
  /** `toFlowItems`, each `templateId` being a key of `templates`. */
  steps: FlowItem[];
  segments: ReadonlyMap<string, SourceSegment>;
  templates: ReadonlyMap<string, SourceTemplate>;
  /** Of the campaigns that steps enrol people in. */
  campaignNames: ReadonlyMap<string, string>;
  providerAccount: string | null;
}

export interface SourceSegment {
  name: string;
  type: 'dynamic' | 'static';
  rules: unknown;
}

export interface SourceTemplate {
  name: string;
  subjectLine: string | null;
  contentFormat: 'mjml' | 'html';
  content: string;
}

/** Every setting goes into the file; a new one must be named here. */
const SETTINGS: Record<keyof CampaignSettings, true> = {
  name: true,
  description: true,
  campaignType: true,
  category: true,
  segmentId: true,
  fromEmail: true,
  fromName: true,
  replyToEmail: true,
  startDate: true,
  endDate: true,
  timezone: true,
  sendStrategy: true,
  startInContactZone: true,
  trackOpens: true,
  trackClicks: true,
  unsubscribeEnabled: true,
  unknownPolicy: true,
  providerAccountId: true,
  exitOnReply: true,
  sendRatePerMinute: true,
  rampPlan: true,
  frequencyCap: true,
  sendWindow: true,
  pauseThresholds: true,
  trigger: true,
  reentry: true,
  goal: true,
  exitOnSegmentLeave: true,
  keepEnrolling: true,
};

/** What a file says of each kind of action: a new kind must say here what of it may leave the tenant. */
const ACTION_FIELDS: Record<ActionConfig['type'], readonly string[]> = {
  set_attribute: ['attribute', 'value'],
  add_tag: ['tag'],
  remove_tag: ['tag'],
  adjust_lead_score: ['by'],
  add_to_segment: ['segmentId'],
  remove_from_segment: ['segmentId'],
  exit: ['reason'],
  enroll: ['campaignId'],
  // Not the secret itself: an import asks for it.
  webhook: ['url', 'hasSecret'],
};

/** The file of a campaign. Depends on nothing but what it says: the same campaign, here or elsewhere, is written alike to the byte. */
export function writeFile(source: FileSource): CampaignFile {
  const campaign = ordered(settingsOf(source));
  const steps = source.steps.map((step) => ordered(withoutNulls(ownFields(step))));
  const segmentIds = reachedSegments([campaign, steps], source.segments);
  const templateKeys = valuesOf('templateId', steps);
  const names = namesFor(source, segmentIds, templateKeys);
  return ordered({
    format: FILE_FORMAT,
    version: FILE_VERSION,
    campaign: withoutNulls(withRefs(campaign, names) as Fields),
    steps: withRefs(steps, names),
    segments: segmentIds.map((id) => {
      const { rules, ...segment } = source.segments.get(id)!;
      return withoutNulls({ ref: names.segmentId(id), ...segment, rules: canTravel(rules) ? withRefs(ordered(rules), names) : null });
    }),
    templates: templateKeys.map((key) => withoutNulls({ ref: names.templateId(key), ...source.templates.get(key)! })),
  }) as CampaignFile;
}

/** A rule that asks about one step of some campaign means nothing elsewhere: the file then holds the name of the segment alone. */
export function canTravel(rules: unknown): boolean {
  return valuesOf('stepId', rules).length === 0;
}

function settingsOf({ campaign, providerAccount }: FileSource): Fields {
  const { startDate, endDate } = campaign;
  const { providerAccountId: _account, ...settings } = Object.fromEntries(
    (Object.keys(SETTINGS) as (keyof CampaignSettings)[]).map((name) => [name, campaign[name]]),
  );
  return { ...settings, startDate: startDate?.toISOString(), endDate: endDate?.toISOString(), providerAccount };
}

/** In the order in which the campaign, and then the segments themselves, name them. */
function reachedSegments(value: unknown, segments: FileSource['segments']): string[] {
  const reached = new Set(valuesOf('segmentId', value).map((id) => id.toLowerCase()));
  for (const id of reached) {
    const rules = segments.get(id)?.rules;
    if (canTravel(rules)) valuesOf('segmentId', ordered(rules)).forEach((inner) => reached.add(inner.toLowerCase()));
  }
  return [...reached];
}

function namesFor({ segments, templates, campaignNames }: FileSource, segmentIds: string[], templateKeys: string[]): Names {
  const segmentRefs = refNames(
    segmentIds.map((id) => segments.get(id)!.name),
    () => 'segment',
  );
  const templateRefs = refNames(
    templateKeys.map((key) => templates.get(key)!.name),
    () => 'template',
  );
  return {
    segmentId: (id) => segmentRefs[segmentIds.indexOf(id)],
    templateId: (key) => templateRefs[templateKeys.indexOf(key)],
    campaignId: (id) => campaignNames.get(id)!,
  };
}

/** The step with what belongs to the file: secrets of actions do not. */
function ownFields(step: FlowItem): Fields {
  const { actionConfig, variants, splitConfig, abTest, ...fields } = step;
  return {
    ...fields,
    abTest: abTest && withoutNulls({ ...abTest }),
    variants: variants && variants.length > 0 ? variants.map((variant) => withoutNulls({ ...variant })) : null,
    splitConfig: splitConfig && { ...splitConfig, branches: splitConfig.branches.map(unnamed) },
    actionConfig: actionConfig && actionFields(actionConfig),
  };
}

function unnamed({ name, ...branch }: { name: string | null }): Fields {
  return name === null ? branch : { name, ...branch };
}

function actionFields(action: ActionConfig): Fields {
  const own = ['type', ...ACTION_FIELDS[action.type]];
  return Object.fromEntries(
    Object.entries(action).filter(([field, value]) => own.includes(field) && (field !== 'hasSecret' || value === true)),
  );
}

/** Null is what a field is when nothing is said, but for edges: there it ends the flow. */
function withoutNulls(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([field, value]) => value !== null || field.endsWith('Ref')));
}
