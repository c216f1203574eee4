import createClient, { type Client } from 'openapi-fetch';
import type { paths } from '../../sdk/campaign-engine.js';

export type TypedClient = Client<paths>;

/** The client of README, "A typed client": types from the document, and no code of ours. */
export function typedClient(baseUrl: string, apiKey: string): TypedClient {
  return createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${apiKey}` } });
}

interface Page<T> {
  data: T[];
  nextCursor: string | null;
}

/** Everything of a list, page by page. `load` asks for one page; what it was refused for is thrown. */
export async function* all<T>(load: (cursor?: string) => Promise<{ data?: Page<T>; error?: { detail: string } }>): AsyncGenerator<T> {
  for (let cursor: string | undefined; ;) {
    const { data: page, error } = await load(cursor);
    if (!page) throw new Error(error?.detail);
    yield* page.data;
    if (page.nextCursor === null) return;
    cursor = page.nextCursor;
  }
}
