import { EMPTY_STEP, type CampaignStep, type ReviewedStep } from '../../steps/index.js';
import { diffOf } from './diff.js';
import { linesOf, type Continues } from './lines.js';
import { newEnd, placementProblems, placesOf, planMoves, unplaced, type Situation } from './moves.js';
import { testOf } from './substance.js';

// One file, because each that names steps loads all of them.

const drafted = (id: string, over: Partial<CampaignStep>): CampaignStep & ReviewedStep =>
  ({ ...EMPTY_STEP, variants: [], id, lineageId: id, version: 1, stepOrder: 1, ...over }) as CampaignStep & ReviewedStep;
const email = (id: string, subjectLine: string, stepName: string | null = null) =>
  drafted(id, { stepType: 'email', subjectLine, stepName });
const wait = (id: string, value: number) => drafted(id, { stepType: 'wait', waitDuration: { value, unit: 'days' } });
const asks = (id: string, stepId: string) => drafted(id, { stepType: 'condition', conditionRules: { type: 'email_opened', stepId } });

const linked = (drafted: ReviewedStep[], live: CampaignStep[], wishes: Continues[] = [], published = live) =>
  linesOf(drafted, wishes, { live, published });

describe('the steps that a draft goes on with', () => {
  it('are those that are the same, also where a step was put between them: nobody gets a message again because another moved', () => {
    const live = [email('a', 'Hello'), wait('w', 2), email('b', 'News')];
    const { lines, problems } = linked([email('1', 'Hello'), email('2', 'Extra'), wait('3', 2), email('4', 'News')], live);
    expect(lines).toEqual(['a', null, 'w', 'b']);
    expect(problems).toEqual([]);
  });

  it('are those of the same type and name where the content was changed, unless the author says that they are new', () => {
    const live = [email('a', 'Helo', 'Welcome')];
    expect(linked([email('1', 'Hello', 'Welcome')], live).lines).toEqual(['a']);
    expect(linked([email('1', 'Hello', 'Welcome')], live, [null]).lines).toEqual([null]);
    expect(linked([drafted('1', { stepType: 'action', stepName: 'Welcome' })], live).lines).toEqual([null]);
  });

  it('are what the author says, before anything is guessed', () => {
    const live = [email('a', 'Hello'), email('b', 'News')];
    expect(linked([email('1', 'News'), email('2', 'Other')], live, [undefined, 'B']).lines).toEqual([null, 'b']);
  });

  it('may be of a version that is not live any more: who got the step then does not get it when it comes back', () => {
    const old = email('z', 'Offer');
    expect(linked([email('1', 'Offer')], [], ['z'], [old]).lines).toEqual(['z']);
    expect(linked([email('1', 'Offer')], [], [], [old]).lines).toEqual([null]);
  });

  it('are each gone on with once, in order', () => {
    const live = [wait('w1', 1), wait('w2', 1)];
    expect(linked([wait('1', 1), wait('2', 1), wait('3', 1)], live).lines).toEqual(['w1', 'w2', null]);
  });

  it('count a question about the same email as the same question, whatever ids the email has', () => {
    const live = [email('a', 'Hello'), asks('c', 'a')];
    expect(linked([email('1', 'Hello'), asks('2', '1')], live).lines).toEqual(['a', 'c']);
    expect(linked([email('1', 'Hello'), email('3', 'Other'), asks('2', '3')], live).lines).toEqual(['a', null, null]);
  });

  it('do not depend on the order in which the database gives keys back', () => {
    const live = [drafted('x', { stepType: 'wait_for', waitEvent: { filter: { b: 1, a: 2 }, name: 'paid' } })];
    expect(linked([drafted('1', { stepType: 'wait_for', waitEvent: { name: 'paid', filter: { a: 2, b: 1 } } })], live).lines).toEqual([
      'x',
    ]);
  });

  it.each([
    ['is not there', ['nowhere'], 'continued_step_not_found', 'steps[0].continues'],
    ['is of another type', ['w'], 'continued_step_type', 'steps[0].continues'],
    ['is named twice', ['a', 'a'], 'continued_twice', 'steps[1].continues'],
  ])('are refused with their place where one %s', (_, wishes, code, path) => {
    const { problems } = linked([email('1', 'Hello'), email('2', 'News')], [email('a', 'Hello'), wait('w', 1)], wishes);
    expect(problems).toEqual([expect.objectContaining({ code, path })]);
  });
});

