import fc from 'fast-check';
import { flowFindings, resolveEdges, structuralFindings, type FlowStepRow } from './flow-graph.js';
import { buildFlow, refPath, type FlowItem } from './flow-refs.js';
import { normalisedSplit, splitProblems, type SplitConfig } from './split.js';
import { foreignFields, mergeStep, shapeProblems, type StepInput } from './step-shape.js';
import { waitUntilProblems } from './wait-config.js';

const ID = '0190a0b1-0000-7000-8000-000000000001';
const TAG = { type: 'tag', tag: 'vip' };
const faults = (config: unknown) => splitProblems(config, 'splitConfig').map(({ path, code }) => `${path} ${code}`);
const random = (...weights: unknown[]) => ({ type: 'random', branches: weights.map((weight) => ({ weight })) });
const rules = (...edges: (string | null)[]): SplitConfig => ({
  type: 'rules',
  branches: edges.slice(1).map((nextStepId) => ({ name: null, rules: TAG, nextStepId })),
  elseNextStepId: edges[0],
});
const row = (id: string, order: number, rest: Partial<FlowStepRow> = {}): FlowStepRow => ({
  id,
  stepOrder: order,
  stepName: null,
  stepType: 'email',
  nextStepId: null,
  isEnd: false,
  trueNextStepId: null,
  falseNextStepId: null,
  conditionRules: null,
  splitConfig: null,
  actionConfig: null,
  ...rest,
});
const split = (id: string, order: number, config: SplitConfig) => row(id, order, { stepType: 'condition', splitConfig: config });

describe('a split as it is saved', () => {
  it('accepts shares that add up to 100 per cent to the second decimal', () => {
    expect(faults(random(50, 50))).toEqual([]);
    expect(faults(random(33.33, 33.33, 33.34))).toEqual([]);
    expect(faults({ type: 'rules', branches: [{ rules: TAG, nextStepId: ID, name: 'VIPs' }], elseNextStepId: null })).toEqual([]);
  });

  it.each<[string, unknown, string[]]>([
    ['shares that do not add up', random(50, 49.99), ['splitConfig.branches weights_sum']],
    ['shares that add up to more', random(60, 60), ['splitConfig.branches weights_sum']],
    ['a share of nothing', random(0, 100), ['splitConfig.branches[0].weight weight_out_of_range']],
    ['a share too fine to add up', random(33.333, 66.667), ['splitConfig.branches[0].weight weight_out_of_range', 'splitConfig.branches[1].weight weight_out_of_range']],
    ['a share that is no number', random('50', 50), ['splitConfig.branches[0].weight weight_out_of_range']],
    ['one branch by lot', random(100), ['splitConfig.branches branches_out_of_range']],
    ['21 branches', random(...Array(21).fill(1)), ['splitConfig.branches branches_out_of_range']],
    ['no branch', { type: 'rules', branches: [] }, ['splitConfig.branches branches_out_of_range']],
    ['a branch without rules', { type: 'rules', branches: [{ name: 'x' }] }, ['splitConfig.branches[0].rules required']],
    ['a weight where rules decide', { type: 'rules', branches: [{ rules: TAG, weight: 5 }] }, ['splitConfig.branches[0].weight unknown_field']],
    ['an else where lots decide', { ...random(50, 50), elseNextStepId: ID }, ['splitConfig.elseNextStepId unknown_field']],
    ['an edge that is no id', { type: 'rules', branches: [{ rules: TAG, nextStepId: 'welcome' }] }, ['splitConfig.branches[0].nextStepId invalid_id']],
    ['a branch that is no object', { type: 'random', branches: [null, 5] }, ['splitConfig.branches[0] invalid_branch', 'splitConfig.branches[1] invalid_branch']],
    ['another type', { type: 'round_robin', branches: [] }, ['splitConfig.type unknown_split']],
    ['a list', [], ['splitConfig.type unknown_split']],
  ])('refuses %s, at its place', (_, config, expected) => {
    expect(faults(config)).toEqual(expected);
  }); // prettier-ignore

  it('adds up exactly for any shares in hundredths', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 9_999 }), { minLength: 1, maxLength: 19 }), (cuts) => {
        const bounds = [0, ...cuts.sort((a, b) => a - b), 10_000];
        const weights = bounds.slice(1).map((bound, i) => (bound - bounds[i]) / 100);
        expect(faults(random(...weights))).toEqual([]);
      }),
    );
  });

  it('takes the place of the two branches, and of nothing but a condition', () => {
    const check = (stepType: 'condition' | 'wait', input: StepInput) =>
      [...foreignFields(stepType, input, ''), ...shapeProblems(mergeStep(null, { stepType, ...input }), '')].map(
        ({ path, code }) => `${path} ${code}`,
      );
    expect(check('condition', { splitConfig: rules(null, ID) })).toEqual([]);
    expect(check('condition', { splitConfig: rules(null, ID), conditionRules: TAG, trueNextStepId: ID })).toEqual([
      'conditionRules ambiguous_condition',
      'trueNextStepId ambiguous_condition',
    ]);
    expect(check('condition', {})).toEqual(['conditionRules required']);
    expect(check('wait', { waitDuration: { value: 1, unit: 'days' }, splitConfig: rules(null, ID) })).toEqual([
      'splitConfig foreign_field',
    ]);
  });
});

