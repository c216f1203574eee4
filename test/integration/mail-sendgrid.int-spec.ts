import { createServer, type AddressInfo } from 'node:net';
import { SendGridProvider } from '../../src/modules/mail/providers/sendgrid.provider.js';
import { FakeClock } from '../support/fake-clock.js';
import { outgoing } from '../support/outgoing-message.js';
import { SendGridDouble, type SendGridAnswer, type SendGridDoubleOptions } from '../support/sendgrid-double.js';

const NOW = '2026-11-24T08:00:00Z';
const FAST = { requestMs: 400, waitMs: 600 };
let double: SendGridDouble | undefined;
let provider: SendGridProvider | undefined;

async function setUp(
  options: SendGridDoubleOptions = {},
  connections = 4,
  timeouts = FAST,
): Promise<{ double: SendGridDouble; provider: SendGridProvider }> {
  double = await SendGridDouble.start(options);
  provider = new SendGridProvider({ apiKey: double.apiKey, baseUrl: double.url, connections, timeouts }, new FakeClock(NOW));
  return { double, provider };
}
const always =
  (answer: SendGridAnswer): SendGridDoubleOptions['script'] =>
  () =>
    answer;

afterEach(async () => {
  await provider?.close();
  await double?.stop();
  double = provider = undefined;
});

describe('a message handed to SendGrid', () => {
  it('carries our ids for the events, both bodies in order, and no tracking but ours', async () => {
    const { double, provider } = await setUp();
    const message = outgoing(1, {
      subject: 'Grüße, "you"',
      from: { address: 'news@shop.example', name: 'Shop, "The"' },
      to: { address: 'ada@münchen.example', name: 'Ada <b@c.d>' },
      replyTo: { address: 'reply@shop.example', name: null },
      html: '<p>{{not a substitution}}</p>',
      headers: { 'List-Unsubscribe': '<https://t.example/u/x>', 'X-Note': 'größer' },
    });
    expect(await provider.send([message])).toEqual([{ kind: 'accepted', providerMessageId: 'SG1' }]);
    expect(double.messages).toEqual([
      {
        personalizations: [{ to: [{ email: 'ada@xn--mnchen-3ya.example', name: 'Ada <b@c.d>' }] }],
        from: { email: 'news@shop.example', name: 'Shop, "The"' },
        reply_to: { email: 'reply@shop.example' },
        subject: 'Grüße, "you"',
        content: [
          { type: 'text/plain', value: message.text },
          { type: 'text/html', value: '<p>{{not a substitution}}</p>' },
        ],
        headers: { 'Message-ID': message.messageId, 'List-Unsubscribe': '<https://t.example/u/x>', 'X-Note': '=?UTF-8?B?Z3LDtsOfZXI=?=' },
        custom_args: { email_id: message.emailId, tenant_id: message.tenantId, campaign_id: message.campaignId },
        tracking_settings: {
          click_tracking: { enable: false, enable_text: false },
          open_tracking: { enable: false },
          subscription_tracking: { enable: false },
        },
      },
    ]);
  });

  it('is answered in order for a whole batch over few kept-alive connections', async () => {
    const script: SendGridDoubleOptions['script'] = ({ mail }) =>
      mail.personalizations[0].to[0].email === 'r5@example.com' ? { status: 400 } : undefined;
    // A busy machine may need longer than the other tests have patience.
    const { double, provider } = await setUp({ script }, 4, { requestMs: 10_000, waitMs: 10_000 });
    const outcomes = await provider.send(Array.from({ length: 30 }, (_, i) => outgoing(i, { campaignId: null })));
    expect(outcomes.map((o) => o.kind)).toEqual(Array.from({ length: 30 }, (_, i) => (i === 5 ? 'failed' : 'accepted')));
    expect(new Set(double.messages.map((m) => m.custom_args.email_id)).size).toBe(29);
    expect(double.connections).toBeLessThanOrEqual(4);
  });
});

