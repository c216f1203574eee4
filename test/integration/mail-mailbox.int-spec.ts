import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppConfig } from '../../src/config/index.js';
import { EmailProvider, MailModule, MailboxModule, type OutgoingMessage } from '../../src/modules/mail/index.js';
import { startHttpApp, type Answer, type HttpApp } from '../support/http-app.js';
import { outgoing } from '../support/outgoing-message.js';

let http: HttpApp;
let root: string;
const send = (...messages: OutgoingMessage[]) => http.app.get(EmailProvider, { strict: false }).send(messages);
const get = (path: string): Promise<Answer> => http.call(`GET ${path}`);
const files = (): string[] =>
  (readdirSync(root, { recursive: true }) as string[]).filter((name) => !name.startsWith('.') && name.includes('.')).sort();
const EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>';

beforeAll(async () => {
  http = await startHttpApp([MailModule, MailboxModule]);
  root = join(http.app.get(AppConfig).dataDir, 'mailbox');
});
afterAll(() => http?.close());

describe('the mailbox on disk', () => {
  it('holds one file per email, replaced and not doubled by a second delivery, and no half-written one', async () => {
    expect(await send(outgoing(1), outgoing(2))).toEqual([1, 2].map((n) => ({ kind: 'accepted', providerMessageId: outgoing(n).emailId })));
    await send(outgoing(1, { subject: 'Second delivery' }));
    expect(files()).toEqual([`2025-11-24/01/${outgoing(1).emailId}.eml`, `2025-11-24/02/${outgoing(2).emailId}.eml`]);
    expect(readFileSync(join(root, files()[0]), 'utf8')).toContain('Subject: Second delivery');
  });

  it('goes on when somebody empties it while the process runs', async () => {
    rmSync(root, { recursive: true });
    expect(await send(outgoing(1))).toMatchObject([{ kind: 'accepted' }]);
  });

  it('never writes outside its folder, whatever the id is', async () => {
    const outcomes = await send(
      ...['../../../etc/x', 'a/b', '', outgoing(1).emailId.toUpperCase()].map((emailId) => outgoing(9, { emailId })),
    );
    expect(outcomes).toMatchObject(Array(4).fill({ kind: 'failed' }));
    expect(files()).toHaveLength(1);
  });

  it('answers "retry" for the account when the folder cannot be written, so that nothing is lost', async () => {
    const id = outgoing(0xfe).emailId;
    mkdirSync(join(root, '2025-11-24'), { recursive: true });
    writeFileSync(join(root, '2025-11-24', 'fe'), 'a file where a folder belongs');
    expect(await send(outgoing(0xfe), outgoing(3))).toMatchObject([
      { kind: 'retry', scope: 'account', reason: 'mailbox_unwritable' },
      { kind: 'accepted' },
    ]);
    expect(files().some((name) => name.includes(id))).toBe(false);
  });
});

