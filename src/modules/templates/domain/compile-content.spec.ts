import { describe, expect, it } from '@jest/globals';
import { compileContent } from './compile-content.js';
import { type CompileOptions, type ContentProblem, type ContentSource } from './compiled-content.js';

const ALL: CompileOptions = { unsubscribeFooter: true, trackClicks: true, trackOpens: true };
const BARE: CompileOptions = { unsubscribeFooter: false, trackClicks: false, trackOpens: false };
const source = (content: string, more: Partial<ContentSource> = {}): ContentSource => ({ format: 'html', subject: 'Hi', content, ...more });
const compile = async (content: string, options: CompileOptions = BARE, more: Partial<ContentSource> = {}) => {
  const { compiled, problems } = await compileContent(source(content, more), options);
  if (!compiled) throw new Error(JSON.stringify(problems));
  return { ...compiled, problems };
};
const errorsOf = async (content: string, more: Partial<ContentSource> = {}): Promise<ContentProblem[]> => {
  const { compiled, problems } = await compileContent(source(content, more), ALL);
  const errors = problems.filter(({ severity }) => severity === 'error');
  expect(compiled === null).toBe(errors.length > 0);
  return errors;
};

describe('links', () => {
  it('turns web addresses into slots, sharing a slot between equal addresses, and leaves the rest of the markup byte for byte', async () => {
    const { html, links, text } = await compile(
      `<P CLASS=x>Hi <a  href='https://a.example/?x=1&amp;y=2'>A</a> <a href=https://b.example>B</a><area href="https://a.example/?x=1&y=2"></P>`,
      { ...BARE, trackClicks: true },
    );
    expect(links).toEqual([
      { index: 0, url: 'https://a.example/?x=1&y=2', isDynamic: false },
      { index: 1, url: 'https://b.example', isDynamic: false },
    ]);
    expect(html).toBe(
      `<P CLASS=x>Hi <a  href='{% track_link 0 %}'>A</a> <a href="{% track_link 1 %}">B</a><area href="{% track_link 0 %}"></P>`,
    );
    expect(text).toBe('Hi A ({% track_link 0 %}) B ({% track_link 1 %})\n');
  });

  it.each(['mailto:a@b.example', 'tel:+491', '#top', '{{ unsubscribe_url }}', '{{ unsubscribe_url | append: "&x=1" }}', ''])(
    'never tracks %s',
    async (href) => {
      const content = `<p>x <a href='${href}'>y</a></p>`;
      const { html, links } = await compile(content, { ...BARE, trackClicks: true });
      expect(html).toBe(content);
      expect(links).toEqual([]);
    },
  );

  it('keeps the Liquid of an address as a dynamic slot', async () => {
    const { html, links } = await compile('<a href="https://x.example/?a=1&amp;id={{ contact.id }}">x</a>', { ...BARE, trackClicks: true });
    expect(links).toEqual([{ index: 0, url: 'https://x.example/?a=1&id={{ contact.id }}', isDynamic: true }]);
    expect(html).toBe('<a href="{% track_link 0 %}">x</a>');
  });

  it('has no tracked slots where clicks are not tracked, and still resolves merge data safely', async () => {
    const { html, links } = await compile('<a href="https://x.example">x</a><a href="{{ contact.site }}">y</a>');
    expect(links).toEqual([]);
    expect(html).toBe('<a href="https://x.example">x</a><a href="{% safe_url %}{{ contact.site }}{% endsafe_url %}">y</a>');
  });

  it('warns about an address nobody can open', async () => {
    const { problems, html } = await compile('<a href="www.shop.example">x</a>', ALL);
    expect(html).toContain('href="www.shop.example"');
    expect(problems.map(({ code }) => code)).toContain('not_a_web_address');
  });
});

