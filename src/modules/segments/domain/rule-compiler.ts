import { compileAttribute } from './attribute-compiler.js';
import { HIT_SETTLES_MS, type EngagementRule, type EngagementType, type EventRule, type Rule } from './rule.js';
import type { SegmentDefinitions } from './segment-graph.js';
import { SqlParams, type SqlFragment } from './sql-fragment.js';

const HOUR_MS = 3_600_000;
const ALIAS = /^(?!rule_)[a-z_][a-z0-9_]{0,62}$/;
const TENANT_PARAM = /^\$[1-9][0-9]{0,4}(::uuid)?$/;

export interface CompileOptions {
  /** Alias of `contacts` in the statement around. Not beginning with `rule_`: those are the compiler's own. */
  contactAlias: string;
  /** Alias of `campaign_contacts`: engagement then means the emails of this enrolment and entry, else all emails of the contact. */
  enrollmentAlias?: string;
  /** Number of the first parameter the fragment may use. */
  firstParam: number;
  /** Where the statement around has the tenant id: `$1`. */
  tenantParam: string;
  now: Date;
}

interface Context extends CompileOptions {
  params: SqlParams;
  segments: SegmentDefinitions;
}

/**
 * A valid rule as a predicate over one row of `contacts`: true or false, never NULL, never an error at run time. Values and attribute names
 * are parameters; the text is made of constants alone. It looks at the rule only: deleted or unsubscribed contacts are the caller's affair.
 * `segments` holds every segment the rule refers to, directly or not, free of cycles (see `checkSegmentGraph`).
 */
export function compileRule(rule: Rule, segments: SegmentDefinitions, options: CompileOptions): SqlFragment {
  for (const alias of [options.contactAlias, options.enrollmentAlias]) {
    if (alias !== undefined && !ALIAS.test(alias)) throw new Error(`"${alias}" cannot be used as an alias`);
  }
  if (!TENANT_PARAM.test(options.tenantParam)) throw new Error('tenantParam must be a placeholder such as $1');
  const params = new SqlParams(options.firstParam);
  return { sql: node(rule, { ...options, params, segments }), params: params.values };
}

/** Membership of one saved segment, as `compileRule` does it. */
export function compileSegment(segmentId: string, segments: SegmentDefinitions, options: CompileOptions): SqlFragment {
  return compileRule({ type: 'segment', segmentId }, segments, options);
}

function node(rule: Rule, context: Context): string {
  if ('all' in rule) return group(rule.all, 'AND', 'true', context);
  if ('any' in rule) return group(rule.any, 'OR', 'false', context);
  if ('not' in rule) return `NOT ${node(rule.not, context)}`;
  const { contactAlias, params, tenantParam } = context;
  switch (rule.type) {
    case 'contact_attribute':
      return `(${compileAttribute(rule, contactAlias, params, context.now)})`;
    case 'lead_score':
      return `(${contactAlias}.lead_score >= ${params.add(rule.threshold, 'integer')})`;
    case 'email_opened':
    case 'email_clicked':
    case 'email_replied':
      return engagement(rule, context);
    case 'tag':
      return (
        `EXISTS (SELECT FROM contact_tags rule_tag WHERE rule_tag.tenant_id = ${tenantParam} ` +
        `AND rule_tag.contact_id = ${contactAlias}.id AND rule_tag.tag = ${params.add(rule.tag, 'text')})`
      );
    case 'segment':
      return membership(rule.segmentId.toLowerCase(), context);
    case 'event':
      return event(rule, context);
  }
}

function group(children: Rule[], operator: 'AND' | 'OR', empty: string, context: Context): string {
  if (children.length === 0) return `(${empty})`;
  return `(${children.map((child) => node(child, context)).join(` ${operator} `)})`;
}

function membership(segmentId: string, context: Context): string {
  const definition = context.segments.get(segmentId);
  if (!definition) throw new Error(`Segment ${segmentId} was not given to the compiler`);
  if (definition.type === 'dynamic') return node(definition.rules, context);
  return (
    `EXISTS (SELECT FROM segment_members rule_member WHERE rule_member.tenant_id = ${context.tenantParam} ` +
    `AND rule_member.segment_id = ${context.params.add(segmentId, 'uuid')} AND rule_member.contact_id = ${context.contactAlias}.id)`
  );
}

