import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Context, toValueSync } from 'liquidjs';
import { type CompiledContent, type CompiledLink } from './compiled-content.js';
import { ENGINES } from './liquid-engines.js';
import { PreparedContent, type MessageData, type MessageUrls } from './prepared-content.js';
import { BUDGET_REGISTER, RenderBudget } from './render-budget.js';
import { type RenderError } from './render-error.js';

const URLS: MessageUrls = {
  link: (index, url) => `https://t.example/${index}${url ? `?to=${encodeURIComponent(url)}` : ''}`,
  pixel: 'https://t.example/o',
  unsubscribe: 'https://t.example/u?a=1&b=2',
};
const dataFor = (contact: Record<string, unknown> = {}): MessageData => ({
  contact: { id: 'c1', email: 'ada@mail.example', ...contact },
  campaign: { name: 'Spring' },
  tenant: { name: 'Shop', postal_address: '1 Main St' },
});
const content = (parts: Partial<CompiledContent>): PreparedContent =>
  new PreparedContent({ version: 1, subject: '', html: '', text: '', links: [], hasUnsubscribe: false, size: 0, variables: [], ...parts });
const html = (source: string, contact: Record<string, unknown> = {}, links: CompiledLink[] = []) =>
  content({ html: source, links }).render(dataFor(contact), URLS).html;
const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return (error as RenderError).code;
  }
  return 'no error';
};

describe('rendering', () => {
  it('escapes merge data for the place it lands in', () => {
    const source = '{{ contact.first_name }}';
    const message = content({ subject: source, html: `<b title="${source}">${source}</b>`, text: source }).render(
      dataFor({ first_name: `<a>"O'&` }),
      URLS,
    );
    expect(message.html).toBe('<b title="&lt;a&gt;&#34;O&#39;&amp;">&lt;a&gt;&#34;O&#39;&amp;</b>');
    expect(message.text).toBe(`<a>"O'&`);
    expect(message.subject).toBe(`<a>"O'&`);
  });

  it('does not escape twice where the author escaped', () => {
    expect(html('{{ contact.x | escape }} {{ contact.x | escape | newline_to_br }} {{ contact.x | newline_to_br }}', { x: 'a&\nb' })).toBe(
      'a&amp;\nb a&amp;<br />\nb a&amp;<br />\nb',
    );
    expect(content({ text: '{{ contact.x | escape }}' }).render(dataFor({ x: 'a&b' }), URLS).text).toBe('a&b');
  });

  it('keeps a line break in a merge field out of the subject', () => {
    const { subject } = content({ subject: 'Hi {{ contact.first_name }}!' }).render(
      dataFor({ first_name: 'A\r\nBcc: x@y.example\u0085' }),
      URLS,
    );
    expect(subject).toBe('Hi A Bcc: x@y.example !');
  });

  it('renders an unknown name as nothing and a default where one is given', () => {
    expect(html('[{{ contact.nope }}{{ nope.a.b }}{{ contact.nope | default: "x" }}{{ contact.e | default: "y" }}]', { e: '' })).toBe(
      '[xy]',
    );
  });

  it('never reads a prototype, even through hostile keys', () => {
    const attributes = JSON.parse('{"__proto__": {"polluted": "yes"}}') as Record<string, unknown>;
    expect(
      html('[{{ contact.constructor.name }}{{ contact.toString }}{{ constructor }}{{ contact.attributes.constructor }}]', { attributes }),
    ).toBe('[]');
    expect(html('[{{ contact.attributes.plan }}]', { attributes: Object.assign(Object.create(null) as object, { plan: 'pro' }) })).toBe(
      '[pro]',
    );
  });

  it('fails for a contact without a value that the content requires', () => {
    expect(codeOf(() => html('{{ contact.first_name | required }}'))).toBe('missing_data');
    expect(html('{{ contact.first_name | required }}', { first_name: 'Ada' })).toBe('Ada');
    expect(codeOf(() => content({}).render({ ...dataFor(), contact: null as never }, URLS))).toBe('missing_data');
  });

  it.each([
    ['a loop of literal HTML', `{% for i in (1..20000) %}${'x'.repeat(5_000)}{% endfor %}`, 'output_too_large'],
    [
      'doubling captures',
      `{% capture a %}${'x'.repeat(1_000)}{% endcapture %}` + '{% capture a %}{{ a }}{{ a }}{% endcapture %}'.repeat(25),
      'output_too_large',
    ],
    ['a huge merge field, often', '{{ contact.big }}'.repeat(10), 'output_too_large'],
    ['a huge range', '{% for i in (1..100000000) %}{% endfor %}', 'render_error'],
    ['nested empty loops', '{% for i in (1..5000) %}{% for j in (1..5000) %}{% endfor %}{% endfor %}', 'render_error'],
    ['a padded date', '{{ "2026-01-01" | date: "%99999999d" }}', 'render_error'],
    ['appending to itself', '{% assign a = "0123456789" %}' + '{% assign a = a | append: a %}'.repeat(30), 'render_error'],
  ])('stops %s', (_name, source, code) => {
    const start = performance.now();
    expect(codeOf(() => html(source, { big: 'x'.repeat(100_000) }))).toBe(code);
    expect(performance.now() - start).toBeLessThan(2_000);
  });

  it('gives the same in constants and slots as in one piece', () => {
    const prepared = content({
      subject: 'Hi {{ contact.first_name }}\n',
      html: 'a{{ contact.first_name }}b{% track_link 0 %}c{% if contact.first_name %}d{% endif %}{% track_pixel %}',
      text: '{{ contact.first_name }}',
      links: [{ index: 0, url: 'https://x.example', isDynamic: false }],
    });
    const data = dataFor({ first_name: 'A & B' });
    const whole = prepared.render(data, URLS);
    const slots = prepared.renderSlots(data, URLS);
    const join = (part: 'html' | 'text') => prepared.shape[part].map((constant, i) => constant + (slots[part][i] ?? '')).join('');
    expect(join('html')).toBe(whole.html);
    expect(join('text')).toBe(whole.text);
    expect(slots.subject).toEqual(['A & B']);
    expect(whole.html).toBe('aA &amp; Bbhttps://t.example/0cdhttps://t.example/o');
  });
});

