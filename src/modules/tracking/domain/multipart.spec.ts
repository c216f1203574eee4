import { readFormTexts } from './multipart.js';

const TYPE = 'multipart/form-data; boundary=xYzZY';
const NAMES = new Set(['headers', 'envelope', 'to']);
const part = (name: string, text: string, more = '') =>
  `--xYzZY\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${text}\r\n`;
const read = (body: string | Buffer, type = TYPE) => {
  const texts = readFormTexts(type, Buffer.from(body), NAMES);
  return texts && Object.fromEntries(texts);
};

describe('the form of an incoming mail', () => {
  it('is read by its names; files and other fields are passed over', () => {
    const body = part('headers', 'To: ä') + part('text', 'no') + part('to', 'x', '; filename="to"') + part('to', 'a@b') + '--xYzZY--\r\n';
    expect(read(body)).toEqual({ headers: 'To: ä', to: 'a@b' });
  });

  it.each([
    ['a preamble and an epilogue', `hello\r\n${part('headers', 'x')}--xYzZY--\r\nbye\r\n--xYzZY\r\n`],
    [
      'an attachment whose name has quotes in it',
      part('attachment1', 'z', '; filename="a\\"b; c.txt"') + part('headers', 'x') + '--xYzZY--',
    ],
    ['an attachment named by RFC 5987', part('headers', 'x') + part('attachment1', 'z', "; filename*=UTF-8''a%20b") + '--xYzZY--'],
    ['a part without a disposition', `--xYzZY\r\nContent-Type: text/plain\r\n\r\nz\r\n${part('headers', 'x')}--xYzZY--`],
    ['a part without headers', `--xYzZY\r\n\r\nz\r\n${part('headers', 'x')}--xYzZY--`],
    ['a name without quotes', '--xYzZY\r\nContent-Disposition: form-data; name=headers\r\n\r\nx\r\n--xYzZY--'],
    ['bare line feeds', (part('headers', 'x') + '--xYzZY--\r\n').replaceAll('\r\n', '\n')],
    ['an end that is missing, in the attachment behind', part('headers', 'x') + part('attachment1', 'abc', '; filename="a"').slice(0, -4)],
    ['a line that only begins like the boundary', part('text', 'a\r\n--xYzZYs\r\nb') + part('headers', 'x') + '--xYzZY--'],
    ['the boundary within a line', part('text', 'a --xYzZY\r\nb') + part('headers', 'x') + '--xYzZY--'],
  ])('loses no answer over %s', (_what, body) => {
    expect(read(body)?.headers).toBe('x');
  });

  it('has nothing of a field that is cut off: half of an address is another one', () => {
    expect(read(part('headers', 'To: r+abc@').slice(0, -2))).toEqual({});
    expect(read('--xYzZY\r\nContent-Dispo')).toEqual({});
    expect(read('')).toEqual({});
  });

  it.each([
    ['no boundary', ''],
    ['an empty one', '; boundary='],
    ['one longer than any', `; boundary=${'b'.repeat(300)}`],
  ])('is none with %s', (_what, more) => expect(read(part('headers', 'x'), `multipart/form-data${more}`)).toBeNull());

  it('is read in no time whatever it is made of: others wait for the same process', () => {
    const startedAt = performance.now();
    const huge = 'y'.repeat(5_000_000);
    expect(read(part('headers', 'x') + part('a', 'b').repeat(50_000) + '--xYzZY--')).toEqual({ headers: 'x' });
    expect(read('--xYzZY\r\n'.repeat(300_000))).toEqual({});
    expect(read('--xYzZY'.repeat(500_000))).toEqual({});
    expect(read(`--xYzZY\r\nContent-Disposition: form-data; name="headers"\r\nX-Long: ${huge}\r\n\r\nx\r\n--xYzZY--`)).toEqual({});
    expect(read(part('headers', huge) + '--xYzZY--')?.headers).toHaveLength(256 * 1024);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });
});
