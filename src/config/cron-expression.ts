const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

interface Field {
  name: string;
  min: number;
  max: number;
  /** Names allowed instead of numbers; the first stands for `min`. */
  names?: string[];
}

const FIELDS: Field[] = [
  { name: 'second', min: 0, max: 59 },
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, names: MONTHS },
  { name: 'day of week', min: 0, max: 7, names: WEEKDAYS },
];

/**
 * What is wrong with a cron expression of five fields (or six, with seconds first), or null if nothing is. Checked when the process starts,
 * because the scheduler itself only finds out when it creates the job, long after people stopped looking.
 */
export function cronFault(expression: string): string | null {
  const parts = expression.trim().split(/\s+/);
  if (parts.length !== 5 && parts.length !== 6)
    return `has ${parts.length} field${parts.length === 1 ? '' : 's'}, a cron expression has five (minute hour day month weekday)`;
  const fields = FIELDS.slice(FIELDS.length - parts.length);
  for (const [i, part] of parts.entries()) {
    for (const item of part.split(',')) {
      if (!isItem(item, fields[i]))
        return `"${item}" is not a valid ${fields[i].name} (${fields[i].min}-${fields[i].max}, *, */n, a-b or a list)`;
    }
  }
  return null;
}

function isItem(item: string, field: Field): boolean {
  const match = /^(?:(\*)|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(item);
  if (!match) return false;
  const [, star, from, to, step] = match;
  if (step !== undefined && (Number(step) < 1 || Number(step) > field.max)) return false;
  if (star) return true;
  const low = value(from, field);
  const high = to === undefined ? low : value(to, field);
  return low >= field.min && high <= field.max && low <= high;
}

function value(text: string, field: Field): number {
  const named = field.names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return field.min + named;
  return /^\d+$/.test(text) ? Number(text) : NaN;
}