/** One look at an index where one event is enough; otherwise counting stops at the number asked for. */
function event({ name, atLeast = 1, withinDays }: EventRule, { contactAlias, tenantParam, params, now }: Context): string {
  const since =
    withinDays === undefined ? '' : ` AND rule_event.occurred_at >= ${params.add(hoursBefore(now, withinDays * 24), 'timestamptz')}`;
  const from =
    `FROM contact_events rule_event WHERE rule_event.tenant_id = ${tenantParam} AND rule_event.contact_id = ${contactAlias}.id ` +
    `AND rule_event.name = ${params.add(name, 'text')}${since}`;
  if (atLeast === 1) return `EXISTS (SELECT ${from})`;
  const wanted = params.add(atLeast, 'integer');
  return `((SELECT count(*) FROM (SELECT ${from} LIMIT ${wanted}) rule_events) >= ${wanted})`;
}

const FIRST_SEEN: Record<EngagementType, { byPeople: string; byAnything: string; event: string }> = {
  email_opened: { byPeople: 'first_human_opened_at', byAnything: 'first_opened_at', event: 'opened' },
  email_clicked: { byPeople: 'first_human_clicked_at', byAnything: 'first_clicked_at', event: 'clicked' },
  email_replied: { byPeople: 'replied_at', byAnything: 'replied_at', event: 'replied' },
};

/**
 * Without a window the ledger's first-seen columns answer; with one the events do, since the first open may be older than the last. A hit counts
 * as a person's once it has settled (`HIT_SETTLES_MS`).
 */
function engagement(rule: EngagementRule, context: Context): string {
  const { params, tenantParam, now } = context;
  const { byPeople, byAnything, event } = FIRST_SEEN[rule.type];
  const includeMachine = rule.includeMachine === true && rule.type !== 'email_replied';
  const mustSettle = !includeMachine && rule.type !== 'email_replied';
  const settled = mustSettle ? ` <= ${params.add(new Date(now.getTime() - HIT_SETTLES_MS), 'timestamptz')}` : null;
  const conditions: string[] = [];
  // The step in any of its versions: who got it before it was edited got it.
  if (rule.stepId !== undefined) {
    const step = params.add(rule.stepId, 'uuid');
    conditions.push(
      `rule_email.step_id = ANY (ARRAY(SELECT rule_line.id FROM campaign_steps rule_step JOIN campaign_steps rule_line ` +
        `ON rule_line.tenant_id = ${tenantParam} AND rule_line.lineage_id = rule_step.lineage_id WHERE rule_step.tenant_id = ${tenantParam} AND rule_step.id = ${step}))`,
    );
  }
  if (rule.withinHours === undefined) {
    conditions.push(`rule_email.${includeMachine ? byAnything : byPeople}${settled ?? ' IS NOT NULL'}`);
  } else {
    conditions.push(
      `EXISTS (SELECT FROM email_events rule_event WHERE rule_event.tenant_id = ${tenantParam} AND rule_event.email_id = rule_email.id ` +
        `AND rule_event.type = '${event}' AND rule_event.occurred_at >= ${params.add(hoursBefore(now, rule.withinHours), 'timestamptz')}` +
        `${includeMachine ? '' : ' AND NOT rule_event.is_machine'}${settled ? ` AND rule_event.occurred_at${settled}` : ''})`,
    );
  }
  return `EXISTS (SELECT ${emailsInScope(context)} AND ${conditions.join(' AND ')})`;
}

/** Both ways end in the unique key of `emails`, which begins with the enrolment. */
function emailsInScope({ contactAlias, enrollmentAlias, tenantParam }: Context): string {
  if (enrollmentAlias !== undefined) {
    return (
      `FROM emails rule_email WHERE rule_email.tenant_id = ${tenantParam} AND rule_email.enrollment_id = ${enrollmentAlias}.id ` +
      `AND rule_email.entry_number = ${enrollmentAlias}.entry_number`
    );
  }
  return (
    `FROM campaign_contacts rule_enrollment JOIN emails rule_email ON rule_email.tenant_id = ${tenantParam} ` +
    `AND rule_email.enrollment_id = rule_enrollment.id ` +
    `WHERE rule_enrollment.tenant_id = ${tenantParam} AND rule_enrollment.contact_id = ${contactAlias}.id`
  );
}

function hoursBefore(now: Date, hours: number): Date {
  return new Date(now.getTime() - hours * HOUR_MS);
}
