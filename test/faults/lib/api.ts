export interface Answer<T> {
  status: number;
  body: T;
}

/** The API as a client uses it. */
export class Api {
  constructor(
    readonly baseUrl: string,
    private readonly apiKey: string,
  ) {}

  get<T>(path: string): Promise<T> {
    return this.must<T>('GET', path);
  }

  post<T = unknown>(path: string, body?: unknown, type?: string): Promise<T> {
    return this.must<T>('POST', path, body, type);
  }

  put<T = unknown>(path: string, body: unknown): Promise<T> {
    return this.must<T>('PUT', path, body);
  }

  /** Whatever the answer is. */
  async call<T = unknown>(method: string, path: string, body?: unknown, type = 'application/json'): Promise<Answer<T>> {
    const answer = await fetch(new URL(path, this.baseUrl), {
      method,
      headers: { authorization: `Bearer ${this.apiKey}`, ...(body === undefined ? {} : { 'content-type': type }) },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await answer.text();
    return { status: answer.status, body: (text ? JSON.parse(text) : null) as T };
  }

  private async must<T>(method: string, path: string, body?: unknown, type?: string): Promise<T> {
    const answer = await this.call<T>(method, path, body, type);
    if (answer.status < 200 || answer.status > 299)
      throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
}
