/** One step with its ways out; null among them ends the flow. */
export interface FunnelStep {
  id: string;
  ways: (string | null)[];
  /** Contacts who stand at this step, or ended here: completed the flow behind it, left, or failed. */
  here: number;
  /** How many entered, where the ledger knows (email steps); null otherwise. */
  entered: number | null;
}

interface Equation {
  whole: string;
  parts: string[];
  constant: number;
}

/**
 * How many contacts ever entered each step of a flow that nobody was moved into or out of and nobody began twice. The ledger knows it of email steps
 * only; of the others it follows from the flow, because whoever came in went on or is still there. Null where it does not follow: branches that meet
 * again without an email on either of them.
 */
export function enteredCounts(steps: readonly FunnelStep[], firstStepId: string | null): Map<string, number | null> {
  const known = new Map<string, number>();
  for (const { id, entered } of steps) if (entered !== null) known.set(`in ${id}`, entered);
  const equations = equationsOf(steps, firstStepId);
  let hasNews = true;
  while (hasNews) {
    hasNews = false;
    for (const equation of equations) hasNews = solve(equation, known) || hasNews;
  }
  return new Map(steps.map(({ id }) => [id, known.get(`in ${id}`) ?? null]));
}

/** Everybody who began is somewhere; a way that ends the flow leaves its people where they completed it, so it is no unknown. */
function equationsOf(steps: readonly FunnelStep[], firstStepId: string | null): Equation[] {
  const enrolled = steps.reduce((sum, { here }) => sum + here, 0);
  const into = new Map<string, string[]>(steps.map(({ id }) => [id, []]));
  const outOf = new Map<string, string[]>(steps.map(({ id }) => [id, []]));
  for (const { id, ways } of steps) {
    for (const target of new Set(ways)) {
      if (target === null) continue;
      into.get(target)!.push(`way ${id} ${target}`);
      outOf.get(id)!.push(`way ${id} ${target}`);
    }
  }
  return [
    ...steps.map(({ id }) => ({ whole: `in ${id}`, parts: into.get(id)!, constant: id === firstStepId ? enrolled : 0 })),
    ...steps.map(({ id, here }) => ({ whole: `in ${id}`, parts: outOf.get(id)!, constant: here })),
  ];
}

/** Works out the one unknown of an equation, if there is exactly one. */
function solve({ whole, parts, constant }: Equation, known: Map<string, number>): boolean {
  const unknown = [whole, ...parts].filter((name) => !known.has(name));
  if (unknown.length !== 1) return false;
  const sum = parts.reduce((total, name) => total + (known.get(name) ?? 0), constant);
  const value = unknown[0] === whole ? sum : (known.get(whole) ?? 0) - sum;
  // Below zero only if the rows contradict each other, which the ledger check reports.
  known.set(unknown[0], Math.max(0, value));
  return true;
}