const step = (id: string, version: number, lineageId: string, over: Partial<CampaignStep> = {}): CampaignStep =>
  ({
    id,
    version,
    lineageId,
    stepOrder: 1,
    stepName: lineageId,
    stepType: 'email',
    nextStepId: null,
    trueNextStepId: null,
    falseNextStepId: null,
    isEnd: false,
    templateId: null,
    templateVersion: null,
    subjectLine: 'Hello',
    emailContent: 'x',
    contentFormat: 'html',
    waitDuration: null,
    waitUntil: null,
    waitEvent: null,
    conditionRules: null,
    splitConfig: null,
    actionConfig: null,
    abTest: null,
    variants: [],
    ...over,
  }) as CampaignStep;
const days = (value: number): Partial<CampaignStep> => ({ stepType: 'wait', waitDuration: { value, unit: 'days' } });
const situation = (steps: CampaignStep[], at: Record<string, number> = {}, tests: [string, string[]][] = []): Situation => ({
  steps,
  target: 2,
  standing: Object.entries(at).map(([stepId, contacts]) => ({ stepId, contacts })),
  tests: new Map(tests),
});
const plan = (s: Situation, placements: [string, string][] = []) => planMoves(s, placesOf(s), new Map(placements));

describe('where contacts go when another version goes live', () => {
  it('is the same step of that version, wherever it stands and from whichever version they come', () => {
    const s = situation([step('a1', 1, 'a'), step('b1', 1, 'b'), step('b0', 0, 'b'), step('a2', 2, 'a'), step('b2', 2, 'b')], { b0: 3 });
    expect(plan(s).moves).toEqual([
      { from: 'a1', to: 'a2', kind: 'keep' },
      { from: 'b1', to: 'b2', kind: 'keep' },
      { from: 'b0', to: 'b2', kind: 'keep' },
    ]);
  });

  it('must be said for steps that are no more and have people at them; nobody is asked about empty ones', () => {
    const s = situation([step('a1', 1, 'a'), step('b1', 1, 'b'), step('c2', 2, 'c')], { a1: 212 });
    expect(unplaced(placesOf(s), new Map()).map(({ step: { id }, contacts }) => [id, contacts])).toEqual([['a1', 212]]);
    expect(unplaced(placesOf(s), new Map([['a1', 'exit']]))).toEqual([]);
    expect(plan(s, [['a1', 'exit']])).toMatchObject({ exits: ['a1'], moves: [], removed: ['a1', 'b1'], kept: [] });
    expect(plan(s, [['a1', 'c2']])).toMatchObject({ exits: [], moves: [{ from: 'a1', to: 'c2', kind: 'place' }] });
  });

  it.each([
    ['nowhere', 'exit', 'placement_unknown_step'],
    ['a2', 'exit', 'placement_unknown_step'],
    ['a1', 'exit', 'placement_not_needed'],
    ['b1', 'a1', 'placement_target'],
    ['b1', 'nowhere', 'placement_target'],
  ])('is refused where it makes no sense: from %s to %s', (from, to, code) => {
    const s = situation([step('a1', 1, 'a'), step('b1', 1, 'b'), step('a2', 2, 'a')]);
    const problems = placementProblems(s, placesOf(s), new Map([[from, to]]));
    expect(problems).toEqual([expect.objectContaining({ code, path: `placements.${from}` })]);
  });

  it('leaves a wait alone that stays as it is, and counts one anew that changed, or asks for something else', () => {
    const steps = (over: Partial<CampaignStep>): CampaignStep[] => [
      step('w1', 1, 'w', days(2)),
      step('w2', 2, 'w', { ...days(2), ...over }),
    ];
    expect(plan(situation(steps({ stepName: 'renamed' }))).rewaits).toEqual([]);
    expect(plan(situation(steps(days(3)))).rewaits).toHaveLength(1);
    const waitFor = { ...days(2), stepType: 'wait_for' as const, waitEvent: { name: 'paid' } };
    const asked = [step('f1', 1, 'f', waitFor), step('f2', 2, 'f', { ...waitFor, waitEvent: { name: 'opened' } })];
    expect(plan(situation(asked)).rewaits).toHaveLength(1);
  });

  it('lets those go who wait for the winner of a test that does not go on', () => {
    const steps = [step('a1', 1, 'a'), step('a2', 2, 'a')];
    expect(
      plan(
        situation(steps, {}, [
          ['a1', ['v', 'w']],
          ['a2', ['v', 'w']],
        ]),
      ).moves[0].kind,
    ).toBe('keep');
    expect(
      plan(
        situation(steps, {}, [
          ['a1', ['v', 'w']],
          ['a2', ['v', 'x']],
        ]),
      ).moves[0].kind,
    ).toBe('hasten');
    expect(plan(situation(steps, {}, [['a1', ['v', 'w']]])).moves[0].kind).toBe('hasten');
  });

  it('never makes anybody due in the past: what follows a shortened wait would be over as well', () => {
    const now = new Date('2030-01-10T00:00:00Z');
    expect(newEnd(new Date('2030-01-03T00:00:00Z'), now)).toEqual(now);
    expect(newEnd(new Date('2030-01-12T00:00:00Z'), now)).toEqual(new Date('2030-01-12T00:00:00Z'));
  });
});