describe('the answer decides the outcome', () => {
  const cases: [string, SendGridAnswer, object][] = [
    [
      '429 with Retry-After',
      { status: 429, headers: { 'retry-after': '17' } },
      { kind: 'retry', scope: 'account', reason: 'throttled', retryAfterMs: 17_000 },
    ],
    [
      '429 with a Retry-After date',
      { status: 429, headers: { 'retry-after': 'Tue, 24 Nov 2026 08:01:00 GMT' } },
      { kind: 'retry', scope: 'account', retryAfterMs: 60_000 },
    ],
    [
      '429 with X-RateLimit-Reset',
      { status: 429, headers: { 'x-ratelimit-reset': String(Date.parse(NOW) / 1000 + 30) } },
      { kind: 'retry', scope: 'account', retryAfterMs: 30_000 },
    ],
    ['429 without a time', { status: 429 }, { kind: 'retry', scope: 'account', reason: 'throttled' }],
    ['408', { status: 408 }, { kind: 'retry', scope: 'message', reason: 'unavailable' }],
    ['503', { status: 503 }, { kind: 'retry', scope: 'message', reason: 'unavailable' }],
    ['500', { status: 500 }, { kind: 'unknown', reason: 'server_error' }],
    [
      '502 although it was accepted',
      { status: 502, accept: true, body: '<html>Bad Gateway</html>' },
      { kind: 'unknown', reason: 'server_error' },
    ],
    ['504', { status: 504 }, { kind: 'unknown', reason: 'server_error' }],
    ['400', { status: 400 }, { kind: 'failed', reason: 'rejected' }],
    ['413', { status: 413 }, { kind: 'failed', reason: 'rejected' }],
    ['422', { status: 422 }, { kind: 'failed', reason: 'rejected' }],
    ['401', { status: 401 }, { kind: 'retry', scope: 'account', reason: 'account_fault' }],
    ['402', { status: 402 }, { kind: 'retry', scope: 'account', reason: 'account_fault' }],
    ['403', { status: 403 }, { kind: 'retry', scope: 'account', reason: 'account_fault' }],
    [
      'a redirect, which is not followed',
      { status: 302, headers: { location: 'http://127.0.0.1:1/' } },
      { kind: 'retry', scope: 'account', reason: 'account_fault' },
    ],
    ['accepted, then reset', { reset: true, accept: true }, { kind: 'unknown', reason: 'connection_lost_after_request' }],
    ['reset without being accepted', { reset: true }, { kind: 'unknown', reason: 'connection_lost_after_request' }],
    ['accepted, then silence', { hang: true, accept: true }, { kind: 'unknown', reason: 'timeout_after_request' }],
    ['an answer that is not HTTP', { raw: 'SSH-2.0-OpenSSH_9\r\n\r\n' }, { kind: 'unknown' }],
    ['an answer cut in its status line', { raw: 'HTTP/1.1 2' }, { kind: 'unknown' }],
  ];
  it.each(cases)('%s', async (_, answer, expected) => {
    const { double, provider } = await setUp({ script: always(answer) });
    const [outcome] = await provider.send([outgoing(1)]);
    expect(outcome).toMatchObject(expected);
    expect('retryAfterMs' in outcome).toBe('retryAfterMs' in expected);
    expect(double.requests).toBe(1);
  });

  it('an accepting status line counts although the rest of the answer broke off', async () => {
    const { provider } = await setUp({
      script: always({ raw: 'HTTP/1.1 202 Accepted\r\nx-message-id: M1\r\ncontent-length: 100\r\n\r\nhalf', accept: true }),
    });
    expect(await provider.send([outgoing(1)])).toEqual([{ kind: 'accepted', providerMessageId: 'M1' }]);
  });

  it("tells people what SendGrid said, not the message's content", async () => {
    const body = JSON.stringify({
      errors: [{ message: 'The from address does not match a verified Sender Identity.', field: 'from', help: 'x' }],
    });
    const { provider } = await setUp({ script: always({ status: 403, body }) });
    expect(await provider.send([outgoing(1)])).toMatchObject([
      { detail: 'HTTP 403: from: The from address does not match a verified Sender Identity.' },
    ]);
  });

  it('a wrong key puts the account aside', async () => {
    const { double } = await setUp();
    const wrong = new SendGridProvider({ apiKey: 'SG.wrong', baseUrl: double.url, connections: 1, timeouts: FAST }, new FakeClock(NOW));
    expect(await wrong.send([outgoing(1)])).toMatchObject([{ kind: 'retry', scope: 'account', reason: 'account_fault' }]);
    await wrong.close();
  });
});

describe('when nothing left this process', () => {
  const free = async (): Promise<number> => {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  };

  it.each(['http', 'https'])('a refused %s connection is a plain retry', async (scheme) => {
    const provider = new SendGridProvider(
      { apiKey: 'k', baseUrl: `${scheme}://127.0.0.1:${await free()}`, connections: 1, timeouts: FAST },
      new FakeClock(NOW),
    );
    expect(await provider.send([outgoing(1)])).toMatchObject([{ kind: 'retry', scope: 'message', reason: 'connection_failed' }]);
    await provider.close();
  });

  it('so is a name that does not resolve, and a TLS handshake with something that speaks no TLS', async () => {
    const plain = createServer((socket) => socket.on('error', () => undefined).end('no TLS here\r\n'));
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    for (const baseUrl of ['http://sendgrid.invalid', `https://127.0.0.1:${(plain.address() as AddressInfo).port}`]) {
      const provider = new SendGridProvider(
        { apiKey: 'k', baseUrl, connections: 1, timeouts: { ...FAST, requestMs: 5_000 } },
        new FakeClock(NOW),
      );
      expect(await provider.send([outgoing(1)])).toMatchObject([{ kind: 'retry', scope: 'message', reason: 'connection_failed' }]);
      await provider.close();
    }
    plain.close();
  });

  it('messages that found no free connection in time were not touched', async () => {
    const { double, provider } = await setUp({ script: always({ hang: true }) }, 1);
    const outcomes = await provider.send(Array.from({ length: 5 }, (_, i) => outgoing(i)));
    expect(outcomes[0]).toMatchObject({ kind: 'unknown' });
    expect(outcomes[4]).toMatchObject({ kind: 'retry', scope: 'account', reason: 'not_started' });
    expect(double.requests).toBe(outcomes.filter((o) => o.kind === 'unknown').length);
  });

  it('a message with a forged header or two recipients never becomes a request', async () => {
    const { double, provider } = await setUp();
    const outcomes = await provider.send([
      outgoing(1, { to: { address: 'a@x.example, z@z.example' } }),
      outgoing(2, { subject: 'Hi\r\nBcc: z@z.example' }),
      outgoing(3, { headers: { Bcc: 'z@z.example' } }),
    ]);
    expect(outcomes).toMatchObject(Array(3).fill({ kind: 'failed', reason: 'unsendable_message' }));
    expect(double.requests).toBe(0);
  });

  it('after close() new messages are put back, and what was under way has finished', async () => {
    const { provider } = await setUp({ script: always({ delayMs: 100 }) });
    const running = provider.send([outgoing(1)]);
    await provider.close();
    expect(await running).toMatchObject([{ kind: 'accepted' }]);
    expect(await provider.send([outgoing(2)])).toMatchObject([{ kind: 'retry', scope: 'account' }]);
  });
});
