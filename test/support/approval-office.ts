import type { Role } from '../../src/modules/identity/index.js';
import { ApiClient } from './api-client.js';
import { Story } from './story.js';
import type { TestApp } from './test-app.js';

export type Person = ApiClient & { userId: string };

/** A tenant with people who make, manage and approve campaigns, three contacts in a segment, and the words they need. */
export type ApprovalOffice = Awaited<ReturnType<typeof openApprovalOffice>>;

export const STAGES = [
  { role: 'compliance_officer', quorum: 2 },
  { role: 'admin', quorum: 1 },
];

export async function openApprovalOffice(app: TestApp) {
  const { tenantId, api: owner } = await app.tenant();
  /** A user and a client with their key, which has the user's role unless it is given others. */
  const person = async (name: string, role: Role, roles: Role[] = [role]): Promise<Person> => {
    const user = await owner.must(201, owner.post('/api/users', { email: `${name}@acme.example`, name, role }));
    const { key } = await owner.must(201, owner.post('/api/api-keys', { name, roles, userId: user.id }));
    return Object.assign(new ApiClient(app.baseUrl, key), { userId: user.id as string });
  };
  const people: Record<string, Person> = {
    manager: await person('manager', 'campaign_manager'),
    maker: await person('maker', 'campaign_manager'),
    clara: await person('clara', 'compliance_officer'),
    cora: await person('cora', 'compliance_officer'),
    adam: await person('adam', 'admin'),
    anna: await person('anna', 'analyst'),
  };
  const story = new Story(app, people.maker);
  await story.importContacts(3);
  const segmentId = await story.segment();
  const ask = (id: string, body?: unknown, by: ApiClient = people.manager) => by.post(`/api/campaigns/${id}/approvals`, body);
  const asked = async (id: string, body?: unknown): Promise<any> => people.manager.must(201, ask(id, body));
  const say = (by: ApiClient, approval: { id: string; campaignId: string }, verb: string, body?: unknown) =>
    by.post(`/api/campaigns/${approval.campaignId}/approvals/${approval.id}/${verb}`, body);
  return {
    tenantId,
    owner,
    person,
    people,
    story,
    segmentId,
    policy: (over: object = {}) => owner.must(201, owner.post('/api/approval-policies', { name: 'Everything', stages: STAGES, ...over })),
    /** By the maker. */
    draft: (over: Record<string, unknown> = {}) => story.campaign({ segmentId, ...over }),
    /** By the manager; `asked` must succeed. */
    ask,
    asked,
    say,
    yes: (by: ApiClient, approval: { id: string; campaignId: string }): Promise<any> => by.must(200, say(by, approval, 'approve')),
    /** By the manager. */
    launch: (id: string, verb = 'launch') => people.manager.post(`/api/campaigns/${id}/${verb}`),
  };
}

/** Where a refusal says that something is wrong. */
export function pathsOf({ body }: { body: any }): string[] {
  return body.errors.map(({ path }: { path: string }) => path);
}