describe('a test of variants', () => {
  const variant = {
    id: 'v',
    name: 'A',
    weight: 1,
    subjectLine: null,
    templateId: null,
    emailContent: null,
    contentFormat: null,
    fromName: null,
    fromEmail: null,
  };
  const tested = (over: object = {}, step1: Partial<CampaignStep> = {}): CampaignStep =>
    step('a', 1, 'a', { variants: [{ ...variant, position: 1, templateVersion: null, ...over }], ...step1 });

  it('is the same under other ids, and another one as soon as people would get to see something else', () => {
    expect(testOf(tested({ id: 'other' }, { id: 'b', stepName: 'renamed', nextStepId: 'c' }))).toBe(testOf(tested()));
    for (const other of [
      tested({ weight: 2 }),
      tested({ templateVersion: 2 }),
      tested({}, { subjectLine: 'New' }),
      tested({ fromName: 'Ada' }),
    ])
      expect(testOf(other)).not.toBe(testOf(tested()));
  });
});

describe('the difference of two versions', () => {
  it('tells what was added, removed and changed, field by field, and what a step leads to now', () => {
    const before = [step('a1', 1, 'a', { stepOrder: 1 }), step('b1', 1, 'b', { stepOrder: 2 }), step('c1', 1, 'c', { stepOrder: 3 })];
    const after = [
      step('a2', 2, 'a', { stepOrder: 1 }),
      step('d2', 2, 'd', { stepOrder: 2 }),
      step('c2', 2, 'c', { stepOrder: 3, subjectLine: 'Hi' }),
    ];
    const { added, removed, changed, unchanged } = diffOf(before, after);
    expect([added, removed].map((steps) => steps.map(({ id }) => id))).toEqual([['d2'], ['b1']]);
    expect(changed.map(({ after: { id }, changes }) => [id, changes])).toEqual([
      ['a2', [{ field: 'nextStepId', before: 'b1', after: 'd2' }]],
      ['c2', [{ field: 'subjectLine', before: 'Hello', after: 'Hi' }]],
    ]);
    expect(unchanged).toBe(0);
  });

  it('is nothing between a version and its copy, although every id is another', () => {
    const rule = (stepId: string) => ({ all: [{ type: 'email_opened', stepId }] });
    const flow = (version: number): CampaignStep[] => [
      step(`a${version}`, version, 'a', { stepOrder: 1 }),
      step(`q${version}`, version, 'q', {
        stepOrder: 2,
        stepType: 'condition',
        conditionRules: rule(`a${version}`),
        trueNextStepId: `b${version}`,
      }),
      step(`b${version}`, version, 'b', { stepOrder: 3 }),
    ];
    expect(diffOf(flow(1), flow(2))).toEqual({ added: [], removed: [], changed: [], unchanged: 3 });
  });

  it('shows of the secret of a webhook only that there is one', () => {
    const call = (sealedSecret: string): Partial<CampaignStep> => ({
      stepType: 'action',
      actionConfig: { type: 'webhook', url: 'https://acme.example', sealedSecret },
    });
    const { changed } = diffOf([step('a1', 1, 'a', call('old'))], [step('a2', 2, 'a', call('new'))]);
    expect(changed).toHaveLength(1);
    expect(JSON.stringify(changed[0].changes)).not.toMatch(/old|new|sealed/);
  });
});
