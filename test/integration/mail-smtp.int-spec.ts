import { simpleParser } from 'mailparser';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '../../src/shared/clock.js';
import { SmtpProvider } from '../../src/modules/mail/providers/smtp.provider.js';
import { outgoing } from '../support/outgoing-message.js';
import { SmtpSink, type SmtpAnswer, type SmtpSinkOptions, type SmtpVerb } from '../support/smtp-sink.js';

let sink: SmtpSink | undefined;
let provider: SmtpProvider | undefined;
const FAST = { connectionMs: 500, greetingMs: 300, socketMs: 300, sendMs: 1_500, waitMs: 1_000 };

async function setUp(options: SmtpSinkOptions = {}, query = '?pool=1'): Promise<{ sink: SmtpSink; provider: SmtpProvider }> {
  sink = await SmtpSink.start(options);
  provider = new SmtpProvider({ url: sink.url(query), connections: 4, timeouts: FAST }, new SystemClock());
  return { sink, provider };
}
const at =
  (verb: SmtpVerb, answer: SmtpAnswer): SmtpSinkOptions['script'] =>
  (question) =>
    question.verb === verb ? answer : undefined;

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

afterEach(async () => {
  await provider?.close();
  await sink?.stop();
  sink = provider = undefined;
});

describe('a message handed to a mail server', () => {
  it('arrives whole, with the envelope of its addresses, and names the queue id', async () => {
    const { sink, provider } = await setUp();
    const message = outgoing(1, { subject: 'Grüße', text: 'hällo\n.\ndot', to: { address: 'ada@münchen.example', name: 'Ada, "L"' } });
    expect(await provider.send([message])).toEqual([{ kind: 'accepted', providerMessageId: 'SINK1' }]);
    const [got] = sink.messages;
    expect([got.from, got.to]).toEqual(['news@shop.example', ['ada@münchen.example']]);
    expect(await simpleParser(got.raw)).toMatchObject({ subject: 'Grüße', text: 'hällo\n.\ndot', messageId: message.messageId });
  });

  it('is answered in order for a whole batch, over several connections, each message once', async () => {
    const { sink, provider } = await setUp(
      { script: ({ address, verb }) => (verb === 'RCPT' && address.startsWith('r7@') ? { code: 550, message: '5.1.1 no' } : undefined) },
      '?pool=4',
    );
    const outcomes = await provider.send(Array.from({ length: 20 }, (_, i) => outgoing(i)));
    expect(outcomes.map((o) => o.kind)).toEqual(Array.from({ length: 20 }, (_, i) => (i === 7 ? 'failed' : 'accepted')));
    expect(sink.messages.map((m) => m.to[0]).sort()).toEqual(
      Array.from({ length: 20 }, (_, i) => `r${i}@example.com`)
        .filter((a) => a !== 'r7@example.com')
        .sort(),
    );
    expect(sink.connections).toBeLessThanOrEqual(4);
  });

  it('is written to the sink file before it is acknowledged', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sink-'));
    const { provider } = await setUp({ file: join(dir, 'accepted.ndjson') });
    await provider.send([outgoing(3)]);
    expect(JSON.parse(readFileSync(join(dir, 'accepted.ndjson'), 'utf8'))).toMatchObject({
      to: ['r3@example.com'],
      messageId: outgoing(3).messageId,
    });
    rmSync(dir, { recursive: true });
  });

  it('logs in with the credentials of the URL, special characters included', async () => {
    const { provider } = await setUp({ auth: { user: 'us@er', pass: 'p/a:s%s' } });
    expect(await provider.send([outgoing(1)])).toMatchObject([{ kind: 'accepted' }]);
  });
});

