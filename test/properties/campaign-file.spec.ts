import fc from 'fast-check';
import { FLOW_CAMPAIGNS, FLOW_SEGMENTS, FLOW_TEMPLATES, flowArbitrary } from '../support/flow-arbitrary.js';
import { mergeVariant } from '../../src/modules/steps/domain/ab-test.js';
import { copyFlow } from '../../src/modules/steps/domain/copy-flow.js';
import { toFlowItems } from '../../src/modules/steps/domain/flow-items.js';
import { buildFlow, type FlowItem } from '../../src/modules/steps/domain/flow-refs.js';
import { normalisedSplit } from '../../src/modules/steps/domain/split.js';
import { mergeStep } from '../../src/modules/steps/domain/step-shape.js';
import { EMPTY_STEP, type CampaignStep } from '../../src/modules/steps/domain/step.js';
import type { CampaignFile } from '../../src/modules/exchange/domain/campaign-file.js';
import { refProblems, withIds, type Ids } from '../../src/modules/exchange/domain/refs.js';
import { writeFile, type FileSource } from '../../src/modules/exchange/domain/write-file.js';

const SEGMENTS: FileSource['segments'] = new Map([
  ['s-1', { name: 'VIP', type: 'static', rules: null }],
  ['s-2', { name: 'Pro', type: 'dynamic', rules: { all: [{ type: 'segment', segmentId: 'S-1' }, { not: { type: 'segment', segmentId: 's-3' } }] } }],
  ['s-3', { name: 'Pro', type: 'dynamic', rules: { type: 'tag', tag: 'x' } }],
  ['s-4', { name: 'Openers', type: 'dynamic', rules: { type: 'email_opened', stepId: 'of-another-campaign' } }],
]); // prettier-ignore
const TEMPLATES: FileSource['templates'] = new Map(
  FLOW_TEMPLATES.map((id, index) => [id, { name: 'Welcome', subjectLine: index === 0 ? null : 'Hi', contentFormat: 'html', content: `<p>${index}</p>` }]),
); // prettier-ignore
const CAMPAIGN = {
  name: 'Spring', description: null, campaignType: 'triggered', category: 'marketing', segmentId: 's-2', fromEmail: 'a@example.com', fromName: 'A',
  replyToEmail: null, startDate: new Date('2030-03-01T09:00:00.500Z'), endDate: null, timezone: 'Europe/Berlin', sendStrategy: 'scheduled',
  startInContactZone: true, trackOpens: false, trackClicks: true, unsubscribeEnabled: true, unknownPolicy: 'hold', providerAccountId: 'p-1',
  exitOnReply: true, sendRatePerMinute: 5, rampPlan: [{ percent: 5, day: 1 }], frequencyCap: { perDays: 7, messages: 3 }, sendWindow: { to: '18:00', from: '09:00' },
  pauseThresholds: null, trigger: { segmentId: 's-3', type: 'segment_entry' }, reentry: { policy: 'after_cooldown', cooldown: { unit: 'days', value: 7 } },
  goal: { rules: { type: 'segment', segmentId: 's-1' }, type: 'rule' }, exitOnSegmentLeave: true, keepEnrolling: false,
} as unknown as FileSource['campaign']; // prettier-ignore

const sourceOf = (steps: CampaignStep[], over: Partial<FileSource> = {}): FileSource => ({
  campaign: CAMPAIGN,
  steps: toFlowItems(steps),
  segments: SEGMENTS,
  templates: TEMPLATES,
  campaignNames: new Map([[FLOW_CAMPAIGNS[0], 'Win back']]),
  providerAccount: 'Main',
  ...over,
});
const textOf = (source: FileSource) => JSON.stringify(writeFile(source), null, 2);

