import fc from 'fast-check';
import { burstReasons, machineReason, type MessageHit } from './machine.js';

const CHROME = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';

describe('who opened the message', () => {
  it.each([
    ['a browser', { userAgent: CHROME }, null],
    ['Gmail, which fetches when a person opens', { userAgent: `${CHROME} (via ggpht.com GoogleImageProxy)` }, null],
    ['a browser that prefetches', { userAgent: CHROME, purpose: 'prefetch;prerender' }, 'prefetch'],
    ["Apple's privacy proxy", { userAgent: 'Mozilla/5.0' }, 'privacy_proxy'],
    ['a link scanner', { userAgent: 'Barracuda Sentinel (EE)' }, 'user_agent'],
    ['a script', { userAgent: 'python-requests/2.31' }, 'user_agent'],
    ['a mail gateway', { userAgent: 'Mozilla/5.0 (compatible; Proofpoint URL Defense)' }, 'user_agent'],
    ['Outlook on a desk', { userAgent: 'Mozilla/4.0 (compatible; ms-office; MSOffice 16)' }, null],
    ['nobody who says who he is', {}, 'no_user_agent'],
  ])('%s', (_who, headers, reason) => {
    expect(machineReason(headers)).toBe(reason);
  });
});

describe('what hits give away about each other', () => {
  const SENT = new Date('2030-01-07T08:00:00Z');
  let id = 0;
  const hit = (type: MessageHit['type'], ms: number, more: Partial<MessageHit> = {}): MessageHit => ({
    id: `h${++id}`,
    type,
    at: new Date(SENT.getTime() + ms),
    link: type === 'clicked' ? 'a' : null,
    userAgent: CHROME,
    machineReason: null,
    ...more,
  });
  const judge = (hits: MessageHit[], linkCount = 2) => {
    const found = burstReasons(hits, { acceptedAt: SENT, linkCount });
    return hits.map((one) => found.get(one.id) ?? null);
  };

  it('a click within five seconds of sending is nobody who has read anything', () => {
    expect(judge([hit('clicked', 4_999), hit('clicked', 60_000)])).toEqual(['too_fast', null]);
  });

  it('all links within two seconds are a scanner; the picture it loads and the page it opens are its too', () => {
    const hits = [
      hit('opened', 600_000),
      hit('clicked', 600_500),
      hit('clicked', 601_900, { link: 'b' }),
      hit('unsubscribe_viewed', 602_000),
      hit('opened', 600_900, { userAgent: 'another' }),
      hit('opened', 700_000),
    ];
    expect(judge(hits)).toEqual(['with_scanner', 'all_links', 'all_links', 'all_links', null, null]);
  });

  it('a person who follows some links, or all of them slowly, is a person', () => {
    expect(judge([hit('opened', 600_000), hit('clicked', 600_000), hit('clicked', 600_001), hit('clicked', 600_002)])).toEqual([
      null,
      null,
      null,
      null,
    ]);
    expect(judge([hit('clicked', 600_000), hit('clicked', 602_001, { link: 'b' })])).toEqual([null, null]);
    expect(judge([hit('clicked', 600_000), hit('clicked', 601_000, { link: 'b' })], 3)).toEqual([null, null]);
    expect(judge([hit('clicked', 600_000)], 1)).toEqual([null]);
  });

  it('of a message with one link, that link and the unsubscribe page at once are a scanner', () => {
    expect(judge([hit('clicked', 600_000), hit('unsubscribe_viewed', 600_100)], 1)).toEqual(['all_links', 'all_links']);
    expect(judge([hit('clicked', 600_000), hit('unsubscribe_viewed', 630_000)], 1)).toEqual([null, null]);
  });

  it('leaves hits alone that are known as a machine’s already', () => {
    expect(judge([hit('clicked', 1_000, { machineReason: 'prefetch' })])).toEqual([null]);
  });

  it('does not depend on the order in which hits become known', () => {
    const some = fc.record({
      type: fc.constantFrom('opened' as const, 'clicked' as const, 'unsubscribe_viewed' as const),
      ms: fc.integer({ min: 0, max: 12_000 }),
      link: fc.constantFrom('a', 'b', 'c'),
    });
    fc.assert(
      fc.property(fc.array(some, { maxLength: 12 }), fc.func(fc.nat()), (facts, order) => {
        const hits = facts.map(({ type, ms, link }) => hit(type, ms, { link }));
        const other = hits
          .map((one, i) => ({ one, key: order(i) }))
          .sort((a, b) => a.key - b.key)
          .map(({ one }) => one);
        const options = { acceptedAt: SENT, linkCount: 3 };
        expect(new Map([...burstReasons(other, options)].sort())).toEqual(new Map([...burstReasons(hits, options)].sort()));
      }),
    );
  });
});
