import { type ChildProcess } from 'node:child_process';
import { afterAll, describe, expect, it } from '@jest/globals';
import { type CompileOptions, type ContentSource } from '../domain/compiled-content.js';
import { ContentBusyError, ContentJobStopped, ContentWorker } from './content-worker.js';
import { ContentCompiler } from './content-compiler.js';
import { ContentRenderer } from './content-renderer.js';
import { previewContent } from './content-preview.js';

const ALL: CompileOptions = { unsubscribeFooter: true, trackClicks: true, trackOpens: true };
const MJML = `<mjml><mj-body><mj-section><mj-column>
  <mj-text>Hello {{ contact.first_name | default: "there" }}</mj-text>
  <mj-button href="https://shop.example/sale?a=1&amp;b=2">Go</mj-button>
</mj-column></mj-section></mj-body></mjml>`;
const DATA = {
  contact: { id: 'c1', email: 'ada@mail.example', first_name: 'Ada' },
  campaign: { name: 'Sale' },
  tenant: { name: 'Shop', postal_address: '1 Main St' },
};
const mjml = (content: string): ContentSource => ({ format: 'mjml', subject: 'Hi', content });
const html = (content: string): ContentSource => ({ format: 'html', subject: 'Hi', content });

describe('content compiler', () => {
  const compiler = new ContentCompiler();
  afterAll(() => compiler.onApplicationShutdown());

  it('compiles MJML in its worker and renders a message with tracked links', async () => {
    const { compiled, problems } = await compiler.compile(mjml(MJML), ALL);
    expect(problems).toEqual([]);
    expect(compiled?.links).toEqual([{ index: 0, url: 'https://shop.example/sale?a=1&b=2', isDynamic: false }]);
    const prepared = new ContentRenderer().prepare(JSON.parse(JSON.stringify(compiled)));
    const message = prepared.render(DATA, {
      link: (i) => `https://t.example/c/${i}`,
      pixel: 'https://t.example/o',
      unsubscribe: 'https://t.example/u',
    });
    expect(message.html).toContain('Hello Ada');
    expect(message.html).toContain('href="https://t.example/c/0"');
    expect(message.html).not.toContain('shop.example');
    expect(message.html).toMatch(
      /<a href="https:\/\/t\.example\/u"[^>]*>Unsubscribe<\/a><\/div><img src="https:\/\/t\.example\/o"[^>]*>\s*<\/body>/,
    );
    expect(message.text).toBe('Hello Ada\n\nGo (https://t.example/c/0)\n\n-- \nShop\n1 Main St\nUnsubscribe: https://t.example/u\n');
  });

  it.each([
    ['not MJML at all', mjml('hello'), 'mjml_syntax'],
    ['an unknown tag', html('{% include "x" %}'), 'liquid_syntax'],
    ['an include', mjml('<mjml><mj-body><mj-include path="/etc/passwd" /></mj-body></mjml>'), 'include_not_allowed'],
    [
      'Liquid that MJML would drop',
      mjml('<mjml><mj-body>{% if contact.first_name %}<mj-section></mj-section>{% endif %}</mj-body></mjml>'),
      'mjml_drops_liquid',
    ],
    ['a huge source', html('x'.repeat(200_001)), 'too_large'],
    ['2,000 nested blocks', html('{% if a %}'.repeat(2_000) + '{% endif %}'.repeat(2_000)), 'too_deep'],
    ['deep MJML', mjml('<mjml><mj-body>' + '<mj-section>'.repeat(3_000) + '</mj-body></mjml>'), 'too_deep'],
    [
      'MJML with too many elements',
      mjml('<mjml><mj-body>' + '<mj-section><mj-column></mj-column></mj-section>'.repeat(2_000) + '</mj-body></mjml>'),
      'too_many_elements',
    ],
  ])('answers %s with a problem, not an exception', async (_name, source, code) => {
    const { compiled, problems } = await compiler.compile(source, ALL);
    expect(compiled).toBeNull();
    expect(problems.find((problem) => problem.severity === 'error')?.code).toBe(code);
  });

  it('goes on with the next job after hostile content', async () => {
    const results = await Promise.all([
      compiler.compile(html('{% if %}'), ALL),
      compiler.compile(mjml(MJML), ALL),
      compiler.compile(html('<p>x</p>'), ALL),
    ]);
    expect(results.map(({ compiled }) => compiled !== null)).toEqual([false, true, true]);
  });

  it('previews unsaved content without tracking, and stops an output bomb', async () => {
    const shown = await previewContent(compiler, { source: mjml(MJML), data: DATA });
    expect(shown.rendered?.html).toContain('href="https://shop.example/sale?a=1&amp;b=2"');
    expect(shown.rendered?.html).not.toContain('<img');
    const bomb = html('{% for i in (1..20000) %}' + 'x'.repeat(5_000) + '{% endfor %}');
    const stopped = await previewContent(compiler, { source: bomb, data: DATA });
    expect(stopped.rendered).toBeNull();
    expect(stopped.problems.map(({ code }) => code)).toContain('output_too_large');
  });
});