describe('link slots', () => {
  const dynamic = (url: string): CompiledLink[] => [{ index: 0, url, isDynamic: true }];
  const target = (url: string, contact: Record<string, unknown>, source = '{% track_link 0 %}') => {
    const rendered = html(source, contact, dynamic(url)).replaceAll('&amp;', '&');
    return rendered.startsWith('https://t.example/0?to=') ? decodeURIComponent(rendered.slice('https://t.example/0?to='.length)) : rendered;
  };

  it('asks for a static link once per message, however often it stands there', () => {
    let calls = 0;
    const prepared = content({
      html: '{% track_link 0 %}{% track_link 0 %}',
      text: '{% track_link 0 %}',
      links: [{ index: 0, url: 'https://x.example', isDynamic: false }],
    });
    prepared.render(dataFor(), { ...URLS, link: () => `u${++calls}` });
    expect(calls).toBe(1);
  });

  it('percent-encodes merge data inside an address and keeps an address that is merge data', () => {
    expect(target('https://x.example/?n={{ contact.first_name }}&m=1', { first_name: 'A&B /?#' })).toBe(
      'https://x.example/?n=A%26B%20%2F%3F%23&m=1',
    );
    expect(target('https://x.example/?n={{ contact.first_name | url_encode }}', { first_name: 'A B' })).toBe('https://x.example/?n=A+B');
    expect(target('{{ contact.site }}?n={{ contact.first_name }}', { site: 'https://y.example/a?b=c', first_name: '&' })).toBe(
      'https://y.example/a?b=c?n=%26',
    );
    expect(target('{% if contact.site %}{{ contact.site }}{% else %}https://z.example{% endif %}', { site: 'https://y.example/a/b' })).toBe(
      'https://y.example/a/b',
    );
    expect(target('{% if contact.site %}{{ contact.site }}{% else %}https://z.example{% endif %}', {})).toBe('https://z.example');
  });

  it('never leads to a script or to nowhere', () => {
    expect(target('{{ contact.site }}', { site: 'javascript:alert(1)' })).toBe('#');
    expect(target('{{ contact.site }}', { site: ' java\nscript:alert(1)' })).toBe('#');
    expect(target('{{ contact.site }}', {})).toBe('#');
    expect(target('https://{{ contact.host }}', {})).toBe('#');
    expect(target('mailto:{{ contact.email }}', {})).toBe('mailto:ada%40mail.example');
    expect(html('{% safe_url %}{{ contact.site }}{% endsafe_url %}', { site: 'javascript:alert(1)' })).toBe('#');
    expect(html('{% safe_url %}https://x.example/?a={{ contact.site }}&b=1{% endsafe_url %}', { site: '"' })).toBe(
      'https://x.example/?a=%22&amp;b=1',
    );
  });

  it('evaluates an address in the loop it stands in', () => {
    const source = '{% for p in contact.attributes.products %}{% track_link 0 %}|{% endfor %}';
    const out = html(source, { attributes: { products: [{ id: 1 }, { id: 2 }] } }, dynamic('https://x.example/{{ p.id }}'));
    expect(out.split('|').map((url) => decodeURIComponent(url.split('to=')[1] ?? ''))).toEqual([
      'https://x.example/1',
      'https://x.example/2',
      '',
    ]);
    const assigned = html('{% assign p = contact.id %}{% track_link 0 %}', {}, dynamic('https://x.example/{{ p }}'));
    expect(assigned).toContain(encodeURIComponent('https://x.example/c1'));
  });
});

