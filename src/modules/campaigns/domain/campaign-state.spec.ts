import {
  CAMPAIGN_STATUSES,
  CAMPAIGN_TRANSITIONS,
  canTransition,
  isEditable,
  transitionFaults,
  type CampaignAction,
  type CampaignStatus,
  type Transition,
} from './campaign-state.js';

/** Written out by hand, not derived from the table: this is the promise of the API. */
const ALLOWED: Record<CampaignAction, CampaignStatus[]> = {
  schedule: ['draft'],
  unschedule: ['scheduled'],
  launch: ['draft', 'scheduled'],
  pause: ['active'],
  resume: ['paused'],
  complete: ['active'],
  end: ['active', 'paused'],
  cancel: ['scheduled', 'active', 'paused'],
};

describe('the states of a campaign', () => {
  it.each((Object.keys(ALLOWED) as CampaignAction[]).flatMap((action) => CAMPAIGN_STATUSES.map((status) => [action, status] as const)))(
    '%s of a campaign that is %s',
    (action, status) => {
      expect(canTransition(action, status)).toBe(ALLOWED[action].includes(status));
    },
  );

  it('never let a draft, completed or cancelled campaign be resumed past its launch checks', () => {
    const toActive = Object.values(CAMPAIGN_TRANSITIONS).filter(({ to }) => to === 'active');
    expect(toActive).toEqual([CAMPAIGN_TRANSITIONS.launch, CAMPAIGN_TRANSITIONS.resume]);
  });

  it('allow edits only before launch, so that nobody in flight gets half-changed content', () => {
    expect(CAMPAIGN_STATUSES.filter(isEditable)).toEqual(['draft', 'scheduled']);
  });
});

describe('the check at start-up', () => {
  it('finds the table sound', () => {
    expect(transitionFaults(CAMPAIGN_TRANSITIONS)).toEqual([]);
  });

  it.each([
    ['a status that nothing leads to', { ...CAMPAIGN_TRANSITIONS, cancel: { from: [], to: 'cancelled' } }, /"cancelled" cannot be reached/],
    [
      'a dead end',
      {
        ...CAMPAIGN_TRANSITIONS,
        resume: { from: ['draft'], to: 'active' },
        end: { from: ['active'], to: 'completed' },
        cancel: { from: ['active'], to: 'cancelled' },
      },
      /"paused" is a dead end/,
    ],
    ['a way out of a final status', { ...CAMPAIGN_TRANSITIONS, reopen: { from: ['completed'], to: 'active' } }, /"completed" is final/],
    ['a transition onto itself', { ...CAMPAIGN_TRANSITIONS, again: { from: ['active'], to: 'active' } }, /to itself/],
    ['a doubled status', { ...CAMPAIGN_TRANSITIONS, pause: { from: ['active', 'active'], to: 'paused' } }, /twice/],
  ] as [string, Record<string, Transition>, RegExp][])('names %s', (_what, table, fault) => {
    expect(transitionFaults(table).join('\n')).toMatch(fault);
  });
});
