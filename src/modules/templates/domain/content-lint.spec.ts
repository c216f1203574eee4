import { compileContent } from './compile-content.js';
import type { CompileOptions, ContentFormat } from './compiled-content.js';
import { carriesAddress } from './postal-address.js';

const ALL: CompileOptions = { unsubscribeFooter: true, trackClicks: true, trackOpens: true };
const compile = (content: string, format: ContentFormat = 'html', options = ALL) =>
  compileContent({ format, subject: 'Hello', content }, options);
const found = async (content: string, format?: ContentFormat) =>
  (await compile(content, format)).problems.map(({ severity, code, line }) => [severity, code, line]);

describe('the lint of content', () => {
  it('has nothing to say about a message in order', async () => {
    expect(
      await found(
        '<p>Hi {{ contact.first_name | default: "there" }}</p><img src="https://x.example/a.png" alt=""><a href="https://x.example">x</a>',
      ),
    ).toEqual([]);
  });

  it('warns of pictures without words, once, at the first', async () => {
    expect(await found('<p>Hi</p>\n<img src="https://x.example/a.png">\n<img src="https://x.example/b.png">')).toEqual([
      ['warning', 'missing_alt', 2],
    ]);
  });

  it('warns of forms, which filters take for phishing', async () => {
    expect(await found('<p>Hi</p>\n<form action="https://x.example"><input name="a"></form>')).toEqual([['warning', 'form', 2]]);
  });

  it('refuses scripts', async () => {
    expect(await found('<p>Hi</p>\n<script>alert(1)</script>')).toEqual([['error', 'forbidden_element', 2]]);
  });

  it.each([
    ['<a href="javascript:alert(1)">x</a>', 'script_address'],
    ['<a href=" JAVA\tSCRIPT:alert(1)">x</a>', 'script_address'],
    ['<a href="&#106;avascript:alert(1)">x</a>', 'script_address'],
    ['<a href="data:text/html,x">x</a>', 'script_address'],
    ['<a href="file:///C:/Users/ada/offer.html">x</a>', 'local_address'],
    ['<a href="FILE:offer.html">x</a>', 'local_address'],
    ['<img alt="x" src="file:///C:/Users/ada/logo.png">', 'local_address'],
    ['<a href="blob:https://x.example/1">x</a>', 'local_address'],
  ])('refuses %s: nobody but its author could open it', async (content, code) => {
    expect(await found(`<p>Hi</p>${content}`)).toEqual([['error', code, 1]]);
  });

  it('refuses such addresses in MJML too', async () => {
    const mjml = (href: string) =>
      `<mjml><mj-body><mj-section><mj-column>\n<mj-button href="${href}">Go</mj-button></mj-column></mj-section></mj-body></mjml>`;
    expect(await found(mjml('file:///C:/offer.html'), 'mjml')).toEqual([['error', 'local_address', 2]]);
    expect(await found(mjml('https://x.example'), 'mjml')).toEqual([]);
  });

  it.each(['/offer', 'www.x.example', 'ftp://x.example/a', 'http:///nothing', 'https://'])(
    'warns of the link %s, which is no complete web address',
    async (href) => expect(await found(`<p>Hi</p><a href="${href}">x</a>`)).toEqual([['warning', 'not_a_web_address', undefined]]),
  );

  it('warns of content that Gmail would cut off, and of content without text', async () => {
    expect(await found(`<p>${'x'.repeat(100_001)}</p>`)).toEqual([['warning', 'large', undefined]]);
    expect(await found(`<p>${'x'.repeat(90_000)}</p>`)).toEqual([]);
    expect(await found('<img src="https://x.example/a.png" alt="">')).toEqual([['warning', 'no_text', undefined]]);
  });

  it('warns of merge fields that may be empty, in the subject too', async () => {
    const { problems } = await compileContent(
      { format: 'html', subject: 'Hi {{ contact.first_name }}', content: '<p>{{ contact.last_name }}</p>' },
      ALL,
    );
    expect(problems.map(({ path, code }) => [path, code])).toEqual([
      ['emailContent', 'no_default'],
      ['subjectLine', 'no_default'],
    ]);
  });
});

describe('the way to unsubscribe', () => {
  const footers = async (content: string) => (await compile(content)).compiled!.html.split('Unsubscribe</a>').length - 1;

  it.each([
    ['a link', '<p>x <a href="{{ unsubscribe_url }}">bye</a></p>'],
    ['an area of a picture', '<p>x</p><map name="m"><area href="{{ unsubscribe_url }}" alt="bye"></map>'],
    ['an address written out', '<p>x {{ unsubscribe_url }}</p>'],
  ])("is the author's, where it is %s", async (_what, content) => expect(await footers(content)).toBe(0));

  it.each([
    ['in a comment', '<p>x</p><!-- {{ unsubscribe_url }} -->'],
    ['in a condition only', '<p>x{% if unsubscribe_url %}y{% endif %}</p>'],
    ['in an attribute that nobody sees', '<p title="{{ unsubscribe_url }}">x</p>'],
    ['in a style sheet', '<style>/* {{ unsubscribe_url }} */</style><p>x</p>'],
  ])('is added where it stands %s: mail without it breaks the law', async (_what, content) => {
    expect(await footers(content)).toBe(1);
    expect((await compile(content)).compiled!.hasUnsubscribe).toBe(true);
  });

  it('is warned of where a condition can take it away', async () => {
    const link = '<a href="{{ unsubscribe_url }}">bye</a>';
    const condition = (inner: string) => `{% if contact.attributes.plan == "pro" %}${inner}{% endif %}`;
    expect(await found(`<p>x\n${condition(link)}</p>`)).toEqual([['warning', 'conditional_unsubscribe', 2]]);
    expect(await found(`<p>x ${condition('y')} ${link}</p>`)).toEqual([]);
    expect(await found(`<p>x ${condition(link)} ${link}</p>`)).toEqual([]);
  });
});

describe('the postal address', () => {
  const ADDRESS = 'Acme Inc.\n1 Main Street, Springfield';
  const carries = async (content: string) => carriesAddress((await compile(content)).compiled!, ADDRESS);
  const own = '<a href="{{ unsubscribe_url }}">bye</a>';

  it('is there in the footer, merged in by the author, or written out in whatever way', async () => {
    expect(await carries('<p>x</p>')).toBe(true);
    expect(await carries(`<p>{{ tenant.postal_address }} ${own}</p>`)).toBe(true);
    expect(await carries(`<p>ACME Inc. – 1 Main<br>Street &middot; Springfield ${own}</p>`)).toBe(true);
  });

  it("is missed where the author's own way to unsubscribe has taken the place of the footer", async () => {
    expect(await carries(`<p>x ${own}</p>`)).toBe(false);
    expect(await carries(`<p>1 Main Street ${own}</p><!-- {{ tenant.postal_address }} -->`)).toBe(false);
  });
});

describe('the addresses a message links to', () => {
  it.each([true, false])('are told, tracked or not (%s), without those that depend on the contact', async (trackClicks) => {
    const content =
      '<a href="https://x.example/a?b=1&amp;c=2">a</a><a href="https://x.example/{{ contact.id }}">b</a><a href="mailto:a@b.example">c</a><a href="https://x.example/a?b=1&c=2">d</a>';
    expect((await compile(content, 'html', { ...ALL, trackClicks })).webAddresses).toEqual(['https://x.example/a?b=1&c=2']);
  });
});
