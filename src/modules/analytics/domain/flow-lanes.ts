export interface LaneStep {
  id: string;
  /** Where its ways lead. */
  ways: string[];
}

/** One row of a flow drawn from top to bottom with its ways as lanes at the side, as histories of versions are drawn. */
export interface LaneRow {
  id: string;
  lane: number;
  /** Lanes that pass by. */
  through: number[];
  /** Lanes that end in this step, its own among them. */
  merges: number[];
  /** Lanes that begin here, besides its own. */
  splits: number[];
  /** Its own lane goes on. */
  goesOn: boolean;
}

/** Every step below all those that lead to it, the branches of a condition one after the other. Steps nobody gets to come last. */
export function layLanes(steps: readonly LaneStep[]): LaneRow[] {
  const lanes: (string | null)[] = [];
  const placed = new Set<string>();
  return inFlowOrder(steps).map(({ id, ways }) => {
    placed.add(id);
    const merges = lanes.flatMap((target, index) => (target === id ? [index] : []));
    for (const index of merges) lanes[index] = null;
    const lane = merges[0] ?? freeLane(lanes);
    const through = lanes.flatMap((target, index) => (target === null || index === lane ? [] : [index]));
    const [own, ...others] = [...new Set(ways)].filter((target) => !placed.has(target));
    lanes[lane] = own ?? null;
    const splits = others.map((target) => {
      const free = freeLane(lanes);
      lanes[free] = target;
      return free;
    });
    return { id, lane, through, merges, splits, goesOn: own !== undefined };
  });
}

function freeLane(lanes: (string | null)[]): number {
  const free = lanes.indexOf(null);
  return free === -1 ? lanes.push(null) - 1 : free;
}

function inFlowOrder(steps: readonly LaneStep[]): LaneStep[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const seen = new Set<string>();
  const visit = (root: LaneStep): LaneStep[] => {
    const finished: LaneStep[] = [];
    // A stack of its own: a flow of hundreds of steps is one long path.
    const stack = [{ step: root, left: [...root.ways] }];
    seen.add(root.id);
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      // The last way first, because the order is turned round in the end.
      const next = byId.get(top.left.pop() ?? '');
      if (next === undefined && top.left.length === 0) finished.push(stack.pop()!.step);
      else if (next && !seen.has(next.id)) {
        seen.add(next.id);
        stack.push({ step: next, left: [...next.ways] });
      }
    }
    return finished.reverse();
  };
  return steps.flatMap((step) => (seen.has(step.id) ? [] : visit(step)));
}
