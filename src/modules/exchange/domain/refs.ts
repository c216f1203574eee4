import type { Problem } from '../../../shared/domain-error.js';
import type { CampaignFile, Fields, FileSegment } from './campaign-file.js';

/** What refers to something by its id, and the name of that field in a file. */
const IN_FILES = { segmentId: 'segmentRef', stepId: 'stepRef', templateId: 'templateRef', campaignId: 'campaign' } as const;
type IdField = keyof typeof IN_FILES;
/** Ids of steps that `PUT …/steps` has refs for. */
const EDGES = ['nextStepId', 'trueNextStepId', 'falseNextStepId', 'elseNextStepId'];
/** What cannot do without naming something, by its `type`. */
const NAMING: Record<string, 'segmentRef' | 'campaign'> = {
  segment: 'segmentRef',
  segment_entry: 'segmentRef',
  add_to_segment: 'segmentRef',
  remove_from_segment: 'segmentRef',
  enroll: 'campaign',
};

/** What each id is called in a file; an id that is missing is a mistake of the caller. */
export type Names = Record<Exclude<IdField, 'stepId'>, (id: string) => string>;
/** What each ref (or name of a campaign) stands for. Refs of steps stay: the flow is built by them. */
export type Ids = { [F in Exclude<IdField, 'stepId'> as (typeof IN_FILES)[F]]: ReadonlyMap<string, string> };

/** The value with refs for ids. Ids of steps are refs already (`toFlowItems`). */
export function withRefs(value: unknown, names: Names): unknown {
  return mapFields(value, (field, id) => {
    if (!Object.hasOwn(IN_FILES, field) || typeof id !== 'string') return null;
    const name = field === 'stepId' ? id : names[field as keyof Names](id.toLowerCase());
    return [IN_FILES[field as IdField], name];
  });
}

/** The value with ids for refs; refs that are not known stay as they are. */
export function withIds(value: unknown, ids: Ids): unknown {
  return mapFields(value, (field, ref, parent) => {
    if (typeof ref !== 'string') return null;
    if (field === 'stepRef') return ['stepId', ref];
    if (field === 'segmentRef' && ids.segmentRef.has(ref)) return ['segmentId', ids.segmentRef.get(ref)];
    if (field === 'templateRef' && ids.templateRef.has(ref)) return ['templateId', ids.templateRef.get(ref)];
    if (field === 'campaign' && parent.type === 'enroll' && ids.campaign.has(ref)) return ['campaignId', ids.campaign.get(ref)];
    return null;
  });
}

/** Every value of this field in the tree, in order, each once. */
export function valuesOf(field: string, value: unknown): string[] {
  const found = new Set<string>();
  visit(value, '', (object) => {
    const own = object[field];
    if (typeof own === 'string') found.add(own);
  });
  return [...found];
}

/** The names of campaigns that people are handed over to. */
export function targetsOf(value: unknown): string[] {
  const found = new Set<string>();
  visit(value, '', (object) => {
    if (object.type === 'enroll' && typeof object.campaign === 'string') found.add(object.campaign);
  });
  return [...found];
}

/** What is wrong with the refs of a file, by path: doubled or unknown ones, ids, segments that are part of themselves. */
export function refProblems({ campaign, steps, segments, templates }: CampaignFile): Problem[] {
  const known = {
    segmentRef: new Set(segments.map(({ ref }) => ref)),
    templateRef: new Set(templates.map(({ ref }) => ref)),
    stepRef: new Set(steps.map(({ ref }) => ref)),
  };
  const doubled = [...doubledValues(segments, 'segments', 'ref'), ...doubledValues(templates, 'templates', 'ref')];
  const parts: [string, unknown][] = [['campaign', campaign], ['steps', steps], ['segments', segments]]; // prettier-ignore
  const problems = parts.flatMap(([path, part]) => {
    const found: Problem[] = [];
    visit(part, path, (object, at) => found.push(...objectProblems(object, at, known)));
    return found;
  });
  if (doubled.length + problems.length > 0) return [...doubled, ...problems];
  const { circle } = inDependencyOrder(segments);
  if (circle === null) return doubledLists(segments);
  const message = 'The segment leads, directly or through others, to a segment that is part of itself.';
  return [{ path: `segments[${circle}].rules`, code: 'segment_cycle', message }];
}