describe('a definite answer of the server decides the outcome', () => {
  const cases: [SmtpVerb, number, string, object][] = [
    ['MAIL', 421, '4.7.0 busy', { kind: 'retry', scope: 'account', reason: 'throttled' }],
    ['RCPT', 421, '4.7.0 busy', { kind: 'retry', scope: 'account', reason: 'throttled' }],
    ['MAIL', 451, '4.3.0 slow', { kind: 'retry', scope: 'account', reason: 'throttled' }],
    ['RCPT', 452, '4.2.2 mailbox full', { kind: 'retry', scope: 'message', reason: 'deferred' }],
    ['RCPT', 451, '4.7.1 Greylisted, try again later', { kind: 'retry', scope: 'message', reason: 'deferred' }],
    ['RCPT', 452, '4.5.3 too many', { kind: 'retry', scope: 'account', reason: 'throttled' }],
    ['MESSAGE', 454, 'Throttled', { kind: 'retry', scope: 'account', reason: 'throttled' }],
    ['RCPT', 450, '4.2.1 busy mailbox', { kind: 'retry', scope: 'message', reason: 'deferred' }],
    ['DATA', 450, '4.2.1 later', { kind: 'retry', scope: 'message', reason: 'deferred' }],
    ['MESSAGE', 450, '4.2.1 later', { kind: 'retry', scope: 'message', reason: 'deferred' }],
    ['RCPT', 550, '5.1.1 no such user', { kind: 'failed', suppress: true, reason: 'recipient_refused' }],
    ['RCPT', 551, 'not local', { kind: 'failed', suppress: true, reason: 'recipient_refused' }],
    ['RCPT', 553, '5.1.3 bad mailbox', { kind: 'failed', suppress: true, reason: 'recipient_refused' }],
    ['RCPT', 501, '5.1.3 bad syntax', { kind: 'failed', suppress: true, reason: 'recipient_refused' }],
    ['RCPT', 550, '5.7.1 blocked by policy', { kind: 'failed', reason: 'policy' }],
    ['RCPT', 552, '5.2.2 mailbox full', { kind: 'failed', reason: 'policy' }],
    ['MESSAGE', 554, '5.7.1 looks like spam', { kind: 'failed', reason: 'policy' }],
    ['MESSAGE', 552, 'too big', { kind: 'failed', reason: 'policy' }],
    ['MESSAGE', 550, 'no', { kind: 'failed', reason: 'message_refused' }],
    ['DATA', 554, 'no valid recipients', { kind: 'failed', reason: 'policy' }],
    ['MAIL', 550, 'unknown sender', { kind: 'failed', reason: 'sender_refused' }],
    ['MAIL', 530, '5.7.0 authenticate first', { kind: 'retry', scope: 'account', reason: 'account_fault' }],
    ['CONNECT', 554, '5.7.1 your address is listed', { kind: 'retry', scope: 'account', reason: 'account_fault' }],
    ['CONNECT', 421, 'too many connections', { kind: 'retry', scope: 'account', reason: 'throttled' }],
  ];
  it.each(cases)('%s answered %i %s', async (verb, code, message, expected) => {
    const { sink, provider } = await setUp({ script: at(verb, { code, message }) });
    const [outcome] = await provider.send([outgoing(1)]);
    expect(outcome).toMatchObject(expected);
    expect('suppress' in outcome).toBe('suppress' in expected);
    expect((outcome as { detail: string }).detail).toContain(message);
    expect(sink.messages).toHaveLength(0);
  });

  it('wrong credentials put the account aside and cost no message an attempt', async () => {
    const { sink, provider } = await setUp({ auth: { user: 'u', pass: 'right' } });
    const wrong = new SmtpProvider(
      { url: sink.url('?pool=1').replace('right', 'wrong'), connections: 1, timeouts: FAST },
      new SystemClock(),
    );
    expect(await wrong.send([outgoing(1), outgoing(2)])).toMatchObject(
      Array(2).fill({ kind: 'retry', scope: 'account', reason: 'account_fault' }),
    );
    await wrong.close();
    expect(await provider.send([outgoing(1)])).toMatchObject([{ kind: 'accepted' }]);
  });

  it('the next message of the same connection is not harmed by the refusal of one', async () => {
    const { sink, provider } = await setUp({
      script: ({ verb, nth }) => (verb === 'RCPT' && nth === 0 ? { code: 550, message: '5.1.1 no' } : undefined),
    });
    expect(await provider.send([outgoing(1), outgoing(2), outgoing(3)])).toMatchObject([
      { kind: 'failed' },
      { kind: 'accepted' },
      { kind: 'accepted' },
    ]);
    expect(sink.connections).toBe(1);
  });
});

