/** The API as a client uses it. Any answer but 2xx ends the benchmark with the problem document. */
export class Api {
  constructor(
    readonly baseUrl: string,
    private readonly apiKey: string,
  ) {}

  get<T>(path: string): Promise<T> {
    return this.call<T>('GET', path);
  }

  post<T = unknown>(path: string, body: unknown = {}): Promise<T> {
    return this.call<T>('POST', path, JSON.stringify(body), 'application/json');
  }

  put<T = unknown>(path: string, body: unknown): Promise<T> {
    return this.call<T>('PUT', path, JSON.stringify(body), 'application/json');
  }

  upload<T>(path: string, file: Blob, type: string): Promise<T> {
    return this.call<T>('POST', path, file, type);
  }

  /** A dynamic segment over these rules. */
  async segment(name: string, rules: unknown = { all: [] }): Promise<string> {
    return (await this.post<{ id: string }>('/api/segments', { name, type: 'dynamic', rules })).id;
  }

  async campaign(settings: Record<string, unknown>, steps: unknown[]): Promise<string> {
    const { id } = await this.post<{ id: string }>('/api/campaigns', {
      campaignType: 'broadcast',
      fromEmail: 'news@shop.example',
      fromName: 'The Shop',
      ...settings,
    });
    await this.put(`/api/campaigns/${id}/steps`, { steps });
    return id;
  }

  launch(campaignId: string): Promise<unknown> {
    return this.post(`/api/campaigns/${campaignId}/launch`);
  }

  /** An answer that is not JSON, to be read by the caller. */
  async open(
    path: string,
    { method = 'GET', body, type }: { method?: string; body?: string | Blob; type?: string } = {},
  ): Promise<Response> {
    const headers = { authorization: `Bearer ${this.apiKey}`, ...(type ? { 'content-type': type } : {}) };
    const answer = await fetch(new URL(path, this.baseUrl), { method, headers, body });
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`);
    return answer;
  }

  private async call<T>(method: string, path: string, body?: string | Blob, type?: string): Promise<T> {
    const text = await (await this.open(path, { method, body, type })).text();
    return (text ? JSON.parse(text) : null) as T;
  }
}
