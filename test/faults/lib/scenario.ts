import type { Balance } from './invariants.js';
import type { Ground } from './stage.js';
import { Stage, type StageSettings } from './stage.js';
import { Seeded, seedOf } from './random.js';

export interface Outcome {
  balance?: Balance;
  facts: string[];
}

/** One kind of fault, from an untouched database to the check that nothing was lost. Throws when something was. */
export interface Scenario {
  name: string;
  title: string;
  needsRedis?: boolean;
  /** It measures times, or breaks what others share: nothing else runs beside it. */
  isAlone?: boolean;
  run(ground: Ground): Promise<Outcome>;
}

/** Opens a stage, runs `work` on it and clears everything away, whatever happens. A failure says what the product complained of. */
export async function onStage(
  ground: Ground,
  settings: StageSettings,
  work: (stage: Stage) => Promise<Balance | undefined>,
): Promise<Outcome> {
  const stage = new Stage(ground, settings, new Seeded(seedOf(ground.options.seed, settings.name)));
  try {
    await stage.open();
    const balance = await work(stage);
    return { balance, facts: stage.facts };
  } catch (error) {
    const complaints = stage.fleet?.complaints() ?? [];
    const facts = stage.facts.map((fact) => `  · ${fact}`);
    const state = await stage.state().catch(() => 'the database does not answer');
    (error as Error).message +=
      `\n${[...facts, `  state: ${JSON.stringify(state)}`, ...complaints.map((line) => `  | ${line}`)].join('\n')}`;
    throw error;
  } finally {
    await stage.close();
  }
}