describe('content worker', () => {
  it('kills a job at its time limit and serves the next one from a new process', async () => {
    const worker = new ContentWorker({ timeMs: 1 });
    await expect(worker.run({ kind: 'compile', source: mjml(MJML.repeat(1)), options: ALL })).rejects.toEqual(
      new ContentJobStopped('too_slow'),
    );
    (worker as unknown as { limits: { timeMs: number } }).limits.timeMs = 10_000;
    await expect(worker.run({ kind: 'compile', source: mjml(MJML), options: ALL })).resolves.toMatchObject({ problems: [] });
    await worker.close();
    await expect(worker.run({ kind: 'compile', source: mjml(MJML), options: ALL })).rejects.toBeInstanceOf(ContentBusyError);
  });

  it('does not blame content for a machine that gives its process no time', async () => {
    const worker = new ContentWorker({ timeMs: 400 });
    const job = { kind: 'compile', source: html('<p>x</p>'), options: ALL } as const;
    await worker.run(job);
    const child = await (worker as unknown as { process: Promise<ChildProcess> }).process;
    child.kill('SIGSTOP');
    const waiting = worker.run(job);
    setTimeout(() => child.kill('SIGCONT'), 900);
    await expect(waiting).resolves.toMatchObject({ problems: [] });
    await worker.close();
  });

  it('survives content that exhausts the heap of its process', async () => {
    const worker = new ContentWorker({ timeMs: 20_000, heapMb: 64 });
    const attributes = `<mj-head><mj-attributes><mj-all padding="${'1px '.repeat(20_000)}" /></mj-attributes></mj-head>`;
    const bomb = `<mjml>${attributes}<mj-body>${'<mj-section><mj-column><mj-text>x</mj-text></mj-column></mj-section>'.repeat(400)}</mj-body></mjml>`;
    const stopped = await worker.run({ kind: 'compile', source: mjml(bomb), options: ALL }).catch((error: unknown) => error);
    expect(stopped instanceof ContentJobStopped ? stopped.reason : stopped).toBe('too_complex');
    await expect(worker.run({ kind: 'compile', source: html('<p>x</p>'), options: ALL })).resolves.toMatchObject({ problems: [] });
    await worker.close();
  });

  it('refuses more waiting jobs than it may hold', async () => {
    const worker = new ContentWorker({ waiting: 1 });
    const job = { kind: 'compile', source: html('<p>x</p>'), options: ALL } as const;
    const first = worker.run(job);
    const second = worker.run(job);
    await expect(worker.run(job)).rejects.toBeInstanceOf(ContentBusyError);
    await expect(Promise.all([first, second])).resolves.toHaveLength(2);
    await worker.close();
  });
});