/** What the tenant has after an import of the file: everything under new ids. */
function imported(file: CampaignFile): FileSource {
  const made = (prefix: string, refs: string[]) => new Map(refs.map((ref, index) => [ref, `new-${prefix}-${index}`]));
  const ids: Ids = {
    segmentRef: made('s', file.segments.map(({ ref }) => ref)),
    templateRef: made('t', file.templates.map(({ ref }) => ref)),
    campaign: new Map([['Win back', 'new-c']]),
  }; // prettier-ignore
  let count = 0;
  const items = withIds(file.steps, ids) as FlowItem[];
  const { inputs, problems } = buildFlow(items, () => `new-step-${count++}`);
  expect(problems).toEqual([]);
  const steps = inputs.map(({ id, input }, index) => {
    const saved = mergeStep(null, input);
    const variants = (items[index].variants ?? []).map((variant, v) => ({ ...mergeVariant(null, variant), id: `v-${v}`, position: v + 1 }));
    return { ...saved, splitConfig: saved.splitConfig && normalisedSplit(saved.splitConfig), id, stepOrder: index + 1, variants };
  }) as unknown as CampaignStep[];
  const { startDate, endDate, providerAccount, ...rest } = withIds(file.campaign, ids) as Record<string, unknown>;
  const dates = { startDate: startDate ? new Date(startDate as string) : null, endDate: endDate ? new Date(endDate as string) : null };
  const segments = file.segments.map(({ ref, name, type, rules }): [string, { name: string; type: typeof type; rules: unknown }] => [
    ids.segmentRef.get(ref)!,
    { name, type, rules: withIds(rules, ids) ?? null },
  ]);
  const templates = file.templates.map(({ ref, ...template }): [string, typeof template & { subjectLine: string | null }] => [
    ids.templateRef.get(ref)!,
    { ...template, subjectLine: template.subjectLine ?? null },
  ]);
  return {
    campaign: { ...rest, ...dates, providerAccountId: 'new-p' } as unknown as FileSource['campaign'],
    steps: toFlowItems(steps),
    segments: new Map(segments),
    templates: new Map(templates),
    campaignNames: new Map([['new-c', 'Win back']]),
    providerAccount: providerAccount as string,
  };
}

describe('a campaign as a file', () => {
  it('comes back from an import as it went out, to the byte', () => {
    fc.assert(
      fc.property(flowArbitrary, (steps) => {
        const text = textOf(sourceOf(steps));
        const file = JSON.parse(text) as CampaignFile;
        expect(refProblems(file)).toEqual([]);
        expect(textOf(imported(file))).toBe(text);
      }),
    );
  });

  it('is the file of its clone as well: a clone is the same campaign under other ids', () => {
    fc.assert(
      fc.property(flowArbitrary, (steps) => {
        let count = 0;
        const copy = copyFlow(steps, () => `copy-${count++}`) as unknown as CampaignStep[];
        expect(textOf(sourceOf(copy))).toBe(textOf(sourceOf(steps)));
      }),
    );
  });

  it('says nothing by ids, and does not depend on how the database orders the fields of its documents', () => {
    const shuffled = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(shuffled);
      if (typeof value !== 'object' || value === null || value instanceof Date) return value;
      return Object.fromEntries(Object.entries(value).reverse().map(([key, part]) => [key, shuffled(part)])); // prettier-ignore
    };
    fc.assert(
      fc.property(flowArbitrary, (steps) => {
        const source = sourceOf(steps);
        const text = textOf(source);
        expect(text).not.toMatch(/"(step-|variant-|t-|c-|p-)\d/);
        expect(text.replaceAll('"value": "s-1"', '')).not.toMatch(/"[sS]-\d/);
        const other = { ...source, campaign: shuffled(source.campaign), steps: shuffled(source.steps) } as FileSource;
        expect(textOf(other)).toBe(text);
      }),
    );
  });

  it('keeps the secrets of webhooks to itself, and says that there are some: an import must not turn signed calls into unsigned ones', () => {
    const actions = [{ sealedSecret: 'c2VjcmV0' }, {}].map((own) => ({ type: 'webhook', url: 'https://acme.example/hook', ...own }));
    const steps = actions.map((actionConfig, index) => ({
      ...EMPTY_STEP,
      id: `step-${index}`,
      stepOrder: index,
      stepType: 'action',
      actionConfig,
      variants: [],
    }));
    const file = writeFile(sourceOf(steps as unknown as CampaignStep[]));
    expect(file.steps.map(({ actionConfig }) => actionConfig)).toEqual([
      { type: 'webhook', url: 'https://acme.example/hook', hasSecret: true },
      { type: 'webhook', url: 'https://acme.example/hook' },
    ]);
  });

  it('takes the segments it needs with it, those of their rules too, and only the name of one that asks about a step elsewhere', () => {
    const file = writeFile(
      sourceOf([], { campaign: { ...CAMPAIGN, goal: { type: 'rule', rules: { type: 'segment', segmentId: 's-4' } } } }),
    );
    expect(file.segments).toEqual([
      { ref: 'pro', type: 'dynamic', name: 'Pro', rules: { all: [{ type: 'segment', segmentRef: 'vip' }, { not: { type: 'segment', segmentRef: 'pro-2' } }] } },
      { ref: 'pro-2', type: 'dynamic', name: 'Pro', rules: { type: 'tag', tag: 'x' } },
      { ref: 'openers', type: 'dynamic', name: 'Openers' },
      { ref: 'vip', type: 'static', name: 'VIP' },
    ]); // prettier-ignore
    expect(file.templates).toEqual([]);
    expect(FLOW_SEGMENTS.every((id) => SEGMENTS.has(id))).toBe(true);
  });
});
