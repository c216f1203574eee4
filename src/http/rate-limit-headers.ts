/** What an answer says about the limit its request counts for: the one nearest to the operation, its own before that of the credential. */
export const RATE_LIMIT_HEADERS = {
  'RateLimit-Limit': 'How many requests the window allows.',
  'RateLimit-Remaining': 'How many of them are left at the least: what other processes have set aside for this client counts as used.',
  'RateLimit-Reset': 'In how many seconds the window ends.',
};

/** Names under `components/headers` of the OpenAPI document. */
export const headerRefs = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

export const RETRY_AFTER = { description: 'In how many seconds to try again.', schema: { type: 'integer' as const, minimum: 1 } };
