/** How long a campaign is sent before others have their turn (I12), and how long it may go on while nobody else waits. */
export interface TurnBudget {
  maxMs: number;
  /** Ending a turn means to wait for all that is under way, which costs a tenth of the time; so it is asked before whether anybody gains by it. */
  mayGoOn?: () => Promise<boolean>;
}

/** Settings of the campaign and its account are read at the beginning of a turn, so none lasts longer than this many budgets. */
const MAX_EXTENSIONS = 4;

export class Turn {
  private until: number;
  private extensions = 0;

  constructor(private readonly budget: TurnBudget) {
    this.until = performance.now() + budget.maxMs;
  }

  async isOver(): Promise<boolean> {
    if (performance.now() <= this.until) return false;
    const { mayGoOn, maxMs } = this.budget;
    if (!mayGoOn || this.extensions === MAX_EXTENSIONS || !(await mayGoOn())) return true;
    this.extensions++;
    this.until = performance.now() + maxMs;
    return false;
  }
}