describe('plain text', () => {
  it('keeps Liquid whole, hides what is hidden, and shows an own address once', async () => {
    const { text } = await compile(
      `<head><title>T</title></head><body><div style="display:none">secret</div><h1>Hi {{ contact.first_name | default: "you  all" }}</h1>
      <p>One &amp; two</p><ul><li>A</li></ul><img src="x.png" alt="Logo"><a href="https://x.example">https://x.example</a> <a href="mailto:a@b.example">a@b.example</a></body>`,
      { ...BARE, trackClicks: true },
    );
    expect(text).toBe('Hi {{ contact.first_name | default: "you  all" }}\n\nOne & two\n\n - A\n\nLogo{% track_link 0 %} a@b.example\n');
  });

  it('leaves no empty lines behind for conditions on lines of their own', async () => {
    const { text } = await compile('<p>a</p>{% if contact.lead_score > 5 %}<p>b</p>{% endif %}<p>c</p>');
    expect(text).toBe('a\n\n{% if contact.lead_score > 5 %}b\n\n{% endif %}c\n');
  });

  it('uses the text that was given, with its addresses as slots shared with the HTML', async () => {
    const { text, links } = await compile(
      '<a href="https://x.example/a">x</a>',
      { ...BARE, trackClicks: true },
      {
        text: 'See https://x.example/a, or (https://x.example/{{ contact.id }}).\n{{ unsubscribe_url }}',
      },
    );
    expect(text).toBe('See {% track_link 0 %}, or ({% track_link 1 %}).\n{{ unsubscribe_url }}\n');
    expect(links.map(({ url }) => url)).toEqual(['https://x.example/a', 'https://x.example/{{ contact.id }}']);
  });
});

describe('footer, pixel and preheader', () => {
  it('adds the unsubscribe link and the postal address only where the author did not', async () => {
    const added = await compile('<body><p>x</p></body>', ALL);
    expect(added.hasUnsubscribe).toBe(true);
    expect(added.html).toMatch(/\{\{ unsubscribe_url \}\}.*\{% track_pixel %\}.*<\/body>$/);
    expect(added.text).toContain('{{ tenant.postal_address }}\nUnsubscribe: {{ unsubscribe_url }}');
    const own = await compile('<body><a href="{{ unsubscribe_url }}">bye</a></body>', { ...ALL, trackOpens: false });
    expect(own.hasUnsubscribe).toBe(true);
    expect(own.html).toBe('<body><a href="{{ unsubscribe_url }}">bye</a></body>');
    expect((await compile('<p>x</p>')).hasUnsubscribe).toBe(false);
    const onlyInText = await compile('<p>x</p>', ALL, { text: 'bye: {{ unsubscribe_url }}' });
    expect(onlyInText.html).toContain('{{ unsubscribe_url }}');
    expect(onlyInText.text).toBe('bye: {{ unsubscribe_url }}\n');
    const onlyInHtml = await compile('<a href="{{ unsubscribe_url }}">bye</a>', ALL, { text: 'x' });
    expect(onlyInHtml.text).toContain('Unsubscribe: {{ unsubscribe_url }}');
  });

  it('puts the preheader first, as text', async () => {
    const { html } = await compile('<html><body class="a"><p>x</p></body></html>', BARE, { preheader: 'A < {{ contact.first_name }}' });
    expect(html).toMatch(
      /^<html><body class="a"><div style="display:none;[^"]*">A &lt; \{\{ contact\.first_name \}\}<\/div><p>x<\/p><\/body><\/html>$/,
    );
  });
});

