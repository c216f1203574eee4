import fc from 'fast-check';
import type { DueEnrollment } from '../../enrollment/index.js';
import type { Flow, FlowStep } from '../../steps/index.js';
import { topologicalOrder, Walk } from './walk.js';

const step = (id: string, over: Partial<FlowStep> = {}): FlowStep => ({
  id,
  order: Number(id),
  name: null,
  type: 'action',
  next: null,
  trueNext: null,
  falseNext: null,
  branches: [],
  wait: null,
  waitUntil: null,
  split: null,
  event: null,
  rules: null,
  action: null,
  ...over,
});
const flowOf = (...steps: FlowStep[]): Flow => ({
  campaignId: 'c',
  version: 1,
  firstStepId: steps[0].id,
  steps: new Map(steps.map((s) => [s.id, s])),
});
const due = (id: string, stepId: string): DueEnrollment => ({
  id,
  contactId: id,
  status: 'enrolled',
  stepId,
  entryNumber: 1,
  stepsCompleted: 0,
  dueAt: new Date(0),
  stepEnteredAt: null,
  timezone: null,
});

describe('Walk', () => {
  it('takes paths that join as one group, so that the shared step runs once', async () => {
    const flow = flowOf(
      step('1', { type: 'condition', trueNext: '2', falseNext: '3' }),
      step('2', { next: '4' }),
      step('3', { next: '4' }),
      step('4'),
    );
    const walk = new Walk(flow, [due('a', '1'), due('b', '1')]);
    const visits: string[] = [];
    await walk.run(async (id, group) => {
      visits.push(`${id}:${group.length}`);
      if (id === '1') {
        walk.goOn(group.slice(0, 1), '2', id);
        walk.goOn(group.slice(1), '3', id);
      } else walk.goOn(group, flow.steps.get(id)!.next, id);
    });
    expect(visits.sort()).toEqual(['1:2', '2:1', '3:1', '4:2']);
    expect(walk.moves).toHaveLength(2);
    expect(walk.moves.every(({ status, stepsCompleted, dueAt }) => status === 'completed' && stepsCompleted === 3 && dueAt === null)).toBe(
      true,
    );
  });

  it('says so when a contact stands on a step the flow does not have, instead of losing the contact', async () => {
    const walk = new Walk(flowOf(step('1')), [due('a', '9')]);
    await expect(walk.run(async () => undefined)).rejects.toThrow(/has no step 9/);
  });

  it('orders every step after all that lead to it, in any acyclic flow', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(30), fc.nat(30)), { minLength: 1, maxLength: 40 }), (edges) => {
        const forward = edges.map(([a, b]) => [Math.min(a, b), Math.max(a, b) + 1]);
        const ids = [...new Set(forward.flat())].sort((a, b) => a - b);
        const steps = ids.map((id) => {
          const [next, trueNext, falseNext] = forward.filter(([from]) => from === id).map(([, to]) => String(to));
          return step(String(id), { next: next ?? null, trueNext: trueNext ?? null, falseNext: falseNext ?? null });
        });
        const flow = flowOf(...steps);
        const order = topologicalOrder(flow);
        expect([...order].sort()).toEqual([...flow.steps.keys()].sort());
        for (const { id, next, trueNext, falseNext } of steps)
          for (const to of [next, trueNext, falseNext]) if (to) expect(order.indexOf(to)).toBeGreaterThan(order.indexOf(id));
      }),
    );
  });
});