describe('a split in its flow', () => {
  it('leads where each branch says, with the way of else last', () => {
    const edges = resolveEdges([split('s', 1, rules('c', 'a', null)), row('a', 2), row('c', 3)]);
    expect(edges.get('s')).toEqual({ next: null, trueNext: null, falseNext: null, branches: ['a', null, 'c'] });
  });

  it('is refused where a branch dangles, leads to itself or back, with the place of the branch', () => {
    const codes = (steps: FlowStepRow[]) => structuralFindings(steps).map(({ code, path }) => `${code} ${path}`);
    expect(codes([split('s', 1, rules('gone', 's', 'a')), row('a', 2)])).toEqual([
      'self_loop steps[0].splitConfig.branches[0].nextStepId',
      'dangling_branch steps[0].splitConfig.elseNextStepId',
    ]);
    expect(codes([row('a', 1), split('s', 2, rules(null, 'a'))])).toEqual(['cycle steps[1]']);
    const asking = { ...rules(null, null), branches: [{ name: null, rules: { type: 'email_opened', stepId: 'gone' }, nextStepId: null }] };
    expect(codes([split('s', 1, asking as SplitConfig)])).toEqual(['rule_step_unknown steps[0].splitConfig.branches[0].rules']);
  });

  it('counts as a way to the steps behind its branches', () => {
    const codes = (steps: FlowStepRow[]) => flowFindings(steps, { requireEmail: true }).map(({ code, path }) => `${code} ${path}`);
    expect(codes([split('s', 1, rules('b', 'a')), row('a', 2, { isEnd: true }), row('b', 3)])).toEqual([]);
    expect(codes([split('s', 1, rules(null, 'a')), row('a', 2, { isEnd: true }), row('b', 3)])).toEqual(['unreachable_step steps[2]']);
    expect(codes([row('a', 1), split('s', 2, rules(null, null))])).toEqual(['condition_without_branches steps[1]']);
  });

  it('is saved by refs: null ends, absent is the next in the list, and an unknown one is named', () => {
    let count = 0;
    const item = (splitConfig: unknown): FlowItem[] => [
      { ref: 's', stepType: 'condition', splitConfig: splitConfig as never },
      { ref: 'a', stepType: 'wait' },
      { ref: 'b', stepType: 'wait' },
    ];
    const config = {
      type: 'rules',
      branches: [
        { rules: { type: 'email_opened', stepId: 'a' }, nextRef: 'b' },
        { rules: TAG, nextRef: null },
      ],
    };
    const { inputs, problems } = buildFlow(item(config), () => `id-${count++}`);
    expect(problems).toEqual([]);
    expect(inputs[0].input).toMatchObject({
      splitConfig: {
        type: 'rules',
        branches: [
          { rules: { type: 'email_opened', stepId: 'id-1' }, nextStepId: 'id-2' },
          { rules: TAG, nextStepId: null },
        ],
        elseNextStepId: 'id-1',
      },
    });
    expect(inputs[0].input.trueNextStepId).toBeNull();
    const bad = buildFlow(item({ ...config, elseNextRef: 'x', branches: [{ rules: TAG, nextRef: 'y' }] }), () => 'id').problems;
    expect(bad.map(({ path }) => path)).toEqual(['steps[0].splitConfig.branches[0].nextRef', 'steps[0].splitConfig.elseNextRef']);
    expect(refPath('steps[0].splitConfig.elseNextStepId')).toBe('steps[0].splitConfig.elseNextRef');
  });

  it('never breaks on what a caller may send', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const config of [value, { type: 'rules', branches: value }, { type: 'random', branches: [value, value] }]) {
          const { inputs } = buildFlow([{ stepType: 'condition', splitConfig: config as never }], () => ID);
          const { splitConfig } = inputs[0].input;
          if (splitConfig && splitProblems(splitConfig, 's').length === 0) normalisedSplit(splitConfig);
        }
      }),
    );
  });
});

