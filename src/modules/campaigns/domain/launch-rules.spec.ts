import type { Campaign } from './campaign.js';
import { campaignFindings, type LaunchCircumstances } from './launch-rules.js';

const NOW = new Date('2030-03-01T12:00:00Z');
const PAST = new Date('2030-02-28T12:00:00Z');
const FUTURE = new Date('2030-03-02T12:00:00Z');

const sound = {
  campaignType: 'broadcast',
  category: 'marketing',
  segmentId: '0197f000-0000-7000-8000-000000000001',
  fromEmail: 'news@example.com',
  fromName: 'Example News',
  startDate: null,
  endDate: null,
  sendStrategy: 'immediate',
  unsubscribeEnabled: true,
} as unknown as Campaign;
const fine: LaunchCircumstances = {
  now: NOW,
  postalAddress: '1 Main Street, Springfield',
  hasAudience: true,
  confirmPastStart: false,
  purpose: 'launch',
};

function codes(campaign: Partial<Campaign>, circumstances: Partial<LaunchCircumstances> = {}): string[] {
  return campaignFindings({ ...sound, ...campaign }, { ...fine, ...circumstances }).map(({ severity, code }) => `${severity} ${code}`);
}

describe('the launch checks of a campaign', () => {
  it('let a complete campaign pass', () => {
    expect(codes({})).toEqual([]);
    expect(codes({ sendStrategy: 'optimized', endDate: FUTURE })).toEqual([]);
    expect(codes({ sendStrategy: 'scheduled', startDate: FUTURE })).toEqual([]);
  });

  it('list everything at once, so that nobody fixes one fault to meet the next', () => {
    expect(
      codes({ segmentId: null, fromEmail: null, fromName: '', endDate: PAST, unsubscribeEnabled: false }, { postalAddress: ' ' }),
    ).toEqual([
      'error segment_missing',
      'error from_email_missing',
      'error from_name_missing',
      'error end_in_past',
      'error unsubscribe_required',
      'error postal_address_missing',
    ]);
  });

  it('warn of an empty audience, but let a triggered campaign do without one', () => {
    expect(codes({}, { hasAudience: false })).toEqual(['warning audience_empty']);
    expect(codes({ campaignType: 'ab_test', segmentId: null })).toEqual(['error segment_missing']);
    expect(codes({ campaignType: 'triggered', segmentId: null, trigger: null })).toEqual(['error trigger_missing']);
    expect(codes({ campaignType: 'triggered', segmentId: null, trigger: { type: 'event', name: 'order_placed' } })).toEqual([]);
    expect(codes({ campaignType: 'triggered', segmentId: null, trigger: { type: 'event', name: 'a' }, exitOnSegmentLeave: true })).toEqual([
      'error segment_missing',
    ]);
  });

  it('never turn a forgotten or past start date into an immediate blast', () => {
    expect(codes({ sendStrategy: 'scheduled' })).toEqual(['error start_date_missing']);
    expect(codes({ sendStrategy: 'scheduled', startDate: PAST })).toEqual(['error start_in_past']);
    expect(codes({ sendStrategy: 'scheduled', startDate: PAST }, { confirmPastStart: true })).toEqual([]);
    expect(codes({}, { purpose: 'schedule' })).toEqual(['error start_date_missing']);
    expect(codes({ startDate: NOW }, { purpose: 'schedule' })).toEqual(['error start_in_past']);
    expect(codes({ startDate: FUTURE }, { purpose: 'schedule' })).toEqual([]);
  });

  it('warn when a launch overtakes the start date', () => {
    expect(codes({ startDate: FUTURE })).toEqual(['warning start_date_ignored']);
    expect(codes({ startDate: PAST })).toEqual([]);
  });

  it('ask neither footer nor address of transactional mail', () => {
    expect(codes({ category: 'transactional', unsubscribeEnabled: false }, { postalAddress: null })).toEqual([]);
  });
});
