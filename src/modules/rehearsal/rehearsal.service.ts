import { Injectable } from '@nestjs/common';
import type { TenantContext } from '../identity/index.js';
import { contactsOf, endsOf, lastEnd, type Rehearsal } from './domain/report.js';
import { Simulation } from './domain/simulation.js';
import { RehearsalLoader, type LoadedRehearsal, type RehearsalRequest } from './rehearsal-loader.js';
import { RehearsalBusyError, RehearsalTooSlowError } from './rehearsal.errors.js';

/** Rehearsals at the same time: in a process, and of one tenant in it. */
const AT_ONCE = 2;
const BUDGET_SECONDS = 20;
/** Things that happen between two looks at the clock, and milliseconds between two turns of the event loop. */
const STRIDE = 100;
const SLICE_MS = 15;

/** What a campaign would do, without doing it: nothing is sent and nothing is written. */
@Injectable()
export class RehearsalService {
  private readonly running = new Set<string>();

  constructor(private readonly loader: RehearsalLoader) {}

  /**
   * The flow as it stands, on a clock of its own. The same request with the same seed gives the same answer as long as the data is the same. One
   * rehearsal of a tenant at a time, two in a process (`RehearsalBusyError`).
   */
  async rehearse(ctx: TenantContext, campaignId: string, request: RehearsalRequest): Promise<Rehearsal> {
    if (this.running.size >= AT_ONCE || this.running.has(ctx.tenantId)) throw new RehearsalBusyError();
    this.running.add(ctx.tenantId);
    try {
      const deadline = performance.now() + BUDGET_SECONDS * 1_000;
      const loaded = await this.loader.load(ctx, campaignId, request);
      const simulation = new Simulation(loaded.plan);
      let turnAt = performance.now();
      while (await simulation.run(STRIDE)) {
        const now = performance.now();
        if (now > deadline) throw new RehearsalTooSlowError(BUDGET_SECONDS);
        if (now - turnAt < SLICE_MS) continue;
        await new Promise(setImmediate);
        turnAt = performance.now();
      }
      return report(loaded, simulation);
    } finally {
      this.running.delete(ctx.tenantId);
    }
  }
}

function report({ plan, audience, warnings, nextContact }: LoadedRehearsal, simulation: Simulation): Rehearsal {
  const never = 'The send window lies wholly inside the quiet hours: messages never go out.';
  return {
    seed: plan.seed,
    startedAt: plan.startAt,
    endedAt: lastEnd(simulation),
    audience,
    ends: endsOf(simulation),
    steps: [...simulation.tally.steps.values()],
    contacts: contactsOf(simulation),
    nextContact,
    assumptions: plan.assumptions,
    warnings: simulation.hasStuckMail ? [...warnings, { code: 'window_never_opens', message: never }] : warnings,
  };
}
