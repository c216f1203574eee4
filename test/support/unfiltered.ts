import pg from 'pg';
import { APP_ROLE } from '../../src/database/roles.js';

type Query = (this: pg.Client, ...args: unknown[]) => unknown;

const BY_PARAMETER = /(?:\b\w+\.)?\btenant_id = (\$\d+)(?:::uuid)?/g;
const BY_JOIN = /(?:\b\w+\.)?\btenant_id = \w+\.tenant_id\b/g;

/**
 * While `during` runs, the application's logins in this process send every statement without its `tenant_id = …`: what keeps tenants apart then is
 * the database alone. Answers the statements that were changed, and those that compare tenants in a way that was not recognised.
 */
export async function withoutTenantFilter(during: () => Promise<void>): Promise<{ changed: Set<string>; missed: Set<string> }> {
  const prototype = pg.Client.prototype as unknown as { query: Query };
  const original = prototype.query;
  const changed = new Set<string>();
  const missed = new Set<string>();
  const strip = (sql: string): string => {
    // The parameter stays in the text, so that it keeps its place and its type.
    const stripped = sql.replace(BY_PARAMETER, '($1::uuid IS NOT NULL)').replace(BY_JOIN, 'true');
    if (stripped !== sql) changed.add(sql);
    if (/(?<!app\.)\btenant_id\b\)?\s*(=|<>|!=|IN\b|IS\b)/i.test(stripped)) missed.add(stripped);
    return stripped;
  };
  prototype.query = function (this: pg.Client, first: unknown, ...rest: unknown[]) {
    if (this.user !== APP_ROLE) return original.call(this, first, ...rest);
    if (typeof first === 'string') return original.call(this, strip(first), ...rest);
    const config = first as pg.QueryConfig;
    if (typeof config.text !== 'string') return original.call(this, first, ...rest);
    const text = strip(config.text);
    const name = config.name && text !== config.text ? `${config.name} unfiltered` : config.name;
    return original.call(this, { ...config, text, name }, ...rest);
  };
  try {
    await during();
  } finally {
    prototype.query = original;
  }
  return { changed, missed };
}
