import { machineReason } from './machine.js';

const CHROME = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';

describe('who opened the message', () => {
  it.each([
    ['a browser', { userAgent: CHROME }, null],
    ['Gmail, which fetches when a person opens', { userAgent: `${CHROME} (via ggpht.com GoogleImageProxy)` }, null],
    ['a browser that prefetches', { userAgent: CHROME, purpose: 'prefetch;prerender' }, 'prefetch'],
    ["Apple's privacy proxy", { userAgent: 'Mozilla/5.0' }, 'privacy_proxy'],
    ['a link scanner', { userAgent: 'Barracuda Sentinel (EE)' }, 'user_agent'],
    ['a script', { userAgent: 'python-requests/2.31' }, 'user_agent'],
    ['nobody who says who he is', {}, 'no_user_agent'],
  ])('%s', (_who, headers, reason) => {
    expect(machineReason(headers)).toBe(reason);
  });
});
