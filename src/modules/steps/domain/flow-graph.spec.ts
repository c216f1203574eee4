import fc from 'fast-check';
import { flowFindings, resolveEdges, structuralFindings, type FlowStepRow } from './flow-graph.js';

function step(id: string, order: number, rest: Partial<FlowStepRow> = {}): FlowStepRow {
  return {
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
  };
}
const codes = (steps: FlowStepRow[], requireEmail = true) =>
  flowFindings(steps, { requireEmail }).map(({ severity, code, path }) => `${severity} ${code} ${path}`);
const branch = (id: string, order: number, yes: string | null, no: string | null, rules: unknown = { type: 'lead_score', threshold: 5 }) =>
  step(id, order, { stepType: 'condition', trueNextStepId: yes, falseNextStepId: no, conditionRules: rules });

describe('the edges of a flow', () => {
  it('follow the order, not the arithmetic: a gap in step_order loses nobody', () => {
    const edges = resolveEdges([step('c', 40), step('a', 1), step('b', 7)]);
    expect([edges.get('a')!.next, edges.get('b')!.next, edges.get('c')!.next]).toEqual(['b', 'c', null]);
  });

  it('keep the branches of a condition apart: the end of one never runs into the other', () => {
    const edges = resolveEdges([branch('if', 1, 'yes', 'no'), step('yes', 2, { isEnd: true }), step('no', 3)]);
    expect(edges.get('if')).toEqual({ next: null, trueNext: 'yes', falseNext: 'no', branches: [] });
    expect(edges.get('yes')!.next).toBeNull();
  });

  it('end at a missing branch and at an exit', () => {
    const exit = step('out', 2, { stepType: 'action', actionConfig: { type: 'exit' } });
    const edges = resolveEdges([branch('if', 1, 'out', null), exit, step('later', 3)]);
    expect(edges.get('if')!.falseNext).toBeNull();
    expect(edges.get('out')!.next).toBeNull();
  });

  it('let an explicit next step win over the order', () => {
    expect(resolveEdges([step('a', 1, { nextStepId: 'c' }), step('b', 2), step('c', 3)]).get('a')!.next).toBe('c');
  });
});

describe('a flow that would trap or lose people', () => {
  it.each([
    ['no steps', [], ['error no_steps steps']],
    ['a step that leads to itself', [step('a', 1, { nextStepId: 'a' })], ['error self_loop steps[0].nextStepId']],
    ['a branch to nowhere', [step('a', 1), branch('if', 2, 'gone', null)], ['error dangling_branch steps[1].trueNextStepId']],
    ['a circle', [step('a', 1), step('b', 2), step('c', 3, { nextStepId: 'a' })], ['error cycle steps[2]']],
    ['a circle through a branch', [step('a', 1), branch('if', 2, 'a', null)], ['error cycle steps[1]']],
    [
      'a circle that nobody reaches',
      [step('a', 1, { isEnd: true }), step('b', 2), step('c', 3, { nextStepId: 'b' })],
      ['error cycle steps[2]'],
    ],
    [
      'a rule about a step elsewhere',
      [step('a', 1), branch('if', 2, null, null, { not: { type: 'email_opened', stepId: 'x' } })],
      ['error rule_step_unknown steps[1].conditionRules'],
    ],
  ] as [string, FlowStepRow[], string[]][])('is refused: %s', (_what, steps, expected) => {
    expect(codes(steps)).toEqual(expected);
  });

  it('is named in words that say which steps', () => {
    const [finding] = structuralFindings([step('a', 1, { stepName: 'Hello' }), step('b', 2, { nextStepId: 'a' })]);
    expect(finding.message).toContain('"Hello" → step 2 (email) → "Hello"');
  });

  it('needs an email where it is a broadcast', () => {
    const wait = step('w', 1, { stepType: 'wait' });
    expect(codes([wait])).toEqual(['error no_email_step steps']);
    expect(codes([wait], false)).toEqual(['warning no_email_step steps']);
  });
});