describe('what must not reach a mailbox', () => {
  it.each([
    ['a script', '<p>x</p>\n<script>alert(1)</script>', 'forbidden_element', 2],
    ['an iframe', '<iframe src="https://x.example"></iframe>', 'forbidden_element', 1],
    ['an event handler', '<p>\n<img src="x" alt="" OnError="alert(1)"></p>', 'event_handler', 2],
    ['a script address', '<a href="java&#10;script:alert(1)">x</a>', 'script_address', 1],
    ['a script address in entities', '<a href="&#x6A;avascript&colon;alert(1)">x</a>', 'script_address', 1],
    ['a data address', '<a href="data:text/html;base64,xx">x</a>', 'script_address', 1],
    ['a refresh', '<meta http-equiv="refresh" content="0;url=https://x.example">', 'forbidden_element', 1],
    ['a script in a conditional comment', '<!--[if mso]><script>x</script><![endif]-->', 'forbidden_element', 1],
    ['a script behind a comment ended by Liquid', '<!-- {% if true %}--{% endif %}> <script>x</script> -->', 'forbidden_element', 1],
    ['a tag name from Liquid', '<{{ "script" }}>x</{{ "script" }}>', 'liquid_in_markup', 1],
    ['a tag name in pieces', '<scr{% if true %}ipt{% endif %}>', 'liquid_in_markup', 1],
    ['a tag after a condition', '<{% if true %}script{% endif %}>', 'liquid_in_markup', 1],
    ['a tag closed up by trimming', '< {%- if true -%} script {%- endif -%}>', 'liquid_in_markup', 1],
    ['a handler in pieces', '<p on{% if true %}click{% endif %}="x">', 'liquid_in_markup', 1],
    ['a handler closed up by trimming', '<p o {%- if true -%} nclick="x" {%- endif %}>', 'liquid_in_markup', 1],
    ['a handler after a condition', '<p {% if true %}onclick="x"{% endif %}>', 'event_handler', 1],
    ['an output as attributes', '<p {{ contact.attributes.x }}>', 'liquid_in_markup', 1],
    ['an unquoted output', '<p title={{ contact.first_name }}>', 'unquoted_value', 1],
    ['a value left open by a condition', '<p title="a{% if false %}"{% endif %} x="><script>">', 'liquid_in_markup', 1],
    ['a value left open by a break', '{% for i in (1..2) %}<p title="{% break %}">{% endfor %}', 'liquid_in_markup', 1],
    ['a script in a style', '<p style="width:expression(alert(1))">', 'script_style', 1],
    ['a tag left open', '<p>x</p><p title="', 'unclosed_tag', 1],
    ['an include', '<mj-include path="x" />', 'include_not_allowed', 1],
  ])('refuses %s and says where', async (_name, content, code, line) => {
    const errors = await errorsOf(content);
    expect(errors[0]).toMatchObject({ path: 'emailContent', code, line });
  });

  it.each([
    ['conditional attributes', '<td {% if contact.lead_score > 5 %}class="a"{% else %}class="b"{% endif %}>x</td>'],
    ['conditions inside values', '<td style="color:{% if contact.lead_score > 5 %}red{% else %}blue{% endif %}">x</td>'],
    [
      'comparisons and quotes in Liquid',
      '<p title="{{ contact.first_name | default: "you" }}">{% if contact.lead_score < 5 %}a < b{% endif %}</p>',
    ],
    ['conditional comments', '<!--[if mso]><table><tr><td><![endif]--><p>x</p><!--[if mso]></td></tr></table><![endif]-->'],
    ['style sheets', '<style>@media (max-width:1px){ a > b { color: {{ tenant.color }} } }</style><p>x</p>'],
    ['embedded images', '<img alt="" src="data:image/png;base64,AA==">'],
    [
      'loops over products',
      '{% for p in contact.attributes.products %}<a href="https://x.example/{{ p.id }}"><img alt="" src="{{ p.image }}"></a>{% endfor %}',
    ],
  ])('accepts %s', async (_name, content) => expect(await errorsOf(content)).toEqual([]));
});

describe('Liquid', () => {
  it.each([
    ['an unknown filter', 'a\n{{ contact.first_name | upcas }}', 'There is no filter "upcas". Did you mean "upcase"?', 2],
    ['a filter that switches escaping off', '{{ contact.first_name | raw }}', 'There is no filter "raw".', 1],
    ['an unknown tag', '\n\n{% render "x" %}', /^There is no tag "render"\. Available: assign, /, 3],
    ['a forged slot', '{% track_link 0 %}', /^There is no tag "track_link"\./, 1],
    ['an open block', 'x\n{% if a %}', /not closed/, 2],
    ['an open output', '{{ contact.first_name', /not closed/, 1],
    ['a stray end', '{% endif %}', '{% endif %} has no block to belong to.', 1],
  ])('explains %s', async (_name, content, message, line) => {
    const [error] = await errorsOf(content);
    expect(error).toMatchObject({ path: 'emailContent', code: 'liquid_syntax', line });
    if (typeof message === 'string') expect(error.message).toBe(message);
    else expect(error.message).toMatch(message);
  });

  it('names the field at fault', async () => {
    expect((await errorsOf('<p>x</p>', { subject: '{{ x | nope }}' }))[0]).toMatchObject({ path: 'subjectLine', line: 1 });
    expect((await errorsOf('<p>x</p>', { text: '{% if %}' }))[0]).toMatchObject({ path: 'textContent' });
  });

  it('advises on fields that may be empty or do not exist, and lists what is read', async () => {
    const { problems, variables } = await compile(
      '<p>\n{{ contact.first_name }} {{ contact.last_name | default: "x" }} {{ first_name }} {{ contact.plan }} {% if contact.timezone %}{{ contact.timezone }}{% endif %}{{ contact.email }}</p><img src="x.png">',
    );
    expect(problems.map(({ code, line, severity }) => `${code} ${line} ${severity}`).sort()).toEqual([
      'missing_alt 2 warning',
      'no_default 2 warning',
      'no_default 2 warning',
      'unknown_variable 2 warning',
      'unknown_variable 2 warning',
    ]);
    expect(problems.map(({ message }) => message)).toContain('Nothing is called "first_name". Did you mean contact.first_name?');
    expect(problems.map(({ message }) => message)).toContain('Nothing is called "contact.plan". Did you mean contact.attributes.plan?');
    expect(variables).toEqual([
      'contact.email',
      'contact.first_name',
      'contact.last_name',
      'contact.plan',
      'contact.timezone',
      'first_name',
    ]);
  });
});

