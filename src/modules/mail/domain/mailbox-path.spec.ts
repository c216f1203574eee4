import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemIds } from '../../../shared/ids.js';
import { MailboxStore } from '../providers/mailbox-store.js';
import { isMailboxId, mailboxFolder } from './mailbox-path.js';

describe('where a captured message lives', () => {
  it('depends on its id alone, so that a second delivery on another day replaces the first', () => {
    expect(mailboxFolder('019ab4c2-7a10-7000-8000-0000000000fe')).toEqual({ day: '2025-11-24', shard: 'fe' });
    expect(mailboxFolder('2f1c3a52-1f5e-4b8a-9c1d-0000000000ab')).toEqual({ day: 'undated', shard: 'ab' });
    expect(mailboxFolder('ffffffff-ffff-7fff-8fff-ffffffffffff')).toEqual({ day: 'undated', shard: 'ff' });
  });

  it.each(['', '..', '../x', 'a/b', '019AB4C2-7A10-7000-8000-0000000000FE', '019ab4c2-7a10-7000-8000-0000000000fe/..'])(
    'is never made of %j',
    (id) => {
      expect(isMailboxId(id)).toBe(false);
      expect(() => mailboxFolder(id)).toThrow();
    },
  );

  it('keeps folders small: a thousand messages of one second spread over all shards', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'mailbox-'));
    const store = new MailboxStore(dir);
    const ids = new SystemIds();
    await Promise.all(Array.from({ length: 1_000 }, () => store.write(ids.uuid(), Buffer.from('Subject: x\r\n\r\n'))));
    const [day] = readdirSync(join(dir, 'mailbox'));
    const sizes = readdirSync(join(dir, 'mailbox', day)).map((shard) => readdirSync(join(dir, 'mailbox', day, shard)).length);
    expect(sizes.length).toBeGreaterThan(200);
    expect(Math.max(...sizes)).toBeLessThan(25);
    rmSync(dir, { recursive: true });
  });
});