/** Each segment behind those that its rules name; `circle` is the place of one that is part of itself. */
export function inDependencyOrder(segments: readonly FileSegment[]): { order: FileSegment[]; circle: number | null } {
  const byRef = new Map(segments.map((segment) => [segment.ref, segment]));
  const state = new Map<string, 'open' | 'done'>();
  const order: FileSegment[] = [];
  let circle: number | null = null;
  const place = (segment: FileSegment): void => {
    if (state.get(segment.ref) === 'open') circle ??= segments.indexOf(segment);
    if (state.has(segment.ref)) return;
    state.set(segment.ref, 'open');
    for (const ref of valuesOf('segmentRef', segment.rules)) if (byRef.has(ref)) place(byRef.get(ref)!);
    state.set(segment.ref, 'done');
    order.push(segment);
  };
  segments.forEach(place);
  return { order, circle };
}

/** Which segments and templates the campaign needs, those needed by needed segments included. */
export function neededRefs({ campaign, steps, segments }: CampaignFile): { segments: Set<string>; templates: Set<string> } {
  const rules = new Map(segments.map((segment) => [segment.ref, segment.rules]));
  const needed = new Set(valuesOf('segmentRef', [campaign, steps]));
  for (const ref of needed) for (const inner of valuesOf('segmentRef', rules.get(ref))) needed.add(inner);
  return { segments: needed, templates: new Set(valuesOf('templateRef', steps)) };
}

/** A path about ids in the words of a file. */
export function filePath(path: string): string {
  return path.replace(/(?<=^|\.)(segmentId|stepId|templateId|campaignId)$/, (field) => IN_FILES[field as IdField]);
}

type Known = Record<'segmentRef' | 'templateRef' | 'stepRef', ReadonlySet<unknown>>;

function objectProblems(object: Fields, path: string, known: Known): Problem[] {
  const problems: Problem[] = [];
  for (const field of [...Object.keys(IN_FILES), ...EDGES]) {
    if (object[field] === undefined || object[field] === null) continue;
    const instead = Object.hasOwn(IN_FILES, field) ? IN_FILES[field as IdField] : field.replace('StepId', 'Ref');
    problems.push({ path: `${path}.${field}`, code: 'id_in_file', message: `A file holds no ids: say ${instead} instead.` });
  }
  for (const field of ['segmentRef', 'templateRef', 'stepRef'] as const) {
    const ref = object[field];
    if (ref === undefined || ref === null || known[field].has(ref)) continue;
    const thing = field.replace('Ref', '');
    const message =
      typeof ref === 'string' ? `No ${thing} of this file has the ref "${ref}".` : `${field} is the ref of a ${thing} of this file.`;
    problems.push({ path: `${path}.${field}`, code: 'unknown_ref', message });
  }
  const needed = typeof object.type === 'string' && Object.hasOwn(NAMING, object.type) ? NAMING[object.type] : null;
  if (needed !== null && (typeof object[needed] !== 'string' || object[needed].trim() === '') && problems.length === 0) {
    const message =
      needed === 'campaign' ? 'campaign is the name of the campaign to enrol in.' : 'segmentRef is the ref of a segment of this file.';
    problems.push({ path: `${path}.${needed}`, code: 'required', message });
  }
  return problems;
}

function doubledValues<T extends object>(things: readonly T[], path: string, field: keyof T & string): Problem[] {
  const values = things.map((thing) => thing[field]);
  return values.flatMap((value, index): Problem[] => {
    if (values.indexOf(value) === index) return [];
    return [
      {
        path: `${path}[${index}].${field}`,
        code: 'doubled_ref',
        message: `Two of them have the ref "${String(value)}": each needs its own.`,
      },
    ];
  });
}

/** Lists are known by their names, so two of one name cannot be told apart. */
function doubledLists(segments: readonly FileSegment[]): Problem[] {
  const names = segments.map(({ type, name }) => (type === 'static' ? name : null));
  return names.flatMap((name, index): Problem[] => {
    if (name === null || names.indexOf(name) === index) return [];
    const message = `Two static segments are called "${name}": what is on them goes by the name, so each needs its own.`;
    return [{ path: `segments[${index}].name`, code: 'doubled_name', message }];
  });
}

/** Copies a tree; `map` may rename a field and replace its value. */
function mapFields(value: unknown, map: (field: string, value: unknown, parent: Fields) => [string, unknown] | null): unknown {
  if (Array.isArray(value)) return value.map((part) => mapFields(part, map));
  if (typeof value !== 'object' || value === null) return value;
  const parent = value as Fields;
  return Object.fromEntries(Object.entries(parent).map(([field, part]) => map(field, part, parent) ?? [field, mapFields(part, map)]));
}

function visit(value: unknown, path: string, look: (object: Fields, path: string) => void): void {
  if (Array.isArray(value)) return value.forEach((part, index) => visit(part, `${path}[${index}]`, look));
  if (typeof value !== 'object' || value === null) return;
  look(value as Fields, path);
  for (const [field, part] of Object.entries(value)) visit(part, `${path}.${field}`, look);
}