describe('MJML', () => {
  const mjml = (body: string) =>
    `<mjml><mj-head><mj-preview>P {{ contact.first_name | default: "x" }}</mj-preview></mj-head><mj-body>${body}</mj-body></mjml>`;
  const column = (inner: string) => mjml(`<mj-section><mj-column>${inner}</mj-column></mj-section>`);

  it('carries Liquid through text, attributes and mj-raw', async () => {
    const { html, text, links, problems } = await compile(
      column(
        `<mj-text color="{{ tenant.color }}">{% if contact.lead_score < 5 %}low{% endif %}</mj-text>
         <mj-raw>{% for p in contact.attributes.products %}</mj-raw><mj-button href="https://x.example/{{ p.id | default: "1" }}">{{ p.name }}</mj-button><mj-raw>{% endfor %}</mj-raw>`,
      ),
      { ...BARE, trackClicks: true },
      { format: 'mjml' },
    );
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(html).toContain('color:{{ tenant.color }};');
    expect(html).toContain('{% if contact.lead_score < 5 %}low{% endif %}');
    expect(html.indexOf('{% for p')).toBeLessThan(html.indexOf('href="{% track_link 0 %}"'));
    expect(links[0]).toEqual({ index: 0, url: 'https://x.example/{{ p.id | default: "1" }}', isDynamic: true });
    expect(text).toBe(
      '{% if contact.lead_score < 5 %}low{% endif %}\n{% for p in contact.attributes.products %}{{ p.name }} ({% track_link 0 %})\n\n{% endfor %}\n',
    );
  });

  it('refuses scripts where MJML would pass them on', async () => {
    expect((await errorsOf(column('<mj-text>\n<script>x</script></mj-text>'), { format: 'mjml' }))[0]).toMatchObject({
      code: 'forbidden_element',
      line: 2,
    });
    expect((await errorsOf(column('<mj-button href="javascript:x">x</mj-button>'), { format: 'mjml' }))[0]).toMatchObject({
      code: 'script_address',
    });
    const sneaky =
      '<mjml><mj-head><mj-html-attributes><mj-selector path=".a div"><mj-html-attribute name="onclick">x</mj-html-attribute></mj-selector></mj-html-attributes></mj-head>';
    const content = `${sneaky}<mj-body><mj-section><mj-column><mj-text css-class="a">x</mj-text></mj-column></mj-section></mj-body></mjml>`;
    expect((await errorsOf(content, { format: 'mjml' }))[0]).toMatchObject({ code: 'event_handler' });
  });

  it('explains unknown elements and wrong attributes with their lines', async () => {
    expect((await errorsOf(column('\n<mj-foo></mj-foo>'), { format: 'mjml' }))[0]).toMatchObject({ code: 'mjml_invalid', line: 2 });
    const { problems } = await compile(column('\n\n<mj-text colour="red">x</mj-text>'), BARE, { format: 'mjml' });
    expect(problems[0]).toMatchObject({ code: 'mjml_invalid', line: 3, severity: 'warning' });
  });
});
