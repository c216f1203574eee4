type Node = Record<string, unknown>;

const ENGAGEMENT = new Set(['email_opened', 'email_clicked', 'email_replied']);

/** The ids of the steps that a rule looks at ("opened the email of this step"), in lower case. */
export function ruleStepIds(rule: unknown): string[] {
  return leaves(rule).flatMap((leaf) => (typeof leaf.stepId === 'string' ? [leaf.stepId.toLowerCase()] : []));
}

/** Whether a rule looks at opens, clicks or replies. */
export function usesEngagement(rule: unknown): boolean {
  return leaves(rule).some((leaf) => ENGAGEMENT.has(leaf.type as string));
}

/** The same rule with its step ids replaced: for clones, and for refs in a flow that is saved at once. An id that `replace` does not know stays. */
export function mapRuleStepIds(rule: unknown, replace: (stepId: string) => string | undefined): unknown {
  if (Array.isArray(rule)) return rule.map((part) => mapRuleStepIds(part, replace));
  if (typeof rule !== 'object' || rule === null) return rule;
  const copy: Node = {};
  for (const [key, value] of Object.entries(rule)) {
    if (key === 'stepId' && typeof value === 'string') copy[key] = replace(value) ?? value;
    else if (key === 'all' || key === 'any' || key === 'not') copy[key] = mapRuleStepIds(value, replace);
    else copy[key] = value;
  }
  return copy;
}

function leaves(rule: unknown): Node[] {
  if (Array.isArray(rule)) return rule.flatMap(leaves);
  if (typeof rule !== 'object' || rule === null) return [];
  const { all, any, not } = rule as Node;
  const inner = [all, any, not].filter((part) => part !== undefined);
  return inner.length > 0 ? inner.flatMap(leaves) : [rule as Node];
}
