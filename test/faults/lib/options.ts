import { parseArgs } from 'node:util';

export interface FaultOptions {
  seed: number;
  isFull: boolean;
  /** Names of scenarios; empty: all. */
  only: string[];
  keep: boolean;
  verbose: boolean;
  /** Everybody in the audience of a scenario. */
  contacts: number;
  /** How often `random-kills` kills. */
  kills: number;
  list: boolean;
  /** Times a limit of the clock is multiplied by: a busy machine would measure itself. What must not happen at all is not affected. */
  patience: number;
}

const USAGE = `npm run faults -- [options]

  --only NAME[,NAME]  these scenarios alone (--list names them)
  --seed N            the faults of an earlier run again
  --full              100,000 contacts, 100 kills, 6 crashes of PostgreSQL
  --contacts N        another size
  --kills N           another number of kills
  --patience N        N times as long for what must be quick (CI: a machine that others use measures itself)
  --keep              leaves databases' logs and sink files where they are
  --verbose           what the processes say, as they say it
  --list              names the scenarios`;

export function optionsOf(argv: string[]): FaultOptions {
  const { values } = parseArgs({
    args: argv,
    options: {
      seed: { type: 'string' },
      only: { type: 'string' },
      contacts: { type: 'string' },
      kills: { type: 'string' },
      patience: { type: 'string', default: '1' },
      full: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const seed = values.seed === undefined ? (Date.now() ^ (process.pid << 16)) >>> 0 : Number(values.seed);
  const contacts = Number(values.contacts ?? (values.full ? 100_000 : 2_000));
  const kills = Number(values.kills ?? (values.full ? 100 : 20));
  const patience = Number(values.patience);
  if (!Number.isInteger(seed) || !Number.isInteger(contacts) || contacts < 100 || !(kills >= 1) || !(patience >= 1)) {
    console.error(USAGE);
    process.exit(2);
  }
  return {
    seed,
    contacts,
    kills,
    patience,
    isFull: values.full,
    keep: values.keep,
    verbose: values.verbose,
    list: values.list,
    only: values.only?.split(',').filter(Boolean) ?? [],
  };
}