describe('what a wait may be for', () => {
  const problems = (until: unknown, hasDuration = false) =>
    waitUntilProblems(until, hasDuration, 'waitUntil').map(({ path, code }) => `${path} ${code}`);

  it.each<[unknown, boolean]>([
    [{ date: '2030-04-01' }, false],
    [{ date: '2030-04-01T09:00:00+02:00', timeOfDay: { from: '09:00' } }, false],
    [{ attribute: 'renews', offset: { value: -3, unit: 'days' }, timeOfDay: { from: '09:00', to: '24:00', weekdays: [1, 5] } }, false],
    [{ timeOfDay: { from: '00:00' } }, true],
  ])('%j is fine', (until, hasDuration) => {
    expect(problems(until, hasDuration)).toEqual([]);
  });

  it.each<[unknown, string[], boolean?]>([
    [{}, ['waitUntil required']],
    [[], ['waitUntil invalid_wait']],
    [{ date: '2030-04-01' }, ['waitUntil ambiguous_wait'], true],
    [{ date: '2030-04-01', attribute: 'renews' }, ['waitUntil ambiguous_wait']],
    [{ date: '2030-02-30' }, ['waitUntil.date invalid_date']],
    [{ date: 1_900_000_000 }, ['waitUntil.date invalid_date']],
    [{ date: '2030-04-01', offset: { value: 1, unit: 'days' } }, ['waitUntil.offset foreign_field']],
    [{ attribute: 'renews', offset: { value: 1.5, unit: 'days' } }, ['waitUntil.offset.value offset_out_of_range']],
    [{ attribute: 'renews', offset: { value: 1, unit: 'months' } }, ['waitUntil.offset.unit unknown_unit']],
    [{ timeOfDay: { from: '9:00' } }, ['waitUntil.timeOfDay.from invalid_time']],
    [{ timeOfDay: { from: '09:00', to: '09:00' } }, ['waitUntil.timeOfDay.to window_order']],
    [{ timeOfDay: { from: '09:00', weekdays: [] } }, ['waitUntil.timeOfDay.weekdays invalid_weekdays']],
    [{ timeOfDay: { from: '09:00', weekdays: [1, 1] } }, ['waitUntil.timeOfDay.weekdays invalid_weekdays']],
    [{ timeOfDay: { from: '09:00', weekdays: [0] } }, ['waitUntil.timeOfDay.weekdays invalid_weekdays']],
    [{ timeOfDay: { from: '09:00', zone: 'Foo/Bar' } }, ['waitUntil.timeOfDay.zone unknown_field']],
  ])('%j is refused', (until, expected, hasDuration = false) => {
    expect(problems(until, hasDuration)).toEqual(expected);
  });
});
