import { readReport, signReport } from './report-token.js';

const grant = {
  tenantId: '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a10',
  campaignId: '0192f1de-7c00-7a55-8c6b-3f6d4c1e9a11',
  expiresAt: new Date('2030-01-08T00:00:00Z'),
};
const now = new Date('2030-01-01T00:00:00Z');

describe('the link to a report', () => {
  const token = signReport(['secret'], grant);

  it('opens until it expires, and after the secret was replaced', () => {
    expect(readReport(['secret'], token, now)).toEqual(grant);
    expect(readReport(['newer', 'secret'], token, now)).toEqual(grant);
    expect(readReport(['secret'], token, grant.expiresAt)).toBeNull();
  });

  it('opens nothing once a single character of it is changed', () => {
    expect(readReport(['other'], token, now)).toBeNull();
    for (let place = 0; place < token.length; place++) {
      const changed = token.slice(0, place) + (token[place] === 'A' ? 'B' : 'A') + token.slice(place + 1);
      expect(readReport(['secret'], changed, now)).toBeNull();
    }
    for (const other of ['', 'x', token + 'A', token.slice(1)]) expect(readReport(['secret'], other, now)).toBeNull();
  });
});
