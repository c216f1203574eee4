import { evaluateAttribute } from './attribute-evaluator.js';
import type { ContactFacts, EmailFacts } from './contact-facts.js';
import { HIT_SETTLES_MS, type EngagementRule, type Rule } from './rule.js';
import type { SegmentDefinitions } from './segment-graph.js';

const HOUR_MS = 3_600_000;

/**
 * Says what `compileRule`'s predicate says, over plain data: for rehearsals, and to test the compiler against. Differs only where the database
 * does: letters outside ASCII are folded by its locale.
 */
export function evaluateRule(rule: Rule, facts: ContactFacts, segments: SegmentDefinitions, now: Date): boolean {
  const evaluate = (child: Rule) => evaluateRule(child, facts, segments, now);
  if ('all' in rule) return rule.all.every(evaluate);
  if ('any' in rule) return rule.any.some(evaluate);
  if ('not' in rule) return !evaluate(rule.not);
  switch (rule.type) {
    case 'contact_attribute':
      return evaluateAttribute(rule, facts, now);
    case 'lead_score':
      return facts.leadScore >= rule.threshold;
    case 'email_opened':
    case 'email_clicked':
    case 'email_replied':
      return facts.emails.some((email) => isEngaged(rule, email, now));
    case 'tag':
      return facts.tags.includes(rule.tag);
    case 'segment': {
      const id = rule.segmentId.toLowerCase();
      const definition = segments.get(id);
      if (!definition) throw new Error(`Segment ${id} was not given to the evaluator`);
      return definition.type === 'dynamic' ? evaluate(definition.rules) : facts.staticSegments.has(id);
    }
    case 'event': {
      const since = rule.withinDays === undefined ? -Infinity : now.getTime() - rule.withinDays * 24 * HOUR_MS;
      const count = facts.events.filter(({ name, occurredAt }) => name === rule.name && occurredAt.getTime() >= since).length;
      return count >= (rule.atLeast ?? 1);
    }
  }
}

function isEngaged(rule: EngagementRule, email: EmailFacts, now: Date): boolean {
  if (rule.stepId !== undefined && email.stepId !== rule.stepId.toLowerCase()) return false;
  const includeMachine = rule.includeMachine === true && rule.type !== 'email_replied';
  const isSettled = (at: Date) => includeMachine || rule.type === 'email_replied' || now.getTime() - at.getTime() >= HIT_SETTLES_MS;
  if (rule.withinHours === undefined) {
    const seen = {
      email_opened: includeMachine ? email.firstOpenedAt : email.firstHumanOpenedAt,
      email_clicked: includeMachine ? email.firstClickedAt : email.firstHumanClickedAt,
      email_replied: email.repliedAt,
    };
    const at = seen[rule.type];
    return at !== null && isSettled(at);
  }
  const since = now.getTime() - rule.withinHours * HOUR_MS;
  const type = rule.type.replace('email_', '');
  return email.events.some(
    ({ type: told, occurredAt, isMachine }) =>
      told === type && occurredAt.getTime() >= since && (includeMachine || !isMachine) && isSettled(occurredAt),
  );
}
