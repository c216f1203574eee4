import { readEvent, type IncomingEvent } from './incoming-event.js';

const NOW = new Date('2030-01-01T12:00:00Z');
const parse = (text: unknown): Date | null => (typeof text === 'string' && /Z$/.test(text) ? new Date(text) : null);
const read = (value: unknown) => readEvent(value, NOW, parse);
const paths = (value: unknown): string[] => (read(value) as { path: string }[]).map(({ path }) => path);
const EVENT = { name: 'order_placed', email: 'ada@example.com' };

describe('an event as a host reports it', () => {
  it('happened now and carries nothing, unless it says otherwise', () => {
    expect(read(EVENT)).toEqual({
      externalId: null,
      name: 'order_placed',
      contactId: null,
      email: 'ada@example.com',
      occurredAt: NOW,
      properties: {},
    });
    expect(read({ ...EVENT, id: null, occurredAt: null, properties: null })).toEqual(read(EVENT));
  });

  it('counts as now where the clock of the host is a little ahead, and is refused where it is far ahead', () => {
    expect((read({ ...EVENT, occurredAt: '2030-01-01T12:04:59Z' }) as IncomingEvent).occurredAt).toEqual(NOW);
    expect((read({ ...EVENT, occurredAt: '2029-12-31T00:00:00Z' }) as IncomingEvent).occurredAt).toEqual(new Date('2029-12-31T00:00:00Z'));
    expect(paths({ ...EVENT, occurredAt: '2030-01-01T12:05:01Z' })).toEqual(['occurredAt']);
  });

  it('is about one person', () => {
    expect(paths({ name: 'a' })).toEqual(['contactId']);
    expect(paths({ ...EVENT, contactId: '0193a7c4-7b1e-7cc3-98c4-dc0c0c07398f' })).toEqual(['contactId']);
    expect(paths({ name: 'a', contactId: 7 })).toEqual(['contactId']);
    expect(paths({ name: 'a', email: 'not an address' })).toEqual(['email']);
  });

  it.each([
    ['', null],
    ['', []],
    ['name', { email: EVENT.email }],
    ['name', { ...EVENT, name: ' ' }],
    ['name', { ...EVENT, name: 'a'.repeat(101) }],
    ['name', { ...EVENT, name: 'a\nb' }],
    ['id', { ...EVENT, id: 4711 }],
    ['id', { ...EVENT, id: 'x'.repeat(256) }],
    ['occurredAt', { ...EVENT, occurredAt: 'yesterday' }],
    ['properties', { ...EVENT, properties: ['a'] }],
    ['properties', { ...EVENT, properties: { text: 'x'.repeat(10_000) } }],
    ['time', { ...EVENT, time: 1 }],
  ])('is refused with the place of the fault: %j', (path, value) => {
    expect(paths(value)).toEqual([path]);
  });
});
