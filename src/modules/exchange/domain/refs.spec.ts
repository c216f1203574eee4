import type { CampaignFile, FileSegment } from './campaign-file.js';
import { filePath, inDependencyOrder, neededRefs, refProblems } from './refs.js';

describe('the refs of a file', () => {
  const segment = (ref: string, rules?: unknown, over: Partial<FileSegment> = {}): FileSegment => ({
    ref,
    name: ref,
    type: 'dynamic',
    rules,
    ...over,
  });
  const file = (over: Partial<CampaignFile>): CampaignFile => ({
    format: 'campaign-engine/campaign',
    version: 1,
    campaign: { name: 'X' },
    steps: [],
    segments: [],
    templates: [],
    ...over,
  });
  const faults = (over: Partial<CampaignFile>) => refProblems(file(over)).map(({ path, code }) => `${path} ${code}`);
  const refTo = (segmentRef: unknown) => ({ type: 'segment', segmentRef });

  it('that lead nowhere, stand twice, are missing or are ids are named with their places', () => {
    expect(faults({ campaign: { name: 'X', segmentRef: 'gone' } })).toEqual(['campaign.segmentRef unknown_ref']);
    expect(faults({ campaign: { name: 'X', trigger: { type: 'segment_entry' } } })).toEqual(['campaign.trigger.segmentRef required']);
    expect(faults({ steps: [{ templateRef: 5 }] })).toEqual(['steps[0].templateRef unknown_ref']);
    expect(faults({ steps: [{ ref: 'a', conditionRules: { not: { type: 'email_opened', stepRef: 'b' } } }] })).toEqual([
      'steps[0].conditionRules.not.stepRef unknown_ref',
    ]);
    expect(faults({ steps: [{ splitConfig: { branches: [{ nextStepId: 'x', rules: { type: 'segment', segmentId: 'y' } }] } }] })).toEqual([
      'steps[0].splitConfig.branches[0].nextStepId id_in_file',
      'steps[0].splitConfig.branches[0].rules.segmentId id_in_file',
    ]);
    expect(faults({ steps: [{ actionConfig: { type: 'enroll', campaignId: 'x' } }, { actionConfig: { type: 'enroll' } }] })).toEqual([
      'steps[0].actionConfig.campaignId id_in_file',
      'steps[1].actionConfig.campaign required',
    ]);
    const template = { ref: 't', name: 'T', contentFormat: 'html' as const, content: 'x' };
    expect(faults({ segments: [segment('a'), segment('a')], templates: [template, template] })).toEqual([
      'segments[1].ref doubled_ref',
      'templates[1].ref doubled_ref',
    ]);
    const list = { type: 'static' as const, name: 'VIP' };
    expect(faults({ segments: [segment('a', undefined, list), segment('b', undefined, list)] })).toEqual(['segments[1].name doubled_name']);
  });

  it('among segments form no circle, and say in which order they are made', () => {
    const segments = [segment('a', { all: [refTo('b')] }), segment('b', { not: refTo('c') }), segment('c')];
    expect(faults({ segments })).toEqual([]);
    expect(inDependencyOrder(segments).order.map(({ ref }) => ref)).toEqual(['c', 'b', 'a']);
    expect(faults({ segments: [segment('a', refTo('b')), segment('b', refTo('b'))] })).toEqual(['segments[1].rules segment_cycle']);
  });

  it('tell what is needed: the rest of the file is left out', () => {
    const segments = [segment('a', refTo('b')), segment('b'), segment('c', refTo('a'))];
    const steps = [{ templateRef: 't', variants: [{ templateRef: 'u' }] }];
    const needed = neededRefs(file({ segments, steps, campaign: { name: 'X', goal: { type: 'rule', rules: refTo('a') } } }));
    expect([[...needed.segments], [...needed.templates]]).toEqual([['a', 'b'], ['t', 'u']]); // prettier-ignore
  });

  it('stand in the paths of faults that were found about ids', () => {
    expect(
      ['segmentId', 'campaign.trigger.segmentId', 'steps[1].conditionRules.all[0].stepId', 'steps[0].subjectLine'].map(filePath),
    ).toEqual(['segmentRef', 'campaign.trigger.segmentRef', 'steps[1].conditionRules.all[0].stepRef', 'steps[0].subjectLine']);
  });
});