describe('fast rendering', () => {
  const value = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('', ' ', '<b>', 'vip'),
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.boolean(),
    fc.constant(null),
    fc.constant(undefined),
    fc.array(fc.oneof(fc.constantFrom('vip', 'new'), fc.integer({ max: 5 })), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('b', 'c', 'size'), fc.string(), { maxKeys: 2, noNullPrototype: false }),
  );
  const path = fc.constantFrom(
    'contact.a',
    'contact.b',
    'contact.a.b',
    'contact["a"].c',
    'contact.a.size',
    'contact.a[0]',
    'contact.tags',
    'contact.none',
    'x',
    'contact.a.first',
  );
  const literal = fc.constantFrom('"vip"', '"<i>"', '3', 'true', 'false', 'nil', 'empty', 'blank', '""', '-1.5');
  const operand = fc.oneof(path, literal);
  const filter = fc.oneof(
    fc.tuple(fc.constantFrom('default', 'append', 'prepend', 'remove'), operand).map(([name, arg]) => ` | ${name}: ${arg}`),
    fc.constantFrom(
      ' | upcase',
      ' | escape',
      ' | strip',
      ' | capitalize',
      ' | size',
      ' | newline_to_br',
      ' | truncate: 5, "…"',
      ' | default: "x", allow_false: true',
      ' | url_encode',
      ' | first',
      ' | join: ", "',
    ),
  );
  const output = fc.tuple(operand, fc.array(filter, { maxLength: 3 })).map(([start, filters]) => `{{ ${start}${filters.join('')} }}`);
  const condition = fc.oneof(
    operand,
    fc.tuple(operand, fc.constantFrom('==', '!=', '<', '>', '<=', '>=', 'contains', 'and', 'or'), operand).map((parts) => parts.join(' ')),
    fc.tuple(operand, operand, operand).map(([a, b, c]) => `${a} == ${b} or ${c} and not ${a}`),
  );
  const { tree } = fc.letrec<{ tree: string; node: string }>((tie) => ({
    tree: fc.array(tie('node'), { maxLength: 4 }).map((nodes) => nodes.join('')),
    node: fc.oneof(
      { depthSize: 'small' },
      output,
      fc.constantFrom(
        'text ',
        ' <p>\n',
        '{{- "t" -}}',
        '{% assign x = contact.a %}',
        '{% capture x %}c{{ contact.b }}{% endcapture %}',
        '{% cycle "a", "b" %}',
      ),
      fc.tuple(condition, tie('tree'), tie('tree')).map(([test, yes, no]) => `{% if ${test} %}${yes}{% else %}${no}{% endif %}`),
      fc
        .tuple(condition, condition, tie('tree'), tie('tree'))
        .map(([a, b, yes, no]) => `{% unless ${a} %}${yes}{% elsif ${b} %}${no}{% else %}e{% endunless %}`),
      fc.tuple(path, tie('tree')).map(([list, body]) => `{% for x in ${list} %}${body}{% endfor %}`),
    ),
  }));

  /** The reference: the same engine, through LiquidJS alone. */
  function reference(engine: 'html' | 'text', source: string, data: MessageData): string {
    const env = Object.assign(Object.create(null) as object, data, { unsubscribe_url: URLS.unsubscribe });
    const ctx = new Context(env, ENGINES[engine].options, { sync: true }, { liquid: ENGINES[engine] });
    ctx.setRegister(BUDGET_REGISTER, new RenderBudget());
    return String(toValueSync(ENGINES[engine].renderer.renderTemplates(ENGINES[engine].parse(source), ctx)));
  }
  const outcome = (work: () => string): string => {
    try {
      return work();
    } catch {
      return 'an error';
    }
  };

  it.each(['html', 'text'] as const)('gives in %s exactly what LiquidJS gives', (engine) => {
    fc.assert(
      fc.property(tree, value, value, value, (source, a, b, tags) => {
        const data = dataFor({ a, b, tags });
        const fast = outcome(() => content({ [engine]: source }).render(data, URLS)[engine]);
        expect(fast).toBe(outcome(() => reference(engine, source, data)));
      }),
      { numRuns: 600 },
    );
  });
});
