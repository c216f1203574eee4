import { wholeWeek } from './heat-map.js';

const counts = { emailsSent: 3, emailsDelivered: 2, uniqueOpens: 1, uniqueClicks: 0 };

describe('the hours of a week', () => {
  it('are always 168, from Monday 0:00 to Sunday 23:00, whatever was counted', () => {
    const week = wholeWeek([]);
    expect(week.map(({ weekday, hour }) => (weekday - 1) * 24 + hour)).toEqual(Array.from({ length: 168 }, (_, index) => index));
    expect(week.every(({ emailsSent, uniqueOpens }) => emailsSent === 0 && uniqueOpens === 0)).toBe(true);
  });

  it('carry what was counted at their own place, Sunday last, and add up what comes twice', () => {
    const week = wholeWeek([
      { weekday: 7, hour: 23, ...counts },
      { weekday: 1, hour: 0, ...counts },
      { weekday: 1, hour: 0, ...counts },
    ]);
    expect(week[167]).toEqual({ weekday: 7, hour: 23, ...counts });
    expect(week[0]).toEqual({ weekday: 1, hour: 0, emailsSent: 6, emailsDelivered: 4, uniqueOpens: 2, uniqueClicks: 0 });
    expect(week.slice(1, 167).every(({ emailsSent }) => emailsSent === 0)).toBe(true);
  });
});
