/** The few calls the demo needs, made as any client of the API makes them. */
export class DemoApi {
  constructor(
    readonly baseUrl: string,
    private readonly apiKey: string,
  ) {}

  get<T>(path: string): Promise<T> {
    return this.call<T>('GET', path);
  }

  post<T>(path: string, body?: unknown, contentType = 'application/json'): Promise<T> {
    return this.call<T>('POST', path, body, contentType);
  }

  put<T>(path: string, body: unknown): Promise<T> {
    return this.call<T>('PUT', path, body);
  }

  private async call<T>(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<T> {
    const response = await fetch(new URL(path, this.baseUrl), {
      method,
      headers: { authorization: `Bearer ${this.apiKey}`, ...(body === undefined ? {} : { 'content-type': contentType }) },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await response.text();
    if (!response.ok) throw new DemoError(`${method} ${path} answered ${response.status}:\n${text}`);
    return JSON.parse(text) as T;
  }
}

/** Something the reader of the demo can mend; printed without a stack. */
export class DemoError extends Error {}

export interface MailboxItem {
  id: string;
  to: string;
  links: string[];
  pixelUrl: string | null;
}

/** Everything in the mailbox, page by page, newest first. */
export async function* mailbox(api: DemoApi): AsyncGenerator<MailboxItem> {
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: { data: MailboxItem[]; nextCursor: string | null } = await api.get(
      `/mailbox.json?limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`,
    );
    yield* page.data;
    cursor = page.nextCursor;
  }
}