describe('warnings', () => {
  const opened = { all: [{ type: 'email_opened' }] };

  it('tell of a step that nobody reaches', () => {
    expect(codes([step('a', 1, { isEnd: true }), step('b', 2)])).toEqual(['warning unreachable_step steps[1]']);
  });

  it('tell of a condition that ends the flow either way', () => {
    expect(codes([step('a', 1), branch('if', 2, null, null)])).toEqual(['warning condition_without_branches steps[1]']);
  });

  it('tell of "opened?" right after the email, also across an action, but not after a wait', () => {
    const email = step('a', 1);
    const tag = step('t', 2, { stepType: 'action', actionConfig: { type: 'add_tag', tag: 'x' } });
    const wait = step('t', 2, { stepType: 'wait' });
    const end = step('z', 4);
    expect(codes([email, tag, branch('if', 3, 'z', null, opened), end])).toEqual(['warning immediate_engagement_condition steps[2]']);
    expect(codes([email, wait, branch('if', 3, 'z', null, opened), end])).toEqual([]);
    expect(codes([email, branch('if', 3, 'z', null), end])).toEqual([]);
  });
});

describe('for any flow', () => {
  const flow = fc.integer({ min: 1, max: 12 }).chain((size) =>
    fc.array(
      fc.record({
        type: fc.constantFrom('email', 'wait', 'condition', 'action') as fc.Arbitrary<FlowStepRow['stepType']>,
        next: fc.option(fc.integer({ min: 0, max: size - 1 })),
        yes: fc.option(fc.integer({ min: 0, max: size - 1 })),
        no: fc.option(fc.integer({ min: 0, max: size - 1 })),
        isEnd: fc.boolean(),
      }),
      { minLength: size, maxLength: size },
    ),
  );
  const build = (parts: { type: FlowStepRow['stepType']; next: number | null; yes: number | null; no: number | null; isEnd: boolean }[]) =>
    parts.map(({ type, next, yes, no, isEnd }, index) =>
      type === 'condition'
        ? branch(`s${index}`, index + 1, yes === null ? null : `s${yes}`, no === null ? null : `s${no}`)
        : step(`s${index}`, index + 1, { stepType: type, isEnd, nextStepId: next === null || isEnd ? null : `s${next}` }),
    );

  it('that is not refused, every way through it ends', () => {
    fc.assert(
      fc.property(flow, fc.infiniteStream(fc.boolean()), (parts, coins) => {
        const steps = build(parts);
        fc.pre(structuralFindings(steps).length === 0);
        const edges = resolveEdges(steps);
        let at: string | null = steps[0].id;
        let hops = 0;
        for (; at !== null && hops <= steps.length; hops++) {
          const { next, trueNext, falseNext }: { next: string | null; trueNext: string | null; falseNext: string | null } = edges.get(at)!;
          const isCondition: boolean = steps.find(({ id }) => id === at)!.stepType === 'condition';
          at = isCondition ? (coins.next().value ? trueNext : falseNext) : next;
        }
        expect(at).toBeNull();
      }),
    );
  });

  it('a loop is found exactly when walking could go on for ever', () => {
    fc.assert(
      fc.property(flow, (parts) => {
        const steps = build(parts);
        const edges = resolveEdges(steps);
        // Steps from which every path ends, found from the ends backwards: whoever is not among them can be walked for ever.
        const safe = new Set<string>();
        for (let before = -1; before < safe.size;) {
          before = safe.size;
          for (const { id } of steps) {
            const targets = Object.values(edges.get(id)!)
              .flat()
              .filter((target) => target !== null) as string[];
            if (targets.every((target) => safe.has(target))) safe.add(id);
          }
        }
        expect(structuralFindings(steps).length > 0).toBe(safe.size < steps.length);
      }),
    );
  });
});