describe('when the connection ends without an answer', () => {
  it.each<[string, SmtpVerb, SmtpAnswer]>([
    ['is cut in the greeting', 'CONNECT', { drop: true }],
    ['stays silent in the greeting', 'CONNECT', { hang: true }],
    ['is cut at MAIL', 'MAIL', { drop: true }],
    ['is cut at RCPT', 'RCPT', { drop: true }],
    ['is cut at DATA, before the 354', 'DATA', { drop: true }],
    ['stays silent at RCPT', 'RCPT', { hang: true }],
    ['stays silent at DATA', 'DATA', { hang: true }],
  ])('before the 354 (%s) the message may be tried again', async (_, verb, answer) => {
    const { provider } = await setUp({ script: at(verb, answer) });
    expect(await provider.send([outgoing(1)])).toMatchObject([{ kind: 'retry', scope: 'message' }]);
  });

  it.each<[string, SmtpAnswer]>([
    ['taken, then cut', { drop: true, accept: true }],
    ['cut without being taken', { drop: true }],
    ['taken, then silence', { hang: true, accept: true }],
  ])('after the 354 (%s) nobody knows, and it must not go out again by itself', async (_, answer) => {
    const { provider } = await setUp({ script: at('MESSAGE', answer) });
    expect(await provider.send([outgoing(1)])).toMatchObject([{ kind: 'unknown', reason: 'connection_lost_after_data' }]);
  });

  it('the 354 of an earlier message does not make a later loss look ambiguous', async () => {
    const { sink, provider } = await setUp({ script: ({ verb, nth }) => (verb === 'RCPT' && nth === 1 ? { drop: true } : undefined) });
    expect(await provider.send([outgoing(1)])).toMatchObject([{ kind: 'accepted' }]);
    expect(await provider.send([outgoing(2)])).toMatchObject([{ kind: 'retry', scope: 'message' }]);
    expect(await provider.send([outgoing(3)])).toMatchObject([{ kind: 'accepted' }]);
    expect(sink.messages.map((m) => m.to[0])).toEqual(['r1@example.com', 'r3@example.com']);
  });

  it('a server that is down or does not exist is a plain retry', async () => {
    const probe = createServer();
    const port = await listen(probe);
    await new Promise((resolve) => probe.close(resolve));
    for (const url of [`smtp://127.0.0.1:${port}?pool=1`, 'smtp://mail.invalid:2525?pool=1', `smtps://127.0.0.1:${port}?pool=1`]) {
      const provider = new SmtpProvider({ url, connections: 1, timeouts: FAST }, new SystemClock());
      expect(await provider.send([outgoing(1)])).toMatchObject([{ kind: 'retry', scope: 'message' }]);
      await provider.close();
    }
  });

  it('a server without TLS gets nothing when TLS is required', async () => {
    const { sink, provider } = await setUp({}, '?pool=1&requireTLS=true');
    expect((await provider.send([outgoing(1)]))[0].kind).toBe('retry');
    expect(sink.messages).toHaveLength(0);
  });

  it('a server that trickles its answer cannot hold a message beyond the limit', async () => {
    const drip = createServer((socket) => {
      socket.on('error', () => undefined).write('220-a\r\n');
      const timer = setInterval(() => socket.write('220-still thinking\r\n'), 50);
      socket.on('close', () => clearInterval(timer));
    });
    const url = `smtp://127.0.0.1:${await listen(drip)}?pool=1`;
    const provider = new SmtpProvider(
      { url, connections: 1, timeouts: { ...FAST, greetingMs: 60_000, connectionMs: 60_000, sendMs: 400 } },
      new SystemClock(),
    );
    const started = performance.now();
    expect(await provider.send([outgoing(1)])).toMatchObject([{ kind: 'retry', reason: 'timeout' }]);
    expect(performance.now() - started).toBeLessThan(provider.sendTimeoutMs);
    await provider.close();
    drip.close();
  });

  it('messages that found no free connection in time were not touched', async () => {
    const { sink, provider } = await setUp({ script: at('MESSAGE', { hang: true }) });
    const outcomes = await provider.send(Array.from({ length: 8 }, (_, i) => outgoing(i)));
    expect(outcomes.map((o) => o.kind)).toContain('unknown');
    expect(outcomes.slice(-1)).toMatchObject([{ kind: 'retry', scope: 'account', reason: 'not_started' }]);
    expect(sink.messages).toHaveLength(0);
  });
});

describe('what may not reach a mail server', () => {
  it.each([
    { to: { address: 'a@x.example\r\nRCPT TO:<z@z.example>' } },
    { to: { address: 'a@x.example, z@z.example' } },
    { from: { address: 'a@x.example>\r\nRCPT TO:<z@z.example' } },
    { subject: 'Hi\r\nBcc: z@z.example' },
    { headers: { 'X-A': 'b\r\n\r\nbody' } },
  ])('is refused before anything is sent: %j', async (over) => {
    const { sink, provider } = await setUp();
    expect(await provider.send([outgoing(1, over), outgoing(2)])).toMatchObject([
      { kind: 'failed', reason: 'unsendable_message' },
      { kind: 'accepted' },
    ]);
    expect(sink.messages.map((m) => m.to)).toEqual([['r2@example.com']]);
  });

  it('after close() new messages are put back, not lost', async () => {
    const { provider } = await setUp();
    const running = provider.send([outgoing(1)]);
    await provider.close();
    expect(await running).toMatchObject([{ kind: 'accepted' }]);
    expect(await provider.send([outgoing(2)])).toMatchObject([{ kind: 'retry', scope: 'account' }]);
  });
});
