import fc from 'fast-check';
import { localOf, zonedInstant, ZONES } from '../../../../test/support/zoned-instants.js';
import { firstDue, firstDueByZone } from './first-due.js';

const campaignOf = (zone: string, startDate: Date | null, startInContactZone: boolean) => ({
  timezone: zone,
  startDate,
  startInContactZone,
});

describe('when a contact begins', () => {
  it('is never in the past, and the start of the campaign where nothing else was asked for', () => {
    fc.assert(
      fc.property(zonedInstant, zonedInstant, fc.boolean(), fc.constantFrom(null, ...ZONES), (start, now, inZone, zone) => {
        const due = firstDue(campaignOf(start.zone, start.at, inZone), now.at, zone);
        expect(due.getTime()).toBeGreaterThanOrEqual(now.at.getTime());
        if (!inZone || zone === null) expect(due).toEqual(start.at > now.at ? start.at : now.at);
        expect(firstDue(campaignOf(start.zone, null, inZone), now.at, zone)).toEqual(now.at);
      }),
    );
  });

  it('is at the same time of day for everybody, each by their own clock', () => {
    fc.assert(
      fc.property(zonedInstant, fc.constantFrom(...ZONES), ({ zone, at }, theirs) => {
        const longBefore = new Date(at.getTime() - 30 * 3_600_000);
        const due = firstDue(campaignOf(zone, at, true), longBefore, theirs);
        const [wanted, shown] = [localOf({ zone, at }), localOf({ zone: theirs, at: due })].map((local) => local.toPlainDateTime());
        // An hour that the clocks leave out there is made up for at once.
        if (!shown.equals(wanted)) expect(wanted.toZonedDateTime(theirs).epochMilliseconds).toBe(due.getTime());
        expect(firstDueByZone(campaignOf(zone, at, true), longBefore, ZONES).get(theirs)).toEqual(due);
      }),
    );
  });
});
