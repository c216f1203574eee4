/** Places between two statements at which a test can make this process die. */
export const FAIL_POINT_NAMES = [
  'launch_before_commit',
  'launch_after_commit',
  'enroll_before_commit',
  'enroll_after_commit',
  'advance_before_commit',
  'advance_after_commit',
  'claim_before_commit',
  'after_claim',
  'before_fire',
  'fire_before_commit',
  'after_fire',
  'after_send',
  'before_finish',
  'finish_before_commit',
  'after_finish',
  'complete_before_commit',
  'ab_decide_before_commit',
  'ab_release_before_commit',
] as const;
export type FailPointName = (typeof FAIL_POINT_NAMES)[number];

/** At which hit of a point the process ends; none in normal operation. */
export type FailPoints = Readonly<Partial<Record<FailPointName, number>>>;

let armed: Map<FailPointName, number> | null = null;

/** From `FAIL_POINTS`, which the configuration refuses in production. */
export function armFailPoints(points: FailPoints): void {
  const entries = Object.entries(points) as [FailPointName, number][];
  armed = entries.length > 0 ? new Map(entries) : null;
}

/**
 * Nothing at all, unless this point is armed: then the process kills itself (SIGKILL, no handler runs, nothing is flushed) at the n-th hit and
 * the promise never settles, so that no statement behind it begins. Module state instead of an injected service: it stands in the innermost loops
 * and must cost nothing.
 */
export async function failPoint(name: FailPointName): Promise<void> {
  const left = armed?.get(name);
  if (left === undefined) return;
  if (left > 1) {
    armed?.set(name, left - 1);
    return;
  }
  process.kill(process.pid, 'SIGKILL');
  await new Promise<never>(() => undefined);
}
