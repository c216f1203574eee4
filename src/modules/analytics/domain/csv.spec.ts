import { csvFile, csvRow, csvTable } from './csv.js';

const cell = (text: string) => csvRow([text, 1]).slice(0, -',1\r\n'.length);

describe('a row of CSV', () => {
  it('comes out as it went in, whatever signs are in it', () => {
    expect(csvRow(['Ada', null, '', 'a,b', 'say "hi"', 'two\r\nlines', 'a;b', 'Zoë 😀'])).toBe(
      'Ada,,,"a,b","say ""hi""","two\r\nlines","a;b","Zoë 😀"\r\n',
    );
  });

  it('keeps numbers of ours as numbers, negative ones too, and writes instants in UTC', () => {
    expect(csvRow([-3, 0, 42.86, true, new Date('2030-01-01T01:00:00+01:00')])).toBe('-3,0,42.86,true,2030-01-01T00:00:00.000Z\r\n');
  });

  it.each([
    '=1+1',
    '+49',
    '-1',
    '@SUM(A1)',
    '\t=1',
    '\r=1',
    '\n=1',
    '\tx',
    ' =1',
    '"=1',
    `'=1`,
    ` "'=1`,
    '\u00a0=1',
    '\ufeff=1',
    '\u200b=1',
    '＝1',
  ])('lets no spreadsheet calculate %j', (text) => {
    expect(cell(text).replace(/^"/, '').startsWith("'")).toBe(true);
    expect(cell(text).replaceAll('"', '')).toBe(`'${text}`.replaceAll('"', ''));
  });

  it.each(['a=b', 'x@example.com', 'Anna-Lena', '1-2', '', 'https://acme.example/?a=b'])('leaves %j alone', (text) => {
    expect(cell(text)).toBe(text);
  });

  it('lets nobody begin a cell of their own behind a separator', () => {
    expect(cell('a,=1+1')).toBe('"a,=1+1"');
    expect(cell('a;=1+1')).toBe('"a;=1+1"');
    expect(cell('a"\r\n=1+1')).toBe('"a""\r\n=1+1"');
  });
});

describe('a file of CSV', () => {
  const columns = { n: (n: number) => n };
  const size = { pageRows: 2, maxRows: 100 };
  const pages = (last: number, asked: number[] = []) => {
    const next = (n: number) => {
      asked.push(n);
      return Promise.resolve([n + 1, n + 2].filter((one) => one <= last));
    };
    return { asked, next };
  };
  const all = async (pieces: AsyncIterable<string>) => {
    const got: string[] = [];
    for await (const piece of pieces) got.push(piece);
    return got;
  };

  it('has a head line also without rows', async () => {
    expect(csvTable(columns, [])).toBe('n\r\n');
    expect(await all(csvFile(columns, [], pages(0).next, size))).toEqual(['n\r\n']);
  });

  it.each([1, 2, 3, 4, 5])('has all of %i rows once', async (last) => {
    const first = [1, 2].slice(0, last);
    const text = (await all(csvFile(columns, first, pages(last).next, size))).join('');
    expect(text).toBe(['n', ...Array.from({ length: last }, (_, i) => i + 1), ''].join('\r\n'));
  });

  it('ends at its limit', async () => {
    const { next, asked } = pages(100);
    expect((await all(csvFile(columns, [1, 2], next, { pageRows: 2, maxRows: 5 }))).join('')).toBe('n\r\n1\r\n2\r\n3\r\n4\r\n5\r\n');
    expect(asked).toEqual([2, 4]);
  });

  it('reads no page that nobody waits for', async () => {
    const { next, asked } = pages(100);
    const file = csvFile(columns, [1, 2], next, size);
    await file.next();
    expect(asked).toEqual([]);
    await file.next();
    await file.return();
    expect([asked, await file.next()]).toEqual([[2], { done: true, value: undefined }]);
  });
});
