import { refNames } from './ref-names.js';

const refs = (...names: (string | null)[]) => refNames(names, (index) => `thing-${index}`);

describe('refs in a file', () => {
  it('are made of names, so that people can read the file', () => {
    expect(refs('Welcome, Ada!', '  A/B  test (2)', 'Grüße aus Köln', '春のお知らせ')).toEqual([
      'welcome-ada',
      'a-b-test-2',
      'grüße-aus-köln',
      '春のお知らせ',
    ]);
    expect(refs(null, '!?', '')).toEqual(['thing-0', 'thing-1', 'thing-2']);
  });

  it('are never the same, also where names are', () => {
    expect(refs('Wait', 'wait', 'Wait 2', 'WAIT')).toEqual(['wait', 'wait-2', 'wait-2-2', 'wait-3']);
  });

  it('stay short', () => {
    const [long] = refs('x'.repeat(39) + ' ' + 'y'.repeat(300));
    expect(long).toBe('x'.repeat(39));
  });
});
