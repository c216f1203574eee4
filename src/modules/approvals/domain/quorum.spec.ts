import fc from 'fast-check';
import { covering, mergeStages, satisfies, standingOf, type Decision, type Stage } from './quorum.js';

const STAGES: Stage[] = [
  { role: 'compliance_officer', quorum: 2 },
  { role: 'owner', quorum: 1 },
];
const said = (approverId: string, role = 'compliance_officer', status: Decision['status'] = 'approved'): Decision => ({
  approverId,
  role,
  status,
});

describe('approvals', () => {
  it('go through their stages in order, each until enough different people have approved', () => {
    expect(standingOf(STAGES, [])).toEqual({ status: 'pending', open: 0, approved: [0, 0] });
    expect(standingOf(STAGES, [said('a'), said('a')])).toMatchObject({ open: 0, approved: [1, 0] });
    expect(standingOf(STAGES, [said('a'), said('b')])).toMatchObject({ status: 'pending', open: 1 });
    expect(standingOf(STAGES, [said('a'), said('b'), said('o', 'owner')])).toEqual({ status: 'approved', open: null, approved: [2, 1] });
    expect(standingOf(STAGES, [said('a'), said('b'), said('c')])).toMatchObject({ status: 'pending', open: 1 });
  });

  it('end with the first no, whoever else says yes', () => {
    expect(standingOf(STAGES, [said('a'), said('b', 'compliance_officer', 'rejected'), said('o', 'owner')])).toMatchObject({
      status: 'rejected',
      open: null,
    });
  });

  it('are never complete while a stage lacks one, and need no more than their quorums', () => {
    const decisions = fc.array(
      fc.record({ approverId: fc.constantFrom('a', 'b', 'c', 'd'), role: fc.constantFrom('owner', 'admin', 'viewer') }),
      { maxLength: 12 },
    );
    const stages = fc.uniqueArray(
      fc.record({ role: fc.constantFrom('owner' as const, 'admin' as const), quorum: fc.integer({ min: 1, max: 4 }) }),
      {
        minLength: 1,
        selector: ({ role }) => role,
      },
    );
    fc.assert(
      fc.property(stages, decisions, (asked, given) => {
        const made = given.map((one) => ({ ...one, status: 'approved' as const }));
        const enough = asked.every(
          ({ role, quorum }) => new Set(made.filter((d) => d.role === role).map((d) => d.approverId)).size >= quorum,
        );
        expect(satisfies(asked, made)).toBe(enough);
      }),
    );
  });

  it('are asked for by every policy that covers a campaign: by type, by size, and in doubt', () => {
    const all = { campaignTypes: [], minAudience: 0, stages: [{ role: 'admin' as const, quorum: 1 }] };
    const large = { campaignTypes: ['broadcast'], minAudience: 1_000, stages: STAGES };
    expect(covering([all, large], 'broadcast', 999)).toEqual([all]);
    expect(covering([all, large], 'drip', 5_000)).toEqual([all]);
    expect(covering([all, large], 'broadcast', 1_000)).toEqual([all, large]);
    expect(covering([large], 'broadcast', null)).toEqual([large]);
  });

  it('of several policies are those of all of them, each role once with the larger quorum', () => {
    const policies = [
      { stages: STAGES },
      {
        stages: [
          { role: 'owner' as const, quorum: 2 },
          { role: 'admin' as const, quorum: 1 },
        ],
      },
    ];
    expect(mergeStages(policies)).toEqual([
      { role: 'compliance_officer', quorum: 2 },
      { role: 'owner', quorum: 2 },
      { role: 'admin', quorum: 1 },
    ]);
  });
});
