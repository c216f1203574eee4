import { Body, Controller, HttpCode, Param, Post, type StreamableFile } from '@nestjs/common';
import { IsInt, IsOptional } from 'class-validator';
import type { Readable } from 'node:stream';
import { Can, Ctx, type TenantContext } from '../../src/modules/identity/index.js';
import { DomainError } from '../../src/shared/domain-error.js';
import { type HttpApp, startHttpApp } from '../support/http-app.js';

class Order {
  @IsInt()
  @IsOptional()
  amount?: number;
}

class SoldOutError extends DomainError {
  readonly code = 'sold_out';
  readonly category = 'conflict' as const;
}

/** Counts what really happens, and does as it is told. */
const shop = {
  orders: 0,
  next: 'ok' as 'ok' | 'refuse' | 'crash',
  /** While set, orders wait for it. */
  hold: undefined as Promise<void> | undefined,
};

@Controller('api/orders')
class OrdersController {
  @Can('events:write')
  @Post()
  async create(@Ctx() ctx: TenantContext, @Body() body: Order): Promise<{ number: number; amount?: number; tenantId: string }> {
    shop.orders++;
    await shop.hold;
    if (shop.next === 'refuse') throw new SoldOutError('Sold out.', [], { currentStatus: 'sold_out' });
    if (shop.next === 'crash') throw new Error('The shop is on fire');
    return { number: shop.orders, amount: body.amount, tenantId: ctx.tenantId };
  }
  @Can('events:write')
  @Post(':id/cancel')
  @HttpCode(204)
  cancel(@Param('id') _id: string): void {
    shop.orders++;
  }
  @Can('events:write')
  @Post('import')
  async import(@Body() body: Readable): Promise<StreamableFile | { size: number }> {
    shop.orders++;
    let size = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) size += chunk.length;
    return { size };
  }
}

describe('Idempotency-Key', () => {
  let http: HttpApp;
  let key: string;
  let tenantId: string;
  let run = 0;
  beforeAll(async () => {
    http = await startHttpApp([], { controllers: [OrdersController] });
    ({ key, tenantId } = await http.createTenant());
  });
  beforeEach(() => {
    Object.assign(shop, { orders: 0, next: 'ok', hold: undefined });
    run++;
  });
  afterAll(() => http.close());

  const order = (body: unknown, name = `order-${run}`, given = key) =>
    http.call('POST /api/orders', { key: given, body, headers: { 'idempotency-key': name } });

  it('answers a repetition as the first time and does nothing', async () => {
    const first = await order({ amount: 3 });
    const second = await order({ amount: 3 });
    expect(first).toMatchObject({ status: 201, body: { number: 1, amount: 3 } });
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    expect(second).toMatchObject({ status: 201, body: first.body, headers: { 'idempotency-replayed': 'true' } });
    expect(shop.orders).toBe(1);
  });

  it('repeats answers without a body, too', async () => {
    const cancel = () => http.call('POST /api/orders/1/cancel', { key, headers: { 'idempotency-key': 'cancel' } });
    expect(await cancel()).toMatchObject({ status: 204, body: '' });
    expect(await cancel()).toMatchObject({ status: 204, body: '', headers: { 'idempotency-replayed': 'true' } });
    expect(shop.orders).toBe(1);
  });

  it('refuses the same key for another body, path or operation', async () => {
    await order({ amount: 3 });
    for (const answer of [
      await order({ amount: 4 }),
      await http.call('POST /api/orders?x=1', { key, body: { amount: 3 }, headers: { 'idempotency-key': `order-${run}` } }),
      await http.call('POST /api/orders/1/cancel', { key, headers: { 'idempotency-key': `order-${run}` } }),
    ]) {
      expect(answer).toMatchObject({
        status: 422,
        body: { code: 'idempotency_key_reused', errors: [{ path: 'headers.idempotency-key' }] },
      });
    }
    expect(shop.orders).toBe(1);
  });

  it('never shows one credential what another got, nor one tenant what another did', async () => {
    await order({ amount: 3 });
    const colleague = await http.createKey(tenantId, 'campaign_manager');
    expect((await order({ amount: 3 }, `order-${run}`, colleague)).status).toBe(422);
    const stranger = await http.createTenant('Stranger');
    expect(await order({ amount: 3 }, `order-${run}`, stranger.key)).toMatchObject({ status: 201, body: { tenantId: stranger.tenantId } });
  });

  it('does it once for twenty at a time; the others hear that it is in progress', async () => {
    let release!: () => void;
    shop.hold = new Promise((resolve) => (release = resolve));
    const calls = Array.from({ length: 20 }, async () => {
      const answer = await order({ amount: 1 });
      // The nineteen that are refused let the one go on.
      if (answer.status === 409 && ++refused === 19) release();
      return answer;
    });
    let refused = 0;
    const answers = await Promise.all(calls);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.find(({ status }) => status === 409)).toMatchObject({
      body: { code: 'idempotency_in_progress' },
      headers: { 'retry-after': '1' },
    });
    expect(shop.orders).toBe(1);
    expect(await order({ amount: 1 })).toMatchObject({ status: 201, headers: { 'idempotency-replayed': 'true' } });
  });

  it('keeps a refusal, whatever has become possible since', async () => {
    shop.next = 'refuse';
    const first = await order({});
    shop.next = 'ok';
    const second = await order({});
    expect(first).toMatchObject({ status: 409, body: { code: 'sold_out', currentStatus: 'sold_out' } });
    expect(second).toMatchObject({
      status: 409,
      body: { code: 'sold_out', currentStatus: 'sold_out' },
      headers: { 'idempotency-replayed': 'true' },
    });
    expect(second.headers['content-type']).toMatch(/^application\/problem\+json/);
  });

  it('lets a crash and a malformed request be tried again with the same key', async () => {
    shop.next = 'crash';
    expect((await order({ amount: 1 })).status).toBe(500);
    shop.next = 'ok';
    expect(await order({ amount: 1 })).toMatchObject({ status: 201, body: { number: 2 } });
    expect((await order({ amount: 'x' }, 'mended')).status).toBe(400);
    expect((await order({ amount: 1 }, 'mended')).status).toBe(201);
  });

  it('covers streamed imports by their length and kind', async () => {
    const send = (raw: string) =>
      http.call('POST /api/orders/import', { key, raw, headers: { 'content-type': 'text/csv', 'idempotency-key': 'import' } });
    expect(await send('a,b\n1,2\n')).toMatchObject({ status: 201, body: { size: 8 } });
    expect(await send('a,b\n1,2\n')).toMatchObject({ status: 201, headers: { 'idempotency-replayed': 'true' } });
    expect((await send('a,b\n1,2\n3,4\n')).status).toBe(422);
    expect(shop.orders).toBe(1);
  });

  it('must be something a header can hold', async () => {
    for (const name of ['', 'ä', 'a b', 'x'.repeat(256)]) {
      expect(await order({}, Buffer.from(name).toString('latin1'))).toMatchObject({
        status: 400,
        body: { errors: [{ path: 'headers.idempotency-key' }] },
      });
    }
    expect(shop.orders).toBe(0);
  });

  it('is not for answers that hold a secret: the key itself is never kept', async () => {
    const create = () =>
      http.call('POST /api/api-keys', { key, body: { name: 'Once', roles: ['viewer'] }, headers: { 'idempotency-key': 'secret' } });
    const [first, second] = [await create(), await create()];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(first.body.key).not.toBe(second.body.key);
  });
});
