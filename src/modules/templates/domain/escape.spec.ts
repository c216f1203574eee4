import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { escapeHtml, escapeHtmlOnce, escapeUrlPart, normaliseUrl, plainText, singleLine, urlKind } from './escape.js';

describe('escaping', () => {
  it('leaves no character in HTML that could open a tag or end an attribute', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !/[<>"']|&(?!amp;|lt;|gt;|#34;|#39;)/.test(escapeHtml(text))));
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !/[<>"']/.test(escapeHtmlOnce(text))));
    expect(escapeHtmlOnce('a &amp; b & <c>')).toBe('a &amp; b &amp; &lt;c&gt;');
  });

  it('never lets a header line carry a line break or control character', () => {
    const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 2_000 }),
        (text) => !controls.test(singleLine(text)) && singleLine(text).length <= 900,
      ),
    );
    expect(singleLine('Hi\r\nBcc: victim@mail.example')).toBe('Hi Bcc: victim@mail.example');
    const start = performance.now();
    singleLine(' '.repeat(200_000) + 'x\n');
    expect(performance.now() - start).toBeLessThan(200);
    expect(singleLine('  two  words ')).toBe('two  words');
  });

  it('keeps a value inside its part of a URL, even with broken Unicode', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => /^[\w.!~*'()%-]*$/.test(escapeUrlPart(text))));
    expect(escapeUrlPart('a/b?c=d&e#f g')).toBe('a%2Fb%3Fc%3Dd%26e%23f%20g');
    expect(escapeUrlPart('\ud800')).toBe('%EF%BF%BD');
  });

  it('keeps the structure of an address that is a value itself', () => {
    expect(normaliseUrl(' https://x.example/a b?c=%20d&e=[1] ')).toBe('https://x.example/a%20b?c=%20d&e=[1]');
  });

  it.each([
    ['https://x.example', 'web'],
    ['HTTP://x', 'web'],
    ['mailto:a@b.example', 'contact'],
    ['javascript:alert(1)', 'other'],
    ['https://', 'other'],
    ['https:///path', 'other'],
    ['', 'other'],
    ['/path', 'other'],
  ])('knows that %s is %s', (url, kind) => expect(urlKind(url)).toBe(kind));

  it('never shows a recipient what is not text', () => {
    expect(plainText({ a: 1 })).toBe('');
    expect(plainText([1, 'a', null, { b: 2 }])).toBe('1a');
    expect(plainText(Object.create(null))).toBe('');
    expect(plainText(0)).toBe('0');
    expect(plainText(false)).toBe('false');
  });
});
