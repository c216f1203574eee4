import { cronFault } from './cron-expression.js';

describe('cronFault', () => {
  it.each(['*/5 * * * *', '0 2 * * *', '0,30 8-18/2 1 jan-mar MON-FRI', '*/10 * * * * *', '0 0 * * 7'])('accepts %s', (expression) => {
    expect(cronFault(expression)).toBeNull();
  });

  it.each([
    ['61 * * * *', '"61" is not a valid minute'],
    ['* 24 * * *', '"24" is not a valid hour'],
    ['* * 0 * *', '"0" is not a valid day of month'],
    ['* * * foo *', '"foo" is not a valid month'],
    ['*/0 * * * *', '"*/0" is not a valid minute'],
    ['5-1 * * * *', '"5-1" is not a valid minute'],
    ['1, * * * *', '"" is not a valid minute'],
    ['often', 'has 1 field'],
  ])('refuses %s', (expression, reason) => {
    expect(cronFault(expression)).toContain(reason);
  });
});
