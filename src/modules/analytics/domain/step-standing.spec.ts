import { NO_STEP, standingsOf } from './step-standing.js';

it('tells of each step who waits, who left and why, and what became of its messages', () => {
  const mail = (state: string, count: number, reason = '') => ({ stepId: 'a', kind: 'mail' as const, state, reason, count });
  const person = (state: string, count: number, reason = '', stepId = 'a') => ({ stepId, kind: 'person' as const, state, reason, count });
  const standings = standingsOf([
    mail('queued', 3),
    mail('sending', 1),
    mail('delivered', 5),
    mail('dropped', 1, 'dropped'),
    mail('skipped', 2, 'unsubscribed'),
    mail('skipped', 4, 'suppressed'),
    mail('failed', 1, 'poison'),
    mail('unknown', 1, 'lease_expired'),
    mail('cancelled', 2, 'campaign_cancelled'),
    person('waiting', 7),
    person('exited', 2, 'bounced'),
    person('failed', 1),
    person('unplanned', 3),
    person('completed', 9, '', NO_STEP),
  ]);
  expect(standings.get('a')).toEqual({
    planned: 20,
    pending: 4,
    unknown: 1,
    skipped: 6,
    failed: 1,
    cancelled: 2,
    dropped: 1,
    skippedByReason: { unsubscribed: 2, suppressed: 4 },
    failedByReason: { poison: 1 },
    waiting: 7,
    exited: 2,
    contactsFailed: 1,
    completed: 0,
    exitedByReason: { bounced: 2 },
    unplanned: 3,
    reentered: 0,
  });
  expect(standings.get(NO_STEP)).toMatchObject({ completed: 9, waiting: 0 });
});
