const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
export const UNDATED = 'undated';

/** Ids of captured messages are UUIDs in lower case; nothing else ever becomes part of a path. */
export function isMailboxId(id: string): boolean {
  return UUID.test(id);
}

/**
 * `<yyyy-mm-dd>/<xx>` for an email id. Both come from the id alone (a UUIDv7 holds its time, its end is random), so that a second delivery of the
 * same email lands on the same file whenever it happens. 256 folders a day keep each small with 100,000 messages.
 */
export function mailboxFolder(id: string): { day: string; shard: string } {
  const version = UUID.exec(id)?.[1];
  if (version === undefined) throw new RangeError('not an email id');
  return { day: version === '7' ? dayOf(id) : UNDATED, shard: id.slice(-2) };
}

function dayOf(id: string): string {
  const instant = new Date(parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
  // The last years a 48-bit time can hold do not fit in four digits.
  return instant.getUTCFullYear() > 9999 ? UNDATED : instant.toISOString().slice(0, 10);
}
