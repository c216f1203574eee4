import { ContactsModule } from '../../src/modules/contacts/index.js';
import { type Answer, type HttpApp, startHttpApp } from '../support/http-app.js';

const CSV = { 'content-type': 'text/csv; charset=utf-8' };
const NDJSON = { 'content-type': 'application/x-ndjson' };

describe('importing contacts over HTTP', () => {
  let http: HttpApp;
  let key: string;
  beforeAll(async () => {
    http = await startHttpApp([ContactsModule]);
  });
  beforeEach(async () => {
    ({ key } = await http.createTenant());
  });
  afterAll(() => http.close());

  const importCsv = (raw: string | Buffer): Promise<Answer> => http.call('POST /api/contacts/import', { key, raw, headers: CSV });
  const importNdjson = (...lines: unknown[]): Promise<Answer> =>
    http.call('POST /api/contacts/import', {
      key,
      headers: NDJSON,
      raw: lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
    });
  const contact = async (email: string) => (await http.call(`GET /api/contacts?email=${email}`, { key })).body.data[0];
  const counts = ({ status, body }: Answer) => [status, body.created, body.updated, body.unchanged, body.rejected];

  it('makes contacts of a spreadsheet: known columns are fields, the others attributes', async () => {
    const answer = await importCsv(
      '\uFEFFEmail,First Name,last_name,timezone,leadScore,tags,plan,Company Name\r\n' +
        'ada@example.com,Ada,"Lovelace, Countess",Asia/Kolkata,42,vip; beta ;vip,pro,"The ""Engine"" Ltd"\r\n' +
        'grace@example.com,,,,,,,\r\n',
    );
    expect(answer.body).toEqual({ created: 2, updated: 0, unchanged: 0, rejected: 0, errors: [] });
    expect(await contact('ada@example.com')).toMatchObject({
      firstName: 'Ada',
      lastName: 'Lovelace, Countess',
      timezone: 'Asia/Kolkata',
      leadScore: 42,
      tags: ['beta', 'vip'],
      attributes: { plan: 'pro', 'Company Name': 'The "Engine" Ltd' },
      subscribed: true,
    });
    expect(await contact('grace@example.com')).toMatchObject({ firstName: null, leadScore: 0, attributes: {}, tags: [] });
  });

  it('makes contacts of NDJSON and keeps the types of attributes', async () => {
    const answer = await importNdjson(
      { email: 'a@example.com', firstName: 'A', tags: ['x'], leadScore: 3, attributes: { seats: 5, ok: true, none: null }, plan: 'pro' },
      '',
      { email: 'b@example.com', tags: 'x;y', first_name: null },
    );
    expect(counts(answer)).toEqual([200, 2, 0, 0, 0]);
    expect((await contact('a@example.com')).attributes).toEqual({ seats: 5, ok: true, plan: 'pro' });
    expect((await contact('b@example.com')).tags).toEqual(['x', 'y']);
  });

  it('reports each row that cannot be imported, by the row of the spreadsheet, and imports the others', async () => {
    const answer = await importCsv(
      [
        'email,firstName,timezone,leadScore,tags',
        'good@example.com,,,,',
        'not an address,,,,',
        ',Nobody,,,',
        'zone@example.com,,Mars/Olympus,,',
        'score@example.com,,,1.5,',
        'short@example.com,x',
        '',
        'long@example.com,,,,,surplus',
        `name@example.com,${'x'.repeat(256)},,,`,
        `tag@example.com,,,,${'x'.repeat(101)}`,
        'two@example.com,,+01:00,99999999999,',
        'last@example.com,,,,',
      ].join('\n'),
    );
    expect(counts(answer)).toEqual([200, 2, 0, 0, 9]);
    expect(answer.body.errors.map(({ row }: { row: number }) => row)).toEqual([3, 4, 5, 6, 7, 9, 10, 11, 12]);
    const messages = Object.fromEntries(answer.body.errors.map(({ row, message }: { row: number; message: string }) => [row, message]));
    expect(messages[4]).toBe('email is missing');
    expect(messages[5]).toMatch(/timezone .*IANA/);
    expect(messages[7]).toMatch(/2 cells .*5 columns/);
    expect(messages[12]).toMatch(/timezone .*; leadScore /);
  });

  it('reports lines of NDJSON that are no contact', async () => {
    const answer = await importNdjson(
      '{"email":"a@example.com"',
      '[]',
      { email: 5 },
      { email: 'a@example.com', attributes: [] },
      { email: 'a@example.com', plan: { deep: 1 } },
      { email: 'a@example.com', subscribed: true },
      { email: 'a@example.com', firstName: '\ud800' },
      { email: 'a@example.com', plan: 'a\0b' },
      { email: 'ok@example.com' },
      '['.repeat(100_000),
    );
    expect(counts(answer)).toEqual([200, 1, 0, 0, 9]);
    expect(answer.body.errors[5].message).toMatch(/subscribed .*consent/);
  });

  it('counts every rejected row but shows a thousand', async () => {
    const answer = await importCsv(`email\n${'nonsense\n'.repeat(1_500)}`);
    expect([answer.body.rejected, answer.body.errors.length, answer.body.errors[999].row]).toEqual([1_500, 1_000, 1_001]);
  });

  it('imported again changes nothing; with changes, only what changed', async () => {
    const file = 'email,firstName,tags,plan\na@example.com,A,x,pro\nb@example.com,B,x;y,\nc@example.com,C,,\n';
    expect(counts(await importCsv(file))).toEqual([200, 3, 0, 0, 0]);
    const before = await contact('a@example.com');
    expect(counts(await importCsv(file.toUpperCase().replaceAll('EXAMPLE.COM', 'Example.Com').replace('EMAIL,FIRSTNAME,TAGS,PLAN', 'email,,,').replace(/,.*/g, '').trim()))).toEqual([200, 0, 0, 3, 0]); // prettier-ignore
    expect(counts(await importCsv(file))).toEqual([200, 0, 0, 3, 0]);
    expect(await contact('a@example.com')).toEqual(before);
    const changed = 'email,lastName,tags,plan\nA@EXAMPLE.COM,,,team\nb@example.com,,z,\nc@example.com,,,\n';
    expect(counts(await importCsv(changed))).toEqual([200, 0, 2, 1, 0]);
    expect(await contact('a@example.com')).toMatchObject({
      email: 'a@example.com',
      firstName: 'A',
      tags: ['x'],
      attributes: { plan: 'team' },
    });
    expect(await contact('b@example.com')).toMatchObject({ firstName: 'B', tags: ['x', 'y', 'z'] });
  });

  it('lays a later row of an address over the earlier one', async () => {
    const answer = await importCsv(
      'email,firstName,lastName,tags,plan\na@example.com,A,Smith,x,pro\nA@Example.com,B,,y,\na@example.com,B,,x,\nother@example.com,,,,\n',
    );
    expect(counts(answer)).toEqual([200, 2, 1, 1, 0]);
    expect(await contact('a@example.com')).toMatchObject({
      email: 'a@example.com',
      firstName: 'B',
      lastName: 'Smith',
      tags: ['x', 'y'],
      attributes: { plan: 'pro' },
    });
  });

  it('never subscribes anybody who said no', async () => {
    await importCsv('email\nno@example.com\ngone@example.com\n');
    await http.call(`POST /api/contacts/${(await contact('no@example.com')).id}/unsubscribe`, { key, body: { reason: 'enough' } });
    await http.call(`DELETE /api/contacts/${(await contact('gone@example.com')).id}`, { key });
    expect(counts(await importCsv('email,firstName\nNO@example.com,N\nGone@example.com,G\n'))).toEqual([200, 1, 1, 0, 0]);
    expect(await contact('no@example.com')).toMatchObject({ subscribed: false, unsubscribeReason: 'enough', firstName: 'N' });
    expect(await contact('gone@example.com')).toMatchObject({ subscribed: false });
  });

  it.each([
    ['an empty file', '', 1, /empty/],
    ['no header', 'ada@example.com,Ada\n', 1, /not a header/],
    ['no email column', 'name,plan\nAda,pro\n', 1, /no column "email"/],
    ['semicolons', 'email;firstName\na@example.com;A\n', 1, /";".*commas/],
    ['tabs', 'email\tfirstName\na@example.com\tA\n', 1, /tabs.*commas/],
    ['a column twice', 'email,plan,plan\n', 1, /two columns/],
    ['two columns for one field', 'email,firstName,first_name\n', 1, /two columns/],
    ['a column without a name', 'email,,plan\n', 1, /column 2 .*no name/],
    ['a column that cannot be an attribute', 'email,a/b\n', 1, /column 2 .*attribute/],
    ['a column of consent', 'email,subscribed\n', 1, /consent/],
    ['101 columns', `email,${Array.from({ length: 100 }, (_, i) => `c${i}`).join(',')}\n`, 1, /101 columns/],
    ['an unclosed quote', 'email,plan\na@example.com,x\nb@example.com,"y\nc@example.com,z\n', 3, /never closed/],
    ['an endless unclosed quote', `email\na@example.com\n"${'x'.repeat(2_000_000)}`, 3, /never closed/],
    ['text after a quoted value', 'email,plan\na@example.com,"x"y\n', 2, /quote/],
    ['a quote in the middle of a value', 'email,plan\na@example.com,x"y\n', 2, /quote/],
    ['UTF-16', Buffer.from('\uFEFFemail\na@example.com\n', 'utf16le'), 1, /UTF-8/],
  ])('refuses %s, saying where the fault is and that nothing was imported', async (_, file, row, message) => {
    const { status, headers, body } = await importCsv(file);
    expect([status, headers['content-type'], body.row]).toEqual([400, expect.stringContaining('problem+json'), row]);
    expect(body.detail).toMatch(message);
    expect(body.imported).toEqual({ created: 0, updated: 0, unchanged: 0, rejected: 0 });
    expect((await http.call('GET /api/contacts', { key })).body.data).toEqual([]);
  });

  it('says how much of a broken file is in', async () => {
    const good = Array.from({ length: 12_000 }, (_, i) => `c${i}@example.com`).join('\n');
    const { status, body } = await importCsv(`email\n${good}\n"broken\n`);
    expect([status, body.row]).toEqual([400, 12_002]);
    const { created } = body.imported as { created: number };
    expect(created).toBeGreaterThanOrEqual(5_000);
    expect(body.detail).toContain(`${created} rows before it were imported`);
    expect(counts(await importCsv(`email\n${good}\n`))).toEqual([200, 12_000 - created, 0, created, 0]);
  });

  it('takes Latin-1 for what it is', async () => {
    const answer = await importCsv(Buffer.from('email,firstName\na@example.com,J\xfcrgen\n', 'latin1'));
    expect(counts(answer)).toEqual([200, 0, 0, 0, 1]);
    expect(answer.body.errors[0].message).toMatch(/UTF-8/);
  });

  it.each([
    ['JSON', { 'content-type': 'application/json' }, '[]', 415],
    ['a form', { 'content-type': 'multipart/form-data; boundary=x' }, '--x--', 415],
    ['nothing', {}, undefined, 415],
  ])('refuses %s', async (_, headers, raw, status) => {
    expect((await http.call('POST /api/contacts/import', { key, headers, raw })).status).toBe(status);
  });

  it('belongs to the tenant of the key alone', async () => {
    const other = await http.createTenant('Other');
    await importCsv('email,firstName\na@example.com,A\n');
    const answer = await http.call('POST /api/contacts/import', {
      key: other.key,
      headers: CSV,
      raw: 'email,firstName\na@example.com,B\n',
    });
    expect(counts(answer)).toEqual([200, 1, 0, 0, 0]);
    expect(await contact('a@example.com')).toMatchObject({ firstName: 'A' });
  });
});