describe('the pages under /mailbox', () => {
  beforeAll(async () => {
    await send(
      ...Array.from({ length: 20 }, (_, i) => outgoing(0x100 + i)),
      outgoing(0x200, {
        subject: `Evil ${EVIL}`,
        to: { address: 'eve@example.com', name: EVIL },
        text: `text ${EVIL}`,
        html: '<!doctype html><html><head><title>t</title></head><body><script>alert(1)</script><a href="https://shop.example/a?b=1&amp;c=2">a</a><a href="https://shop.example/a?b=1&amp;c=2">again</a><a href="javascript:alert(1)">x</a><a href="mailto:a@b.c">m</a><img src="https://shop.example/logo.png"><img src="https://t.example/t/o/TOKEN.gif"></body></html>',
        headers: { 'List-Unsubscribe': '<mailto:u@t.example>, <https://t.example/u/TOKEN>' },
      }),
    );
  });

  it('list messages newest first, page after page, none twice and none left out', async () => {
    const seen: string[] = [];
    let cursor = '';
    do {
      const { status, body } = await get(`/mailbox.json?limit=7${cursor}`);
      expect(status).toBe(200);
      expect(body.data.length).toBeLessThanOrEqual(7);
      seen.push(...body.data.map((m: { id: string }) => m.id));
      cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
    } while (cursor !== '');
    const expected = [0x200, ...Array.from({ length: 20 }, (_, i) => 0x113 - i), 3, 1].map((n) => outgoing(n).emailId);
    expect(seen).toEqual(expected);
  });

  it('give a program what a recipient could do: links, pixel and one-click unsubscribe', async () => {
    const { body } = await get('/mailbox.json?limit=1');
    expect(body.data).toEqual([
      {
        id: outgoing(0x200).emailId,
        from: 'news@shop.example',
        to: 'eve@example.com',
        subject: `Evil ${EVIL}`,
        date: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}\.000Z$/),
        links: ['https://shop.example/a?b=1&c=2'],
        pixelUrl: 'https://t.example/t/o/TOKEN.gif',
        unsubscribeUrl: 'https://t.example/u/TOKEN',
      },
    ]);
  });

  it('find a recipient', async () => {
    const { body } = await get('/mailbox.json?to=R259%40EXAMPLE');
    expect(body.data.map((m: { to: string }) => m.to)).toEqual(['r259@example.com']);
    expect((await get('/mailbox?to=nobody@example.com')).body).toContain('No message to this recipient');
  });

  it('never let a message run script in the page or be framed elsewhere', async () => {
    const id = outgoing(0x200).emailId;
    for (const path of ['/mailbox', `/mailbox?to=${encodeURIComponent(EVIL)}`, `/mailbox/${id}`]) {
      const { status, headers, body } = await get(path);
      expect(status).toBe(200);
      expect(body).not.toMatch(/<script|<img/i);
      expect(headers['content-type']).toBe('text/html; charset=utf-8');
      expect(headers['content-security-policy']).toMatch(/^default-src 'none';.*frame-ancestors 'none'/);
    }
    const { headers, body } = await get(`/mailbox/${id}/html`);
    expect(body).toMatch(/^<!doctype html><html><head><base target="_blank">/);
    expect(headers['content-security-policy']).toMatch(/default-src 'none';.*sandbox allow-popups/);
    expect(headers['content-security-policy']).not.toMatch(/script-src|allow-scripts|allow-same-origin/);
    expect(headers['x-frame-options']).toBe('SAMEORIGIN');
  });

  it('refuse ids and cursors that are not ours, with the path of the fault', async () => {
    writeFileSync(join(root, '..', 'secret.eml'), 'Subject: secret\r\n\r\n');
    for (const id of ['..%2Fsecret', '..%2F..%2Fsecret', 'secret', '%00', 'x'.repeat(300)]) {
      const { status, body } = await get(`/mailbox/${id}`);
      expect([400, 404]).toContain(status);
      expect(JSON.stringify(body)).not.toContain('Subject: secret');
    }
    expect((await get(`/mailbox/${outgoing(0xabc).emailId}`)).status).toBe(404);
    expect((await get('/mailbox.json?cursor=../../x')).body.errors).toMatchObject([{ path: 'query.cursor' }]);
    expect((await get('/mailbox.json?limit=0')).body.errors).toMatchObject([{ path: 'query.limit' }]);
    expect((await get('/mailbox.json?limit=201')).status).toBe(400);
    expect((await get('/mailbox?what=1')).status).toBe(400);
  });

  it('show a foreign or broken file without falling over', async () => {
    const id = outgoing(0x101).emailId;
    const file = files().find((name) => name.includes(id))!;
    for (const content of ['', 'no headers', 'Subject: x', '\r\n\r\n', 'Content-Type: multipart/alternative; boundary="b"\r\n\r\n--b']) {
      writeFileSync(join(root, file), content);
      expect((await get(`/mailbox/${id}`)).status).toBe(200);
      expect((await get(`/mailbox/${id}/html`)).status).toBe(200);
    }
    expect((await get('/mailbox.json')).status).toBe(200);
  });
});
